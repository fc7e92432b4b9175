"""Jobs of the queue, run by the web UI's own model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...errors import Finding
from ...jobs.access import Access
from ...jobs.control import RunControl
from ...jobs.work import Outcome, Report, RunWork, Work
from .borrowed import borrowed
from .control import WebuiControl
from .host import Host, open_host
from .options import run_options
from .progress import WebuiProgress
from .session import webui_job
from .verbose import logged, verbose_log
from .vram import WebuiMemory, memory_given_back
from .weights import Weights

_CHECKPOINT, _VAE = "sd_model_checkpoint", "sd_vae"


@dataclass(frozen=True)
class WebuiRunner:
    """A ``work.JobRunner``: each job is alone with the web UI's model, on its progress bar, and heeds its buttons.

    Attributes:
        out: folder of all runs.
        access: what restricted requests may reach.
        ready: returns when the web UI has started; jobs that waited in the queue must not run before.
    """

    out: Path
    access: Access = field(default_factory=Access)
    ready: Callable[[], object] = bool

    @contextmanager
    def open(self) -> Iterator[RunWork]:
        """Nothing is opened: the model is the web UI's, and loaded when a job needs it."""
        yield self._run

    def _run(self, work: Work, control: RunControl, report: Report) -> Outcome:
        # Everything that renders is imported here: a web UI that starts need not wait for it.
        from ...jobs.runner import DeforumRunner
        from ..preview.engine import PreviewEngine
        from .engine import webui_engine

        self.ready()
        host = open_host()
        heard, memory = WebuiControl(host.state, control), WebuiMemory(host)
        runner = DeforumRunner(
            partial(webui_engine, host, heard, memory),
            partial(run_options, host, self.out, memory=memory),
            self.access,
            sketcher=PreviewEngine,
        )
        with (
            webui_job(host),
            memory_given_back(host),
            overridden(host, work.request.options_overrides),
            verbose_log(host),
            logged("job"),
            runner.engine() as engine,
        ):
            return runner.run(engine, work, heard, WebuiReport(host, report))


@contextmanager
def overridden(host: Host, overrides: Mapping[str, object]) -> Iterator[None]:
    """Options of the web UI as a job wants them, checkpoint and VAE loaded; restored in the end."""
    weights = Weights(host)
    options = {key: value for key, value in overrides.items() if key not in (_CHECKPOINT, _VAE)}
    try:
        with borrowed(host, options):
            weights.use(*(str(overrides.get(key) or "") for key in (_CHECKPOINT, _VAE)))
            yield
    finally:
        weights.restore()


class WebuiReport(WebuiProgress):
    """A ``work.Report`` that shows frames on the web UI's progress bar as well."""

    def __init__(self, host: Host, report: Report) -> None:
        super().__init__(host, report)
        self._report = report

    def step(self, what: str, done: int, count: int) -> None:
        """Something before or after the frames takes long."""
        self._host.state.textinfo = f"{what}: {done} of {count}"
        self._report.step(what, done, count)

    def folder(self, outdir: Path, timestring: str) -> None:
        """The run has its folder."""
        self._report.folder(outdir, timestring)

    def findings(self, findings: Sequence[Finding]) -> None:
        """There is something to say about the settings."""
        self._report.findings(findings)
