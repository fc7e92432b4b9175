"""What ``ui`` and ``serve`` share: one job queue for each folder of runs, its engine, and who may ask."""

from __future__ import annotations

import argparse
import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from .engine import add_engine, check_engine, open_engine

if TYPE_CHECKING:
    from ..jobs.access import Access
    from ..jobs.queue import JobQueue
    from ..ports import Diffuser
    from ..run_deforum import RunOptions

TOKEN_VARIABLE = "DEFORUM_TOKEN"  # noqa: S105 - where it is found, not what it is


def add_queue(parser: Any) -> None:
    """Declare the engine and where runs and weights are."""
    add_engine(parser)
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
    parser.add_argument(
        "--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights (models/Deforum)"
    )
    parser.add_argument("--download", action="store_true", help="fetch weights that are missing")


def open_queue(arguments: argparse.Namespace, access: Access) -> JobQueue:
    """The job queue of the folder of runs; its engine is opened at the first job that needs it.

    Args:
        arguments: of the command line.
        access: what requests of strangers may reach.

    Raises:
        SettingsError: the engine lacks an option.
        StorageError: the queue cannot be used, or another program runs it.
    """
    from ..jobs.queue import DATABASE, JobQueue
    from ..jobs.runner import DeforumRunner
    from ..media.store import ensure_folder

    check_engine(arguments)
    out = ensure_folder(arguments.out.resolve())
    runner = DeforumRunner(
        partial(_engine, arguments),
        partial(run_options, arguments, out),
        access,
        sketcher=partial(_sketcher, arguments),
    )
    return JobQueue(out / DATABASE, runner)


@contextmanager
def _engine(arguments: argparse.Namespace) -> Iterator[Diffuser]:
    yield open_engine(arguments)


def _sketcher(arguments: argparse.Namespace) -> Diffuser:
    return open_engine(arguments, motion_preview=True)


def run_options(
    arguments: argparse.Namespace, out: Path, overrides: Mapping[str, object] = MappingProxyType({})
) -> RunOptions:
    """How jobs and tools are run.

    Args:
        arguments: of the command line.
        out: folder of all runs.
        overrides: values of the settings page that a job brings.

    Raises:
        InputError: one of them cannot be used.
    """
    from ..jobs.options import with_overrides
    from ..run_deforum import RunOptions

    options = RunOptions(out=out, device=arguments.device, models=arguments.models, allow_download=arguments.download)
    return with_overrides(options, overrides)


def token_of(arguments: argparse.Namespace) -> str:
    """What everybody who asks has to give; empty for nothing."""
    return str(arguments.token or os.environ.get(TOKEN_VARIABLE, ""))


def check_listening(host: str, token: str, option: str) -> None:
    """See that nobody renders here unasked.

    Args:
        host: address to listen at, as ``option`` says.
        token: what everybody has to give.
        option: of the command line, for the message.

    Raises:
        SettingsError: other computers could ask without a token.
    """
    if not is_loopback(host) and not token:
        hint = f"Add --token T, or set {TOKEN_VARIABLE}."
        raise SettingsError("other computers may render here only with a token.", key=option, hint=hint)


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens at ``host``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> tuple[str, ...]:
    """Names the server answers to; any, where other computers may ask, for they need the token."""
    return ("localhost", "127.0.0.1", "[::1]", host) if is_loopback(host) else ()
