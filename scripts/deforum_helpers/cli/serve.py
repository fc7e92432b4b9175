"""``serve``: the REST API on a server of its own."""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import RunError, SettingsError
from .engine import add_engine, check_engine, open_engine

if TYPE_CHECKING:
    from ..api.config import ApiConfig
    from ..jobs.access import Access
    from ..jobs.queue import JobQueue
    from ..ports import Diffuser
    from ..run_deforum import RunOptions

TOKEN_VARIABLE = "DEFORUM_TOKEN"  # noqa: S105 - where it is found, not what it is
DATABASE = "deforum_jobs.sqlite3"
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
    add_engine(parser)
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
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
    parser.add_argument("--models", type=Path, default=Path("models") / "Deforum", metavar="DIR", help="weights")
    parser.add_argument("--download", action="store_true", help="fetch weights that are missing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    check_engine(arguments)
    _check(arguments)
    try:
        import uvicorn  # noqa: F401 - here, where its absence can be told

        from ..api.app import create_app
    except ImportError as error:
        raise RunError(f"The server needs a package that is missing ({error}): see requirements-serve.txt.") from error

    config = _config(arguments)
    with closing(_queue(arguments, config.access)) as queue:
        app = create_app(queue, config, _names(arguments.host))
        _serve(app, queue, arguments)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.port <= 65535:
        raise SettingsError(f"{arguments.port} is no port; allowed are 0 to 65535.", key="--port")
    missing = [str(root) for root in arguments.allow_root if not root.is_dir()]
    if missing:
        raise SettingsError(f"no such folder: {', '.join(missing)}.", key="--allow-root")
    if not is_loopback(arguments.host) and not _token(arguments):
        hint = f"Add --token T, or set {TOKEN_VARIABLE}."
        raise SettingsError("other computers may render here only with a token.", key="--host", hint=hint)


def _config(arguments: argparse.Namespace) -> ApiConfig:
    from ..api.config import ApiConfig
    from ..jobs.access import Access

    roots = tuple(root.resolve() for root in arguments.allow_root)
    access = Access(roots, allow_private=arguments.allow_private)
    return ApiConfig(arguments.out.resolve(), access, _token(arguments))


def _token(arguments: argparse.Namespace) -> str:
    return str(arguments.token or os.environ.get(TOKEN_VARIABLE, ""))


def _queue(arguments: argparse.Namespace, access: Access) -> JobQueue:
    from ..jobs.queue import JobQueue
    from ..jobs.runner import DeforumRunner

    runner = DeforumRunner(
        lambda: _engine(arguments), partial(_options, arguments), access, sketcher=partial(_sketcher, arguments)
    )
    return JobQueue(arguments.out.resolve() / DATABASE, runner)


@contextmanager
def _engine(arguments: argparse.Namespace) -> Iterator[Diffuser]:
    yield open_engine(arguments)


def _sketcher(arguments: argparse.Namespace) -> Diffuser:
    return open_engine(arguments, motion_preview=True)


def _options(arguments: argparse.Namespace, overrides: Mapping[str, object]) -> RunOptions:
    from ..jobs.options import with_overrides
    from ..run_deforum import RunOptions

    options = RunOptions(
        out=arguments.out.resolve(),
        device=arguments.device,
        models=arguments.models,
        allow_download=arguments.download,
    )
    return with_overrides(options, overrides)


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


def _names(host: str) -> tuple[str, ...]:
    """Names the server answers to; any, where other computers may ask, for they need the token."""
    return ("localhost", "127.0.0.1", "[::1]", host) if is_loopback(host) else ()


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches what listens at ``host``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
