"""Runs the jobs of the queue: settings to plan to video, with an engine that stays open between jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from ..errors import Interrupted
from ..media.run_folder import RunFolder
from ..ports import Control, Diffuser
from ..run_deforum import RunOptions, run_job
from .access import Access
from .preparation import prepare
from .queue import Outcome, Report, RunWork, Work


def _nothing_borrowed(overrides: Mapping[str, object]) -> AbstractContextManager[None]:
    """There are no options to be changed."""
    return nullcontext()


@dataclass(frozen=True)
class DeforumRunner:
    """A ``queue.JobRunner`` for jobs that are settings.

    Attributes:
        engine: opens the engine; its context is left when the queue is closed.
        options: how to run a job, given its ``options_overrides``; asked anew for each job.
        access: what restricted requests may reach.
        borrow: changes options of the host while a job runs, and restores them.
    """

    engine: Callable[[], AbstractContextManager[Diffuser]]
    options: Callable[[Mapping[str, object]], RunOptions]
    access: Access = field(default_factory=Access)
    borrow: Callable[[Mapping[str, object]], AbstractContextManager[None]] = _nothing_borrowed

    @contextmanager
    def open(self) -> Iterator[RunWork]:
        """Open the engine."""
        with self.engine() as engine:
            yield partial(self.run, engine)

    def run(self, engine: Diffuser, work: Work, control: Control, report: Report) -> Outcome:
        """Run one job with an engine that is open."""
        overrides = work.request.options_overrides
        with self.borrow(overrides):
            options = self.options(overrides)
            run = None if work.resume is None else RunFolder(*work.resume)
            ready = prepare(work.request, options.out, self.access, run)
            report.findings(ready.findings)
            folders: list[RunFolder] = []

            def tell(folder: RunFolder) -> None:
                folders.append(folder)
                report.folder(folder.path, folder.timestring)

            options = replace(options, resume=ready.resume, on_folder=tell)
            try:
                result = run_job(ready.job, ready.data, engine, options, report, control)
            except Interrupted as stopped:
                video = folders[0].file(".mp4")
                return Outcome(video if control.wants_video and video.is_file() else None, stopped=str(stopped))
            return Outcome(result.video, result.findings)
