"""When a frame is shown, exactly: times and rates are Fractions, so that frame 100000 is as much in sync as frame 1."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from ..parseq.rate import parse_fps

__all__ = [
    "format_rate",
    "format_time",
    "frame_of_time",
    "frame_time",
    "nearest_frame",
    "parse_fps",
    "video_duration",
]


def frame_time(index: int, fps: Fraction) -> Fraction:
    """Second at which frame ``index`` (0-based) appears; it stays until ``frame_time(index + 1, fps)``."""
    return Fraction(index) / fps


def frame_of_time(seconds: Fraction | int, fps: Fraction) -> int:
    """The 0-based frame on screen at ``seconds``."""
    return floor(seconds * fps)


def nearest_frame(seconds: Fraction | int, fps: Fraction) -> int:
    """The 0-based frame that appears closest to ``seconds``, the later one of two equally close."""
    return floor(seconds * fps + Fraction(1, 2))


def video_duration(frame_count: int, fps: Fraction) -> Fraction:
    """Seconds that ``frame_count`` frames last."""
    return frame_time(frame_count, fps)


def format_rate(fps: Fraction) -> str:
    """``fps`` as ffmpeg takes it without loss: ``"15"`` or ``"24000/1001"``."""
    return str(fps)


def format_time(seconds: Fraction | int) -> str:
    """``HH:MM:SS,mmm`` as SubRip has it. Milliseconds are cut, not rounded; hours grow beyond two digits if need be.

    Raises:
        ValueError: ``seconds`` is negative.
    """
    if seconds < 0:
        raise ValueError(f"a time cannot be negative, got {seconds}")
    whole, millisecond = divmod(floor(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02},{millisecond:03}"
