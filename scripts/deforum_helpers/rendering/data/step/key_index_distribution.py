"""Which frames are diffused."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum


class KeyIndexDistribution(Enum):
    """How the key frames (diffused frames) are spread over an animation; values are the settings file's texts.

    UNIFORM_SPACING: every ``cadence``-th frame from ``start``.
    PARSEQ_ONLY: the Parseq key frames; cadence is ignored.
    UNIFORM_WITH_PARSEQ: the uniform grid, in which each Parseq key takes the place of the nearest free grid frame.
    RANDOM_SPACING: the uniform grid, each frame but the first moved by up to half a cadence.
    RANDOM_PLACEMENT: as many frames as the uniform grid has, anywhere.
    """

    PARSEQ_ONLY = "Parseq Only"
    UNIFORM_WITH_PARSEQ = "Uniform with Parseq"
    UNIFORM_SPACING = "Uniform Spacing"
    RANDOM_SPACING = "Random Spacing"
    RANDOM_PLACEMENT = "Random Placement"

    @property
    def uses_parseq(self) -> bool:
        """Whether Parseq key frames decide."""
        return self in {KeyIndexDistribution.PARSEQ_ONLY, KeyIndexDistribution.UNIFORM_WITH_PARSEQ}

    def calculate(
        self,
        start: int,
        max_frames: int,
        cadence: int,
        parseq_key_frames: Iterable[int] = (),
        *,
        seed: int = 0,
    ) -> tuple[int, ...]:
        """Choose the key frames.

        Args:
            start: first frame, always chosen; 0 <= start < max_frames.
            max_frames: number of frames of the animation.
            cadence: distance of the uniform grid, at least 1; may exceed ``max_frames``.
            parseq_key_frames: any order, duplicates and frames outside [start, max_frames) are ignored. Without any,
                the Parseq distributions fall back to UNIFORM_SPACING.
            seed: repeats the random distributions.

        Returns:
            Sorted unique indices in [start, max_frames), holding ``start``. The Parseq distributions hold every Parseq
            key frame of that range; UNIFORM_WITH_PARSEQ has as many indices as the grid, and more only where the grid
            has too few frames to give.

        Raises:
            ValueError: start, max_frames or cadence out of range.
        """
        if not 0 <= start < max_frames:
            raise ValueError(f"start must be in [0, max_frames), not {start} of {max_frames}")
        if cadence < 1:
            raise ValueError(f"cadence must be at least 1, not {cadence}")
        grid = list(range(start, max_frames, cadence))
        keys = sorted({k for k in parseq_key_frames if start <= k < max_frames})
        if self is KeyIndexDistribution.RANDOM_SPACING:
            return _jittered(grid, max_frames, cadence, random.Random(seed))  # noqa: S311 - no secret
        if self is KeyIndexDistribution.RANDOM_PLACEMENT:
            return _scattered(grid, max_frames, random.Random(seed))  # noqa: S311 - no secret
        if self is KeyIndexDistribution.UNIFORM_SPACING or not keys:
            return tuple(grid)
        if self is KeyIndexDistribution.PARSEQ_ONLY:
            return tuple(sorted({start, *keys}))
        return _with_replacements(grid, keys)


def _with_replacements(grid: Sequence[int], keys: Sequence[int]) -> tuple[int, ...]:
    """Let each key take the place of the nearest grid frame that is neither the first nor itself a key."""
    wanted, on_grid = set(keys), set(grid)
    free = [g for g in grid[1:] if g not in wanted]
    for key in keys:
        if key not in on_grid and free:
            free.pop(_nearest(free, key))
    return tuple(sorted({grid[0], *keys, *free}))


def _nearest(ascending: Sequence[int], value: int) -> int:
    """Position of the entry closest to ``value``; of two equally close ones the lower."""
    right = bisect_left(ascending, value)
    if right == 0:
        return 0
    if right == len(ascending) or value - ascending[right - 1] <= ascending[right] - value:
        return right - 1
    return right


def _jittered(grid: Sequence[int], max_frames: int, cadence: int, rng: random.Random) -> tuple[int, ...]:
    moved = (round(g + (rng.random() - 0.5) * cadence) for g in grid[1:])
    return tuple(sorted({grid[0], *(min(max(m, grid[0] + 1), max_frames - 1) for m in moved)}))


def _scattered(grid: Sequence[int], max_frames: int, rng: random.Random) -> tuple[int, ...]:
    others = rng.sample(range(grid[0] + 1, max_frames), len(grid) - 1)
    return tuple(sorted([grid[0], *others]))
