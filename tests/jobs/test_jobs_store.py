"""The database of the jobs."""

from __future__ import annotations

import sqlite3
from threading import Thread

import pytest

from deforum_helpers.errors import Finding, StorageError
from deforum_helpers.jobs.status import Batch, JobRequest, JobStatus
from deforum_helpers.jobs.store import SCHEMA_VERSION, JobStore, StoredJob

BATCH = Batch("batch(1)", ("batch(1)-0", "batch(1)-1"))


def jobs() -> list[StoredJob]:
    request = JobRequest({"prompts": {"0": "ä \ud800"}, "W": 64}, {"x": True}, restricted=True)
    return [StoredJob(JobStatus(job, batch=BATCH.id, started_at=1.5), request) for job in BATCH.job_ids]


@pytest.fixture
def store(tmp_path):
    opened = JobStore(tmp_path / "new" / "jobs.db")
    yield opened
    opened.close()


def test_what_is_added_is_found(store):
    store.add(BATCH, jobs())
    found = store.job(BATCH.job_ids[1])
    assert found.request == jobs()[1].request
    assert found.status.deforum_settings == jobs()[1].request.settings
    assert (found.status.status, found.status.phase, found.status.batch) == ("ACCEPTED", "QUEUED", BATCH.id)
    assert store.batches() == (BATCH,)
    assert [job.status.id for job in store.of_batch(BATCH.id)] == list(BATCH.job_ids)
    assert store.job("nope") is None
    assert store.of_batch("nope") == ()


def test_a_batch_is_added_as_a_whole_or_not_at_all(store):
    store.add(BATCH, jobs()[1:])
    with pytest.raises(StorageError):
        store.add(BATCH, jobs())
    assert store.waiting() == BATCH.job_ids[1:]


def test_what_changes_is_kept(store, tmp_path):
    store.add(BATCH, jobs())
    finding = Finding("warning", "careful.", "W", 3, 4, "0:(1)", "Do this.")
    status = JobStatus(BATCH.job_ids[0], "FAILED", "GENERATING", "RETRYABLE", 0.5, message="m", outdir="o", frame=7)
    store.save(JobStatus(**{**status.__dict__, "findings": (finding,), "video": "v"}))
    found = store.job(BATCH.job_ids[0]).status
    assert (found.status, found.phase, found.error_type, found.phase_progress) == (
        "FAILED",
        "GENERATING",
        "RETRYABLE",
        0.5,
    )
    assert (found.message, found.outdir, found.frame, found.video, found.findings) == ("m", "o", 7, "v", (finding,))


def test_the_order_of_the_queue(store):
    store.add(BATCH, jobs())
    assert store.next_waiting().status.id == BATCH.job_ids[0]
    store.save(store.job(BATCH.job_ids[0]).status, requeue=True)
    assert store.waiting() == tuple(reversed(BATCH.job_ids))
    assert [job.status.id for job in store.jobs()] == list(BATCH.job_ids)


def test_every_thread_can_use_it_and_leaves_nothing_open(store):
    store.add(BATCH, jobs())
    seen = []
    for _ in range(5):
        thread = Thread(target=lambda: seen.append(len(store.jobs())))
        thread.start()
        thread.join()
    assert seen == [2] * 5
    assert len(store._connections) <= 2


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.jobs()
    store.close()


def test_databases_that_cannot_be_used(tmp_path):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="damaged"):
        JobStore(damaged)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageError, match="newer version"):
        JobStore(newer)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be made"):
        JobStore(tmp_path / "file" / "jobs.db")
