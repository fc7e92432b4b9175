"""Frames out of videos: what is in a file, frame by frame, and the pixels, from any frame on."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import re
import subprocess
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import cast

import numpy as np

from ..errors import FfmpegError
from ..ports import Image
from .ffmpeg import TAIL_LINES, ffmpeg_error, find_ffmpeg, start_error, tail, widen

SCALE = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
"""How frames are scaled and become RGB, the same on every machine. ffmpeg's fast ways cost a third of the time, but
shift green by 1.5 levels, which adds up where pictures are fed back."""
_SHOWN = re.compile(rb"\[Parsed_showinfo\S* @ \S+\] n: *(\d+) pts: *(\S+) .*checksum:([0-9A-F]{8}) ")
"""What ffmpeg's filter showinfo tells of each frame."""
_TIME_BASE = re.compile(rb"config in time_base: *(\d+)/(\d+)")
_FORMAT = re.compile(rb" fmt:(\S+) .* s:(\d+)x(\d+) ")
_COLOUR = re.compile(rb"color_space:(\S+)")


@dataclass(frozen=True)
class VideoIndex:
    """What a video holds, frame by frame in the order shown.

    Attributes:
        pts: when each frame is shown, in ``time_base``; meaningful only if ``seekable``.
        checksums: of the decoded pixels.
        time_base: seconds.
        seekable: whether the times tell the frames apart.
        changes: whether the size or kind of the pictures changes on the way.
        matrix: the colour matrix to assume, empty if the video says it.
        fps: frames per second that the file claims.
        size: width and height of the first frame as it is shown, pixels; a rotation that the file asks for is applied.
    """

    pts: Sequence[int]
    checksums: Sequence[int]
    time_base: Fraction
    seekable: bool
    changes: bool
    matrix: str
    fps: Fraction | None = None
    size: tuple[int, int] = (0, 0)


def index_video(
    path: Path, last: int = -1, *, ffmpeg: Path | str | None = None, counted: Callable[[int], object] = bool
) -> VideoIndex:
    """Decode a video once; containers may lie about what is in them.

    Args:
        path: the video.
        last: number of the frame after which to stop; -1 goes to the end.
        ffmpeg: program as for ``find_ffmpeg``.
        counted: told of each frame how many there are by now.

    Raises:
        FfmpegError: not one frame can be decoded. A damaged end is no error.
    """
    trim = f"trim=end_frame={last + 1}," if last != -1 else ""
    command = [*_input(path, "info", ffmpeg), "-vf", f"{trim}showinfo", "-f", "null", "-"]
    purpose = f"count the frames of {path}"
    told, said = _Told(), deque[bytes](maxlen=4 * TAIL_LINES)
    process, unused, stderr = _start(command, purpose)
    with unused, stderr:
        try:
            for line in stderr:
                if line.startswith(b"[Parsed_showinfo"):
                    told.hear(line)
                    counted(len(told.pts))
                else:
                    said.append(line[:1024])
        finally:
            process.kill()
            code = process.wait()
    if not told.pts:
        raise ffmpeg_error(purpose, code, tail(b"".join(said)))
    return told.index()


