"""Output frames, from the diffused pictures they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..imaging.resampler import Resampler
from ..imaging.sampling import Source
from ..ports import Image
from .data.inputs import Inputs
from .data.render_data import RenderData
from .data.step.tween import Tween
from .img_2_img_tubes import Moment, tube, tween_stages
from .util.call.tween import brought_together, tween_fade
from .util.frame_pump import Job
from .util.motion_chains import MotionChains


class TweenRenderer:
    """Makes output frames.

    Args:
        data: the plan.
        inputs: the optical flow between pictures, masks and what they keep.
        chains: the motion of many frames in a row.
        resampler: carries and blends.
    """

    def __init__(self, data: RenderData, inputs: Inputs, chains: MotionChains, resampler: Resampler) -> None:
        self._data = data
        self._chains = chains
        self._resampler = resampler
        self._flow = inputs.cadence_flow
        self._tube = tube(tween_stages(data, inputs))

    def jobs(self, tweens: Sequence[Tween], pictures: Mapping[int, Source]) -> Iterator[Job]:
        """Jobs that make the frames of ``tweens``, as many in one job as the resampler likes to make at once.

        A job is safe to run in any thread, at any time.

        Args:
            tweens: which frames, of which pictures; in order.
            pictures: the diffused pictures by position of their key step; those of ``tweens`` must be there.
        """
        at_once = self._resampler.frames_at_once(self._data.height, self._data.width)
        for start in range(0, len(tweens), at_once):
            yield self._job(tweens[start : start + at_once], pictures)

    def _job(self, tweens: Sequence[Tween], pictures: Mapping[int, Source]) -> Job:
        data = self._data
        used = {position: pictures[position] for tween in tweens for position in (tween.older, tween.newer)}

        def make() -> list[Image]:
            fades = [tween_fade(data, tween, used, self._chains) for tween in tweens]
            if self._flow is not None:
                fades = [
                    brought_together(data, tween, fade, self._flow, self._resampler)
                    for tween, fade in zip(tweens, fades, strict=True)
                ]
            made = self._resampler.fade_batch(fades, interpolation=data.interpolation, border=data.border)
            return [self._finished(tween, image) for tween, image in zip(tweens, made, strict=True)]

        return [tween.index for tween in tweens], make

    def _finished(self, tween: Tween, image: Image) -> Image:
        newer = self._data.keys[tween.newer]
        if tween.weight >= 1.0 and tween.index == newer.index:
            return image  # the diffused picture itself, which has been through its tube
        return self._tube(Moment(tween.index, newer), image)
