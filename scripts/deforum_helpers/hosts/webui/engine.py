"""Diffusing with the checkpoint of the web UI this runs in."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np

from ...errors import EngineError, Interrupted
from ...ports import Control, Diffused, DiffusionRequest, Fill, Image
from .borrowed import borrowed
from .canvas import canvas_size, check_request, from_canvas, on_canvas
from .control import WebuiControl, interrupted
from .controlnet import control_scripts, controlnet_errors
from .failures import engine_errors
from .host import Host, accepts, open_host
from .infotext import parse_infotext
from .samplers import resolve_sampler, sampler_names, scheduler_names
from .verbose import logged
from .vram import WebuiMemory
from .weights import Weights

_LOG = logging.getLogger(__name__)
_FILLS: tuple[Fill, ...] = ("fill", "original", "latent noise", "latent nothing")
"""In the order of the web UI's own list."""


@contextmanager
def webui_engine(
    host: Host | None = None, control: Control | None = None, memory: WebuiMemory | None = None
) -> Iterator[WebuiDiffuser]:
    """The engine for one run; its end gives the web UI its own checkpoint and VAE back.

    The caller holds the web UI's queue lock (``session.webui_job``, or a handler that the web UI has wrapped).

    Args:
        host: the web UI; None for the one this runs in.
        control: of the run, asked when a diffusion was broken off by the web UI's Skip, which pauses.
        memory: where the run's networks find room beside the web UI's model.
    """
    engine = WebuiDiffuser(host or open_host(), control, memory)
    try:
        yield engine
    finally:
        engine.close()


class WebuiDiffuser:
    """A ``ports.Diffuser`` over ``modules.processing``.

    Pictures of any size are made: the web UI diffuses the next multiples of eight, and the rest is cut off. At strength
    1 all of the init image stays, so that nothing is diffused. Where the mask is 0 the init image stays bit for bit.

    Args:
        host: the web UI.
        control: of the run; None for one that hears the web UI's buttons only.
        memory: shared with the run's networks; None where there are none.
    """

    def __init__(self, host: Host, control: Control | None = None, memory: WebuiMemory | None = None) -> None:
        self.name: str = host.kind
        self._host = host
        self._control = control or WebuiControl(host.state)
        self._memory = memory or WebuiMemory(host)
        self._weights = Weights(host)
        self._controlled = False

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """As the port says.

        Raises:
            EngineError: of its kinds; the message says what to do.
            Interrupted: the web UI's Interrupt was pressed; the unfinished picture is dropped.
        """
        check_request(request)
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("frame %s: %s", request.frame, _asked(request))
        init, inpainting = request.init_image, request.inpainting
        nothing_to_do = request.strength >= 1.0 or (inpainting is not None and not inpainting.mask.any())
        if init is not None and nothing_to_do:
            return Diffused(init.copy())
        with engine_errors(), self._memory.diffusing():
            self._weights.use(request.checkpoint, request.vae)
            # Asking loads it; Forge loads its own when it makes a picture, and has none until then.
            if self._host.loader is None and self._host.shared.sd_model is None:
                raise EngineError("The web UI could not load its checkpoint; its console says why. Choose another one.")
            with logged(f"frame {request.frame}: diffusing"):
                image, used = self._finished(request)
            _LOG.debug("frame %s: made with %s", request.frame, used)
        if init is not None and inpainting is not None:
            image = np.where(inpainting.mask[..., None] == 0, init, image)
        return Diffused(np.ascontiguousarray(image), used)

    def free_memory(self) -> None:
        """Move networks and checkpoint out of the graphics memory, and empty caches."""
        self._memory.free()

    def close(self) -> None:
        """Give the web UI its own checkpoint and VAE back."""
        with engine_errors():
            self._memory.close()
            self._weights.restore()

    def _finished(self, request: DiffusionRequest) -> tuple[Image, dict[str, str | int | float]]:
        """Diffuse until a picture is done: one that was broken off by a pause is begun again after it."""
        state = self._host.state
        while True:
            with borrowed(self._host, _options(request)):
                done = self._process(request)
            if interrupted(state):
                raise Interrupted("Stopped by the web UI's Interrupt.")
            if not state.skipped:
                break
            if self._control.should_stop():
                raise Interrupted("Stopped by the web UI's Interrupt.")
            state.skipped = False
        if not done.images:
            raise EngineError("The web UI gave back no picture; its console says why.")
        first = done.index_of_first_image
        picture = from_canvas(done.images[first], request)
        return picture, parse_infotext(done.infotexts[first] if len(done.infotexts) > first else done.info)

    def _process(self, request: DiffusionRequest) -> Any:
        processing = self._host.processing
        from_init = request.init_image is not None
        kind = processing.StableDiffusionProcessingImg2Img if from_init else processing.StableDiffusionProcessingTxt2Img
        values = {**self._common(request), **(_img2img(request) if from_init else {})}
        if request.distilled_cfg_scale is not None and accepts(kind, "distilled_cfg_scale"):
            values["distilled_cfg_scale"] = request.distilled_cfg_scale
        job = kind(**values)
        if self._host.rng is not None:
            # The VAE draws from the global state when it encodes, which is left over from the picture before.
            self._host.rng.manual_seed(request.seed)
        runner = control_scripts(self._host, request, after_others=self._controlled)
        if runner is None:
            # None would do, but reForge takes for granted that there is one.
            job.scripts, job.script_args = self._host.scripts.ScriptRunner(), []
            return processing.process_images(job)
        self._controlled = True
        job.scripts, job.script_args = runner
        with controlnet_errors(self._host):
            return processing.process_images(job)

    def _common(self, request: DiffusionRequest) -> dict[str, Any]:
        host = self._host
        schedulers = scheduler_names(host.sd_schedulers)
        sampler, scheduler = resolve_sampler(
            request.sampler, request.scheduler, sampler_names(host.sd_samplers), schedulers
        )
        width, height = canvas_size(request)
        varied = request.subseed >= 0
        return {
            "sd_model": host.shared.sd_model,
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "seed": request.seed,
            "subseed": request.subseed if varied else 0,
            "subseed_strength": request.subseed_strength if varied else 0.0,
            "seed_resize_from_w": request.seed_resize[0],
            "seed_resize_from_h": request.seed_resize[1],
            "sampler_name": sampler,
            **({"scheduler": scheduler} if schedulers else {}),
            "steps": request.steps,
            "cfg_scale": request.cfg_scale,
            "width": width,
            "height": height,
            "batch_size": 1,
            "n_iter": 1,
            "restore_faces": request.restore_faces,
            "tiling": request.tiling,
            "do_not_save_samples": True,
            "do_not_save_grid": True,
        }


