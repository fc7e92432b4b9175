"""The diffusers engine: the port Diffuser on the library of Hugging Face."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np

from ...errors import EngineError, Finding
from ...ports import Diffused, DiffusionRequest
from ..requests import check_request, set_fields
from .loading import Model, find_model, find_vae, load_model, set_vae
from .memory import choose_placement, collect, engine_errors
from .options import EngineOptions, ignored_fields, ignored_of_control
from .painter import Painter
from .samplers import Choice, departures, resolve


class DiffusersEngine:
    """Implements the port Diffuser with the library diffusers.

    The model is loaded when the engine is made and stays; same request, same picture, on the same machine. Safe to
    share between threads, which take turns.

    Args:
        options: the model, where other files lie, where to compute.

    Attributes:
        findings: what there is to say since the engine was made, each thing once.

    Raises:
        EngineError: the model is not there or cannot be used; EngineMemoryError: there is no room for it.
    """

    name = "diffusers"

    def __init__(self, options: EngineOptions) -> None:
        self.findings: tuple[Finding, ...] = ()
        self._options = options
        self._placement = choose_placement(options.device, options.precision)
        self._lock = threading.Lock()
        self._asked = ("", "")
        self._open(options.model)

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """Make the picture of ``request``, H×W×3, uint8, RGB.

        Without ``init_image``, or with ``strength`` 0, all steps are done from noise; with ``strength`` 1 the init is
        answered as it is. Between, the last ``int((1 - strength)·steps) + 1`` steps are done, as A1111 does. Sides that
        the model cannot take are enlarged by repeating the edge, and cut again.

        Raises:
            EngineError: sizes differ, a name is unknown, or the model failed; the message says what to do.
            EngineMemoryError: it ran out of memory.
            EngineNaNError: latents or picture are no numbers.
        """
        check_request(request)
        if request.steps < 1:
            raise EngineError(f"The picture is to be made in {request.steps} steps; there must be 1 or more.")
        choice = resolve(request.sampler, request.scheduler)
        init, inpainting = request.init_image, request.inpainting
        denoising = 1.0 if init is None else min(max(1.0 - request.strength, 0.0), 1.0)
        with self._lock:
            self._switch(request)
            self._note(request, choice)
            if init is not None and (denoising == 0.0 or (inpainting is not None and not inpainting.mask.any())):
                image = np.array(init, order="C")
            else:
                with engine_errors("The diffusion"):
                    image = self._painter.paint(request, choice, denoising)
            return Diffused(image, self._used(request, choice, denoising))

    def free_memory(self) -> None:
        """Give back what can be had again: ControlNet models, LoRA files not in use, encoded prompts."""
        with self._lock:
            self._painter.free()
            collect(self._placement.device)

    def ignored(self, request: DiffusionRequest) -> tuple[str, ...]:
        """Fields set in ``request`` that the model in use does not heed."""
        of_units = {name for unit in request.control_units for name in ignored_of_control(unit)}
        return (*set_fields(request, ignored_fields(self._model.family)), *sorted(of_units))

    def _open(self, source: str) -> None:
        model, findings = load_model(source, self._options, self._placement)
        self._source = source
        self._model: Model = model
        self._painter = Painter(model, self._options, self._placement)
        self.findings += findings

    def _switch(self, request: DiffusionRequest) -> None:
        """Use the checkpoint and the VAE of the request."""
        asked = (request.checkpoint, request.vae)
        if asked == self._asked:
            return
        source = find_model(request.checkpoint, self._options) if request.checkpoint else self._source
        if source != self._source:
            before = self._source
            del self._model, self._painter  # there may be no room for two
            collect(self._placement.device)
            try:
                self._open(source)
            except Exception:
                self._open(before)
                raise
        if request.vae:
            set_vae(self._model, find_vae(request.vae, self._options), self._options, self._placement)
        self._asked = asked

    def _note(self, request: DiffusionRequest, choice: Choice) -> None:
        """Say, once, what comes out otherwise than it was asked for."""
        said = list(departures(choice, self._model.scheduler, request.ancestral_eta))
        of = f"{self._model.name} ({self._model.family})"
        # Settings always hold a pix2pix guidance, and the models it is for are not driven here.
        if fields := [name for name in self.ignored(request) if name != "pix2pix_cfg_scale"]:
            said.append(f"{of} does not heed: {', '.join(fields)}.")
        if self._model.is_transformer and any(sign in request.prompt for sign in ("(", "[", " AND ", "BREAK")):
            said.append(f"{of} reads prompts without their weights.")
        known = {finding.message for finding in self.findings}
        self.findings += tuple(Finding("note", text, "engine") for text in said if text not in known)

    def _used(self, request: DiffusionRequest, choice: Choice, denoising: float) -> Mapping[str, str | int | float]:
        used: dict[str, str | int | float] = {
            "Steps": request.steps,
            "Sampler": choice.sampler,
            "Schedule type": choice.schedule,
            "CFG scale": request.cfg_scale,
            "Seed": request.seed,
            "Size": f"{request.width}x{request.height}",
            "Model": self._model.name,
        }
        optional = {
            "VAE": self._model.vae or None,
            "Denoising strength": None if request.init_image is None else round(denoising, 6),
            "Clip skip": None if self._model.is_transformer else request.clip_skip,
            "Distilled CFG Scale": request.distilled_cfg_scale if self._model.family == "Flux" else None,
        }
        if request.subseed >= 0 and request.subseed_strength > 0:
            optional |= {"Variation seed": request.subseed, "Variation seed strength": request.subseed_strength}
        return used | {key: value for key, value in optional.items() if value is not None}
