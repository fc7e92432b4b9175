"""``lint``: say everything that is wrong, before an hour is lost."""

from __future__ import annotations

import argparse
from typing import Any

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

    job = load(arguments)
    _, findings = plan_job(job)
    if findings:
        print(finding_list(findings))
    print(f"{arguments.settings}: fine." if not findings else f"{arguments.settings}: no errors.")
    return 0
