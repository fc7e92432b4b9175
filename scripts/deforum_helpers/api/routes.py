"""The routes, for every web UI and for a server of our own: one code base from fastapi 0.94 with pydantic 1 on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Union

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer

from ..errors import JobStateError, UnknownJobError
from ..jobs.queue import JobQueue
from ..jobs.status import JobStatus
from . import models
from .config import ApiConfig
from .events import server_sent
from .files import file_reply
from .guard import Preflights, guarded_route, preflight
from .replies import JOBS, Reply, finding_objects, job_object, told
from .service import Service
from .simple import PREFIX as SIMPLE_PREFIX
from .simple import SimpleRoutes

PREFIX = "/deforum_api"
_PREFIXES = (PREFIX, SIMPLE_PREFIX)
NO_SETTINGS = (
    "No settings files provided. Please provide an element 'deforum_settings' of type list in the request JSON payload."
)
_Responses = dict[Union[int, str], dict[str, Any]]  # noqa: UP007 - as fastapi spells it

_REFUSALS: _Responses = {
    400: {"model": models.Refused, "description": "The request cannot be read"},
    401: {"model": models.Refused, "description": "A token is needed"},
    403: {"model": models.Refused, "description": "The request reaches for what it may not"},
    413: {"model": models.Refused, "description": "The body is too large"},
    422: {"model": Union[models.Refused, models.Invalid], "description": "Wrong settings or arguments"},  # noqa: UP007
}
_TOLD: _Responses = {404: {"model": models.Told, "description": "There is no such job"}}
_NOT_FOUND: _Responses = {404: {"model": models.NotFound, "description": "There is nothing of that id"}}
_CONFLICT: _Responses = {409: {"model": models.Told, "description": "The job is not in a state for this"}}
_BUSY: _Responses = {429: {"model": models.Refused, "description": "Too many plans are being made"}}
_FRAME: _Responses = {
    200: {"content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}, "description": "The picture"}
}
_VIDEO: _Responses = {
    200: {"content": {"video/mp4": {}}, "description": "The video"},
    206: {"content": {"video/mp4": {}}, "description": "The part that was asked for"},
    416: {"description": "There is no such part"},
}
_EVENTS: _Responses = {200: {"content": {"text/event-stream": {}}, "description": "An event `job` for each change"}}


def create_router(queue: JobQueue, config: ApiConfig) -> APIRouter:
    """All routes that ``config`` asks for, over ``queue``."""
    service = Service(queue, config)
    # The dependency is for the documentation; the guard does the work.
    documented = [Depends(HTTPBearer(auto_error=False))] if config.token else []
    router = APIRouter(route_class=guarded_route(config), dependencies=documented, responses=_REFUSALS)
    if config.batches:
        _add_batches(router, _Batches(service))
        _add_jobs(router, _Jobs(service))
        _add_looks(router, _Looks(service))
    if config.simple:
        SimpleRoutes(service).add_to(router)
    if config.welcomes_others:
        for prefix in _PREFIXES:
            router.add_api_route(prefix + "/{rest:path}", preflight, methods=["OPTIONS"], include_in_schema=False)
    return router


def register(app: FastAPI, queue: JobQueue, config: ApiConfig) -> None:
    """Add the routes to the server of a host, which may be running."""
    app.include_router(create_router(queue, config))
    if config.welcomes_others and app.middleware_stack is not None:
        app.middleware_stack = Preflights(app.middleware_stack, config, _PREFIXES)


def _add_batches(router: APIRouter, routes: _Batches) -> None:
    def add(method: str, path: str, handle: Any, **options: Any) -> None:
        router.add_api_route(f"{PREFIX}{path}", handle, methods=[method], tags=["Deforum batches"], **options)

    accepted = {202: {"model": models.Accepted}, **_BUSY}
    add("POST", "/batches", routes.submit, status_code=202, responses=accepted)
    add("GET", "/batches", routes.all, response_model=dict[str, list[str]])
    add("GET", "/batches/{batch_id}", routes.one, response_model=list[models.JobObject], responses=_NOT_FOUND)
    cancelled = {200: {"model": models.BatchCancelled}, **_TOLD}
    add("DELETE", "/batches/{batch_id}", routes.cancel, responses=cancelled)


def _add_jobs(router: APIRouter, routes: _Jobs) -> None:
    def add(method: str, path: str, handle: Any, **options: Any) -> None:
        router.add_api_route(f"{JOBS}{path}", handle, methods=[method], tags=["Deforum jobs"], **options)

    add("GET", "", routes.all, response_model=dict[str, models.JobObject])
    add("GET", "/{job_id}", routes.one, responses={200: {"model": models.JobObject}, **_NOT_FOUND})
    add("DELETE", "/{job_id}", routes.cancel, responses={200: {"model": models.Told}, **_TOLD})
    changed = {200: {"model": models.JobObject}, **_TOLD, **_CONFLICT}
    add("POST", "/{job_id}/pause", routes.pause, responses=changed)
    add("POST", "/{job_id}/continue", routes.go_on, responses=changed)
    add("POST", "/{job_id}/stop", routes.stop, responses=changed)
    add("POST", "/{job_id}/resume", routes.resume, responses=changed)
    for path, look, shown in (
        ("/{job_id}/frames/latest", routes.latest_frame, _FRAME),
        ("/{job_id}/video", routes.video, _VIDEO),
        ("/{job_id}/events", routes.events, _EVENTS),
    ):
        add("GET", path, look, responses={**shown, **_TOLD}, response_class=Response)


def _add_looks(router: APIRouter, routes: _Looks) -> None:
    def add(path: str, handle: Any, **options: Any) -> None:
        router.add_api_route(f"{PREFIX}{path}", handle, methods=["POST"], tags=["Deforum plans"], **options)

    add("/plan", routes.plan, response_model=dict[str, Any], responses=_BUSY)
    add("/lint", routes.lint, responses={200: {"model": models.Linted}, **_BUSY})


class _Batches:
    """Jobs that are submitted together."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._queue = service.queue

    def submit(self, request: models.BatchRequest) -> Response:
        """Submit settings to be rendered: one object, or a list of them. All are looked over first."""
        settings = request.deforum_settings
        if not settings:
            return Reply({"message": NO_SETTINGS, "findings": []}, 400)
        listed = settings if isinstance(settings, list) else [settings]
        batch = self._service.submit(listed, request.options_overrides)
        return Reply({"message": "Job(s) accepted", "batch_id": batch.id, "job_ids": list(batch.job_ids)}, 202)

    def all(self, ignored: Optional[str] = Query(None, alias="id")) -> Response:  # noqa: UP045
        """All batches and the ids of their jobs. ``id`` has no effect; older programs send it."""
        return Reply({batch.id: list(batch.job_ids) for batch in self._queue.batches()})

    def one(self, batch_id: str) -> Response:
        """The jobs of a batch."""
        try:
            return Reply([job_object(status) for status in self._queue.batch(batch_id)])
        except UnknownJobError:
            return _not_found(batch_id)

    def cancel(self, batch_id: str) -> Response:
        """Cancel all jobs of a batch that are not over."""
        try:
            ids = self._queue.cancel_batch(batch_id)
        except UnknownJobError:
            return told(batch_id, f"Batch with ID {batch_id} not found.", 404)
        message = f"{len(ids)} job(s) cancelled."
        return Reply({"ids": list(ids), "message": message, "message:": message})


