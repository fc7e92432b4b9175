"""Chains of motions: many frames' motion as one warp, so that a picture is resampled only once."""

from __future__ import annotations

from collections.abc import Callable

from ...imaging.warp import Homography


class MotionChains:
    """Composes the motions between frames, remembering what neighbouring frames share.

    Args:
        motion: M_f, the warp from frame f - 1 to frame f.
    """

    def __init__(self, motion: Callable[[int], Homography]) -> None:
        self._motion = motion
        self._forward: dict[int, list[Homography]] = {}
        self._backward: dict[int, list[Homography]] = {}

    def forward(self, source: int, frame: int) -> Homography:
        """The warp M_{source+1} … M_frame; the identity where both are the same frame. ``source <= frame``."""
        chain = self._forward.setdefault(source, [Homography.identity()])
        while len(chain) <= frame - source:
            chain.append(chain[-1].then(self._motion(source + len(chain))))
        return chain[frame - source]

    def backward(self, source: int, frame: int) -> Homography:
        """The inverse of M_{frame+1} … M_source: carries a picture of ``source`` back to ``frame <= source``."""
        chain = self._backward.setdefault(source, [Homography.identity()])
        while len(chain) <= source - frame:
            chain.append(self._motion(source - len(chain) + 1).then(chain[-1]))
        return chain[source - frame].inverse()

    def carry(self, source: int, frame: int) -> Homography:
        """The warp that carries a picture of frame ``source`` to ``frame``, forward or backward."""
        return self.forward(source, frame) if frame >= source else self.backward(source, frame)

    def forget_before(self, frame: int) -> None:
        """Drop all chains that start at pictures of frames before ``frame``."""
        for chains in (self._forward, self._backward):
            for source in [s for s in chains if s < frame]:
                del chains[source]
