"""Chains of motions: many frames' motion as one warp, so that a picture is resampled only once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ...imaging.warp import Homography, Warp


class MotionChains:
    """Composes the motions between frames, remembering what neighbouring frames share. Safe to use from many threads.

    Args:
        motion: M_f, the warp from frame f - 1 to frame f.
    """

    def __init__(self, motion: Callable[[int], Warp]) -> None:
        self._motion = motion
        self._lock = Lock()
        # By source, then by frame; the last entry of each is the one farthest from its source.
        self._forward: dict[int, dict[int, Warp]] = {}
        self._backward: dict[int, dict[int, Warp]] = {}

    def forward(self, source: int, frame: int) -> Warp:
        """The warp M_{source+1} … M_frame; the identity where both are the same frame. ``source <= frame``."""
        with self._lock:
            chain = self._forward.setdefault(source, {source: Homography.identity()})
            farthest = next(reversed(chain))
            while farthest < frame:
                chain[farthest + 1] = chain[farthest].then(self._motion(farthest + 1))
                farthest += 1
            return chain[frame]

    def backward(self, source: int, frame: int) -> Warp:
        """The inverse of M_{frame+1} … M_source: carries a picture of ``source`` back to ``frame <= source``."""
        with self._lock:
            chain = self._backward.setdefault(source, {source: Homography.identity()})
            farthest = next(reversed(chain))
            while farthest > frame:
                chain[farthest - 1] = self._motion(farthest).then(chain[farthest])
                farthest -= 1
            there = chain[frame]
        return there.inverse()

    def carry(self, source: int, frame: int) -> Warp:
        """The warp that carries a picture of frame ``source`` to ``frame``, forward or backward."""
        return self.forward(source, frame) if frame >= source else self.backward(source, frame)

    def forget_before(self, source: int, frame: int) -> None:
        """Drop all chains from frames before ``source``, and what only leads to frames before ``frame``.

        Warps through depth are as large as pictures; without this, long intervals would fill the memory.
        """
        with self._lock:
            for chains in (self._forward, self._backward):
                for other in [s for s in chains if s < source]:
                    del chains[other]
                for chain in chains.values():
                    farthest = next(reversed(chain))
                    for passed in [f for f in chain if f < frame and f != farthest]:
                        del chain[passed]
