"""Arguments and output that several commands share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Finding, SettingsError

if TYPE_CHECKING:
    from ..job import Job

DEFAULT_MODELS = Path("models") / "Deforum"
"""Where weights are unless something else is said."""


def add_input(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """The settings file and ``--set``."""
    parser.add_argument(
        "settings",
        type=Path,
        nargs="?" if optional else None,
        metavar="SETTINGS",
        help="a settings file, e.g. deforum_settings.txt",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting for this call, e.g. --set max_frames=60; repeatable",
    )


def load(arguments: argparse.Namespace) -> Job:
    """The job that the arguments name.

    Raises:
        InputError: it cannot be loaded.
    """
    from ..job import load_job

    return load_job(arguments.settings, overrides(arguments))


def overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """The settings that ``--set`` changes, key → text.

    Raises:
        SettingsError: one is not of the form KEY=VALUE.
    """
    changes = {}
    for text in arguments.overrides:
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise SettingsError(f"--set takes KEY=VALUE, got {text!r}.", hint="For example: --set max_frames=60")
        changes[key.strip()] = value
    return changes


def print_findings(findings: Sequence[Finding]) -> None:
    """Warnings and notes, to stderr, so that stdout stays for results."""
    from ..rendering.util.report import finding_list

    if findings:
        print(finding_list(findings), file=sys.stderr)


def print_json(value: Any) -> None:
    """One object on one line, in ASCII: whatever a prompt holds, any terminal and any reader of lines can take it."""
    print(json.dumps(value, allow_nan=False))