@dataclass
class _Told:
    """Gathers what showinfo tells."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    checksums: array[int] = field(default_factory=lambda: array("Q"))
    time_base: Fraction = Fraction(0)
    rising: bool = True
    beginnings: int = 0
    form: tuple[bytes, int, int] | None = None
    space: bytes = b""

    def hear(self, line: bytes) -> None:
        if shown := _SHOWN.match(line):
            self._frame(*shown.groups())
            if not self.form and (form := _FORMAT.search(line)):
                self.form = (form[1], int(form[2]), int(form[3]))
        elif based := _TIME_BASE.search(line):
            self.time_base = Fraction(int(based[1]), int(based[2]) or 1)
        elif not self.space and (coloured := _COLOUR.search(line)):
            self.space = coloured[1]

    def _frame(self, number: bytes, pts: bytes, checksum: bytes) -> None:
        self.beginnings += number == b"0"
        known = pts.lstrip(b"-").isdigit()
        self.rising = self.rising and known and (not self.pts or int(pts) > self.pts[-1])
        self.pts.append(int(pts) if known else 0)
        self.checksums.append(int(checksum, 16))

    def index(self) -> VideoIndex:
        form, width, height = self.form or (b"", 0, 0)
        return VideoIndex(
            self.pts,
            self.checksums,
            self.time_base,
            seekable=self.rising and self.time_base > 0,
            changes=self.beginnings > 1,
            matrix=assumed_matrix(self.space, form, width, height),
            size=(width, height),
        )


def assumed_matrix(space: bytes, form: bytes, width: int, height: int) -> str:
    """The colour matrix of a video that does not tell: what players assume from its size. Empty if it tells."""
    if space != b"unknown" or not form.startswith((b"yuv", b"nv", b"p0")):
        return ""
    return "bt709" if width >= 1280 or height > 576 else "bt601"


class SeekMissedError(Exception):
    """What was decoded from the middle on is not what a straight run shows."""


class Decoder:
    """One ffmpeg that writes the frames ``numbers`` of a video into a pipe, as RGB of one size.

    Rotation is applied. The colour matrix (BT.601, BT.709, BT.2020) is the video's; HDR is not mapped to SDR.

    Args:
        path: the video.
        index: what is in it.
        numbers: of the frames, an ascending range.
        size: width and height of what comes out, pixels.
        seek: enter the file at the first frame rather than decode from its beginning. Then each frame is compared with
            the index, so that what comes out is what a straight run gives, or an error.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        FfmpegError: ffmpeg is missing or does not start.
    """

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        numbers: range,
        *,
        size: tuple[int, int],
        seek: bool = False,
        ffmpeg: Path | str | None = None,
    ) -> None:
        width, height = size
        first, step = numbers.start, numbers.step
        self._purpose = f"decode {path} from frame {first} on"
        self._shape = (height, width, 3)
        self._step = step
        self._expected = index.checksums[first:] if seek else None
        self._position = 0
        self._told: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._said: deque[bytes] = deque(maxlen=4 * TAIL_LINES)
        if seek:
            moment = f"{float(index.pts[first] * index.time_base):.6f}"
            entry = ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", moment]
            chosen = f"select='gte(pts,{index.pts[first]})',showinfo,select='not(mod(n,{step}))'"
        else:
            entry, chosen = [], f"select='gte(n,{first})*not(mod(n-{first},{step}))'"
        matrix = f":in_color_matrix={index.matrix}" if index.matrix else ""
        # Each frame once: at a rate and times of our own there is nothing to repeat or to drop. The rate is so low that
        # no frame of a file lasts longer than one of it; ffmpeg 8 and later would fill up the end with the last one.
        filters = f"{chosen},scale={width}:{height}:{SCALE}{matrix},format=rgb24,settb=1000,setpts=N"
        command = [
            *_input(path, "info" if seek else "error", ffmpeg, entry),
            *("-vf", filters, "-r", "1/1000", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"),
        ]
        self._process, self._pixels, stderr = _start(command, self._purpose)
        self._listener = Thread(target=self._listen, args=(stderr,), name="deforum-decoder", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Process id of ffmpeg."""
        return self._process.pid

    def read(self) -> Image:
        """The next frame, height×width×3 uint8 RGB.

        Raises:
            FfmpegError: there is none.
            SeekMissedError: it is not the frame expected.
        """
        image = self._next()
        if image is None:
            raise self._failure()
        return image

    def frames(self) -> Iterator[Image]:
        """The frames up to the end of the video, however many there are, each height×width×3 uint8 RGB.

        Raises:
            FfmpegError: ffmpeg failed before the end.
            SeekMissedError: a frame is not the one expected.
        """
        while (image := self._next()) is not None:
            yield image
        if self._process.wait():
            raise self._failure()

    def _next(self) -> Image | None:
        """The next frame; None if ffmpeg has no more."""
        image: Image = np.empty(self._shape, np.uint8)
        view, held = image.data.cast("B"), 0
        while held < len(view):
            count = self._pixels.readinto(view[held:])
            if not count:
                return None
            held += count
        if self._expected is not None:
            self._check(self._expected)
        return image

    def kill(self) -> None:
        """End ffmpeg, from any thread; who reads gets an error. Never raises."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """End ffmpeg and let go of it. Never raises."""
        self.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._pixels.close()
        self._listener.join()

    def _check(self, expected: Sequence[int]) -> None:
        """Compare what ffmpeg told of the video frames up to this one, which it does before it writes their pixels."""
        stop = self._position + (self._step if self._position else 1)
        while self._position < stop:
            if self._told.get() != expected[self._position]:
                raise SeekMissedError
            self._position += 1

    def _failure(self) -> Exception:
        code = self._process.wait()
        self._listener.join()
        if self._expected is not None:
            return SeekMissedError()
        return ffmpeg_error(self._purpose, code, tail(b"".join(self._said)))

    def _listen(self, stderr: io.BufferedReader) -> None:
        with stderr:
            for line in stderr:
                if match := _SHOWN.match(line):
                    self._told.put(int(match[3], 16))
                else:
                    self._said.append(line[:1024])
        self._told.put(None)


def _input(path: Path, level: str, ffmpeg: Path | str | None, entry: Sequence[str] = ()) -> list[str]:
    """The beginning of a command line: the pictures of ``path``, with the times of the file."""
    return [
        *(str(find_ffmpeg(ffmpeg)), "-hide_banner", "-nostdin", "-nostats", "-loglevel", level),
        # Playlists and the like must not make it fetch other things.
        *("-protocol_whitelist", "file", "-copyts", *entry, "-i", str(path.absolute()), "-map", "0:V:0"),
    ]


def _start(command: Sequence[str], purpose: str) -> tuple[subprocess.Popen[bytes], io.FileIO, io.BufferedReader]:
    """Start ffmpeg in a group of its own: Ctrl-C is for us. Pixels come unbuffered, lines buffered."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise start_error(purpose, command[0], error) from error
    if process.stdout is None or process.stderr is None:  # pragma: no cover - both are pipes
        raise FfmpegError(f"ffmpeg got no pipes to {purpose}.")
    widen(process.stdout)
    return process, cast("io.FileIO", process.stdout), io.BufferedReader(cast("io.FileIO", process.stderr))
