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
        self._forward: dict[int, list[Warp]] = {}
        self._backward: dict[int, list[Warp]] = {}

    def forward(self, source: int, frame: int) -> Warp:
        """The warp M_{source+1} … M_frame; the identity where both are the same frame. ``source <= frame``."""
        with self._lock:
            chain = self._forward.setdefault(source, [Homography.identity()])
            while len(chain) <= frame - source:
                chain.append(chain[-1].then(self._motion(source + len(chain))))
            return chain[frame - source]

    def backward(self, source: int, frame: int) -> Warp:
        """The inverse of M_{frame+1} … M_source: carries a picture of ``source`` back to ``frame <= source``."""
        with self._lock:
            chain = self._backward.setdefault(source, [Homography.identity()])
            while len(chain) <= source - frame:
                chain.append(self._motion(source - len(chain) + 1).then(chain[-1]))
        return chain[source - frame].inverse()

    def carry(self, source: int, frame: int) -> Warp:
        """The warp that carries a picture of frame ``source`` to ``frame``, forward or backward."""
        return self.forward(source, frame) if frame >= source else self.backward(source, frame)

    def forget_before(self, frame: int) -> None:
        """Drop all chains that start at pictures of frames before ``frame``."""
        with self._lock:
            for chains in (self._forward, self._backward):
                for source in [s for s in chains if s < frame]:
                    del chains[source]
