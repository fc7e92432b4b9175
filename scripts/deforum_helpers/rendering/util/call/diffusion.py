"""The request for one diffusion, from the plan."""

from __future__ import annotations

from ....ports import DiffusionRequest, Image
from ...data.render_data import RenderData
from ...data.step.key_step import KeyStep


def diffusion_request(data: RenderData, key: KeyStep, init_image: Image | None) -> DiffusionRequest:
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
