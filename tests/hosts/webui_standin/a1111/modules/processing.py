"""Pictures of the preview engine, asked for in the web UI's way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.ports import DiffusionRequest

from . import sd_models, shared

asked = []
"""Every job, with the options it was made with."""
meanwhile = []
"""Called once each while a job is at work."""


@dataclass
class StableDiffusionProcessing:
    sd_model: object = None
    prompt: str = ""
    negative_prompt: str = ""
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str = None
    scheduler: str = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool = None
    tiling: bool = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    scripts: Any = field(default=None, init=False)
    script_args: Any = field(default=None, init=False)


@dataclass
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    pass


@dataclass
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    init_images: list = None
    resize_mode: int = 0
    denoising_strength: float = 0.75
    image_cfg_scale: float = None
    mask: Any = None
    mask_blur: int = None
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0


class Processed:
    def __init__(self, p, images_list, info=""):
        self.images = images_list
        self.info = info
        self.infotexts = [info] * len(images_list)
        self.index_of_first_image = 0


def process_images(p):
    assert p.width % 8 == 0
    assert p.height % 8 == 0
    sd_models.reload_model_weights()
    shared.state.skipped = False
    asked.append((p, dict(shared.opts.data)))
    if meanwhile:
        meanwhile.pop(0)()
    if shared.state.interrupted:
        return Processed(p, [])
    init = getattr(p, "init_images", None)
    request = DiffusionRequest(
        p.width,
        p.height,
        p.prompt,
        p.negative_prompt,
        seed=p.seed,
        steps=p.steps,
        strength=1 - p.denoising_strength if init else 0.0,
        init_image=np.array(init[0]) if init else None,
    )
    picture = PIL.Image.fromarray(PreviewEngine().diffuse(request).image)
    info = (
        f"{p.prompt}\nNegative prompt: {p.negative_prompt}\nSteps: {p.steps}, Sampler: {p.sampler_name}, "
        f'CFG scale: {p.cfg_scale}, Seed: {p.seed}, Size: {p.width}x{p.height}, Model: "a, \\"b\\"", Clip skip: 2'
    )
    return Processed(p, [picture], info)
