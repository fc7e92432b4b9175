"""A server of our own around the routes."""

from __future__ import annotations

from fastapi import FastAPI

from .. import __version__
from ..jobs.queue import JobQueue
from .config import ApiConfig
from .routes import register


def create_app(queue: JobQueue, config: ApiConfig) -> FastAPI:
    """A server with nothing but the routes; its documentation is at ``/docs``.

    Args:
        queue: runs the jobs.
        config: of the routes.
    """
    app = FastAPI(title="Deforum with Neo Core", version=__version__)
    register(app, queue, config)
    return app
