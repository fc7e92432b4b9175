"""A GIF of a finished video."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .ffmpeg import run_ffmpeg
from .store import storage_error

LONGEST_SIDE = 640
"""Pixels; GIFs know no motion, so that size is paid for in every frame."""


def make_gif(video: Path, *, longest_side: int = LONGEST_SIDE, ffmpeg: Path | str | None = None) -> Path:
    """Write ``NAME.gif`` beside the video ``NAME.mp4``, endless, with all frames at their rate.

    Its 256 colours are chosen from the whole video. Times in a GIF are hundredths of a second and players take less
    than two for ten, so a video should not have more than 30 frames per second.

    Args:
        video: the video; it is only read.
        longest_side: a larger picture is scaled down to this, pixels.
        ffmpeg: program as for ``find_ffmpeg``.

    Returns:
        The GIF, replaced if it existed.

    Raises:
        FfmpegError: ffmpeg is missing or failed. StorageError: the GIF cannot be written. No GIF is left half-written.
    """
    gif = video.with_suffix(".gif")
    partial = gif.absolute().with_name(f".{gif.stem}.part.gif")
    fit = f"min(1,{longest_side}/max(iw,ih))"
    scale = f"scale='max(1,round(iw*{fit}))':'max(1,round(ih*{fit}))':flags=lanczos+accurate_rnd+full_chroma_int"
    purpose = f"make {gif}"
    try:
        with tempfile.TemporaryDirectory(prefix="deforum_") as folder:
            # In two runs: one would hold all frames in memory until the palette is known.
            palette = Path(folder) / "palette.png"
            source: list[str | Path] = ["-y", "-i", video.absolute()]
            run_ffmpeg(
                [*source, "-map", "0:v:0", "-vf", f"{scale},palettegen", "-update", "1", "-frames:v", "1", palette],
                purpose=purpose,
                ffmpeg=ffmpeg,
            )
            drawn = f"[0:v:0]{scale}[small];[small][1:v:0]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
            run_ffmpeg(
                [*source, "-i", palette, "-filter_complex", drawn, "-loop", "0", partial],
                purpose=purpose,
                ffmpeg=ffmpeg,
            )
        partial.replace(gif)
    except OSError as error:
        raise storage_error(gif, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return gif