def _asked(request: DiffusionRequest) -> dict[str, object]:
    """What a request says, for the log: pictures by their size, and nothing that is as always."""
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    usual = {field.name: field.default for field in fields(request)}
    told = {name: getattr(value, "shape", value) for name, value in values.items() if value is not usual[name]}
    return {name: value for name, value in told.items() if value not in (None, (), usual[name])}


def _img2img(request: DiffusionRequest) -> dict[str, Any]:
    assert request.init_image is not None  # noqa: S101 - for the type checker
    values: dict[str, Any] = {
        "init_images": [on_canvas(request.init_image, request)],
        "resize_mode": 0,
        "denoising_strength": 1.0 - request.strength,
        "image_cfg_scale": request.pix2pix_cfg_scale,
    }
    if request.inpainting is not None:
        values.update(
            mask=on_canvas(request.inpainting.mask, request, edge=False),
            mask_blur=request.inpainting.blur,
            inpainting_fill=_FILLS.index(request.inpainting.fill),
            inpaint_full_res=request.inpainting.full_res,
            inpaint_full_res_padding=request.inpainting.padding,
            inpainting_mask_invert=0,
        )
    return values


def _options(request: DiffusionRequest) -> Mapping[str, object]:
    """Options of the web UI that this picture needs."""
    wanted: dict[str, object | None] = {
        "img2img_fix_steps": False,
        "img2img_color_correction": False,
        "overlay_inpaint": True,
        "CLIP_stop_at_last_layers": request.clip_skip,
        "eta_ddim": request.ddim_eta,
        "eta_ancestral": request.ancestral_eta,
        "initial_noise_multiplier": request.noise_multiplier,
        "auto_vae_precision": True if request.vae_full_precision else None,
        "auto_vae_precision_bfloat16": False if request.vae_full_precision else None,
    }
    return {key: value for key, value in wanted.items() if value is not None}
