"""Output frames, from the pictures they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ....imaging.resampler import Fade, Resampler
from ....imaging.sampling import Source
from ....imaging.warp import Homography, Warp
from ....ports import Image
from ...data.render_data import RenderData
from ...data.step.tween import Tween, TweenAlignment
from ..frame_pump import Job
from ..motion_chains import MotionChains


def tween_jobs(
    data: RenderData,
    tweens: Sequence[Tween],
    pictures: Mapping[int, Source],
    chains: MotionChains,
    resampler: Resampler,
) -> Iterator[Job]:
    """Jobs that make the output frames of ``tweens``, as many in one job as the resampler likes to make at once.

    A job is safe to run in any thread, at any time.

    Args:
        data: the plan.
        tweens: which frames, of which pictures; in order.
        pictures: the diffused pictures by position of their key step; those of ``tweens`` must be there.
        chains: composes the motion.
        resampler: carries and blends.
    """
    at_once = resampler.frames_at_once(data.height, data.width)
    for start in range(0, len(tweens), at_once):
        yield _job(data, tweens[start : start + at_once], pictures, chains, resampler)


def _job(
    data: RenderData,
    tweens: Sequence[Tween],
    pictures: Mapping[int, Source],
    chains: MotionChains,
    resampler: Resampler,
) -> Job:
    used = {position: pictures[position] for tween in tweens for position in (tween.older, tween.newer)}

    def make() -> list[Image]:
        fades = [_fade(data, tween, used, chains) for tween in tweens]
        return resampler.fade_batch(fades, interpolation=data.interpolation, border=data.border)

    return [tween.index for tween in tweens], make


def _fade(data: RenderData, tween: Tween, pictures: Mapping[int, Source], chains: MotionChains) -> Fade:
    """What a frame is: each picture takes over where the other has nothing to show, in Exact alignment."""
    newer = chains.carry(data.keys[tween.newer].index, tween.index)
    older = chains.carry(data.keys[tween.older].index, tween.index) if tween.weight < 1.0 else newer
    hand_over = data.alignment is TweenAlignment.EXACT
    return Fade(pictures[tween.older], pictures[tween.newer], older, newer, tween.weight, hand_over)


def carried(data: RenderData, picture: Image, warp: Warp) -> Image:
    """``picture`` after ``warp``, read as the settings ask for; the picture itself where nothing moves."""
    if isinstance(warp, Homography) and warp.is_identity:
        return picture
    return warp.apply(picture, interpolation=data.interpolation, border=data.border)
