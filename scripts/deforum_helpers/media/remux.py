"""Adding a stream to a finished video, which is replaced only if all went well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .ffmpeg import run_ffmpeg
from .store import storage_error


def remux(video: Path, args: Sequence[str | Path], *, purpose: str, ffmpeg: Path | str | None = None) -> Path:
    """Let ffmpeg make the MP4 ``video`` anew from itself, its first input, and ``args``. Returns ``video``.

    Args:
        video: the video.
        args: further inputs, and which streams of all become what.
        purpose: as in ``run_ffmpeg``.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        FfmpegError: ffmpeg is missing or failed; ``video`` stays as it was.
        StorageError: the new file could not take the video's place.
    """
    partial = video.absolute().with_name(f"{video.stem}.remux.part{video.suffix}")
    try:
        command = ["-y", "-i", video.absolute(), *args, "-movflags", "+faststart", partial]
        run_ffmpeg(command, purpose=purpose, ffmpeg=ffmpeg)
        partial.replace(video)
    except OSError as error:
        raise storage_error(video, error, action="replaced") from error
    finally:
        partial.unlink(missing_ok=True)
    return video
