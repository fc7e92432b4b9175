"""What a tool is pointed at: a video, or pictures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from .clips import Clip, open_pictures, open_video
from .stitch import PICTURES, find_series


def open_sources(sources: Sequence[Path], fps: Fraction, *, key: str, ffmpeg: Path | str | None = None) -> Clip:
    """The frames of a video, of a series of pictures, or of several pictures.

    Args:
        sources: a video; a folder of numbered pictures, a pattern such as ``frame_%09d.png``, or one of them; or
            several pictures in the order they are shown.
        fps: of pictures, frames per second.
        key: what names them, for messages.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        InputError: they are missing, or cannot be read.
        FfmpegError: ffmpeg is missing.
    """
    if len(sources) > 1:
        videos = [source for source in sources if source.suffix.lower() not in PICTURES]
        if videos:
            text = f"{videos[0]} is no picture; give one video, or pictures only."
            raise InputError(text, key=key)
        return open_pictures(sources, fps, key=key)
    (source,) = sources
    if source.is_dir() or source.suffix.lower() in PICTURES:
        series = find_series(str(source))
        name = source.resolve().name if source.is_dir() else ""
        return open_pictures(series.files, fps, key=key, name=name)
    return open_video(source, key=key, ffmpeg=ffmpeg)
