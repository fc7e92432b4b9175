"""``lint``: say everything that is wrong, before an hour is lost."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..errors import InputError
from .common import DEFAULT_MODELS, add_input, load
from .progress import TerminalProgress


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "lint", help="check a settings file and its manifest", description="Check a settings file and its manifest."
    )
    add_input(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check; 0 if it can be rendered."""
    from ..inputs import Places, check_files
    from ..job import plan_job
    from ..rendering.util.report import finding_list

    job, progress = load(arguments), TerminalProgress(sys.stderr)
    data, findings = plan_job(job, told=progress.step, models=DEFAULT_MODELS)
    try:
        findings += check_files(data, Places(job.folder, models=job.folder, indexes=job.indexes, told=progress.step))
    except InputError as error:
        raise InputError((*error.findings, *findings)) from error
    if findings:
        print(finding_list(findings))
    print(f"{arguments.settings}: fine." if not findings else f"{arguments.settings}: no errors.")
    return 0
