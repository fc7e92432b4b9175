"""Waiting for jobs without a thread for each who waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool

from ..errors import StorageError
from ..jobs.queue import JobQueue
from ..jobs.status import JobStatus
from .replies import progress_object

HEARTBEAT_SECONDS = 15.0
"""After so long a sign of life is sent, so that nobody between takes the connection for dead."""


async def changes(queue: JobQueue, job_id: str, heartbeat: float | None = None) -> AsyncIterator[JobStatus | None]:
    """The job now and after each change, until it is over or the queue closes; None as a sign of life.

    Raises:
        UnknownJobError: there is no such job.
    """
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(changed.set)

    with queue.listening(wake):
        last: JobStatus | None = None
        while True:
            changed.clear()
            status = await _known(queue, job_id)
            if status is not None and status != last:
                yield status
                last = status
            if status is None or status.is_over:
                return
            try:
                await asyncio.wait_for(changed.wait(), heartbeat)
            except asyncio.TimeoutError:
                yield None


async def _known(queue: JobQueue, job_id: str) -> JobStatus | None:
    """The job; None if the queue is closed."""
    if queue.is_closed:
        return None
    try:
        return await run_in_threadpool(queue.job, job_id)
    except StorageError:
        return None


async def server_sent(queue: JobQueue, job_id: str) -> AsyncIterator[bytes]:
    """The changes of a job as server-sent events called ``job``, with the number of updates as id."""
    async for status in changes(queue, job_id, HEARTBEAT_SECONDS):
        if status is None:
            yield b": still here\n\n"
        else:
            data = json.dumps(progress_object(status), allow_nan=False)
            yield f"event: job\nid: {status.updates}\ndata: {data}\n\n".encode("ascii")
