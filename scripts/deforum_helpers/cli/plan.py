"""``plan``: what would be rendered, as a table, a picture or data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .common import add_input, load, print_json


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "plan",
        help="show which frames would be diffused, and with what",
        description="Show which frames would be diffused, and with what. Nothing is rendered.",
    )
    add_input(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw key frames and series into an image (.png)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--series", action="store_true", help="with --json: every series, one value per frame")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and print."""
    from ..job import plan_job
    from ..rendering.util.report import plan_object, plan_table

    job = load(arguments)
    data, findings = plan_job(job, need_files=False)
    if arguments.plot is not None:
        from ..rendering.util.plot import plot_plan

        plot_plan(data, arguments.plot)
        print(f"Plot: {arguments.plot}", file=sys.stderr)
    if arguments.json:
        print_json(plan_object(data, findings, with_series=arguments.series))
    else:
        print(plan_table(data, findings))
    return 0
