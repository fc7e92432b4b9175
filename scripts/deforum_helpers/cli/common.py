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


def add_input(parser: argparse.ArgumentParser) -> None:
    """The settings file and ``--set``."""
    parser.add_argument("settings", type=Path, metavar="SETTINGS", help="a settings file, e.g. deforum_settings.txt")
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

    return load_job(arguments.settings, _overrides(arguments.overrides))


def _overrides(texts: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise SettingsError(f"--set takes KEY=VALUE, got {text!r}.", hint="For example: --set max_frames=60")
        overrides[key.strip()] = value
    return overrides


def print_findings(findings: Sequence[Finding]) -> None:
    """Warnings and notes, to stderr, so that stdout stays for results."""
    from ..rendering.util.report import finding_list

    if findings:
        print(finding_list(findings), file=sys.stderr)


def print_json(value: Any) -> None:
    """One object on one line."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))
