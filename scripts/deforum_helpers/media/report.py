"""What a run took: frames, time by task, memory."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from .store import write_text_atomic


@dataclass(frozen=True)
class Seconds:
    """Where the time of a run went; tasks overlap, so they may sum to more than ``total``.

    Attributes:
        total: of the run, from its start to the finished video.
        diffusion: in the engine.
        warping: making tweens, of all threads together.
        writing: frames to disk, of all threads together.
        encoding: handing frames to the video encoder, and waiting for its end.
        waiting: of the thread that renders, for frames to be taken.
    """

    total: float = 0.0
    diffusion: float = 0.0
    warping: float = 0.0
    writing: float = 0.0
    encoding: float = 0.0
    waiting: float = 0.0


@dataclass(frozen=True)
class RunReport:
    """The outcome of a run in numbers.

    Attributes:
        frames: output frames made.
        key_frames: of those, how many the plan diffuses.
        diffused: diffusions made, repeated ones included.
        reused: key frames that kept the picture before because they could not be diffused.
        retries: diffusions that were repeated.
        seconds: where the time went.
        peak_memory_mb: most memory the process held, MiB; None where it is unknown.
    """

    frames: int
    key_frames: int
    diffused: int
    reused: int = 0
    retries: int = 0
    seconds: Seconds = Seconds()
    peak_memory_mb: float | None = None

    @property
    def seconds_per_diffusion(self) -> float:
        """Mean time of a diffusion; 0 without any."""
        return self.seconds.diffusion / self.diffused if self.diffused else 0.0

    @property
    def overhead_ms_per_frame(self) -> float:
        """What each frame added to the time in the engine, milliseconds; 0 without frames."""
        return 1000 * (self.seconds.total - self.seconds.diffusion) / self.frames if self.frames else 0.0

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object; seconds to the millisecond."""
        return {
            "frames": self.frames,
            "key_frames": self.key_frames,
            "diffused": self.diffused,
            "reused": self.reused,
            "retries": self.retries,
            "seconds": {name: round(value, 3) for name, value in asdict(self.seconds).items()},
            "seconds_per_diffusion": round(self.seconds_per_diffusion, 4),
            "overhead_ms_per_frame": round(self.overhead_ms_per_frame, 3),
            "peak_memory_mb": None if self.peak_memory_mb is None else round(self.peak_memory_mb, 1),
        }

    def line(self) -> str:
        """The report in one line to read."""
        parts = [f"{self.frames} frames in {_duration(self.seconds.total)}"]
        parts.append(f"{self.diffused} diffusions of {self.seconds_per_diffusion:.2f} s")
        parts.append(f"{self.overhead_ms_per_frame:.0f} ms more per frame")
        parts += [f"{self.retries} repeated"] if self.retries else []
        parts += [f"{self.reused} not diffused"] if self.reused else []
        parts += [f"{self.peak_memory_mb:.0f} MiB at most"] if self.peak_memory_mb is not None else []
        return ", ".join(parts)

    def write(self, path: Path) -> Path:
        """Write the report as JSON to ``path`` (``{timestring}_report.json``), atomically; returns ``path``.

        Raises:
            StorageError: it could not be written.
        """
        return write_text_atomic(path, json.dumps(self.as_json(), indent=4, allow_nan=False) + "\n")


class Stopwatch:
    """Adds up the time that tasks take, in any number of threads: ``with watch.measure("warping"): …``.

    Times of one task that overlap are counted each.

    Args:
        clock: monotonic seconds; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = Lock()
        self._sums: dict[str, float] = {}

    def measure(self, task: str) -> AbstractContextManager[None]:
        """A context whose duration is added to ``task``, whether it ends well or not."""
        return _Measured(self._clock, self._add, task)

    def seconds(self, task: str) -> float:
        """What ``task`` has taken so far, seconds; 0 if it was never measured. Measurements under way do not count."""
        with self._lock:
            return self._sums.get(task, 0.0)

    def _add(self, task: str, seconds: float) -> None:
        with self._lock:
            self._sums[task] = self._sums.get(task, 0.0) + seconds


class _Measured:
    """One measurement. A class, since generator contexts cost several times as much."""

    __slots__ = ("_add", "_clock", "_started", "_task")

    def __init__(self, clock: Callable[[], float], add: Callable[[str, float], None], task: str) -> None:
        self._clock = clock
        self._add = add
        self._task = task

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._add(self._task, self._clock() - self._started)


def peak_memory_mb() -> float | None:
    """Most memory this process has held at a time so far (resident), MiB; None on Windows.

    Child processes (encoders) do not count.
    """
    try:
        # Where there is /proc, ask it: what getrusage says includes the process this one was forked from.
        return _peak_of_status(Path("/proc/self/status").read_text(encoding="ascii", errors="replace"))
    except (OSError, LookupError):
        return _peak_of_usage()


def _peak_of_status(text: str) -> float:
    found = re.search(r"^VmHWM:\s*(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise LookupError("VmHWM")
    return int(found[1]) / 1024


def _peak_of_usage() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
