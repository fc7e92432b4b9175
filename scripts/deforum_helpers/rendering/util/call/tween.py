"""One output frame, from the pictures it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ....imaging.flow import morph
from ....imaging.resampler import Fade, Resampler
from ....imaging.sampling import Source
from ....imaging.warp import Homography, Warp
from ....ports import FlowEstimator, Image
from ...data.render_data import RenderData
from ...data.step.tween import Tween, TweenAlignment
from ..motion_chains import MotionChains


def tween_fade(data: RenderData, tween: Tween, pictures: Mapping[int, Source], chains: MotionChains) -> Fade:
    """What output frame ``tween.index`` is: each picture takes over where the other has nothing, in Exact alignment.

    Args:
        data: the plan.
        tween: which frame, of which pictures.
        pictures: the diffused pictures by position of their key step; those of ``tween`` must be there.
        chains: composes the motion.
    """
    newer = chains.carry(data.keys[tween.newer].index, tween.index)
    older = chains.carry(data.keys[tween.older].index, tween.index) if tween.weight < 1.0 else newer
    hand_over = data.alignment is TweenAlignment.EXACT
    return Fade(pictures[tween.older], pictures[tween.newer], older, newer, tween.weight, hand_over)


def brought_together(data: RenderData, tween: Tween, fade: Fade, flow: FlowEstimator, resampler: Resampler) -> Fade:
    """``fade`` with both pictures moved towards each other along the optical flow between them, each by its weight.

    A cut has nothing in common with the picture before, so there it stays as it is.
    """
    if tween.weight >= 1.0 or data.keys[tween.newer].is_cut:
        return fade
    carry = {"interpolation": data.interpolation, "border": data.border}
    a, b = (
        resampler.apply(warp, source.image, **carry)  # type: ignore[arg-type]  # two literals in one mapping
        for warp, source in ((fade.warp_a, fade.a), (fade.warp_b, fade.b))
    )
    factor = data.series.number("cadence_flow_factor_schedule_series", tween.index)
    towards_b, towards_a = morph(flow.flow(a, b), tween.weight, factor)
    return replace(fade, warp_a=fade.warp_a.then(towards_b), warp_b=fade.warp_b.then(towards_a))


def carried(data: RenderData, picture: Image, warp: Warp) -> Image:
    """``picture`` after ``warp``, read as the settings ask for; the picture itself where nothing moves."""
    if isinstance(warp, Homography) and warp.is_identity:
        return picture
    read = warp.reader(picture, interpolation=data.interpolation, border=data.border)
    return read(slice(0, data.height))
