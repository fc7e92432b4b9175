"""The request for one diffusion, from the plan."""

from __future__ import annotations

from collections.abc import Iterator

from ....imaging.opencv import cv
from ....ports import ControlUnit, DiffusionRequest, Image
from ...data.inputs import Inputs
from ...data.render_data import RenderData
from ...data.step.key_step import KeyStep
from .masks import inpainting


def diffusion_request(data: RenderData, inputs: Inputs, key: KeyStep, init_image: Image | None) -> DiffusionRequest:
    """What to diffuse at ``key``, starting from ``init_image`` (None: from nothing)."""
    run = data.settings.run
    return DiffusionRequest(
        width=data.width,
        height=data.height,
        prompt=key.prompt,
        negative_prompt=key.negative_prompt,
        seed=key.seed,
        subseed=key.subseed,
        subseed_strength=key.subseed_strength,
        steps=key.steps,
        cfg_scale=key.cfg_scale,
        sampler=key.sampler,
        scheduler=key.scheduler,
        strength=key.strength,
        init_image=init_image,
        inpainting=inpainting(data, inputs, key, init_image) if init_image is not None else None,
        control_units=tuple(_control_units(data, inputs, key)),
        checkpoint=key.checkpoint,
        clip_skip=key.clip_skip,
        ddim_eta=key.ddim_eta,
        ancestral_eta=key.ancestral_eta,
        noise_multiplier=key.noise_multiplier,
        pix2pix_cfg_scale=key.pix2pix_cfg_scale,
        tiling=run.tiling,
        restore_faces=run.restore_faces,
        seed_resize=(run.seed_resize_from_w, run.seed_resize_from_h),
        frame=key.index,
    )


def _control_units(data: RenderData, inputs: Inputs, key: KeyStep) -> Iterator[ControlUnit]:
    for step in key.control:
        unit, source = data.settings.controlnet[step.number - 1], inputs.control.get(step.number)
        mask = inputs.control_masks.get(step.number)
        yield ControlUnit(
            number=step.number,
            module=unit.module,
            model=unit.model,
            image=source.frame(key.index) if source is not None else None,
            weight=step.weight,
            guidance_start=step.guidance_start,
            guidance_end=step.guidance_end,
            processor_res=int(unit.processor_res),
            threshold_a=float(unit.threshold_a),
            threshold_b=float(unit.threshold_b),
            resize_mode=unit.resize_mode,
            control_mode=unit.control_mode,
            low_vram=unit.low_vram,
            pixel_perfect=unit.pixel_perfect,
            mask=cv.cvtColor(mask.frame(key.index), cv.COLOR_RGB2GRAY) if mask is not None else None,
        )
