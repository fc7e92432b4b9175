"""The noise of a key frame, from the plan."""

from __future__ import annotations

from ....imaging.noise import PerlinOptions, perlin_noise, white_noise
from ....ports import Image
from ...data.render_data import RenderData
from ...data.step.key_step import KeyStep


def noise_picture(data: RenderData, key: KeyStep) -> Image:
    """The noise picture of ``key``, H×W×3 uint8, of the type the settings choose."""
    anim = data.settings.anim
    if anim.noise_type == "uniform":
        return white_noise(data.height, data.width, seed=key.noise_seed)
    options = PerlinOptions(int(anim.perlin_w), int(anim.perlin_h), anim.perlin_octaves, anim.perlin_persistence)
    return perlin_noise(data.height, data.width, seed=key.noise_seed, options=options)
