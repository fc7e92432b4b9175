"""Jobs on disk: an SQLite database that survives whatever becomes of the program."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock, get_ident
from threading import enumerate as enumerate_threads
from typing import Any

from ..errors import Finding, StorageError
from .status import Batch, JobRequest, JobStatus

SCHEMA_VERSION = 1
_PATIENCE_SECONDS = 10.0
"""How long one thread waits for another one's transaction."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    place INTEGER NOT NULL UNIQUE,  -- order of the queue
    number INTEGER NOT NULL UNIQUE,  -- order of submission
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    request TEXT NOT NULL,  -- JSON
    state TEXT NOT NULL  -- JSON: the attributes of JobStatus that are kept
);
CREATE INDEX IF NOT EXISTS jobs_of_batch ON jobs (batch, number);
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (status, phase, place);
"""
_KEPT = (
    "error_type", "phase_progress", "started_at", "last_updated", "execution_time", "update_interval_time", "updates",
    "message", "outdir", "timestring", "frame", "frames", "key_frames", "video",
)  # fmt: skip


@dataclass(frozen=True)
class StoredJob:
    """A job as the database has it."""

    status: JobStatus
    request: JobRequest


class JobStore:
    """The database of one queue; every method may be called from any thread.

    Only one store can be open on a database at a time: what another process runs would look cut off here.

    Args:
        path: the database file, made if it is not there; its folder as well.

    Raises:
        StorageError: it cannot be used: no permission, damaged, of a newer version, or in use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: dict[int, sqlite3.Connection] = {}
        self._lock = Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{path.parent} cannot be made: {error.strerror or error}.") from error
        self._claim = _claimed(path)
        try:
            with self._connection() as connection:
                _prepare(connection, path)
        except BaseException:
            self.close()
            raise

    def add(self, batch: Batch, jobs: Iterable[StoredJob]) -> None:
        """Append the jobs of a batch to the queue: all of them or none.

        Raises:
            StorageError: the database cannot be written.
        """
        with self._connection() as connection:
            for job in jobs:
                status = job.status
                connection.execute(
                    f"INSERT INTO jobs VALUES (?, ?, {_NEXT_PLACE}, {_NEXT_NUMBER}, ?, ?, ?, ?)",  # noqa: S608
                    (status.id, batch.id, status.status, status.phase, _request_text(job.request), _state_text(status)),
                )

    def save(self, status: JobStatus, *, requeue: bool = False) -> None:
        """Write what has become of a job; ``requeue`` moves it to the end of the queue.

        Raises:
            StorageError: the database cannot be written.
        """
        place = _NEXT_PLACE if requeue else "place"
        with self._connection() as connection:
            connection.execute(
                f"UPDATE jobs SET status = ?, phase = ?, state = ?, place = {place} WHERE id = ?",  # noqa: S608
                (status.status, status.phase, _state_text(status), status.id),
            )

    def job(self, job_id: str) -> StoredJob | None:
        """The job, None if there is none."""
        return next(iter(self._select("WHERE id = ?", (job_id,))), None)

    def jobs(self) -> tuple[StoredJob, ...]:
        """All jobs, in the order they were submitted."""
        return self._select("ORDER BY number")

    def of_batch(self, batch_id: str) -> tuple[StoredJob, ...]:
        """The jobs of a batch, in order; empty if there is no such batch."""
        return self._select("WHERE batch = ? ORDER BY number", (batch_id,))

    def batches(self) -> tuple[Batch, ...]:
        """All batches, in the order they were submitted."""
        ids: dict[str, list[str]] = {}
        with self._connection() as connection:
            for batch, job in connection.execute("SELECT batch, id FROM jobs ORDER BY number"):
                ids.setdefault(batch, []).append(job)
        return tuple(Batch(batch, tuple(jobs)) for batch, jobs in ids.items())

    def next_waiting(self) -> StoredJob | None:
        """The job whose turn it is, None if none waits."""
        return next(iter(self._select("WHERE status = 'ACCEPTED' AND phase = 'QUEUED' ORDER BY place LIMIT 1")), None)

    def waiting(self) -> tuple[str, ...]:
        """Ids of the jobs that wait, in the order of the queue."""
        query = "SELECT id FROM jobs WHERE status = 'ACCEPTED' AND phase = 'QUEUED' ORDER BY place"
        with self._connection() as connection:
            return tuple(row[0] for row in connection.execute(query))

    def cut_off(self) -> tuple[StoredJob, ...]:
        """The jobs that were running when the program ended."""
        return self._select("WHERE status = 'ACCEPTED' AND phase <> 'QUEUED' ORDER BY place")

    def close(self) -> None:
        """Let go of the database; whoever still asks gets a StorageError."""
        with self._lock:
            self._closed = True
            for connection in (*self._connections.values(), self._claim):
                connection.close()
            self._connections.clear()

    def _select(self, condition: str, values: tuple[str, ...] = ()) -> tuple[StoredJob, ...]:
        query = f"SELECT id, batch, status, phase, request, state FROM jobs {condition}"  # noqa: S608 - our own text
        with self._connection() as connection:
            return tuple(_stored(row) for row in connection.execute(query, values))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in a transaction of its own."""
        try:
            with self._lock:
                connection = self._connections.get(get_ident()) or self._connect()
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise StorageError(f"The jobs in {self._path} cannot be read or written: {error}.") from error

    def _connect(self) -> sqlite3.Connection:
        """Open this thread's connection, and close those of threads that have ended."""
        if self._closed:
            raise StorageError(f"The job queue {self._path} is closed.")
        alive = {thread.ident for thread in enumerate_threads()}
        for ident in [ident for ident in self._connections if ident not in alive]:
            self._connections.pop(ident).close()
        connection = self._connections[get_ident()] = _connected(self._path)
        return connection


