"""Videos from frames: H.264 in MP4 at an exactly constant rate, encoded while frames come in or from files."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import FfmpegError, Finding, InputError
from ..ports import Image
from .ffmpeg import TAIL_LINES, ffmpeg_error, find_ffmpeg, start_error, tail, widen
from .store import ensure_folder, read_image, storage_error
from .timebase import format_rate

PRESETS = ("veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast", "superfast", "ultrafast")
_LONG_SIGHTED = PRESETS[: PRESETS.index("superfast")]
_SHORT_LOOKAHEAD = "rc-lookahead=5:sync-lookahead=0"
"""These presets look 10 to 60 frames ahead, all of which would be encoded after the last one has come. Looking less
far, the video is there within a second; at constant quality that costs a few per cent of its size."""
_MAX_FPS = 1000
_MAX_TERM = 2**31 - 1
"""ffmpeg keeps the terms of a rate in 32 bits."""
_MAX_SIDE = 16384
_RED, _BLUE = 0.2126, 0.0722
_LUMA = np.array([_RED, 1 - _RED - _BLUE, _BLUE])
_BLUENESS = (np.array([0, 0, 1]) - _LUMA) / (2 - 2 * _BLUE)
_REDNESS = (np.array([1, 0, 0]) - _LUMA) / (2 - 2 * _RED)
_TO_YUV = np.column_stack([np.stack([219 * _LUMA, 224 * _BLUENESS, 224 * _REDNESS]) / 255, [16, 128, 128]])
"""From R, G, B to Y, Cb, Cr by ITU-R BT.709, limited range: 3×4, the last column is added."""

BT709_SCALE = "out_color_matrix=bt709:out_range=tv"
"""Options of ffmpeg's scale filter: from sRGB frames to the colours of every video made here."""
BT709_LABEL = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
"""The filter that says so in the video."""


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    Attributes:
        crf: constant quality, 0 (lossless, huge) to 51 (worst).
        preset: speed of x264, one of ``PRESETS``; slower is smaller at the same quality.
        threads: threads x264 may use; None lets it choose.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        InputError: a value is out of range.
    """

    crf: int = 17
    preset: str = "medium"
    threads: int | None = None
    ffmpeg: Path | str | None = None

    def __post_init__(self) -> None:
        findings = []
        if not 0 <= self.crf <= 51:
            findings.append(Finding("error", f"CRF goes from 0 to 51, got {self.crf}.", key="deforum_ffmpeg_crf"))
        if self.preset not in PRESETS:
            allowed = ", ".join(PRESETS)
            message = f"{self.preset!r} is no preset of x264; there are {allowed}."
            findings.append(Finding("error", message, key="deforum_ffmpeg_preset"))
        if self.threads is not None and self.threads < 1:
            findings.append(Finding("error", f"An encoder needs at least one thread, got {self.threads}."))
        if findings:
            raise InputError(findings)


class FfmpegVideoWriter:
    """Encodes frames as they come: a ``ports.VideoWriter``.

    One ffmpeg reads raw frames, converted here, from a pipe and writes H.264 (yuv420p, BT.709, limited range, index in
    front) to
    ``NAME.part.mp4`` beside the target, which takes the target's name on ``close``. Frame ``i`` is shown from exactly
    ``i / fps`` on. H.264 with yuv420p needs even sides: an odd side is filled up by repeating the last row or column.

    Args:
        path: the video to make; replaced if it exists. Its folder is made if missing.
        width, height: size of the frames, pixels.
        fps: frames per second, exact.
        options: how to encode.

    Raises:
        InputError: a size or rate no video can have.
        FfmpegError: ffmpeg is missing or does not start.
        StorageError: the folder cannot be written to.
    """

    def __init__(
        self, path: Path, *, width: int, height: int, fps: Fraction, options: EncodeOptions | None = None
    ) -> None:
        check_format(width, height, fps)
        options = options or EncodeOptions()
        self.path = path
        self.frames = 0
        """Frames written so far."""
        self._purpose = f"encode {path}"
        self._shape = (height, width, 3)
        padded = (height + height % 2, width + width % 2, 3)
        self._padded = np.empty(padded, np.uint8) if padded != self._shape else None
        self._planar = np.empty(padded[0] * padded[1] * 3 // 2, np.uint8)
        self._partial = path.absolute().with_name(f"{path.stem}.part{path.suffix}")
        self._failure: FfmpegError | None = None
        self._closed = False
        ensure_folder(path.absolute().parent)
        command = _command(self._partial, padded[1], padded[0], fps, options)
        self._process, self._stdin, self._stderr = _start(command, self._purpose)
        self._said = _Drain(self._stderr)

    @property
    def pid(self) -> int:
        """Process id of the encoder."""
        return self._process.pid

    def write(self, image: Image) -> None:
        """Append a frame, H×W×3 uint8 RGB of the size announced. Returns once it is handed over.

        Raises:
            FfmpegError: the encoder died; its partial file is removed. The same again for every further frame.
            ValueError: ``image`` has another shape or type, or the writer is closed.
        """
        if self._failure:
            raise self._failure
        if self._closed:
            raise ValueError(f"the writer of {self.path} is closed")
        if image.shape != self._shape or image.dtype != np.uint8:
            raise ValueError(f"frames of {self.path} are {self._shape} uint8, got {image.shape} {image.dtype}")
        try:
            _fill_planes(self._planar, self._even(image))
            _write_all(self._stdin.fileno(), self._planar.data)
        except OSError as error:
            raise self._fail() from error
        except BaseException:
            # Cut off in the middle of a frame (Ctrl-C): all further frames would be out of step.
            self.abort()
            raise
        self.frames += 1

    def close(self) -> Path:
        """Finish and return the path of the playable video; again the same if already closed.

        Raises:
            FfmpegError: the encoder failed, or no frame was written; the partial file is removed.
            StorageError: the video could not take its name.
        """
        if self._failure:
            raise self._failure
        if self._closed:
            return self.path
        if not self.frames:
            self.abort()
            raise FfmpegError(f"{self.path} was not made: no frame was written to it.")
        if self._end():
            raise self._fail()
        try:
            self._partial.replace(self.path)
        except OSError as error:
            self._remove_partial()
            raise storage_error(self.path, error, action="named") from error
        self._closed = True
        return self.path

    def abort(self) -> None:
        """Give up: stop the encoder and remove the partial file. Does nothing once closed or failed. Never raises."""
        if self._closed or self._failure:
            return
        self._closed = True
        self._failure = FfmpegError(f"{self.path} was not made: its encoding was given up.")
        with contextlib.suppress(OSError):
            self._process.kill()
        self._end()
        self._remove_partial()

    def _even(self, image: Image) -> Image:
        """``image``, its last row and column repeated where a side is odd."""
        if self._padded is None:
            return image
        height, width, _ = self._shape
        self._padded[:height, :width] = image
        self._padded[height:, :width] = image[-1:]
        self._padded[:, width:] = self._padded[:, width - 1 : width]
        return self._padded

    def _end(self) -> int:
        """Close the pipe, wait for the encoder, and return its exit code."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        code = self._process.wait()
        self._said.join()
        return code

    def _fail(self) -> FfmpegError:
        code = self._end()
        self._failure = ffmpeg_error(f"{self._purpose} (frame {self.frames})", code, self._said.lines)
        self._remove_partial()
        return self._failure

    def _remove_partial(self) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)


