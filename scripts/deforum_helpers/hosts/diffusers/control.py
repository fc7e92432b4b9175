"""ControlNet units: models by name, pictures made ready for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import diffusers
import numpy as np
import torch
from PIL import Image as PillowImage

from ...errors import EngineError
from ...ports import ControlUnit, Image
from .inpainting import resized
from .loading import Model
from .memory import Placement, engine_errors
from .names import find_weights
from .options import EngineOptions


def _canny(image: Image, unit: ControlUnit) -> Image:
    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), unit.threshold_a, unit.threshold_b)
    return np.asarray(cv2.merge([edges] * 3), dtype=np.uint8)


PREPROCESSORS: Mapping[str, Callable[[Image, ControlUnit], Image]] = {
    "none": lambda image, _unit: image,
    "canny": _canny,
    "invert": lambda image, _unit: 255 - image,
}
"""What can be made of a picture before it guides; anything else has to be made before."""


@dataclass(frozen=True, eq=False)
class Control:
    """What a pipeline with ControlNet is told on top."""

    pipe: Any
    arguments: Mapping[str, Any]


class ControlNets:
    """The ControlNet models of one model, loaded when first used and kept.

    Args:
        model: what they guide.
        options: where they lie.
        placement: where they compute.
    """

    def __init__(self, model: Model, options: EngineOptions, placement: Placement) -> None:
        self._model = model
        self._options = options
        self._placement = placement
        self._networks: dict[str, Any] = {}
        self._pipe: tuple[tuple[str, ...], Any] | None = None

    def control(self, units: Sequence[ControlUnit], init: Image | None, width: int, height: int) -> Control:
        """Pipeline and arguments for a picture of that size.

        Args:
            units: at least one.
            init: the picture to be diffused, for units without one of their own.
            width: pixels.
            height: pixels.

        Raises:
            EngineError: a model or a preprocessor is unknown, a picture is missing, or the model takes none.
        """
        if self._model.is_transformer:
            raise EngineError(
                f"ControlNet for {self._model.family} is not offered; take the units out of the settings."
            )
        names = tuple(unit.model for unit in units)
        networks = [self._network(name) for name in names]
        images = [self._image(unit, init, width, height) for unit in units]
        if self._pipe is None or self._pipe[0] != names:
            pipe = diffusers.AutoPipelineForText2Image.from_pipe(self._model.pipe, controlnet=networks)
            pipe.set_progress_bar_config(disable=True)
            self._pipe = (names, pipe)
        return Control(
            self._pipe[1],
            {
                "image": images,
                "controlnet_conditioning_scale": [float(unit.weight) for unit in units],
                "control_guidance_start": [float(unit.guidance_start) for unit in units],
                "control_guidance_end": [float(unit.guidance_end) for unit in units],
            },
        )

    def free(self) -> None:
        """Forget the networks; they are loaded again when they are used."""
        self._networks.clear()
        self._pipe = None

    def _network(self, name: str) -> Any:
        if name not in self._networks:
            path = find_weights(name, (self._options.controlnet_folder,), "ControlNet model", "--controlnet-dir")
            with torch.random.fork_rng(devices=[]), engine_errors(f"Loading the ControlNet model {path}"):
                self._networks[name] = self._load(path)
        return self._networks[name]

    def _load(self, path: Any) -> Any:
        kind, dtype = diffusers.ControlNetModel, self._placement.dtype
        if path.is_dir():
            network = kind.from_pretrained(str(path), torch_dtype=dtype, local_files_only=True)
        else:
            beside = path.with_suffix("")
            config = {"config": str(beside)} if (beside / "config.json").is_file() else {}
            if not config and not self._options.download:
                raise EngineError(f"{path} holds weights only; put its config.json into {beside}, or allow --download.")
            network = kind.from_single_file(
                str(path), torch_dtype=dtype, local_files_only=not self._options.download, **config
            )
        wanted, found = (n.config.cross_attention_dim for n in (self._model.denoiser, network))
        if wanted != found:
            raise EngineError(
                f"The ControlNet model {path.name} is made for another architecture: it reads texts of {found} values, "
                f"{self._model.name} ({self._model.family}) of {wanted}."
            )
        return network.eval().to(self._placement.device)

    @staticmethod
    def _image(unit: ControlUnit, init: Image | None, width: int, height: int) -> Any:
        make = PREPROCESSORS.get(unit.module.strip().casefold() or "none")
        if make is None:
            raise EngineError(
                f"ControlNet unit {unit.number}: there is no preprocessor {unit.module!r} here. Possible: "
                f"{', '.join(PREPROCESSORS)}; for others give pictures that are processed already, and none."
            )
        source = init if unit.image is None else unit.image
        if source is None:
            raise EngineError(f"ControlNet unit {unit.number} has no picture, and there is none to start from.")
        guide = make(fitted(source, unit.resize_mode, width, height), unit)
        if unit.mask is not None:
            # Black guides nothing.
            shown = fitted(np.dstack([unit.mask] * 3), unit.resize_mode, width, height)
            guide = np.where(shown < 128, np.uint8(0), guide)
        return PillowImage.fromarray(np.ascontiguousarray(guide))


def fitted(image: Image, mode: str, width: int, height: int) -> Image:
    """``image`` in the size of the frame: stretched, cut ("Inner Fit") or with its edge repeated ("Outer Fit")."""
    if mode.startswith("Just"):
        return resized(image, width, height)
    scales = width / image.shape[1], height / image.shape[0]
    scale = min(scales) if mode.startswith("Outer") else max(scales)
    w, h = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    scaled = resized(image, w, h)
    left, top = max((w - width) // 2, 0), max((h - height) // 2, 0)
    scaled = scaled[top : top + height, left : left + width]
    missing_w, missing_h = width - scaled.shape[1], height - scaled.shape[0]
    sides = ((missing_h // 2, missing_h - missing_h // 2), (missing_w // 2, missing_w - missing_w // 2), (0, 0))
    return np.ascontiguousarray(np.pad(scaled, sides, mode="edge"))