def _connected(path: Path) -> sqlite3.Connection:
    # Each thread uses its own; only close() reaches for those of others.
    connection = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _claimed(path: Path) -> sqlite3.Connection:
    """A lock that the system takes back when the process ends, however that happens: an open transaction."""
    claim = sqlite3.connect(f"{path}.lock", timeout=0, check_same_thread=False, isolation_level=None)
    try:
        claim.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        claim.close()
        if "locked" not in str(error):
            raise StorageError(f"The job queue {path} cannot be opened: {error}.") from error
        told = f"Another Deforum (a page, a server or a web UI) runs the jobs of {path.parent} already."
        hint = "Use that one, or end it first, or give this one another folder for its runs."
        raise StorageError(f"{told} {hint}") from error
    return claim


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StorageError(f"{path} was written by a newer version of Deforum; remove it or update.")
    if version == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


_NEXT_PLACE = "(SELECT coalesce(max(place), 0) + 1 FROM jobs)"
_NEXT_NUMBER = "(SELECT coalesce(max(number), 0) + 1 FROM jobs)"


def _request_text(request: JobRequest) -> str:
    return json.dumps(
        {
            "settings": dict(request.settings),
            "options_overrides": dict(request.options_overrides),
            "base_dir": None if request.base_dir is None else str(request.base_dir),
            "restricted": request.restricted,
        },
        allow_nan=False,
    )


def _state_text(status: JobStatus) -> str:
    state: dict[str, Any] = {name: getattr(status, name) for name in _KEPT}
    return json.dumps({**state, "findings": [asdict(finding) for finding in status.findings]})


def _stored(row: tuple[str, ...]) -> StoredJob:
    job_id, batch, status, phase, request_text, state_text = row
    asked, state = json.loads(request_text), json.loads(state_text)
    request = JobRequest(
        asked["settings"],
        asked["options_overrides"],
        None if asked["base_dir"] is None else Path(asked["base_dir"]),
        asked["restricted"],
    )
    findings: tuple[Finding, ...] = ()
    with suppress(TypeError):  # of another version
        findings = tuple(Finding(**found) for found in state.pop("findings", ()))
    known: dict[str, Any] = {name: state[name] for name in _KEPT if name in state}
    facts: dict[str, Any] = {"id": job_id, "batch": batch, "status": status, "phase": phase}
    return StoredJob(
        JobStatus(
            **facts,
            **known,
            deforum_settings=request.settings,
            options_overrides=request.options_overrides,
            findings=findings,
        ),
        request,
    )
