"""``ui``: the tab as a page of its own."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from ..jobs.workbench import Workbench, Workplace
from .queue import (
    TOKEN_VARIABLE,
    add_queue,
    check_listening,
    is_loopback,
    names_of,
    open_queue,
    run_options,
    token_of,
)

if TYPE_CHECKING:
    from ..jobs.access import Access
    from ..jobs.queue import JobQueue
    from ..ui.queue_door import QueueDoor

_POLL_SECONDS = 3600.0


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "ui",
        help="the Deforum tab as a page of its own",
        description="Serve the Deforum tab as a page of its own, until Ctrl-C. The address is printed.",
    )
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address to listen at (127.0.0.1: this computer only)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="port to listen at (a free one from 7860 on)")
    parser.add_argument(
        "--token", metavar="T", help=f'password of the page, its user is "deforum" (or {TOKEN_VARIABLE}; none)'
    )
    parser.add_argument("--api", action="store_true", help="answer requests as well: the REST API, at the same address")
    add_queue(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    token = token_of(arguments)
    check_listening(arguments.listen, token, "--listen")
    try:
        from ..ui.compat import Site
        from ..ui.page import build_page, serve_page
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        hint = "python3 -m pip install -r requirements-ui.txt"
        raise RunError(f"The page needs gradio, which is not installed: {hint}") from error
    from ..ui.assets import examples

    out = arguments.out.resolve()
    access = _access(out)
    with closing(Workbench()) as bench, closing(open_queue(arguments, access)) as queue:
        door = _door(queue, out, None if is_loopback(arguments.listen) else access)
        page = build_page(replace(door, bench=bench, workshop=partial(_workshop, arguments)))
        address = serve_page(page, Site(arguments.listen, arguments.port, (out, examples()), token))
        # Whatever ends the program, the running job ends in order and can be resumed.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            if arguments.api:
                _add_routes(page.app, queue, arguments, access)
            print(address, flush=True)
            while not Event().wait(_POLL_SECONDS):
                pass
        finally:
            signal.signal(signal.SIGTERM, before)
            page.close(verbose=False)
    return 0


def _access(out: Path) -> Access:
    """Strangers may reach what is made here, the examples, and what they upload."""
    from ..jobs.access import Access
    from ..ui.assets import examples
    from ..ui.compat import upload_folder

    return Access((out, examples(), upload_folder().resolve()))


@contextmanager
def _workshop(arguments: argparse.Namespace, out: Path, _networks: bool) -> Iterator[Workplace]:
    yield Workplace(run_options(arguments, out))


def _door(queue: JobQueue, out: Path, access: Access | None) -> QueueDoor:
    from ..ui.assets import examples
    from ..ui.planning import Planner, public_manifest
    from ..ui.queue_door import QueueDoor

    planner = Planner() if access is None else Planner(public_manifest)
    return QueueDoor(queue, out, examples(), access=access, planner=planner)


def _add_routes(app: Any, queue: JobQueue, arguments: argparse.Namespace, access: Access) -> None:
    from ..api.config import ApiConfig
    from ..api.routes import register

    names = frozenset(names_of(arguments.listen))
    register(app, queue, ApiConfig(arguments.out.resolve(), access, token_of(arguments), names=names))
