"""How every output frame is made from at most two diffused pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class TweenAlignment(Enum):
    """When a diffused picture is seen; values are the settings file's texts.

    EXACT: output frame k IS the picture diffused for k; the frames between two key frames fade from the one, carried
        forward, to the other, carried backward.
    CLASSIC: from key frame k on, the picture diffused for k fades in over the one before, both carried forward, and
        reaches full weight just before the next key frame. This is the original's cadence look.
    """

    EXACT = "Exact"
    CLASSIC = "Classic"


@dataclass(frozen=True)
class Tween:
    """One output frame: ``(1 - weight) * older + weight * newer``, both carried to ``index`` by the motion.

    Attributes:
        index: 0-based output frame.
        older: position, in the list of key steps, of the older picture.
        newer: position of the newer picture; equal to ``older`` where only one picture takes part.
        weight: share of the newer picture, 0..1.
    """

    index: int
    older: int
    newer: int
    weight: float


def tweens(
    key_frames: Sequence[int], max_frames: int, alignment: TweenAlignment, cuts: frozenset[int] = frozenset()
) -> tuple[Tween, ...]:
    """How each frame from the first key frame to the end is made.

    Args:
        key_frames: ascending indices, at least one, all below ``max_frames``.
        max_frames: number of frames of the animation.
        alignment: see :class:`TweenAlignment`.
        cuts: key frames that keep nothing of the picture before; in Exact alignment nothing of them is shown ahead.

    Returns:
        One tween per frame, ascending and without gaps. ``newer`` never decreases, so frames can be emitted in order
        while the pictures are being diffused.
    """
    make = _exact if alignment is TweenAlignment.EXACT else _classic
    frames: list[Tween] = []
    for position, key in enumerate(key_frames):
        is_last = position == len(key_frames) - 1
        end = max_frames if is_last else key_frames[position + 1]
        frames += make(key_frames, position, range(key, end), cuts)
    return tuple(frames)


def _exact(keys: Sequence[int], position: int, frames: range, cuts: frozenset[int]) -> list[Tween]:
    key = keys[position]
    following = keys[position + 1] if position + 1 < len(keys) else None
    alone = following is None or following in cuts
    return [
        Tween(f, position, position, 1.0)
        if alone or f == key
        else Tween(f, position, position + 1, (f - key) / len(frames))
        for f in frames
    ]


def _classic(keys: Sequence[int], position: int, frames: range, _cuts: frozenset[int]) -> list[Tween]:
    if position == 0:
        return [Tween(f, 0, 0, 1.0) for f in frames]
    # After the last key frame the fade goes on at the pace of the interval before, as if the animation went on.
    pace = len(frames) if position + 1 < len(keys) else keys[position] - keys[position - 1]
    return [Tween(f, position - 1, position, min(1.0, (f - frames.start + 1) / pace)) for f in frames]
