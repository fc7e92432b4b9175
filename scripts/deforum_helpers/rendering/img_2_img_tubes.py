"""The image pipelines: named compositions of small stages, chosen once from the plan before the loop.

A stage is a function ``(moment, image) -> image`` that changes nothing; a tube is a composition of stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..imaging.blend import crossfade
from ..imaging.colour import ColourReference, match_colours, to_grey
from ..imaging.masking import overlay, soften_mask
from ..imaging.sharpen import scale_contrast, unsharp_mask
from ..imaging.warp import Warp
from ..ports import Image
from ..settings import uses
from .data.inputs import Inputs
from .data.render_data import RenderData
from .data.step.key_step import KeyStep
from .util.call.hybrid import mixed
from .util.call.masks import frame_mask
from .util.coherence import GIVEN_COLOURS


@dataclass(frozen=True)
class Moment:
    """What a stage may know.

    Attributes:
        frame: the output frame at work.
        key: its key step; for a tween the newer of the two.
        reference: the colours to hold on to, None while there are none.
        noise: the noise picture of this key step, None where none is added.
        of_video: the video's part in the motion to this frame, None where it has none.
        start: what the picture was diffused from, None for nothing and before.
    """

    frame: int
    key: KeyStep
    reference: ColourReference | None = None
    noise: Image | None = None
    of_video: Warp | None = None
    start: Image | None = None


Stage = Callable[[Moment, Image], Image]


@dataclass(frozen=True)
class Tubes:
    """The pipelines of a key frame.

    Attributes:
        before_diffusion: from the carried picture (or the video's) to the picture to diffuse.
        after_generation: from what the engine made to the picture that is kept.
    """

    before_diffusion: Stage
    after_generation: Stage


def tubes(data: RenderData, inputs: Inputs) -> Tubes:
    """Choose the stages."""
    return Tubes(
        tube(before_diffusion_stages(data, inputs)),
        tube(after_generation_stages(data, inputs)),
    )


def before_diffusion_stages(data: RenderData, inputs: Inputs) -> tuple[Stage, ...]:
    """Hybrid video, colours, contrast, anti-blur, noise, guide image: as far as the settings ask for them."""
    hybrid = data.settings.anim.hybrid_composite in ("Before Motion", "Normal") and _mixes(data, inputs)
    return (
        *((hybrid_composite(data, inputs),) if hybrid else ()),
        *((colour_coherence,) if data.coherence is not None else ()),
        *((grayscale,) if data.settings.anim.color_force_grayscale else ()),
        contrast,
        anti_blur(data, inputs),
        noise(data, inputs),
        *((guide_image(inputs),) if inputs.guides is not None else ()),
    )


def after_generation_stages(data: RenderData, inputs: Inputs) -> tuple[Stage, ...]:
    """Colours of the guide image, hybrid video, colours, overlay: as far as the settings ask for them."""
    hybrid = data.settings.anim.hybrid_composite == "After Generation" and _mixes(data, inputs)
    return (
        *((guide_colours(inputs),) if inputs.guides is not None else ()),
        *((hybrid_composite(data, inputs),) if hybrid else ()),
        *_coherent_after(data),
        *((grayscale,) if data.settings.anim.color_force_grayscale else ()),
        *_overlays(data, inputs),
    )


def tween_stages(data: RenderData, inputs: Inputs) -> tuple[Stage, ...]:
    """From a blended frame to the one that is seen: what a mask keeps is in every frame.

    Colours were taken out of the pictures that tweens are made of.
    """
    return _overlays(data, inputs)


def _mixes(data: RenderData, inputs: Inputs) -> bool:
    return uses.uses_composite(data.settings) and inputs.hybrid is not None


def _coherent_after(data: RenderData) -> tuple[Stage, ...]:
    if data.coherence is None:
        return ()
    if not data.settings.anim.legacy_colormatch:
        return (colour_coherence,)
    # The legacy way matches before diffusion only; the first picture has no before.
    return (first_colours,) if data.settings.anim.color_coherence in GIVEN_COLOURS else ()


def _overlays(data: RenderData, inputs: Inputs) -> tuple[Stage, ...]:
    return (original_overlay(data, inputs),) if uses.overlays_original(data.settings) else ()


def tube(stages: Sequence[Stage]) -> Stage:
    """One stage that runs ``stages`` in order."""

    def run(moment: Moment, image: Image) -> Image:
        for stage in stages:
            image = stage(moment, image)
        return image

    return run


def hybrid_composite(data: RenderData, inputs: Inputs) -> Stage:
    """Mix the video in, from the second key frame on.

    "Before Motion" means before the video's motion, so there the video's frame makes that motion, too.
    """
    moves = data.settings.anim.hybrid_composite == "Before Motion"

    def hybrid_composite(moment: Moment, image: Image) -> Image:
        if moment.frame == 0 or moment.key.composite is None:
            return image
        warp = moment.of_video if moves else None
        return mixed(data, inputs, moment.frame, moment.key.composite, image, warp)

    return hybrid_composite


def colour_coherence(moment: Moment, image: Image) -> Image:
    """Hold on to the colours of the reference, once there is one."""
    return image if moment.reference is None else match_colours(image, moment.reference)


def first_colours(moment: Moment, image: Image) -> Image:
    """Colour coherence for the first frame only."""
    return colour_coherence(moment, image) if moment.frame == 0 else image


def grayscale(_moment: Moment, image: Image) -> Image:
    """No colours at all."""
    return to_grey(image)


def contrast(moment: Moment, image: Image) -> Image:
    """Contrast schedule."""
    return image if moment.key.contrast == 1.0 else scale_contrast(image, moment.key.contrast)


def anti_blur(data: RenderData, inputs: Inputs) -> Stage:
    """Sharpen against the softness that motion and diffusion leave; only inside the init image's alpha mask."""
    alpha = inputs.mask if uses.uses_alpha(data.settings) else None

    def anti_blur(moment: Moment, image: Image) -> Image:
        key = moment.key
        if key.amount <= 0:
            return image
        sharp = unsharp_mask(image, kernel=key.kernel, sigma=key.sigma, amount=key.amount, threshold=key.threshold)
        return sharp if alpha is None else overlay(sharp, image, alpha)

    return anti_blur


def noise(data: RenderData, inputs: Inputs) -> Stage:
    """Give the engine something to make detail of, inside the noise mask."""

    def noise(moment: Moment, image: Image) -> Image:
        if moment.noise is None:
            return image
        grained = crossfade(image, moment.noise, moment.key.noise)
        mask = frame_mask(data, inputs, moment.key.noise_mask, moment.frame, image)
        return grained if mask is None else overlay(grained, image, mask)

    return noise


def guide_image(inputs: Inputs) -> Stage:
    """Blend the guide image in."""

    def guide_image(moment: Moment, image: Image) -> Image:
        guide = moment.key.guide
        if guide is None or inputs.guides is None:
            return image
        return crossfade(image, inputs.guides.frame(guide.position), guide.weight)

    return guide_image


def guide_colours(inputs: Inputs) -> Stage:
    """Take the colours of what was diffused, with a share of those of the guide image."""

    def guide_colours(moment: Moment, image: Image) -> Image:
        guide = moment.key.guide
        if guide is None or inputs.guides is None or moment.start is None or guide.colour_factor <= 0:
            return image
        wanted = crossfade(moment.start, inputs.guides.frame(guide.position), guide.colour_factor)
        return match_colours(image, ColourReference.of(wanted, "LAB"))

    return guide_colours


def original_overlay(data: RenderData, inputs: Inputs) -> Stage:
    """Paste the original, which is the video's frame or the init image, over what the mask keeps."""
    blur = data.settings.run.mask_overlay_blur
    video = inputs.video if uses.overlays_video(data.settings) else None

    def original_overlay(moment: Moment, image: Image) -> Image:
        original = video.frame(moment.frame) if video is not None else inputs.init_image
        expression = data.series.text("mask_schedule_series", moment.frame)
        mask = frame_mask(data, inputs, expression, moment.frame, image) if original is not None else None
        return image if original is None or mask is None else overlay(image, original, soften_mask(mask, blur))

    return original_overlay
