"""``lint``: say everything that is wrong, before an hour is lost."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import InputError
from .common import add_input, load


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "lint", help="check a settings file and its manifest", description="Check a settings file and its manifest."
    )
    add_input(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check; 0 if it can be rendered."""
    from ..job import plan_job
    from ..rendering.util.report import finding_list
    from ..rendering.util.support import support_findings

    job = load(arguments)
    try:
        _, findings = plan_job(job)
    except InputError as error:
        raise InputError((*error.findings, *support_findings(job.settings))) from error
    findings = (*findings, *support_findings(job.settings))
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    if findings:
        print(finding_list(findings))
    print(f"{arguments.settings}: fine." if not findings else f"{arguments.settings}: no errors.")
    return 0
