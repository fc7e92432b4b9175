"""What the tests of the API share: a client over a queue, with folders for what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient

from deforum_helpers.api.app import create_app
from deforum_helpers.api.config import ApiConfig
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.queue import JobQueue
from jobs_parts import Scripted, opened


@dataclass(frozen=True)
class Served:
    client: TestClient
    queue: JobQueue
    out: Path
    inputs: Path


@contextmanager
def served(tmp_path: Path, runner=None, **changes: object) -> Iterator[Served]:
    """The API over ``runner``; ``changes`` are of :class:`ApiConfig`."""
    out, inputs = tmp_path / "out", tmp_path / "inputs"
    inputs.mkdir(exist_ok=True)
    config = ApiConfig(**{"out": out, "access": Access(roots=(inputs,)), **changes})
    with (
        opened(tmp_path / "jobs.db", runner or Scripted()) as queue,
        TestClient(create_app(queue, config), raise_server_exceptions=False) as client,
    ):
        yield Served(client, queue, out, inputs)