class _Jobs:
    """Single jobs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._queue = service.queue

    def all(self) -> Response:
        """All jobs by id."""
        return Reply({status.id: job_object(status) for status in self._queue.jobs()})

    def one(self, job_id: str) -> Response:
        """What is known of a job."""
        try:
            return Reply(job_object(self._queue.job(job_id)))
        except UnknownJobError:
            return _not_found(job_id)

    def cancel(self, job_id: str) -> Response:
        """Cancel a job that waits or runs."""
        try:
            self._queue.cancel(job_id)
        except UnknownJobError as error:
            return told(job_id, str(error), 404)
        except JobStateError:
            text = f"Job with ID {job_id} not in a cancellable state. Has it already finished?"
            return told(job_id, text, 400)
        return told(job_id, "Job cancelled.")

    def pause(self, job_id: str) -> Response:
        """Let a running job pause after the frame at work."""
        return self._changed(job_id, self._queue.pause)

    def go_on(self, job_id: str) -> Response:
        """End the pause of a job."""
        return self._changed(job_id, self._queue.go_on)

    def stop(self, job_id: str, video: bool = True) -> Response:
        """End a job after the frame at work, with or without a video of the frames so far; it can be resumed."""
        return self._changed(job_id, lambda job: self._queue.stop(job, video=video))

    def resume(self, job_id: str) -> Response:
        """Let a job that was cut off, stopped or cancelled go on where it ended."""
        return self._changed(job_id, self._queue.resume)

    def latest_frame(self, job_id: str) -> Response:
        """The newest frame of a job, a picture."""
        try:
            picture = self._queue.latest_frame(job_id)
        except UnknownJobError as error:
            return told(job_id, str(error), 404)
        if picture is None:
            return told(job_id, f"Job with ID {job_id} has no frame yet.", 404)
        return Response(picture, media_type=_picture_type(picture), headers={"Cache-Control": "no-store"})

    def video(self, job_id: str, part: Optional[str] = Header(None, alias="Range")) -> Response:  # noqa: UP045
        """The video of a job, or the part of it that the header ``Range`` asks for."""
        try:
            path = self._video_of(self._queue.job(job_id))
            if path is not None:
                return file_reply(path, "video/mp4", part)
        except UnknownJobError as error:
            return told(job_id, str(error), 404)
        except OSError:
            pass
        return told(job_id, f"Job with ID {job_id} has no video.", 404)

    async def events(self, job_id: str) -> Response:
        """What is known of a job now and after each change, until it is over: server-sent events called ``job``."""
        try:
            await run_in_threadpool(self._queue.job, job_id)
        except UnknownJobError as error:
            return told(job_id, str(error), 404)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(server_sent(self._queue, job_id), headers=headers, media_type="text/event-stream")

    def _video_of(self, status: JobStatus) -> Path | None:
        """The video, if there is one and it lies in the folder of all runs."""
        path = Path(status.video).resolve() if status.video else None
        inside = path is not None and path.is_relative_to(self._service.config.out.resolve())
        return path if inside and path is not None and path.is_file() else None

    def _changed(self, job_id: str, change: Any) -> Response:
        try:
            return Reply(job_object(change(job_id)))
        except UnknownJobError as error:
            return told(job_id, str(error), 404)
        except JobStateError as error:
            return told(job_id, str(error), 409)


class _Looks:
    """Looking without rendering."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def plan(self, request: models.SettingsRequest) -> Response:
        """Which frames would be diffused, and with what; with ``series``, every value of every frame as well."""
        plan, findings = self._service.plan(request.deforum_settings, series=request.series)
        return Reply({**plan, "findings": finding_objects(findings)})

    def lint(self, request: models.SettingsRequest) -> Response:
        """Everything there is to say about settings, before an hour is lost."""
        findings = self._service.lint(request.deforum_settings)
        ok = not any(finding.severity == "error" for finding in findings)
        return Reply({"ok": ok, "findings": finding_objects(findings)})


def _not_found(identity: str) -> Response:
    return Reply({"id": identity, "status": "NOT FOUND"}, 404)


def _picture_type(picture: bytes) -> str:
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if picture[:4] == b"RIFF" else "image/jpeg"
