"""The soundtrack of a video, in sync to the sample."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from ..errors import FfmpegError, StorageError
from ..web import Limits, is_url
from .fetch import SOUND_LIMITS, download
from .ffmpeg import probe
from .remux import remux

COPIED_CODECS = frozenset({"aac", "alac", "mp3"})
"""Audio that is copied as it is: what players commonly expect in an MP4. The container tells them which samples at the
start are the coder's lead-in, so onsets stay where they were."""
BITRATE = "192k"


def add_soundtrack(
    video: Path,
    audio: str | Path,
    *,
    duration: Fraction | None = None,
    limits: Limits = SOUND_LIMITS,
    allow_private: bool = True,
    ffmpeg: Path | str | None = None,
) -> Path:
    """Give the MP4 ``video`` the first audio stream of ``audio``, from the beginning. Returns ``video``.

    Pictures are copied untouched and all kept: shorter audio ends before the video, longer audio is cut at its end.
    AAC, ALAC and MP3 are copied (and end with the packet that the video's end falls into), everything else becomes AAC
    with 192 kbit/s. A former soundtrack is replaced.

    Args:
        video: the video, replaced at the end and only if all went well.
        audio: a file with sound (also a video), or an http(s) address of one.
        duration: the video's length in seconds; None counts its frames.
        limits: of the download.
        allow_private: as in ``web.open_url``.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        FfmpegError: the audio cannot be decoded or has no sound, or ffmpeg failed.
        StorageError: the audio is missing or cannot be fetched, or the new file cannot be written.
        In each case ``video`` stays as it was, and the message says so.
    """
    try:
        if is_url(str(audio)):
            with tempfile.TemporaryDirectory(prefix="deforum_") as folder:
                local = download(str(audio), Path(folder) / "soundtrack", limits=limits, allow_private=allow_private)
                return _mux(video, local, duration, ffmpeg)
        return _mux(video, Path(audio).expanduser(), duration, ffmpeg)
    except (FfmpegError, StorageError) as error:
        kept = f"The soundtrack {audio} was not added, the silent video is kept: {video}."
        raise type(error)(f"{kept}\n{error}") from error


def _mux(video: Path, audio: Path, duration: Fraction | None, ffmpeg: Path | str | None) -> Path:
    if not audio.is_file():
        raise StorageError(f"{audio} is not a file. Check soundtrack_path.")
    sound = probe(audio, ffmpeg=ffmpeg)
    if not sound.has_audio:
        raise FfmpegError(f"{audio} has no audio stream.")
    length = _video_length(video, ffmpeg) if duration is None else duration
    args: list[str | Path] = [
        # Limits the audio only; the output's -t or -shortest could cost the video its last frames.
        *("-t", f"{float(length):.6f}", "-protocol_whitelist", "file", "-i", audio.absolute()),
        *("-map", "0:v:0", "-map", "0:s?", "-map", "1:a:0", "-c", "copy"),
    ]
    purpose = f"add the soundtrack {audio} to {video}"
    if sound.audio_codec in COPIED_CODECS:
        # An old ffmpeg may not know how to put the codec into an MP4.
        with suppress(FfmpegError):
            return remux(video, [*args, "-c:a", "copy"], purpose=purpose, ffmpeg=ffmpeg)
    return remux(video, [*args, "-c:a", "aac", "-b:a", BITRATE], purpose=purpose, ffmpeg=ffmpeg)


def _video_length(video: Path, ffmpeg: Path | str | None) -> Fraction:
    info = probe(video, count_frames=True, ffmpeg=ffmpeg)
    if not info.has_video or not info.fps or not info.frames:
        raise FfmpegError(f"{video} has no video stream of a known rate.")
    return info.frames / info.fps
