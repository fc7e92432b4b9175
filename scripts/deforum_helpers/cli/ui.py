"""``ui``: the tab as a page of its own."""

from __future__ import annotations

import argparse
import ipaddress
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ..errors import RunError

if TYPE_CHECKING:
    from ..jobs.queue import JobQueue
    from ..ports import Diffuser

_DATABASE = "jobs.sqlite"
_POLL_SECONDS = 3600.0


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "ui",
        help="the Deforum tab as a page of its own",
        description="Serve the Deforum tab as a page of its own, until Ctrl-C. The address is printed.",
    )
    parser.add_argument("--engine", choices=("preview",), default="preview", help="what diffuses (preview: no model)")
    parser.add_argument("--listen", default="127.0.0.1", metavar="HOST", help="address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="port (a free one from 7860 on)")
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
    parser.add_argument("--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights")
    parser.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="preview: time each diffusion takes"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    try:
        from ..ui.page import build_page, serve_page
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        hint = "python3 -m pip install -r requirements-ui.txt"
        raise RunError(f"The page needs gradio, which is not installed: {hint}") from error
    from ..ui.assets import examples
    from ..ui.queue_door import QueueDoor

    local = is_local(arguments.listen)
    with _queue(arguments) as queue:
        door = QueueDoor(queue, arguments.out, examples(), roots=None if local else (Path(tempfile.gettempdir()),))
        page = build_page(door)
        address = serve_page(page, host=arguments.listen, port=arguments.port, door_folders=(arguments.out, examples()))
        print(address, flush=True)
        if not local:
            print("Everybody who reaches this address can render here and see all runs.", file=sys.stderr)
        try:
            while not Event().wait(_POLL_SECONDS):
                pass
        finally:
            page.close(verbose=False)
    return 0


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens at ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _queue(arguments: argparse.Namespace) -> Iterator[JobQueue]:
    """The job queue with the engine; its database lies in the folder of all runs."""
    from ..jobs.queue import JobQueue
    from ..jobs.runner import DeforumRunner
    from ..media.store import ensure_folder
    from ..run_deforum import RunOptions

    out = ensure_folder(arguments.out)
    options = RunOptions(out=out, models=arguments.models)
    queue = JobQueue(out / _DATABASE, DeforumRunner(lambda: _engine(arguments), lambda _: options))
    try:
        yield queue
    finally:
        queue.close()


@contextmanager
def _engine(arguments: argparse.Namespace) -> Iterator[Diffuser]:
    from ..hosts.preview.engine import PreviewEngine

    yield PreviewEngine(latency=arguments.latency)
