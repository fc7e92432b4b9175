"""The image pipelines: named compositions of small stages, chosen once from the plan before the loop.

A stage is a pure function ``(key step, image) -> image``; a tube is the composition of stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..imaging.sharpen import scale_contrast
from ..ports import Image
from .data.render_data import RenderData
from .data.step.key_step import KeyStep

Stage = Callable[[KeyStep, Image], Image]


def before_diffusion(data: RenderData) -> Stage:
    """What happens to the carried picture before it is diffused again."""
    return tube([contrast] if data.settings.anim.animation_mode != "Interpolation" else [])


def tube(stages: Sequence[Stage]) -> Stage:
    """One stage that runs ``stages`` in order."""

    def run(key: KeyStep, image: Image) -> Image:
        for stage in stages:
            image = stage(key, image)
        return image

    return run


def contrast(key: KeyStep, image: Image) -> Image:
    """Contrast schedule."""
    return image if key.contrast == 1.0 else scale_contrast(image, key.contrast)
