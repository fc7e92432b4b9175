"""One picture with a loaded model.

Every picture, with or without an init, mask or ControlNet, is made by the text-to-image pipeline of the model's family.
What makes it img2img are the latents it starts from and the step it starts at, as A1111 has it; what makes it
inpainting are latents outside the mask that are put back after each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...ports import DiffusionRequest, Image, Inpainting, Mask
from .control import ControlNets
from .guidance import Guide
from .inpainting import on_latents, put_back, region_to_diffuse, resized, smeared
from .loading import Model
from .memory import Placement
from .networks import Networks
from .noise import starting_noise
from .options import EngineOptions
from .pictures import decode, encode, grain, latent_shape, packed, padded, unpacked, vae_precision
from .prompts import Conditions, PromptEncoder
from .samplers import Choice, FixedSchedule, executed_steps, make_scheduler, set_steps
from .syntax import plain_text, read_prompt, split_networks

_FLUX_GUIDANCE = 3.5
"""Distilled guidance where none is set, the one Flux was made with."""


@dataclass(frozen=True, eq=False)
class _Canvas:
    """What is diffused; its sides are multiples of what the model needs.

    Attributes:
        init: the picture it starts from, or None.
        mask: what of it is repainted, None for all.
        denoising: above 0, to 1.
    """

    width: int
    height: int
    init: Image | None
    mask: Mask | None
    denoising: float


@dataclass(frozen=True, eq=False)
class _Start:
    """Latents 1×C×h×w, float32 on the CPU.

    Attributes:
        noise: as strong as the sampler's unit.
        clean: of the init, or None.
        mask: 1 where latents are repainted, or None for all of them.
        surroundings: for UNets of 9 channels, or None.
        source: random numbers for the steps.
    """

    noise: Any
    clean: Any
    mask: Any
    surroundings: Any
    source: Any


class Painter:
    """Makes pictures with one model, and keeps what helps to make the next one.

    Args:
        model: loaded and placed.
        options: where networks lie.
        placement: where it computes.
    """

    def __init__(self, model: Model, options: EngineOptions, placement: Placement) -> None:
        self._model = model
        self._networks = Networks(model, options)
        self._prompts = PromptEncoder(model, self._networks)
        self._controls = ControlNets(model, options, placement)

    def paint(self, request: DiffusionRequest, choice: Choice, denoising: float) -> Image:
        """The picture of ``request``.

        Args:
            request: checked.
            choice: its sampler and schedule.
            denoising: above 0, to 1.

        Raises:
            EngineError: as the engine's ``diffuse``.
        """
        init, inpainting = request.init_image, request.inpainting
        with torch.no_grad(), torch.backends.cudnn.flags(deterministic=True, benchmark=False):
            if init is None or inpainting is None:
                return self._painted(request, choice, init, None, denoising)
            region = region_to_diffuse(inpainting)
            source, mask = (
                resized(np.ascontiguousarray(region.of(a)), request.width, request.height)
                for a in (init, inpainting.mask)
            )
            if inpainting.fill == "fill":
                source = smeared(source, mask)
            painted = self._painted(request, choice, source, mask, denoising)
        return put_back(init, painted, inpainting, region)

    def free(self) -> None:
        """Give back what can be had again."""
        self._controls.free()
        self._networks.free()
        self._prompts.forget()

    def _painted(
        self, request: DiffusionRequest, choice: Choice, init: Image | None, mask: Mask | None, denoising: float
    ) -> Image:
        """A picture of the size asked for, diffused in one that the model can take."""
        unit = grain(self._model)
        init, mask = (None if array is None else padded(array, unit) for array in (init, mask))
        width, height = (side + -side % unit for side in (request.width, request.height))
        canvas = _Canvas(width, height, init, mask, denoising)
        with _tiled(self._model, on=request.tiling):
            with vae_precision(self._model, full=request.vae_full_precision):
                start = self._start(request, canvas)
            latents = self._denoised(request, choice, canvas, start)
            with vae_precision(self._model, full=request.vae_full_precision):
                image = decode(self._model, latents)
        return np.ascontiguousarray(image[: request.height, : request.width])

    def _start(self, request: DiffusionRequest, canvas: _Canvas) -> _Start:
        model = self._model
        shape = latent_shape(model, canvas.width, canvas.height)
        scale = int(model.pipe.vae_scale_factor)
        resize_from = (request.seed_resize[0] // scale, request.seed_resize[1] // scale)
        noise, source = starting_noise(shape, request.seed, request.subseed, request.subseed_strength, resize_from)
        mask = (
            None if canvas.mask is None else torch.from_numpy(on_latents(canvas.mask, shape[2], shape[1]))[None, None]
        )
        clean = None
        if canvas.init is not None:
            clean = _filled(encode(model, canvas.init), mask, noise, request.inpainting)
            noise = noise if request.noise_multiplier is None else noise * request.noise_multiplier
        return _Start(noise, clean, mask, self._surroundings(canvas, mask, shape), source)

    def _surroundings(self, canvas: _Canvas, mask: Any, shape: tuple[int, int, int]) -> Any:
        """Mask and masked picture for a UNet of 9 channels, else None."""
        model = self._model
        if model.is_transformer or int(model.denoiser.config.in_channels) != shape[0] + 1 + shape[0]:
            return None
        hidden = np.full((canvas.height, canvas.width, 3), 127, np.uint8)
        if canvas.init is not None and canvas.mask is not None:
            hidden[canvas.mask <= 127] = canvas.init[canvas.mask <= 127]
        everywhere = torch.ones(1, 1, *shape[1:])
        return torch.cat([everywhere if mask is None else mask, encode(model, hidden)], dim=1)

    def _denoised(self, request: DiffusionRequest, choice: Choice, canvas: _Canvas, start: _Start) -> Any:
        """The latents after the last step."""
        model = self._model
        arguments, conditions = self._text(request)
        pipe = model.pipe
        if request.control_units:
            control = self._controls.control(request.control_units, canvas.init, canvas.width, canvas.height)
            pipe, arguments = control.pipe, {**arguments, **control.arguments}
        schedule = self._schedule(request, choice, canvas)
        noise, clean, mask = (self._at_home(tensor) for tensor in (start.noise, start.clean, start.mask))
        guide = Guide(model.denoiser, conditions, start.surroundings)

        def after_step(_pipe: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            guide.step = (step + 1) // schedule.order
            latents = tensors["latents"]
            if mask is not None:
                kept = schedule.noised(clean, noise, step + 1).to(latents)
                latents = latents * mask + kept * (1 - mask)
            return {"latents": latents}

        first = noise * schedule.first_sigma if canvas.denoising >= 1.0 else schedule.noised(clean, noise)
        with guide.attached(), _scheduled(pipe, schedule):
            latents = pipe(
                width=canvas.width,
                height=canvas.height,
                num_inference_steps=request.steps,
                latents=first.to(noise),
                generator=start.source,
                output_type="latent",
                callback_on_step_end=after_step,
                callback_on_step_end_tensor_inputs=["latents"],
                **arguments,
            ).images
        return unpacked(model, latents, canvas.width, canvas.height)

    def _schedule(self, request: DiffusionRequest, choice: Choice, canvas: _Canvas) -> FixedSchedule:
        model = self._model
        scheduler = make_scheduler(choice, model.scheduler, request.ancestral_eta)
        _, height, width = latent_shape(model, canvas.width, canvas.height)
        set_steps(scheduler, request.steps, model.device, height * width // 4)
        done = request.steps if canvas.denoising >= 1.0 else executed_steps(request.steps, canvas.denoising)
        return FixedSchedule(scheduler, request.steps - done)

    def _at_home(self, latents: Any) -> Any:
        """Latents or their mask where and how the denoiser takes them."""
        if latents is None:
            return None
        whole = latents.expand(-1, latent_shape(self._model, 8, 8)[0], -1, -1)
        return packed(self._model, whole).to(device=self._model.device, dtype=self._model.dtype)

    def _text(self, request: DiffusionRequest) -> tuple[dict[str, Any], Conditions | None]:
        """What the pipeline is told of the prompts, and conditions where it cannot be told all."""
        prompt, networks = split_networks(request.prompt)
        negative, _ = split_networks(request.negative_prompt)
        self._networks.use(networks)
        if self._model.is_transformer:
            return self._plainly(request, prompt, negative), None
        self._networks.learn(f"{prompt} {negative}")
        conditions = self._prompts.conditions(prompt, negative, request.steps, request.clip_skip)
        positive, opposite = conditions.positive[0][0][1], conditions.negative[0]
        # Parts of a prompt are mixed against the negative one, so the pipeline must ask for that.
        scale = request.cfg_scale if conditions.is_plain else max(request.cfg_scale, 1.0 + 1e-6)
        arguments = {
            "guidance_scale": scale,
            "eta": request.ddim_eta or 0.0,
            "prompt_embeds": positive.words,
            "negative_prompt_embeds": opposite.words,
        }
        if self._model.family == "SDXL":
            arguments |= {"pooled_prompt_embeds": positive.whole, "negative_pooled_prompt_embeds": opposite.whole}
        return arguments, None if conditions.is_plain else conditions

    def _plainly(self, request: DiffusionRequest, prompt: str, negative: str) -> dict[str, Any]:
        words, opposite = (
            " ".join(plain_text(part.steps[0]) for part in read_prompt(text, 1)) for text in (prompt, negative)
        )
        if self._model.family == "Flux":
            distilled = request.distilled_cfg_scale
            return {"prompt": words, "guidance_scale": _FLUX_GUIDANCE if distilled is None else distilled}
        return {"prompt": words, "negative_prompt": opposite, "guidance_scale": request.cfg_scale}


def _filled(clean: Any, mask: Any, noise: Any, inpainting: Inpainting | None) -> Any:
    """Latents with their masked part replaced, if it is to hold noise or nothing."""
    if mask is None or inpainting is None or inpainting.fill not in ("latent noise", "latent nothing"):
        return clean
    return clean * (1 - mask) + (noise * mask if inpainting.fill == "latent noise" else 0.0)


@contextmanager
def _scheduled(pipe: Any, schedule: FixedSchedule) -> Iterator[None]:
    """``pipe`` with this schedule meanwhile."""
    before = pipe.scheduler
    pipe.scheduler = schedule
    try:
        yield
    finally:
        pipe.scheduler = before


@contextmanager
def _tiled(model: Model, *, on: bool) -> Iterator[None]:
    """Convolutions that go on at the opposite edge meanwhile, so that pictures can be laid side by side."""
    networks = (model.denoiser, model.pipe.vae) if on else ()
    layers = [m for network in networks for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    before = [layer.padding_mode for layer in layers]
    for layer in layers:
        layer.padding_mode = "circular"
    try:
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.padding_mode = mode
