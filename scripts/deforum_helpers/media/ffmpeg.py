"""Finding ffmpeg, running it, and asking it what is in a file."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import IO

from ..errors import FfmpegError, InputError, first_line
from .timebase import parse_fps

TAIL_LINES = 15
"""Lines of ffmpeg's last words that an error repeats."""
_PIPE_SIZE = 1 << 20
ENVIRONMENT_VARIABLE = "DEFORUM_FFMPEG"
SETTING = "deforum_ffmpeg_location"

_FIX = (
    f"Install ffmpeg so that it is on the PATH, or `pip install imageio-ffmpeg`, "
    f"or set {SETTING} or the environment variable {ENVIRONMENT_VARIABLE} to the program."
)
_QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")
_STREAM = re.compile(r"^\s*Stream #0:\d+.*?: (Video|Audio|Subtitle): (\w+)(.*)$", re.MULTILINE)
_DURATION = re.compile(r"^\s*Duration: (\d+):(\d+):(\d+(?:\.\d+)?)", re.MULTILINE)
_SIZE = re.compile(r", ([1-9]\d*)x(\d+)\b")
_RATE = re.compile(r"\b(\d+(?:\.\d+)?)(k?) fps\b")
_SAMPLE_RATE = re.compile(r"\b(\d+) Hz\b")


@dataclass(frozen=True)
class MediaInfo:
    """What is in a media file.

    Attributes:
        duration: seconds, to a hundredth; None if unknown.
        fps: frames per second of the first video stream (NTSC rates exact); None if there is none or it is unknown.
        width, height: size of the first video stream as stored, pixels; 0 without one.
        frames: frames of the first video stream, if they were counted.
        has_video, has_audio, has_subtitles: which streams there are; cover pictures are no video.
        video_codec, audio_codec: ffmpeg's names of the first streams' codecs, e.g. ``"h264"``; empty without one.
        sample_rate: of the first audio stream, Hz; 0 without one.
    """

    duration: Fraction | None = None
    fps: Fraction | None = None
    width: int = 0
    height: int = 0
    frames: int | None = None
    has_video: bool = False
    has_audio: bool = False
    has_subtitles: bool = False
    video_codec: str = ""
    audio_codec: str = ""
    sample_rate: int = 0


