"""What the tests of queue and API share: a runner that does as it is told, and the real one with tiny frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event

import numpy as np

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.queue import JobQueue
from deforum_helpers.jobs.runner import DeforumRunner
from deforum_helpers.jobs.status import JobRequest, JobStatus
from deforum_helpers.jobs.work import Outcome
from deforum_helpers.media.encode import EncodeOptions
from deforum_helpers.run_deforum import RunOptions

PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""

TINY: dict[str, object] = {
    "W": 64,
    "H": 64,
    "animation_mode": "2D",
    "max_frames": 6,
    "diffusion_cadence": 2,
    "fps": 12,
    "seed": 7,
    "batch_name": "run_{timestring}",
    "strength_schedule": "0: (0.5)",
    "zoom": "0: (1.02)",
    "noise_schedule": "0: (0)",
    "amount_schedule": "0: (0)",
    "color_coherence": "None",
    "prompts": {"0": "a lighthouse at dusk"},
    "add_soundtrack": "None",
}


def tiny(**values: object) -> JobRequest:
    return JobRequest({**TINY, **values})


class Scripted:
    """A runner whose jobs do what ``settings["do"]`` says, a function of work, control and report.

    ``deed_of`` tells from the settings what to do.
    """

    def __init__(self, **deeds: Callable[..., Outcome]) -> None:
        self.deeds = deeds
        self.ran: list[object] = []
        self.opened = self.left = 0
        self.deed_of: Callable[..., object] = lambda settings: settings.get("do")

    @contextmanager
    def open(self) -> Iterator[Callable[..., Outcome]]:
        self.opened += 1
        yield self._run
        self.left += 1

    def _run(self, work, control, report):
        self.ran.append(work.request.settings.get("name"))
        deed = self.deeds.get(str(self.deed_of(work.request.settings)))
        return deed(work, control, report) if deed else Outcome()


class Gate:
    """A deed that makes frames until it is stopped, or goes on when it may."""

    def __init__(self) -> None:
        self.entered, self.may_go = Event(), Event()

    def __call__(self, work, control, report) -> Outcome:
        report.start(10, 3)
        report.advance(0, np.zeros((8, 8, 3), np.uint8), True)
        self.entered.set()
        while not self.may_go.wait(0.02):
            if control.should_stop():
                return Outcome(stopped="Stopped after 1 of 10 frames.")
        report.finish()
        return Outcome()


@contextmanager
def opened(database: Path, runner) -> Iterator[JobQueue]:
    queue = JobQueue(database, runner)
    try:
        yield queue
    finally:
        queue.close()


def preview_runner(out: Path, *, latency: float = 0.0, access: Access = Access()) -> DeforumRunner:  # noqa: B008
    options = RunOptions(out=out, threads=1, encode=EncodeOptions(preset="ultrafast", threads=1))
    return DeforumRunner(lambda: nullcontext(PreviewEngine(latency=latency)), lambda overrides: options, access)


def until_over(queue: JobQueue, job_id: str) -> JobStatus:
    for status in queue.events(job_id, heartbeat=PATIENCE):
        last = status
    assert last.is_over, last
    return last


def until(queue: JobQueue, job_id: str, reached: Callable[[JobStatus], bool]) -> JobStatus:
    for status in queue.events(job_id, heartbeat=PATIENCE):
        if reached(status):
            return status
    raise AssertionError(f"never came: {queue.job(job_id)}")
