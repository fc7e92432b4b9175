"""One output frame, from the pictures it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....imaging.blend import crossfade
from ....imaging.flow import morph
from ....imaging.warp import Homography, Warp
from ....ports import FlowEstimator, Image
from ...data.render_data import RenderData
from ...data.step.tween import Tween, TweenAlignment
from ..motion_chains import MotionChains


def tween_job(
    data: RenderData,
    tween: Tween,
    pictures: Mapping[int, Image],
    chains: MotionChains,
    flow: FlowEstimator | None = None,
) -> Callable[[], Image]:
    """A function that makes output frame ``tween.index``; safe to run in any thread, at any time.

    Args:
        data: the plan.
        tween: which frame, of which pictures.
        pictures: the diffused pictures by position of their key step; those of ``tween`` must be there.
        chains: composes the motion.
        flow: brings the two pictures together before they are blended; None for not.
    """
    older, newer = pictures[tween.older], pictures[tween.newer]
    hand_over = data.alignment is TweenAlignment.EXACT

    def make() -> Image:
        to_newer = chains.carry(data.keys[tween.newer].index, tween.index)
        b = carried(data, newer, to_newer, shown_only=True)
        if tween.weight >= 1.0:
            return b
        to_older = chains.carry(data.keys[tween.older].index, tween.index)
        a = carried(data, older, to_older, shown_only=True)
        if flow is not None and not data.keys[tween.newer].is_cut:
            factor = data.series.number("cadence_flow_factor_schedule_series", tween.index)
            towards_b, towards_a = morph(flow.flow(a, b), tween.weight, factor)
            to_older, to_newer = to_older.then(towards_b), to_newer.then(towards_a)
            a, b = (carried(data, p, w, shown_only=True) for p, w in ((older, to_older), (newer, to_newer)))
        if not hand_over:
            return crossfade(a, b, tween.weight)
        # Each takes over where the other has nothing to show.
        covered = (warp.coverage(data.height, data.width, border=data.border) for warp in (to_older, to_newer))
        return crossfade(a, b, tween.weight, *covered)

    return make


def carried(data: RenderData, picture: Image, warp: Warp, *, shown_only: bool = False) -> Image:
    """``picture`` after ``warp``, read as the settings ask for; the picture itself where nothing moves.

    Args:
        data: the plan.
        picture: H×W×3.
        warp: where to.
        shown_only: whether the result is seen once and goes no further. Then bicubic reading is as exact as OpenCV's,
            which nobody sees, and saves most of its time; what is diffused again is read at the true positions.
    """
    if isinstance(warp, Homography) and warp.is_identity:
        return picture
    interpolation = "quick bicubic" if shown_only and data.interpolation == "bicubic" else data.interpolation
    return warp.apply(picture, interpolation=interpolation, border=data.border)
