"""Settings files rendered by the web UI as soon as it has started (``--deforum-run-now``)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import DeforumError, Finding, InputError, Interrupted
from ..preview.engine import PreviewEngine
from .control import WebuiControl
from .engine import webui_engine
from .host import Host
from .options import run_options
from .progress import WebuiProgress
from .session import webui_job
from .verbose import logged, verbose_log
from .vram import WebuiMemory, memory_given_back

if TYPE_CHECKING:
    from ...run_deforum import RunResult

_LOG = logging.getLogger(__name__)


def split_files(text: str) -> tuple[Path, ...]:
    """The settings files of ``--deforum-run-now``: names between commas."""
    return tuple(Path(name.strip()).expanduser() for name in text.split(",") if name.strip())


def render_files(host: Host, files: Sequence[Path], out: Path) -> tuple[RunResult | None, ...]:
    """Render settings files one after the other; the log tells what came of each.

    Args:
        host: the web UI.
        files: settings files.
        out: folder of all runs.

    Returns:
        The result of each; None for one that cannot be rendered or was stopped.
    """
    results: list[RunResult | None] = []
    for file in files:
        try:
            result = render_file(host, file, out)
        except DeforumError as error:
            results.append(None)
            stopped = isinstance(error, Interrupted)
            how = "\nTo go on, choose it under Resume Animation in the tab." if error.run is not None else ""
            _LOG.log(logging.INFO if stopped else logging.ERROR, "%s: %s%s", file, error, how)
            if stopped:
                break
        else:
            results.append(result)
            _LOG.info("%s: done, %s", file, result.video or result.outdir)
    return tuple(results)


def render_file(host: Host, file: Path, out: Path) -> RunResult:
    """Render a settings file.

    Raises:
        InputError: it cannot be rendered.
        RunError: the run failed.
        Interrupted: the web UI's Interrupt was pressed.
    """
    from ...job import load_job, plan_job
    from ...run_deforum import run_job

    job = load_job(file, {})
    data, findings = plan_job(job, seed=secrets.randbelow(2**32))
    _log_findings(findings)
    memory = WebuiMemory(host)
    options = run_options(host, out, memory=memory)
    with webui_job(host), memory_given_back(host), verbose_log(host), logged(str(file)):
        control = WebuiControl(host.state)
        with webui_engine(host, control, memory) as own:
            engine = PreviewEngine() if job.settings.run.motion_preview_mode else own
            result = run_job(job, data, engine, options, WebuiProgress(host), control)
    _log_findings(result.findings)
    return result


def _log_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        _LOG.log(logging.WARNING if finding.severity == "warning" else logging.INFO, "%s", finding)


def check_files(files: Sequence[Path]) -> None:
    """Refuse files that are not there, before any is rendered.

    Raises:
        InputError: with all of them.
    """
    missing = [file for file in files if not file.is_file()]
    if missing:
        hint = "Give --deforum-run-now the paths of settings files, with commas between them."
        raise InputError([Finding("error", "there is no such file.", str(file), hint=hint) for file in missing])
