"""What the routes do, without HTTP: requests of strangers, looked at and put into the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from ..errors import AccessError, Finding, InputError
from ..jobs.options import with_overrides
from ..jobs.preparation import check_request, plan_read, read_request
from ..jobs.queue import JobQueue
from ..jobs.status import Batch, JobRequest
from ..rendering.util.report import plan_object
from ..run_deforum import RunOptions
from ..settings.lint import lint_settings
from .config import ApiConfig

_PLANNERS = 2
"""Plans made at a time: each keeps a core busy."""
_PATIENCE_SECONDS = 60.0


class Busy(Exception):  # noqa: N818 - no error of anybody's
    """Too many are planning already."""


class Service:
    """The queue as strangers may use it; every method may be called from any thread.

    Args:
        queue: runs the jobs.
        config: what is let through.
    """

    def __init__(self, queue: JobQueue, config: ApiConfig) -> None:
        self.queue = queue
        self.config = config
        self._planners = BoundedSemaphore(_PLANNERS)

    def request(self, settings: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> JobRequest:
        """A request of a stranger; relative paths are looked up in the first allowed folder."""
        roots = self.config.access.roots
        return JobRequest(settings, options or {}, roots[0] if roots else self.config.out, restricted=True)

    def submit(self, settings: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None) -> Batch:
        """Look all settings over and append them to the queue: all or none.

        Raises:
            AccessError: they reach for what they may not.
            InputError: they cannot be run.
            Busy: too many are planning already.
        """
        if len(settings) > self.config.most_jobs:
            message = f"{len(settings)} settings are too many; allowed are {self.config.most_jobs} at a time."
            raise AccessError(message, key="deforum_settings")
        self._check_options(options or {})
        requests = [self.request(values, options) for values in settings]
        with self._planning():
            for request in requests:
                check_request(request, self.config.access)
        return self.queue.submit(requests)

    def plan(self, settings: Mapping[str, Any], *, series: bool) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        """The plan as an object, and what there is to say about it.

        Raises:
            InputError: the settings cannot be planned, or reach for what they may not.
            Busy: too many are planning already.
        """
        request = self.request(settings)
        job = read_request(request, self.config.access)  # may fetch a manifest: nobody else has to wait for that
        with self._planning():
            data, findings = plan_read(job, request, self.config.access)
            return plan_object(data, findings, with_series=series), findings

    def lint(self, settings: Mapping[str, Any]) -> tuple[Finding, ...]:
        """Everything there is to say about settings; videos are not opened.

        Raises:
            AccessError: they reach for what they may not.
            Busy: too many are planning already.
        """
        request = self.request(settings)
        try:
            job = read_request(request, self.config.access)
            missing = lint_settings(job.settings, (job.folder,))
            with self._planning():
                findings = plan_read(job, request, self.config.access)[1]
        except AccessError:
            raise
        except InputError as error:
            return error.findings
        return tuple(dict.fromkeys((*(found for found in missing if found.severity == "error"), *findings)))

    def _check_options(self, options: Mapping[str, Any]) -> None:
        refused = [
            Finding("error", "this option of the host cannot be changed through the API.", f"options_overrides.{name}")
            for name, value in options.items()
            if name not in self.config.options or not _is_plain(value)
        ]
        if refused:
            raise AccessError(refused)
        with_overrides(RunOptions(), options)

    @contextmanager
    def _planning(self) -> Iterator[None]:
        if not self._planners.acquire(timeout=_PATIENCE_SECONDS):
            raise Busy("Too many plans are being made; try again later.")
        try:
            yield
        finally:
            self._planners.release()


def _is_plain(value: Any) -> bool:
    """A switch, number or name, or a list of names; a name is no path."""
    if isinstance(value, list):
        return all(isinstance(part, str) and _is_plain(part) for part in value)
    if isinstance(value, str):
        return ".." not in value and not value.startswith(("/", "\\", "~")) and ":" not in value and "\0" not in value
    return value is None or isinstance(value, (bool, int, float))
