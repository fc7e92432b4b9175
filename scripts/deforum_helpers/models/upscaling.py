"""Upscaling: the Real-ESRGAN networks (Wang et al. 2021), run by spandrel, which web UIs bring along.

A picture goes through the network in tiles with wide margins, so that memory does not grow with its size; where tiles
meet they fade into each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, RunError, SettingsError, first_line
from ..imaging.opencv import cv
from ..ports import Image
from .download import RemoteFile
from .inputs import check_image
from .torch_runtime import (
    Network,
    NetworkUser,
    check_packages,
    import_optional,
    opened,
    placements,
    random_state_kept,
    read_tensors,
)
from .weights import Opening, find_weights, weights_file

Float32 = NDArray[np.float32]

_INSTALL = "Install it with: pip install -r requirements-upscaling.txt"
_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
_TILE = 384
"""Pixels of a tile's sides, margins included."""
_MARGIN = 24
"""Pixels between the edge of a tile and the middle of the ramp over which its neighbour takes over: what changes a
pixel lies nearer than that, for realesr-animevideov3 strictly."""
_RAMP = 12


@dataclass(frozen=True)
class UpscalingModel:
    """A network that enlarges.

    Attributes:
        name: as in the settings.
        weights: its file.
        factors: enlargements that can be chosen, as in the settings.
    """

    name: str
    weights: RemoteFile
    factors: tuple[str, ...] = ("x4",)


UPSCALING_MODELS: tuple[UpscalingModel, ...] = (
    UpscalingModel(
        "realesr-animevideov3",
        RemoteFile(
            url=f"{_RELEASES}/v0.2.5.0/realesr-animevideov3.pth",
            sha256="b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
            size=2504012,
        ),
        ("x2", "x3", "x4"),
    ),
    UpscalingModel(
        "realesrgan-x4plus",
        RemoteFile(
            url=f"{_RELEASES}/v0.1.0/RealESRGAN_x4plus.pth",
            sha256="4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
            size=67040989,
        ),
    ),
    UpscalingModel(
        "realesrgan-x4plus-anime",
        RemoteFile(
            url=f"{_RELEASES}/v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth",
            sha256="f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
            size=17938799,
        ),
    ),
)


class Upscaler(NetworkUser):
    """A network that enlarges, loaded; not for several threads at a time.

    Args:
        name: of the network.
        network: takes 1×3×h×w in 0..1 and answers with a picture ``own`` times as large.
        own: factor of the network.
        factor: wanted; what the network makes is reduced to it.
        findings: what has to be said before it is used.
    """

    def __init__(self, name: str, network: Network, own: int, factor: int, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(network, findings)
        self.name = name
        self.factor = factor
        self._own = own

    def enlarge(self, image: Image) -> Image:
        """``image``, H×W×3 uint8 RGB, ``factor`` times as large.

        Raises:
            RunError: the network fails even on the CPU.
            ValueError: ``image`` is no such image.
        """
        check_image(image)
        height, width, _ = image.shape
        mixed = np.zeros((height * self.factor, width * self.factor, 3), np.float32)
        for row in _shares(height):
            for column in _shares(width):
                made = self._enlarged(image[row.part, column.part])
                made *= np.repeat(row.weights, self.factor)[:, None, None]
                made *= np.repeat(column.weights, self.factor)[None, :, None]
                mixed[row.times(self.factor), column.times(self.factor)] += made
        mixed *= 255
        mixed += np.float32(0.5)
        return np.clip(mixed, 0, 255, out=mixed).astype(np.uint8)

    def _enlarged(self, tile: Image) -> Float32:
        """A tile, enlarged: H×W×3 float32, about 0..1."""
        pixels = np.ascontiguousarray(tile.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255))
        made = np.ascontiguousarray(self._network(pixels)[0].transpose(1, 2, 0))
        if self._own == self.factor:
            return made
        size = (tile.shape[1] * self.factor, tile.shape[0] * self.factor)
        reduced: Float32 = cv.resize(made, size, interpolation=cv.INTER_AREA)
        return reduced


@dataclass(frozen=True, eq=False)
class _Share:
    """A tile's share of one side of a picture: from where to where it reaches, and how much each pixel of it counts."""

    begin: int
    end: int
    weights: Float32

    @property
    def part(self) -> slice:
        return slice(self.begin, self.end)

    def times(self, factor: int) -> slice:
        return slice(self.begin * factor, self.end * factor)


