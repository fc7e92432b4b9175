"""A server of our own around the routes."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from .. import __version__
from ..jobs.queue import JobQueue
from .config import ApiConfig
from .routes import register


def create_app(queue: JobQueue, config: ApiConfig, hosts: Sequence[str] = ()) -> FastAPI:
    """A server with nothing but the routes; its documentation is at ``/docs``.

    Args:
        queue: runs the jobs.
        config: of the routes.
        hosts: names by which the server may be addressed; any if empty. A server that only this computer shall reach
            must refuse all others, for pages in the user's browser can give it names of their own.
    """
    app = FastAPI(title="Deforum with Neo Core", version=__version__)
    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    register(app, queue, config)
    return app
