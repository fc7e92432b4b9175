"""Output frames, from the diffused pictures they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ports import Image
from .data.inputs import Inputs
from .data.render_data import RenderData
from .data.step.tween import Tween
from .img_2_img_tubes import Moment, tube, tween_stages
from .util.call.tween import tween_job
from .util.motion_chains import MotionChains


class TweenRenderer:
    """Makes output frames.

    Args:
        data: the plan.
        inputs: the optical flow between pictures, masks and what they keep.
        chains: the motion of many frames in a row.
    """

    def __init__(self, data: RenderData, inputs: Inputs, chains: MotionChains) -> None:
        self._data = data
        self._chains = chains
        self._flow = inputs.cadence_flow
        self._tube = tube(tween_stages(data, inputs))

    def job(self, tween: Tween, pictures: Mapping[int, Image]) -> Callable[[], Image]:
        """A function that makes output frame ``tween.index``; safe to run in any thread, at any time.

        Args:
            tween: which frame, of which pictures.
            pictures: the diffused pictures by position of their key step; those of ``tween`` must be there.
        """
        newer = self._data.keys[tween.newer]
        blend = tween_job(self._data, tween, pictures, self._chains, self._flow)
        if tween.weight >= 1.0 and tween.index == newer.index:
            return blend
        return lambda: self._tube(Moment(tween.index, newer), blend())