def encode_files(frames: Sequence[Path], path: Path, *, fps: Fraction, options: EncodeOptions | None = None) -> Path:
    """Make the video ``path`` of image files, in the order given; equal to encoding them as they were made.

    Raises:
        InputError: there are no frames, some are missing, or sizes differ.
        FfmpegError: the encoder failed.
        StorageError: a frame is damaged, or the video cannot be written.
    """
    missing = [frame for frame in frames if not frame.is_file()]
    if missing or not frames:
        raise InputError(_missing_text(path, missing))
    first = read_image(frames[0])
    height, width, _ = first.shape
    writer = FfmpegVideoWriter(path, width=width, height=height, fps=fps, options=options)
    try:
        for frame in frames:
            image = read_image(frame)
            if image.shape != first.shape:
                size = f"{image.shape[1]}×{image.shape[0]}"
                raise InputError(f"All frames of a video have one size: {frame} is {size}, the first {width}×{height}.")
            writer.write(image)
        return writer.close()
    finally:
        writer.abort()


def encode_folder(
    pattern: Path, path: Path, *, fps: Fraction, count: int | None = None, options: EncodeOptions | None = None
) -> Path:
    """Make the video ``path`` of numbered image files, e.g. ``folder/20240102030405_%09d.png``.

    Args:
        pattern: path whose file name holds one ``%d`` or ``%0Nd``.
        path: the video to make.
        fps: frames per second.
        count: number of frames; None takes all. Numbering starts at the lowest number found.
        options: how to encode.

    Raises:
        InputError, FfmpegError, StorageError: as :func:`encode_files`; a gap in the numbers is an InputError.
    """
    return encode_files(numbered_files(pattern, count), path, fps=fps, options=options)


