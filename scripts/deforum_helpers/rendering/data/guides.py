"""Guided images: which picture pulls at a frame, and how much."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from ...errors import Finding, InputError
from ...schedule.expression import compile_expression
from ...schedule.series import key_frame_index

KEY = "init_images"
_APART = 25
"""Frames between two guide images where a frame lies outside all of them."""
_ELSEWHERE = 0.07
"""Weight of a guide image away from the changes."""


@dataclass(frozen=True)
class Guide:
    """A picture that guides from ``frame`` on, by path or URL."""

    frame: int
    picture: str


def parse_guides(text: str, *, max_frames: int, seed: int) -> tuple[Guide, ...]:
    """Read the setting ``init_images``: a JSON object of frame (a number or an expression of ``max_f``) and picture.

    Returns:
        At least one guide, ascending by frame.

    Raises:
        InputError: it is no such object, or a frame is no expression.
    """
    pictures = _pictures(text)
    guides = []
    for written, picture in pictures.items():
        expression = compile_expression(written, key=KEY, source=written)
        guides.append(Guide(key_frame_index(expression, seed=seed, max_frames=max_frames), picture))
    return tuple(sorted(guides, key=lambda guide: guide.frame))


def _pictures(text: str) -> dict[str, str]:
    hint = 'Write {"0": "first.png", "max_f/2": "second.png"}.'
    try:
        pictures = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}.", key=KEY, hint=hint) from error
    if not isinstance(pictures, dict) or not pictures:
        raise InputError("is not a JSON object of frames and pictures.", key=KEY, hint=hint)
    bad = [frame for frame, picture in pictures.items() if not isinstance(picture, str) or not picture.strip()]
    if bad:
        findings = (Finding("error", f"there is no picture at {frame!r}.", KEY, hint=hint) for frame in bad)
        raise InputError(tuple(findings))
    return pictures


def guide_at(guides: tuple[Guide, ...], frame: int) -> int:
    """Position of the guide in force at ``frame``: the last one that has begun, before the first the first."""
    return max(0, bisect_right([guide.frame for guide in guides], frame) - 1)


def guide_weight(
    guides: tuple[Guide, ...], frame: int, *, middle: float, slope: float, tweening_frames: float
) -> float:
    """Share of the guide image in the picture to be diffused, 0..1.

    With g the distance of the two guides around ``frame`` (25 outside all of them) and tw the tweening frames, it is
    ``middle - slope·cos((frame mod tw) / (tw/2))`` where ``frame mod g`` does not exceed tw, and 0.07 elsewhere.

    Args:
        guides: ascending.
        frame: the output frame.
        middle: setting ``blendFactorMax``.
        slope: setting ``blendFactorSlope``.
        tweening_frames: for how many frames around a change the weight swings.
    """
    if frame % _gap(guides, frame) > tweening_frames:
        return _ELSEWHERE
    phase = (frame % tweening_frames) / (tweening_frames / 2) if tweening_frames > 0 else 0.0
    return min(max(middle - slope * math.cos(phase), 0.0), 1.0)


def _gap(guides: tuple[Guide, ...], frame: int) -> int:
    frames = [guide.frame for guide in guides]
    gaps = (after - before for before, after in pairwise(frames) if before <= frame <= after)
    return max([gap for gap in gaps if gap > 0][-1:], default=_APART)
