"""``ui``: the tab as a page of its own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ..errors import RunError, SettingsError
from .serve import TOKEN_VARIABLE, is_loopback

if TYPE_CHECKING:
    from ..jobs.access import Access
    from ..jobs.queue import JobQueue
    from ..ports import Diffuser

_DATABASE = "deforum_page_jobs.sqlite3"
_POLL_SECONDS = 3600.0


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "ui",
        help="the Deforum tab as a page of its own",
        description="Serve the Deforum tab as a page of its own, until Ctrl-C. The address is printed.",
    )
    parser.add_argument("--engine", choices=("preview",), default="preview", help="what diffuses (preview: no model)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="preview: time a diffusion takes")
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address to listen at (127.0.0.1: this computer only)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="port to listen at (a free one from 7860 on)")
    parser.add_argument(
        "--token", metavar="T", help=f'password of the page, its user is "deforum" (or {TOKEN_VARIABLE}; none)'
    )
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
    parser.add_argument("--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    token = str(arguments.token or os.environ.get(TOKEN_VARIABLE, ""))
    if not is_loopback(arguments.listen) and not token:
        hint = f"Add --token T, or set {TOKEN_VARIABLE}."
        raise SettingsError("other computers may render here only with a token.", key="--listen", hint=hint)
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
    access = None if is_loopback(arguments.listen) else _access(out)
    with closing(_queue(arguments, out, access)) as queue:
        page = build_page(_door(queue, out, access))
        print(serve_page(page, Site(arguments.listen, arguments.port, (out, examples()), token)), flush=True)
        try:
            while not Event().wait(_POLL_SECONDS):
                pass
        finally:
            page.close(verbose=False)
    return 0


def _access(out: Path) -> Access:
    """Strangers may reach what is made here and what they upload."""
    from ..jobs.access import Access
    from ..ui.assets import examples
    from ..ui.compat import upload_folder

    return Access((out, examples(), upload_folder().resolve()))


def _door(queue: JobQueue, out: Path, access: Access | None) -> Any:
    from ..ui.assets import examples
    from ..ui.planning import Planner, public_manifest
    from ..ui.queue_door import QueueDoor

    planner = Planner() if access is None else Planner(public_manifest)
    return QueueDoor(queue, out, examples(), access=access, planner=planner)


def _queue(arguments: argparse.Namespace, out: Path, access: Access | None) -> JobQueue:
    """The job queue with the engine; its database lies in the folder of all runs."""
    from ..jobs.access import Access
    from ..jobs.queue import JobQueue
    from ..jobs.runner import DeforumRunner
    from ..media.store import ensure_folder
    from ..run_deforum import RunOptions

    options = RunOptions(out=ensure_folder(out), models=arguments.models)
    runner = DeforumRunner(lambda: _engine(arguments), lambda _: options, access or Access())
    return JobQueue(out / _DATABASE, runner)


@contextmanager
def _engine(arguments: argparse.Namespace) -> Iterator[Diffuser]:
    from ..hosts.preview.engine import PreviewEngine

    yield PreviewEngine(latency=arguments.latency)
