"""A video of the frames so far, renewed now and then while the run goes on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Lock, Thread
from typing import IO

from ..errors import FfmpegError, Finding, StorageError
from .encode import BT709_LABEL, BT709_SCALE
from .ffmpeg import ffmpeg_error, find_ffmpeg, start_error, tail
from .store import storage_error
from .timebase import format_rate

_NICENESS = 10
_PRIORITY = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)


class PreviewVideo:
    """Makes ``{timestring}_preview.mp4`` of the frames so far, in the background, every few frames.

    Each frame is encoded once, however often the video is renewed: new frames are appended to a raw H.264 stream beside
    the video, which is then wrapped again without encoding. ffmpeg reads the files itself, on one thread and at low
    priority, so that the run is hardly disturbed. Nothing here raises; what fails becomes a finding, and no further
    preview is made. Called from one thread.

    Args:
        path: the video; replaced whole each time.
        fps: frames per second.
        interval: frames between two previews, at least 1.
        total: frames of the run; at the last one no preview is made, since the video itself is about to come.
        codec: ffmpeg's decoder of the files.
        ffmpeg: program as for ``find_ffmpeg``.
    """

    def __init__(
        self,
        path: Path,
        *,
        fps: Fraction,
        interval: int,
        total: int | None = None,
        codec: str = "png",
        ffmpeg: Path | str | None = None,
    ) -> None:
        self.path = path
        self._fps = fps
        self._interval = max(1, interval)
        self._total = total
        self._codec = codec
        self._ffmpeg = ffmpeg
        self._stream = path.with_name(f"{path.stem}__rendering__.h264")
        self._partial = path.with_name(f"{path.stem}__rendering__{path.suffix}")
        self._shown = 0
        self._findings: tuple[Finding, ...] = ()
        self._thread: Thread | None = None
        self._halt = Event()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why there are no further previews, if something failed."""
        return self._findings

    def offer(self, frames: Sequence[Path]) -> bool:
        """Renew the video if enough frames came and none is being made; returns at once, True if one is made now.

        Args:
            frames: files of all frames from the first on, complete and in order.
        """
        busy = self._thread is not None and self._thread.is_alive()
        enough = len(frames) - self._shown >= self._interval and len(frames) != self._total
        if busy or not enough or self._findings or self._halt.is_set():
            return False
        self._thread = Thread(target=self._make, args=(tuple(frames[self._shown :]),), name="preview", daemon=True)
        self._thread.start()
        return True

    def close(self, *, abort: bool = False) -> tuple[Finding, ...]:
        """Wait for the video being made, or with ``abort`` give it up; returns the findings. An older one stays."""
        if abort:
            self._halt.set()
            with self._lock:
                if self._process is not None:
                    self._process.kill()
        if self._thread is not None:
            self._thread.join()
        self._halt.set()
        for path in (self._stream, self._partial):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return self._findings

    def _make(self, new: Sequence[Path]) -> None:
        try:
            with self._stream.open("ab" if self._shown else "wb") as stream:
                self._run(_encoder(self._fps, self._codec), new, stream)
            self._run(_wrapper(self._stream, self._partial, self._fps), (), None)
            if not self._halt.is_set():
                self._partial.replace(self.path)
                self._shown += len(new)
        except (FfmpegError, StorageError) as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(str(storage_error(self.path, error)))

    def _fail(self, message: str) -> None:
        if not self._halt.is_set():
            text = f"there are no further previews: {' '.join(message.split())}"
            self._findings = (Finding("warning", text, "deforum_preview"),)

    def _run(self, arguments: Sequence[str | Path], feed: Iterable[Path], output: IO[bytes] | None) -> None:
        """Run ffmpeg, feeding it the files ``feed``."""
        command = [str(find_ffmpeg(self._ffmpeg)), "-hide_banner", "-loglevel", "error", *map(str, arguments)]
        with TemporaryFile() as said:
            process = self._started(command, output, said)
            if process is None:
                return
            try:
                self._fed(process, feed)
            finally:
                code = process.wait()
                with self._lock:
                    self._process = None
            if code:
                said.seek(0)
                raise ffmpeg_error(f"make {self.path}", code, tail(said.read()))

    def _started(
        self, command: Sequence[str], output: IO[bytes] | None, said: IO[bytes]
    ) -> subprocess.Popen[bytes] | None:
        """The process, None if there is to be no more of them."""
        with self._lock:
            if self._halt.is_set():
                return None
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL if output is None else output,
                    stderr=said,
                    # Ctrl-C is for us, who then wait for the preview or give it up.
                    start_new_session=os.name == "posix",
                    creationflags=_PRIORITY | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
            except OSError as error:
                raise start_error(f"make {self.path}", command[0], error) from error
            if sys.platform != "win32":
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
            return self._process

    def _fed(self, process: subprocess.Popen[bytes], files: Iterable[Path]) -> None:
        """Hand over the files' bytes and the end; that the process ended early shows in its exit code."""
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            for file in files:
                data = _content(file)
                try:
                    process.stdin.write(data)
                except OSError:
                    return
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise storage_error(file, error, action="read") from error


def _encoder(fps: Fraction, codec: str) -> list[str | Path]:
    """From image files, one after the other, to raw H.264 without reordered frames. H.264 needs even sides."""
    even = f"scale=w=ceil(iw/2)*2:h=ceil(ih/2)*2:{BT709_SCALE},format=yuv420p"
    return [
        *("-f", "image2pipe", "-c:v", codec, "-framerate", format_rate(fps)),
        *("-threads", "1", "-xerror", "-i", "pipe:0"),
        *("-vf", f"{even},{BT709_LABEL}", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-bf", "0"),
        *("-threads", "1", "-f", "h264", "pipe:1"),
    ]


def _wrapper(stream: Path, target: Path, fps: Fraction) -> list[str | Path]:
    """From raw H.264 to MP4. The stream tells no times: frame n is shown from n / fps on."""
    times = f"setts=ts=N*{fps.denominator}/{fps.numerator}/TB"
    return [
        *("-y", "-f", "h264", "-framerate", format_rate(fps), "-i", stream.absolute(), "-c", "copy"),
        *("-bsf:v", times, "-video_track_timescale", str(fps.numerator), "-movflags", "+faststart", target.absolute()),
    ]
