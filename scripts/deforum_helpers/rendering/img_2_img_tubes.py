"""The image pipelines: named compositions of small stages, chosen once from the plan before the loop.

A stage is a pure function ``(moment, image) -> image``; a tube is a composition of stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..imaging.blend import crossfade
from ..imaging.colour import ColourReference, match_colours, to_grey
from ..imaging.sharpen import scale_contrast, unsharp_mask
from ..ports import Image
from .data.render_data import RenderData
from .data.step.key_step import KeyStep


@dataclass(frozen=True)
class Moment:
    """What a stage may know.

    Attributes:
        key: the key step at work.
        reference: the colours to hold on to, None while there are none.
        noise: the noise picture of this key step, None where none is added.
    """

    key: KeyStep
    reference: ColourReference | None
    noise: Image | None


Stage = Callable[[Moment, Image], Image]


@dataclass(frozen=True)
class Tubes:
    """The pipelines of a render.

    Attributes:
        before_diffusion: from the carried picture to the picture to diffuse.
        after_generation: from what the engine made to the picture that is kept.
    """

    before_diffusion: Stage
    after_generation: Stage


def tubes(data: RenderData) -> Tubes:
    """Choose the stages."""
    return Tubes(tube(before_diffusion_stages(data)), tube(after_generation_stages(data)))


def before_diffusion_stages(data: RenderData) -> tuple[Stage, ...]:
    """Colour coherence, grayscale, contrast, anti-blur, noise."""
    return (*_coherent(data, data.coherence is not None), contrast, anti_blur, noise)


def after_generation_stages(data: RenderData) -> tuple[Stage, ...]:
    """Colour coherence, unless the settings ask for the legacy way, and grayscale."""
    return _coherent(data, data.coherence is not None and not data.settings.anim.legacy_colormatch)


def _coherent(data: RenderData, matched: bool) -> tuple[Stage, ...]:
    grey = data.settings.anim.color_force_grayscale
    return (*((colour_coherence,) if matched else ()), *((grayscale,) if grey else ()))


def tube(stages: Sequence[Stage]) -> Stage:
    """One stage that runs ``stages`` in order."""

    def run(moment: Moment, image: Image) -> Image:
        for stage in stages:
            image = stage(moment, image)
        return image

    return run


def colour_coherence(moment: Moment, image: Image) -> Image:
    """Hold on to the colours of the reference, once there is one."""
    return image if moment.reference is None else match_colours(image, moment.reference)


def grayscale(_moment: Moment, image: Image) -> Image:
    """No colours at all."""
    return to_grey(image)


def contrast(moment: Moment, image: Image) -> Image:
    """Contrast schedule."""
    return image if moment.key.contrast == 1.0 else scale_contrast(image, moment.key.contrast)


def anti_blur(moment: Moment, image: Image) -> Image:
    """Sharpen against the softness that motion and diffusion leave."""
    key = moment.key
    if key.amount <= 0:
        return image
    return unsharp_mask(image, kernel=key.kernel, sigma=key.sigma, amount=key.amount, threshold=key.threshold)


def noise(moment: Moment, image: Image) -> Image:
    """Give the engine something to make detail of."""
    return image if moment.noise is None else crossfade(image, moment.noise, moment.key.noise)
