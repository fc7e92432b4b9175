"""The soundtrack of a video, in sync to the sample."""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from fractions import Fraction
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ..errors import FfmpegError, StorageError
from .ffmpeg import probe, run_ffmpeg
from .store import storage_error

COPIED_CODECS = frozenset({"aac", "alac", "mp3"})
"""Audio that is copied as it is: what players commonly expect in an MP4. The container tells them which samples at the
start are the coder's lead-in, so onsets stay where they were."""
BITRATE = "192k"
_CHUNK_BYTES = 1 << 16
_SCHEMES = ("http", "https")


@dataclass(frozen=True)
class DownloadLimits:
    """How far a download may go.

    Attributes:
        size: bytes.
        timeout: seconds without a sign of life.
        deadline: seconds in all.
    """

    size: int = 512 << 20
    timeout: float = 20.0
    deadline: float = 300.0


def add_soundtrack(
    video: Path,
    audio: str | Path,
    *,
    duration: Fraction | None = None,
    limits: DownloadLimits | None = None,
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
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        FfmpegError: the audio cannot be decoded or has no sound, or ffmpeg failed.
        StorageError: the audio is missing or cannot be fetched, or the new file cannot be written.
        In each case ``video`` stays as it was, and the message says so.
    """
    try:
        if is_url(audio):
            with tempfile.TemporaryDirectory(prefix="deforum_") as folder:
                local = download(str(audio), Path(folder) / "soundtrack", limits=limits)
                return _mux(video, local, duration, ffmpeg)
        return _mux(video, Path(audio).expanduser(), duration, ffmpeg)
    except (FfmpegError, StorageError) as error:
        kept = f"The soundtrack {audio} was not added, the silent video is kept: {video}."
        raise type(error)(f"{kept}\n{error}") from error


def is_url(text: str | Path) -> bool:
    """Whether ``text`` is an address to fetch rather than a path."""
    return isinstance(text, str) and urlsplit(text).scheme.lower() in _SCHEMES


def download(url: str, target: Path, *, limits: DownloadLimits | None = None) -> Path:
    """Fetch ``url`` (http or https, redirects to such included) into ``target``. Returns ``target``.

    Raises:
        StorageError: it cannot be fetched, is too large, takes too long, or cannot be written.
    """
    limits = limits or DownloadLimits()
    opener = urllib.request.build_opener(_SafeRedirects)
    request = urllib.request.Request(url, headers={"User-Agent": "deforum"})  # noqa: S310 - opener refuses other schemes
    if not is_url(url):
        raise StorageError(f"{url} cannot be fetched: only http and https addresses can.")
    try:
        with opener.open(request, timeout=limits.timeout) as response, target.open("wb") as file:
            _copy(response, file, url, limits)
    except urllib.error.HTTPError as error:
        error.close()
        raise StorageError(f"{url} cannot be fetched: the server answered {error.code} {error.reason}.") from error
    except urllib.error.URLError as error:
        raise StorageError(f"{url} cannot be fetched: {error.reason}.") from error
    except TimeoutError as error:
        raise StorageError(f"{url} cannot be fetched: no answer for {limits.timeout:g} s.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise StorageError(f"{url} cannot be fetched: {str(error) or type(error).__name__}.") from error
    return target


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the web only, never to files or other protocols."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if not is_url(newurl):
            fp.close()
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not on the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _copy(response: IO[bytes], file: IO[bytes], url: str, limits: DownloadLimits) -> None:
    started, size = time.monotonic(), 0
    # read1 comes back with what there is, so that a trickling server meets the deadline, too.
    read = getattr(response, "read1", response.read)
    while piece := read(_CHUNK_BYTES):
        size += len(piece)
        if size > limits.size:
            raise StorageError(f"{url} is larger than {limits.size >> 20} MiB. Download it yourself and give its path.")
        if time.monotonic() - started > limits.deadline:
            raise StorageError(f"{url} took more than {limits.deadline:g} s. Download it yourself and give its path.")
        file.write(piece)
    if not size:
        raise StorageError(f"{url} is empty.")
    if getattr(response, "length", None):
        raise StorageError(f"{url} ended before its announced length.")


def _mux(video: Path, audio: Path, duration: Fraction | None, ffmpeg: Path | str | None) -> Path:
    if not audio.is_file():
        raise StorageError(f"{audio} is not a file. Check soundtrack_path.")
    sound = probe(audio, ffmpeg=ffmpeg)
    if not sound.has_audio:
        raise FfmpegError(f"{audio} has no audio stream.")
    length = _video_length(video, ffmpeg) if duration is None else duration
    codec = ["copy"] if sound.audio_codec in COPIED_CODECS else ["aac", "-b:a", BITRATE]
    partial = video.absolute().with_name(f"{video.stem}.soundtrack.part{video.suffix}")
    args: list[str | Path] = [
        *("-y", "-i", video.absolute()),
        # Limits the audio only; the output's -t or -shortest could cost the video its last frames.
        *("-t", f"{float(length):.6f}", "-protocol_whitelist", "file", "-i", audio.absolute()),
        *("-map", "0:v:0", "-map", "0:s?", "-map", "1:a:0", "-c", "copy", "-c:a", *codec),
        *("-movflags", "+faststart", partial),
    ]
    try:
        run_ffmpeg(args, purpose=f"add the soundtrack {audio} to {video}", ffmpeg=ffmpeg)
        partial.replace(video)
    except OSError as error:
        raise storage_error(video, error, action="replaced") from error
    finally:
        partial.unlink(missing_ok=True)
    return video


def _video_length(video: Path, ffmpeg: Path | str | None) -> Fraction:
    info = probe(video, count_frames=True, ffmpeg=ffmpeg)
    if not info.has_video or not info.fps or not info.frames:
        raise FfmpegError(f"{video} has no video stream of a known rate.")
    return info.frames / info.fps