def find_ffmpeg(explicit: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """The ffmpeg to use: the setting, else ``$DEFORUM_FFMPEG``, else one on the PATH, else imageio-ffmpeg's.

    A setting or variable that names no program is an error rather than passed over, except for the bare word
    ``ffmpeg``, which is what the web UI fills in when it does not know better.

    Args:
        explicit: the setting: a path or a command name; None or empty if unset.
        environ: environment to read instead of the process's own.

    Raises:
        FfmpegError: none found; tells each place looked at and what to do.
    """
    environ = os.environ if environ is None else environ
    search_path = environ.get("PATH", "")
    variable = environ.get(ENVIRONMENT_VARIABLE)
    for place, wanted in ((f"The setting {SETTING}", explicit), (f"The variable {ENVIRONMENT_VARIABLE}", variable)):
        name = str(wanted or "").strip().strip('"')
        if not name or name == "ffmpeg":
            continue
        found = shutil.which(str(Path(name).expanduser()), path=search_path)
        if not found:
            raise FfmpegError(f"{place} is {name!r}, which is no program that can be run. Correct or clear it. {_FIX}")
        return Path(found).absolute()
    found = shutil.which("ffmpeg", path=search_path)
    if found:
        return Path(found).absolute()
    bundled, why_not = _bundled_ffmpeg()
    if bundled:
        return bundled
    raise FfmpegError(
        f"ffmpeg was not found. Looked at: the setting {SETTING} (not set), the environment variable "
        f"{ENVIRONMENT_VARIABLE} (not set), the PATH (not on it), the package imageio-ffmpeg ({why_not}). {_FIX}"
    )


def ffmpeg_version(ffmpeg: Path | str | None = None) -> str:
    """Version of ``ffmpeg`` (or of the one found), e.g. ``"7.0.2-static"``.

    Raises:
        FfmpegError: there is none, or it does not run.
    """
    said = run_ffmpeg(["-version"], purpose="tell its version", ffmpeg=ffmpeg).decode("utf-8", "replace")
    match = re.search(r"^ffmpeg version (\S+)", said)
    if not match:
        raise FfmpegError(f"{find_ffmpeg(ffmpeg)} is no ffmpeg; asked for its version it said: {said[:200]}")
    return match[1]


def run_ffmpeg(args: Sequence[str | Path], *, purpose: str, ffmpeg: Path | str | None = None) -> bytes:
    """Run ffmpeg to its end and return what it wrote to stdout.

    Args:
        args: arguments without the program; it never asks questions and only tells errors.
        purpose: what it is for, a verb phrase for the error message: ``"add the soundtrack"``.
        ffmpeg: program as for :func:`find_ffmpeg`.

    Raises:
        FfmpegError: it is missing, cannot be started, or failed: purpose, exit code and its last lines.
    """
    command = [str(find_ffmpeg(ffmpeg)), *_QUIET, *map(str, args)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise start_error(purpose, command[0], error) from error
    if done.returncode:
        raise ffmpeg_error(purpose, done.returncode, tail(done.stderr))
    return done.stdout


def start_error(purpose: str, program: str, error: OSError) -> FfmpegError:
    """The FfmpegError for a program that could not be started."""
    return FfmpegError(f"ffmpeg could not be started to {purpose}: {program}: {error.strerror or error}. {_FIX}")


def ffmpeg_error(purpose: str, exit_code: int, last_lines: Iterable[str]) -> FfmpegError:
    """The FfmpegError for a run that failed; a negative ``exit_code`` is the signal that ended it."""
    ended = f"was ended by signal {-exit_code}" if exit_code < 0 else f"failed with exit code {exit_code}"
    lines = [f"    {line}" for line in last_lines] or ["    (it said nothing)"]
    return FfmpegError("\n".join([f"ffmpeg {ended} when it was to {purpose}. It said:", *lines]))


def tail(stderr: bytes, lines: int = TAIL_LINES) -> list[str]:
    """The last non-empty lines of what ffmpeg said, each cut to a readable length."""
    text = stderr[-16384:].decode("utf-8", "replace")
    return [line.rstrip()[:400] for line in re.split(r"[\r\n]+", text) if line.strip()][-lines:]


def probe(path: Path, *, count_frames: bool = False, ffmpeg: Path | str | None = None) -> MediaInfo:
    """What is in the file ``path``.

    Args:
        path: a media file.
        count_frames: also count the frames of the first video stream (reads the file through, decodes nothing).
        ffmpeg: program as for :func:`find_ffmpeg`.

    Raises:
        FfmpegError: the file is missing or no media file.
    """
    if not path.is_file():
        raise FfmpegError(f"{path} cannot be examined: there is no such file.")
    program = str(find_ffmpeg(ffmpeg))
    # Playlists and the like must not make it fetch other things.
    command = [program, "-hide_banner", "-nostdin", "-protocol_whitelist", "file", "-i", str(path.absolute())]
    try:
        # Without an output ffmpeg always ends with an error, so the exit code tells nothing.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise start_error(f"examine {path}", program, error) from error
    info = parse_probe(done.stderr.decode("utf-8", "replace"))
    if not (info.has_video or info.has_audio or info.has_subtitles):
        raise ffmpeg_error(f"examine {path}", done.returncode, tail(done.stderr))
    return replace(info, frames=_count_frames(path, program)) if count_frames and info.has_video else info


def parse_probe(text: str) -> MediaInfo:
    """Read what ``ffmpeg -i FILE`` says about its input."""
    streams: dict[str, tuple[str, str]] = {}
    for kind, codec, rest in _STREAM.findall(text):
        if "(attached pic)" not in rest:
            streams.setdefault(kind, (codec, rest))
    video_codec, video = streams.get("Video", ("", ""))
    audio_codec, audio = streams.get("Audio", ("", ""))
    size = _SIZE.search(video)
    rate = _SAMPLE_RATE.search(audio)
    return MediaInfo(
        duration=_duration(text),
        fps=_fps(video),
        width=int(size[1]) if size else 0,
        height=int(size[2]) if size else 0,
        has_video="Video" in streams,
        has_audio="Audio" in streams,
        has_subtitles="Subtitle" in streams,
        video_codec=video_codec,
        audio_codec=audio_codec,
        sample_rate=int(rate[1]) if rate else 0,
    )


def _duration(text: str) -> Fraction | None:
    match = _DURATION.search(text)
    return (int(match[1]) * 60 + int(match[2])) * 60 + Fraction(match[3]) if match else None


def _fps(stream: str) -> Fraction | None:
    match = _RATE.search(stream)
    if not match:
        return None
    try:
        # ffmpeg rounds to two decimals, so NTSC rates have to be recognised.
        return parse_fps(Fraction(match[1]) * (1000 if match[2] else 1))
    except InputError:
        return None


def _count_frames(path: Path, ffmpeg: str) -> int:
    args: list[str | Path] = ["-i", path.absolute(), "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"]
    packets = run_ffmpeg(args, purpose=f"count the frames of {path}", ffmpeg=ffmpeg)
    return sum(not line.startswith(b"#") for line in packets.splitlines())


def _bundled_ffmpeg() -> tuple[Path | None, str]:
    """imageio-ffmpeg's program, or why there is none."""
    try:
        import imageio_ffmpeg
    except ImportError:
        return None, "not installed"
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute(), ""
    except RuntimeError as error:
        return None, first_line(error)


def widen(pipe: IO[bytes]) -> None:
    """A larger pipe lets both ends run ahead by part of a frame; where that is not possible, nothing changes."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_SIZE)  # type: ignore[attr-defined,unused-ignore]
