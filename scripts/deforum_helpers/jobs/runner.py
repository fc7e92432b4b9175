"""Runs the jobs of the queue: settings to plan to video, with an engine that stays open between jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from ..errors import Finding, Interrupted
from ..media.run_folder import RunFolder
from ..ports import Control, Diffuser
from ..run_deforum import RunOptions, run_job
from ..settings.schema import Settings
from .access import Access
from .preparation import prepare
from .work import Outcome, Report, RunWork, Work

OpenEngine = Callable[[Settings], Diffuser]
"""The engine for a job of these settings; asked once they are known to be fine."""


def _nothing_borrowed(overrides: Mapping[str, object]) -> AbstractContextManager[None]:
    """There are no options to be changed."""
    return nullcontext()


@dataclass(frozen=True)
class DeforumRunner:
    """A ``work.JobRunner`` for jobs that are settings.

    Attributes:
        engine: opens the engine, at the first job that needs it; its context is left when the queue is closed.
        options: how to run a job, given its ``options_overrides``; asked anew for each job.
        access: what restricted requests may reach.
        borrow: changes options of the host while a job runs, and restores them.
        sketcher: the engine of jobs that want to see the motion only, so that no model is loaded for them; None for
            the same as for all others.
    """

    engine: Callable[[], AbstractContextManager[Diffuser]]
    options: Callable[[Mapping[str, object]], RunOptions]
    access: Access = field(default_factory=Access)
    borrow: Callable[[Mapping[str, object]], AbstractContextManager[None]] = _nothing_borrowed
    sketcher: Callable[[], Diffuser] | None = None

    @contextmanager
    def open(self) -> Iterator[RunWork]:
        """Wait for jobs, with an engine that is opened once."""
        with ExitStack() as stack:
            opened: list[Diffuser] = []

            def opened_once() -> Diffuser:
                if not opened:
                    opened.append(stack.enter_context(self.engine()))
                return opened[0]

            yield partial(self._run, opened_once)

    def run(self, engine: Diffuser, work: Work, control: Control, report: Report) -> Outcome:
        """Run one job with an engine that is open; for hosts whose engines are opened for each job.

        Raises:
            InputError: it cannot be run.
            RunError: it failed; what is rendered is kept.
        """
        return self._run(lambda: engine, work, control, report)

    def _run(self, engine: Callable[[], Diffuser], work: Work, control: Control, report: Report) -> Outcome:
        def engine_for(settings: Settings) -> Diffuser:
            if self.sketcher is not None and settings.run.motion_preview_mode:
                return self.sketcher()
            return engine()

        overrides = work.request.options_overrides
        with self.borrow(overrides):
            return run_work(work, engine_for, self.options(overrides), control, report, access=self.access)


def run_work(
    work: Work, engine_for: OpenEngine, options: RunOptions, control: Control, report: Report, *, access: Access
) -> Outcome:
    """Run one job of the queue.

    Args:
        work: the job.
        engine_for: gives the engine.
        options: how to run it; the run to go on with and whom to tell are filled in.
        control: may stop and pause it.
        report: told how it goes on.
        access: what it may reach, if it is restricted.

    Raises:
        InputError: it cannot be run.
        RunError: it failed; what is rendered is kept.
    """
    run = None if work.resume is None else RunFolder(*work.resume)
    models = None if options.allow_download else options.models
    ready = prepare(work.request, options.out, access, run, models=models)
    report.findings(ready.findings)
    if control.should_stop():
        return Outcome(stopped="Stopped before the first frame.")
    engine = engine_for(ready.job.settings)
    said = _findings_of(engine)
    report.findings((*ready.findings, *said))
    folders: list[RunFolder] = []

    def tell(folder: RunFolder) -> None:
        folders.append(folder)
        report.folder(folder.path, folder.timestring)

    options = replace(options, resume=ready.resume, on_folder=tell, on_step=report.step)
    try:
        result = run_job(ready.job, ready.data, engine, options, report, control)
    except Interrupted as stopped:
        video = folders[0].file(".mp4")
        return Outcome(video if control.wants_video and video.is_file() else None, stopped=str(stopped))
    new = _findings_of(engine)[len(said) :]
    return Outcome(result.video, (*result.findings, *new))


def _findings_of(engine: Diffuser) -> tuple[Finding, ...]:
    """What an engine has to say by now; not every engine speaks."""
    said: tuple[Finding, ...] = getattr(engine, "findings", ())
    return said
