"""The noise of a key frame, from the plan."""

from __future__ import annotations

from ....imaging.noise import PerlinOptions, make_noise
from ....ports import Image
from ...data.render_data import RenderData
from ...data.step.key_step import KeyStep


def noise_picture(data: RenderData, key: KeyStep) -> Image:
    """The noise picture of ``key``, H×W×3 uint8, of the type the settings choose.

    Raises:
        InputError: as :func:`perlin_options`.
    """
    kind = data.settings.anim.noise_type
    return make_noise(data.height, data.width, seed=key.noise_seed, kind=kind, perlin=perlin_options(data))


def perlin_options(data: RenderData) -> PerlinOptions | None:
    """Shape of the Perlin noise the settings ask for; None if they ask for another noise.

    Raises:
        InputError: there is no such shape, e.g. with less than one cell.
    """
    anim = data.settings.anim
    if anim.noise_type != "perlin":
        return None
    return PerlinOptions(int(anim.perlin_w), int(anim.perlin_h), anim.perlin_octaves, anim.perlin_persistence)
