"""Frames made in the background, in order, while the next key frame is being diffused."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from queue import Queue
from threading import Event, Thread
from types import TracebackType

from ...errors import RunError
from ...ports import Image

Job = tuple[Sequence[int], Callable[[], Sequence[Image]]]
"""Indices of some frames in a row, and the function that makes them."""

_JOBS_AHEAD = 4
"""Jobs at work: enough to keep the workers busy, few enough to keep memory flat."""


class FramePump:
    """Makes batches of frames and hands them on in order. Use it as a context manager.

    One batch is at work and one waits; a third has to wait outside, so no more than two intervals are in memory.

    Args:
        emit: called with each frame, in order, from the pump's own thread; what it raises ends the pump.
        workers: where the jobs run.
    """

    def __init__(self, emit: Callable[[int, Image], None], workers: Executor) -> None:
        self._emit = emit
        self._workers = workers
        self._batches: Queue[Sequence[Job] | None] = Queue(maxsize=1)
        self._halt = Event()
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="frames", daemon=True)

    def __enter__(self) -> FramePump:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A run that fails still gets the frames that were asked for; one that is stopped does not wait for them.
        if error is not None and not isinstance(error, RunError):
            self._halt.set()
        self._batches.put(None)
        self._thread.join()

    def submit(self, batch: Sequence[Job]) -> None:
        """Take a batch; waits while another one is waiting.

        Raises:
            BaseException: what a job or ``emit`` has raised.
        """
        self._batches.put(batch)
        self._raise_failure()

    def finish(self) -> None:
        """Wait until all frames are handed on; raises as :meth:`submit` does."""
        self._batches.put(None)
        self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            if self._halt.is_set():
                continue
            try:
                self._make(batch)
            except BaseException as error:  # noqa: BLE001 - raised again where the frames were asked for
                self._failure = error
                self._halt.set()

    def _make(self, batch: Sequence[Job]) -> None:
        groups = (indices for indices, _ in batch)
        for indices, images in zip(groups, self._in_order(job for _, job in batch), strict=True):
            for index, image in zip(indices, images, strict=True):
                if self._halt.is_set():
                    return
                self._emit(index, image)

    def _in_order(self, jobs: Iterable[Callable[[], Sequence[Image]]]) -> Iterator[Sequence[Image]]:
        running: deque[Future[Sequence[Image]]] = deque()
        try:
            for job in jobs:
                running.append(self._workers.submit(job))
                if len(running) >= _JOBS_AHEAD:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
