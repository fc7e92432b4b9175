"""One output frame, from the pictures it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....imaging.blend import crossfade
from ....imaging.sampling import Border
from ....imaging.warp import Homography, Warp
from ....ports import Image
from ...data.render_data import RenderData
from ...data.step.tween import Tween, TweenAlignment
from ..motion_chains import MotionChains


def tween_job(
    data: RenderData, tween: Tween, pictures: Mapping[int, Image], chains: MotionChains
) -> Callable[[], Image]:
    """A function that makes output frame ``tween.index``; safe to run in any thread, at any time.

    Args:
        data: the plan.
        tween: which frame, of which pictures.
        pictures: the diffused pictures by position of their key step; those of ``tween`` must be there.
        chains: composes the motion.
    """
    older, newer = pictures[tween.older], pictures[tween.newer]
    hand_over = data.alignment is TweenAlignment.EXACT

    def make() -> Image:
        to_newer = chains.carry(data.keys[tween.newer].index, tween.index)
        if tween.weight >= 1.0:
            return _carried(newer, to_newer, data.border)
        to_older = chains.carry(data.keys[tween.older].index, tween.index)
        return _faded((older, to_older), (newer, to_newer), tween.weight, data.border, hand_over)

    return make


def _carried(picture: Image, warp: Warp, border: Border) -> Image:
    if isinstance(warp, Homography) and warp.is_identity:
        return picture
    return warp.apply(picture, border=border)


def _faded(
    older: tuple[Image, Warp], newer: tuple[Image, Warp], weight: float, border: Border, hand_over: bool
) -> Image:
    """Fade between two carried pictures; with ``hand_over``, each takes over where the other has nothing to show."""
    a, b = _carried(*older, border), _carried(*newer, border)
    if not hand_over:
        return crossfade(a, b, weight)
    height, width = a.shape[:2]
    return crossfade(
        a,
        b,
        weight,
        older[1].coverage(height, width, border=border),
        newer[1].coverage(height, width, border=border),
    )