def _shares(side: int) -> tuple[_Share, ...]:
    """The tiles along a side; the weights of all that reach a pixel add up to 1."""
    if side <= _TILE:
        return (_Share(0, side, np.ones(side, np.float32)),)
    count = -(-(side - 2 * _MARGIN) // (_TILE - 2 * _MARGIN))
    begins = [round(index * (side - _TILE) / (count - 1)) for index in range(count)]
    weights = [_fade(begin, begin + _TILE, side) for begin in begins]
    total = np.zeros(side, np.float32)
    for begin, weight in zip(begins, weights, strict=True):
        total[begin : begin + _TILE] += weight
    return tuple(
        _Share(begin, begin + _TILE, weight / total[begin : begin + _TILE])
        for begin, weight in zip(begins, weights, strict=True)
    )


def _fade(begin: int, end: int, side: int) -> Float32:
    """Weight of each pixel of a tile: nothing in its margin, a ramp, then 1; also 1 at the edges of the picture."""
    here = np.arange(begin, end, dtype=np.float32) + np.float32(0.5)
    near = np.full(end - begin, np.inf, np.float32)
    if begin > 0:
        near = np.minimum(near, here - begin)
    if end < side:
        near = np.minimum(near, end - here)
    return np.clip((near - (_MARGIN - _RAMP / 2)) / _RAMP, 0, 1).astype(np.float32)


def upscaling_model(name: str) -> UpscalingModel:
    """The network of that name, in any case.

    Raises:
        SettingsError: there is none.
    """
    for model in UPSCALING_MODELS:
        if model.name.casefold() == name.strip().casefold():
            return model
    names = ", ".join(model.name for model in UPSCALING_MODELS)
    raise SettingsError(f"{name!r} is no upscale model; there are {names}.", key="r_upscale_model")


def upscale_factor(model: UpscalingModel, factor: str) -> int:
    """The number of a factor such as ``x2``.

    Raises:
        SettingsError: the network does not enlarge so.
    """
    wanted = factor.strip().casefold()
    if wanted not in model.factors:
        message = f"{model.name} only enlarges {', '.join(model.factors)}, not {factor}."
        raise SettingsError(message, key="r_upscale_factor")
    return int(wanted.removeprefix("x"))


def _folders(models: Path) -> tuple[Path, ...]:
    """Where a web UI keeps such weights: beside ``models/Deforum``."""
    return (models, *(models.absolute().parent / name for name in ("RealESRGAN", "ESRGAN")))


@contextmanager
def open_upscaler(name: str, factor: str, to: Opening) -> Iterator[Upscaler]:
    """Load a network; its memory is freed at the end, also after an error.

    Args:
        name: value of the setting ``r_upscale_model``.
        factor: value of the setting ``r_upscale_factor``.
        to: how.

    Raises:
        SettingsError: there is no such network, or it does not enlarge so.
        RunError: PyTorch or spandrel is missing, or the weights are.
    """
    model = upscaling_model(name)
    times = upscale_factor(model, factor)
    check_packages(model.name, ("torch", "spandrel"), _INSTALL)
    torch, spandrel = (import_optional(package, model.name, _INSTALL) for package in ("torch", "spandrel"))
    ladder, findings = placements(to.device)
    path = weights_file(model.weights, _folders(to.models_folder), to)
    loaded = _load(torch, spandrel, path)
    network = Network(model.name, loaded.model, ladder, lambda made: made, to.memory)
    with opened(network):
        yield Upscaler(model.name, network, int(loaded.scale), times, findings)


def _load(torch: Any, spandrel: Any, path: Path) -> Any:
    """The network of the weights in ``path``, as spandrel describes it."""
    try:
        held = read_tensors(torch, path)
        weights = next((held[key] for key in ("params_ema", "params") if key in held), held)
        with random_state_kept():
            loaded = spandrel.ModelLoader(device="cpu").load_from_state_dict(weights)
    except Exception as error:
        raise RunError(f"The network in {path} cannot be read: {first_line(error)}") from error
    if (loaded.input_channels, loaded.output_channels) != (3, 3) or int(loaded.scale) < 1:
        raise RunError(f"The network in {path} does not enlarge colour pictures.")
    loaded.model.float()
    return loaded


def check_upscaling(name: str, factor: str, models_folder: Path | None = None) -> None:
    """See whether a network could be loaded, without loading anything.

    Args:
        name: value of the setting ``r_upscale_model``.
        factor: value of the setting ``r_upscale_factor``.
        models_folder: ``models/Deforum`` where the weights have to be; None if they may be fetched.

    Raises:
        SettingsError: there is no such network, or it does not enlarge so.
        RunError: a package or file is missing; says how to get it.
    """
    model = upscaling_model(name)
    upscale_factor(model, factor)
    check_packages(model.name, ("torch", "spandrel"), _INSTALL)
    if models_folder is not None:
        find_weights(model.weights, _folders(models_folder))