def numbered_files(pattern: Path, count: int | None = None) -> tuple[Path, ...]:
    """The files ``pattern`` names, from the lowest number on: ``count`` of them, or up to the highest number.

    Files in gaps are named, too, though they do not exist.

    Raises:
        InputError: the pattern does not hold exactly one number, or nothing matches it.
    """
    match = re.fullmatch(r"([^%]*)%(?:0(\d+))?d([^%]*)", pattern.name)
    if not match:
        raise InputError(f"{pattern.name!r} must hold one number, written %d or %0Nd, such as frame_%09d.png.")
    before, digits, after = match[1], int(match[2] or 0), match[3]
    named = re.compile(rf"{re.escape(before)}(\d{{{max(digits, 1)},}}){re.escape(after)}")
    names = [entry.name for entry in pattern.parent.iterdir()] if pattern.parent.is_dir() else []
    numbers = [int(found[1]) for name in names if (found := named.fullmatch(name))]
    if not numbers:
        raise InputError(f"No file matches {pattern}.")
    start = min(numbers)
    stop = max(numbers) + 1 if count is None else start + count
    return tuple(pattern.with_name(f"{before}{number:0{digits}}{after}") for number in range(start, stop))


class _Drain:
    """Reads a stream to its end in a thread and keeps the last lines, so that its writer never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._kept: deque[bytes] = deque(maxlen=4 * TAIL_LINES)
        self._stream = stream
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._stream as stream:
            for piece in iter(lambda: stream.readline(1024), b""):
                self._kept.append(piece)

    def join(self) -> None:
        self._thread.join()

    @property
    def lines(self) -> Iterable[str]:
        return tail(b"".join(self._kept))


def check_format(width: int, height: int, fps: Fraction) -> None:
    """Check that a video can have this format.

    Raises:
        InputError: a size or rate no video can have.
    """
    findings = []
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        findings.append(Finding("error", f"A video's sides go from 1 to {_MAX_SIDE} pixels, got {width}×{height}."))
    if not 0 < fps <= _MAX_FPS or max(fps.numerator, fps.denominator) > _MAX_TERM:
        message = f"A video's rate is above 0 and at most {_MAX_FPS} frames per second, got {fps}."
        findings.append(Finding("error", message, key="fps"))
    if findings:
        raise InputError(findings)


def _missing_text(path: Path, missing: Sequence[Path]) -> str:
    if not missing:
        return f"{path} cannot be made: there are no frames."
    shown = ", ".join(frame.name for frame in missing[:5]) + (", …" if len(missing) > 5 else "")
    return f"{path} cannot be made: {len(missing)} frames are missing in {missing[0].parent}: {shown}."


def _command(target: Path, width: int, height: int, fps: Fraction, options: EncodeOptions) -> list[str]:
    """The encoder's command line. Colours: sRGB frames, converted with the BT.709 matrix, and labelled so."""
    threads = [] if options.threads is None else ["-threads", str(options.threads)]
    return [
        *(str(find_ffmpeg(options.ffmpeg)), "-hide_banner", "-loglevel", "warning", "-nostats", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}", "-framerate", format_rate(fps)),
        # Said again for the output: above 60 a second ffmpeg would take 120000/1001 for 120.
        *("-i", "pipe:0", "-an", "-r", format_rate(fps), "-vf", BT709_LABEL),
        *("-c:v", "libx264", "-preset", options.preset, "-crf", str(options.crf), "-pix_fmt", "yuv420p", *threads),
        *(("-x264-params", _SHORT_LOOKAHEAD) if options.preset in _LONG_SIGHTED else ()),
        *("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-movflags", "+faststart", str(target)),
    ]


def _fill_planes(planar: NDArray[np.uint8], image: Image) -> None:
    """Write ``image``, of even sides, as I420 into ``planar``: Y, then Cb and Cr, each the mean of 2×2 pixels."""
    height, width, _ = image.shape
    converted = cv2.transform(image, _TO_YUV)
    half = (height // 2, width // 2)
    luma, *chroma = np.split(planar, [height * width, height * width * 5 // 4])
    cv2.extractChannel(converted, 0, luma.reshape(height, width))
    for channel, plane in enumerate(chroma, start=1):
        full = cv2.extractChannel(converted, channel)
        cv2.resize(full, half[::-1], plane.reshape(half), interpolation=cv2.INTER_AREA)


def _start(command: Sequence[str], purpose: str) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    """Start the encoder in a group of its own: Ctrl-C is for us, who then finish or drop the video in good order."""
    own_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=os.name == "posix",
            creationflags=own_group,
        )
    except OSError as error:
        raise start_error(purpose, command[0], error) from error
    if process.stdin is None or process.stderr is None:  # pragma: no cover - both are pipes
        raise FfmpegError(f"ffmpeg got no pipes to {purpose}.")
    widen(process.stdin)
    return process, process.stdin, process.stderr


def _write_all(descriptor: int, view: memoryview) -> None:
    """Write without copying; a pipe may take less than it is offered."""
    while view:
        view = view[os.write(descriptor, view) :]
