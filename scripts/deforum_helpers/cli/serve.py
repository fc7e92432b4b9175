"""``serve``: the REST API on a server of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import RunError, SettingsError
from .queue import TOKEN_VARIABLE, add_queue, check_listening, names_of, open_queue, token_of

if TYPE_CHECKING:
    from ..api.config import ApiConfig
    from ..jobs.queue import JobQueue

_PORT = 7870
_GRACE_SECONDS = 10


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="answer requests: the REST API",
        description="Answer requests: the REST API. Its documentation is at http://127.0.0.1:7870/docs.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this computer only)")
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="N", help=f"port to listen at ({_PORT}); 0: a free one"
    )
    add_queue(parser)
    parser.add_argument(
        "--token", metavar="T", help=f"what every request must carry as Authorization: Bearer T (or {TOKEN_VARIABLE})"
    )
    parser.add_argument(
        "--allow-root",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder that settings may name files of; repeatable (none: links to the internet only)",
    )
    parser.add_argument("--allow-private", action="store_true", help="follow links to private addresses as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    _check(arguments)
    try:
        import uvicorn  # noqa: F401 - here, where its absence can be told

        from ..api.app import create_app
    except ImportError as error:
        raise RunError(f"The server needs a package that is missing ({error}): see requirements-serve.txt.") from error

    config = _config(arguments)
    with closing(open_queue(arguments, config.access)) as queue:
        app = create_app(queue, config)
        _serve(app, queue, arguments)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.port <= 65535:
        raise SettingsError(f"{arguments.port} is no port; allowed are 0 to 65535.", key="--port")
    missing = [str(root) for root in arguments.allow_root if not root.is_dir()]
    if missing:
        raise SettingsError(f"no such folder: {', '.join(missing)}.", key="--allow-root")
    check_listening(arguments.host, token_of(arguments), "--host")


def _config(arguments: argparse.Namespace) -> ApiConfig:
    from ..api.config import ApiConfig
    from ..jobs.access import Access

    roots = tuple(root.resolve() for root in arguments.allow_root)
    access = Access(roots, allow_private=arguments.allow_private)
    names = frozenset(names_of(arguments.host))
    return ApiConfig(arguments.out.resolve(), access, token_of(arguments), names=names)


def _serve(app: Any, queue: JobQueue, arguments: argparse.Namespace) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            """Whoever waits for events is told at once, or the server would wait for them."""
            Thread(target=queue.close, name="deforum-close").start()
            super().handle_exit(sig, frame)

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                port = self.servers[0].sockets[0].getsockname()[1]
                host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
                print(f"Deforum listens at http://{host}:{port}", file=sys.stderr, flush=True)

    settings = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # uvicorn raises the signal that ended it once more; the running job must be stopped in order all the same.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        Server(settings).run()
    except KeyboardInterrupt:
        print("Stopped. Jobs that were not over can be resumed.", file=sys.stderr)
    finally:
        signal.signal(signal.SIGTERM, before)
