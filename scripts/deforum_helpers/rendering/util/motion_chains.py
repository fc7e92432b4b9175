"""Chains of motions: many frames' motion as one warp, so that a picture is resampled only once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ...imaging.warp import Homography, Warp

_STRIDE = 16
"""Frames between two compositions that are kept for good; those in between are composed again when they are needed."""


class MotionChains:
    """Composes the motions between frames, remembering what neighbouring frames share. Safe to use from many threads.

    Of an interval of n frames, n / 16 compositions and the last 16 are kept: warps through depth are as large as
    pictures, and key frames may be a thousand frames apart.

    Args:
        motion: M_f, the warp from frame f - 1 to frame f.
    """

    def __init__(self, motion: Callable[[int], Warp]) -> None:
        self._motion = motion
        self._lock = Lock()
        # By source, then by frame.
        self._forward: dict[int, dict[int, Warp]] = {}
        self._backward: dict[int, dict[int, Warp]] = {}

    def forward(self, source: int, frame: int) -> Warp:
        """The warp M_{source+1} … M_frame; the identity where both are the same frame. ``source <= frame``."""
        with self._lock:
            chain = self._forward.setdefault(source, {source: Homography.identity()})
            at = max(known for known in chain if known <= frame)
            warp = chain[at]
            for step in range(at + 1, frame + 1):
                warp = warp.then(self._motion(step))
                _keep(chain, step, warp, source, frame)
            return warp

    def backward(self, source: int, frame: int) -> Warp:
        """The inverse of M_{frame+1} … M_source: carries a picture of ``source`` back to ``frame <= source``."""
        with self._lock:
            chain = self._backward.setdefault(source, {source: Homography.identity()})
            at = min(known for known in chain if known >= frame)
            there = chain[at]
            for step in range(at - 1, frame - 1, -1):
                there = self._motion(step + 1).then(there)
                _keep(chain, step, there, source, frame)
        return there.inverse()

    def carry(self, source: int, frame: int) -> Warp:
        """The warp that carries a picture of frame ``source`` to ``frame``, forward or backward."""
        return self.forward(source, frame) if frame >= source else self.backward(source, frame)

    def forget_before(self, source: int, frame: int) -> None:
        """Drop all chains from frames before ``source``, and what only leads to frames before ``frame``."""
        with self._lock:
            for chains in (self._forward, self._backward):
                for other in [s for s in chains if s < source]:
                    del chains[other]
            for chain in self._forward.values():
                # Later frames go on from the last one before.
                last = max((known for known in chain if known <= frame), default=frame)
                _drop_before(chain, last)
            for chain in self._backward.values():
                _drop_before(chain, frame)


def _keep(chain: dict[int, Warp], step: int, warp: Warp, source: int, wanted: int) -> None:
    if abs(step - wanted) < _STRIDE or abs(step - source) % _STRIDE == 0:
        chain[step] = warp


def _drop_before(chain: dict[int, Warp], frame: int) -> None:
    for passed in [known for known in chain if known < frame]:
        del chain[passed]
