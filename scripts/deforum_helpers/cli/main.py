"""The entry point: arguments in, exit code out."""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..errors import DeforumError, InputError, Interrupted
from . import depth, doctor, interpolate, lint, plan, render, serve, stitch, ui, upscale


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are the user's input being wrong: exit code 1, as for any other."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(InputError.exit_code, f"error: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: arguments without the program's name; those of the process if None.

    Returns:
        0 done, 1 the user's input is wrong, 2 the run failed, 130 interrupted.
    """
    _tolerate_any_text()
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except DeforumError as error:
        _tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return Interrupted.exit_code


def make_parser() -> argparse.ArgumentParser:
    """What reads the arguments; each command's module declares its own."""
    parser = _Parser(prog="deforum", description="Deforum with Neo Core, without a web UI.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (render, plan, lint, ui, serve, stitch, depth, interpolate, upscale, doctor):
        command.add_parser(commands)
    return parser


def _tolerate_any_text() -> None:
    """Prompts may hold letters that the terminal's encoding has not; they are shown escaped rather than failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(error: DeforumError) -> None:
    from ..rendering.util.report import finding_list

    text = finding_list(error.findings) if isinstance(error, InputError) else f"error: {error}"
    print(str(error) if isinstance(error, Interrupted) else text, file=sys.stderr)
    if error.run is not None:
        print(f"To go on: render --resume {shlex.quote(str(error.run))}", file=sys.stderr)
