"""The simple API: one request, one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from . import models
from .events import changes
from .replies import Reply
from .service import Service

PREFIX = "/deforum"
API_VERSION = "1.0"


class SimpleRoutes:
    """The routes, over the same queue as all others."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to a router."""

        def add(method: str, path: str, handle: Any, responses: Any) -> None:
            router.add_api_route(
                f"{PREFIX}{path}", handle, methods=[method], tags=["Deforum, simple"], responses=responses
            )

        add("GET", "/api_version", self.api_version, {200: {"model": models.Version}})
        add("GET", "/version", self.version, {200: {"model": models.Version}})
        ran = {
            200: {"model": models.SimpleRun},
            429: {"model": models.Refused, "description": "Too many plans are being made"},
            500: {"model": models.Failed, "description": "The run failed"},
        }
        add("POST", "/run", self.run, ran)

    def api_version(self) -> Response:
        """Version of these routes."""
        return Reply({"version": API_VERSION})

    def version(self) -> Response:
        """Version of the program."""
        return Reply({"version": self._service.config.version})

    async def run(self, settings_json: str = Query(...), allowed_params: str = Query("")) -> Response:
        """Render, and answer when it is done.

        ``settings_json`` holds settings; of these only the ones named in ``allowed_params``, separated by semicolons,
        are used.
        """
        settings = _object(settings_json)
        if settings is None:
            return Reply({"detail": "settings_json is no JSON object.", "body": None}, 422)
        allowed = {name.strip() for name in allowed_params.split(";")}
        chosen = {key: value for key, value in settings.items() if key in allowed}
        chosen["batch_name"] = uuid4().hex
        batch = await run_in_threadpool(self._service.submit, [chosen], None)
        last = None
        async for status in changes(self._service.queue, batch.job_ids[0]):
            last = status or last
        if last is None or last.status != "SUCCEEDED":
            return Reply({"detail": (last and last.message) or "The run was cut off."}, 500)
        return Reply({"outdir": last.outdir})


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
