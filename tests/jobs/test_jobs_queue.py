"""The queue: order, cancelling, pausing, stopping, resuming, and what is told of it."""

from __future__ import annotations

import io
from itertools import pairwise
from threading import Event, Thread

import pytest
from PIL import Image

from deforum_helpers.errors import (
    EngineError,
    Finding,
    JobStateError,
    SettingsError,
    StorageError,
    UnknownJobError,
)
from deforum_helpers.jobs.queue import JobQueue
from deforum_helpers.jobs.status import CANCELLED, CUT_OFF, JobRequest
from deforum_helpers.jobs.work import Outcome
from jobs_parts import PATIENCE, Gate, Scripted, opened, until, until_over


def named(name: str, do: str = "") -> JobRequest:
    return JobRequest({"name": name, "do": do})


def failing(error: Exception):
    def fail(work, control, report):
        report.start(4, 2)
        raise error

    return fail


def test_jobs_run_in_the_order_they_came_with_one_engine(tmp_path):
    runner = Scripted()
    with opened(tmp_path / "jobs.db", runner) as queue:
        first = queue.submit([named("a"), named("b")])
        second = queue.submit([named("c")])
        assert first.job_ids == (f"{first.id}-0", f"{first.id}-1")
        done = until_over(queue, second.job_ids[0])
        assert (done.status, done.phase, done.phase_progress, done.message) == ("SUCCEEDED", "DONE", 1.0, None)
        assert runner.ran == ["a", "b", "c"]
        assert runner.opened == 1
        assert [batch.id for batch in queue.batches()] == [first.id, second.id]
        assert [status.id for status in queue.jobs()] == [*first.job_ids, *second.job_ids]
    assert runner.left == 1


def test_a_new_job_is_as_the_api_promises(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        running, waiting, last = queue.submit([named("a", "wait"), named("b"), named("c")]).job_ids
        assert gate.entered.wait(PATIENCE)
        status = queue.job(waiting)
        assert (status.status, status.phase, status.error_type) == ("ACCEPTED", "QUEUED", "NONE")
        assert (status.phase_progress, status.updates, status.execution_time) == (0.0, 0, 0)
        assert (status.message, status.outdir, status.timestring) == (None, None, None)
        assert status.deforum_settings == {"name": "b", "do": ""}
        assert [queue.job(job).position for job in (running, waiting, last)] == [0, 1, 2]
        queue.cancel(waiting)
        assert queue.job(last).position == 1
        status = queue.job(running)
        assert (status.phase, status.frame, status.frames, status.key_frames) == ("GENERATING", 1, 10, 3)
        assert status.phase_progress == pytest.approx(0.1)
        gate.may_go.set()
        assert until_over(queue, running).position is None


def test_a_cancelled_job_that_waits_is_never_run(tmp_path):
    gate, runner = Gate(), Scripted()
    runner.deeds["wait"] = gate
    with opened(tmp_path / "jobs.db", runner) as queue:
        running, waiting, last = queue.submit([named("a", "wait"), named("b"), named("c")]).job_ids
        assert gate.entered.wait(PATIENCE)
        status = queue.cancel(waiting)
        assert (status.status, status.phase, status.message) == ("CANCELLED", "QUEUED", CANCELLED)
        with pytest.raises(JobStateError, match=r"cannot be cancelled.*CANCELLED"):
            queue.cancel(waiting)
        gate.may_go.set()
        until_over(queue, last)
        assert runner.ran == ["a", "c"]
        assert queue.job(waiting).status == "CANCELLED"
        assert queue.job(running).status == "SUCCEEDED"


def test_a_cancelled_job_that_runs_ends(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        running, after = queue.submit([named("a", "wait"), named("b")]).job_ids
        assert gate.entered.wait(PATIENCE)
        assert queue.cancel(running).status == "CANCELLED"
        assert until_over(queue, after).status == "SUCCEEDED"
        status = queue.job(running)
        assert (status.status, status.message) == ("CANCELLED", CANCELLED)
        assert status.resumable


def test_cancelling_a_batch_leaves_what_is_over(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        batch = queue.submit([named("a"), named("b", "wait"), named("c")])
        assert gate.entered.wait(PATIENCE)
        assert queue.cancel_batch(batch.id) == batch.job_ids[1:]
        assert [status.status for status in queue.batch(batch.id)] == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
        assert queue.cancel_batch(batch.id) == ()


@pytest.mark.parametrize(
    ("error", "kind", "resumable"),
    [
        (SettingsError("is wrong.", key="W"), "TERMINAL", False),
        (EngineError("out of luck."), "RETRYABLE", True),
        (RuntimeError("a fault"), "RETRYABLE", True),
    ],
)
def test_failures_say_whether_going_on_may_help(tmp_path, error, kind, resumable):
    with opened(tmp_path / "jobs.db", Scripted(fail=failing(error))) as queue:
        bad, good = queue.submit([named("a", "fail"), named("b")]).job_ids
        assert until_over(queue, good).status == "SUCCEEDED"
        status = queue.job(bad)
        assert (status.status, status.phase, status.error_type) == ("FAILED", "GENERATING", kind)
        assert str(error) in status.message
        assert status.resumable is resumable
        if not resumable:
            assert status.findings == (Finding("error", "is wrong.", "W"),)
            with pytest.raises(JobStateError, match="cannot be resumed"):
                queue.resume(bad)


def test_an_engine_that_cannot_be_opened_fails_the_job_and_is_tried_again(tmp_path):
    class Stubborn(Scripted):
        def open(self):
            if not self.opened:
                self.opened += 1
                raise EngineError("no model is there.")
            return super().open()

    with opened(tmp_path / "jobs.db", Stubborn()) as queue:
        first, second = queue.submit([named("a"), named("b")]).job_ids
        assert until_over(queue, second).status == "SUCCEEDED"
        status = queue.job(first)
        assert (status.status, status.phase, status.error_type) == ("FAILED", "PREPARING", "RETRYABLE")
        assert status.message == "no model is there."


def test_pausing_and_going_on(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        running, waiting = queue.submit([named("a", "wait"), named("b")]).job_ids
        assert gate.entered.wait(PATIENCE)
        assert queue.pause(running).paused
        assert queue.job(running).paused
        with pytest.raises(JobStateError, match="It waits in the queue"):
            queue.pause(waiting)
        assert not queue.go_on(running).paused
        gate.may_go.set()
        assert until_over(queue, running).status == "SUCCEEDED"
        with pytest.raises(JobStateError):
            queue.pause(running)


@pytest.mark.parametrize("video", [True, False])
def test_stopping_keeps_the_job_resumable(tmp_path, video):
    seen = []

    def run(work, control, report):
        report.folder(tmp_path, "20240102030405")
        seen.append(work.resume)
        if work.resume is None:
            gate(work, control, report)
            assert control.wants_video is video
            return Outcome(tmp_path / "a.mp4" if video else None, stopped="Stopped after 1 of 10 frames.")
        return Outcome(tmp_path / "b.mp4")

    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=run)) as queue:
        (job,) = queue.submit([named("a", "wait")]).job_ids
        assert gate.entered.wait(PATIENCE)
        queue.pause(job)
        status = queue.stop(job, video=video)
        assert (status.status, status.stopping, status.paused) == ("ACCEPTED", True, False)
        status = until_over(queue, job)
        assert (status.status, status.message) == ("CANCELLED", "Stopped after 1 of 10 frames.")
        assert (status.video is not None) is video
        resumed = queue.resume(job)
        assert (resumed.id, resumed.status, resumed.message) == (job, "ACCEPTED", None)
        status = until_over(queue, job)
        assert (status.status, status.video) == ("SUCCEEDED", str(tmp_path / "b.mp4"))
    assert seen == [None, (tmp_path, "20240102030405")]


def test_a_resumed_job_waits_behind_the_others(tmp_path):
    gate, runner = Gate(), Scripted()
    runner.deeds["wait"] = gate
    with opened(tmp_path / "jobs.db", runner) as queue:
        _, first, second = queue.submit([named("a", "wait"), named("b"), named("c")]).job_ids
        assert gate.entered.wait(PATIENCE)
        queue.cancel(first)
        assert queue.resume(first).position == 2
        assert queue.job(second).position == 1
        gate.may_go.set()
        until_over(queue, first)
        assert runner.ran == ["a", "c", "b"]


def test_jobs_outlive_the_queue(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        done, running, waiting = queue.submit([named("a"), named("b", "wait"), named("c")]).job_ids
        assert gate.entered.wait(PATIENCE)
        before = queue.job(done)
    runner = Scripted()
    with opened(tmp_path / "jobs.db", runner) as queue:
        assert until_over(queue, waiting).status == "SUCCEEDED"
        assert runner.ran == ["c"]
        assert queue.job(done) == before
        status = queue.job(running)
        assert (status.status, status.error_type, status.phase) == ("FAILED", "RETRYABLE", "GENERATING")
        assert status.message == CUT_OFF
        assert status.frame == 1
        queue.resume(running)
        assert until_over(queue, running).status == "SUCCEEDED"


def test_two_queues_cannot_share_a_database(tmp_path):
    with (
        opened(tmp_path / "jobs.db", Scripted()),
        pytest.raises(StorageError, match=r"Another Deforum .* already\."),
    ):
        JobQueue(tmp_path / "jobs.db", Scripted())
    JobQueue(tmp_path / "jobs.db", Scripted()).close()


def test_events_come_with_each_change_and_end(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        _, waiting = queue.submit([named("a", "wait"), named("b")]).job_ids
        assert gate.entered.wait(PATIENCE)
        events = queue.events(waiting)
        assert next(events).position == 1
        gate.may_go.set()
        rest = list(events)
        assert rest[-1].status == "SUCCEEDED"
        assert all(a != b for a, b in pairwise(rest))
        assert [s.status for s in queue.events(waiting)] == ["SUCCEEDED"]


def test_events_end_when_the_queue_closes(tmp_path):
    gate = Gate()
    queue = JobQueue(tmp_path / "jobs.db", Scripted(wait=gate))
    _, waiting = queue.submit([named("a", "wait"), named("b")]).job_ids
    assert gate.entered.wait(PATIENCE)
    heartbeats = queue.events(waiting, heartbeat=0.01)
    assert next(heartbeats) == next(heartbeats)
    told: list[bool] = []
    with queue.listening(lambda: told.append(True)):
        reader = Thread(target=list, args=(queue.events(waiting),))
        reader.start()
        queue.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert told
    assert queue.is_closed


def test_the_latest_frame_is_a_picture(tmp_path):
    gate = Gate()
    with opened(tmp_path / "jobs.db", Scripted(wait=gate)) as queue:
        running, waiting = queue.submit([named("a", "wait"), named("b")]).job_ids
        assert gate.entered.wait(PATIENCE)
        assert queue.latest_frame(waiting) is None
        assert Image.open(io.BytesIO(queue.latest_frame(running))).size == (8, 8)


def test_time_left_comes_from_the_frames_so_far(tmp_path):
    times = iter(range(1000, 10_000, 10))
    seen, known = [], Event()

    def run(work, control, report):
        assert known.wait(PATIENCE)
        report.start(10, 3)
        for index in range(4):
            report.advance(index, None, False)
            seen.append(queue.job(job).seconds_left)
        return Outcome()

    queue = JobQueue(tmp_path / "jobs.db", Scripted(run=run), clock=lambda: float(next(times)))
    (job,) = queue.submit([named("a", "run")]).job_ids
    known.set()
    assert until_over(queue, job).seconds_left is None
    queue.close()
    assert seen[0] is None
    assert seen[-1] == pytest.approx(6 * (seen[1] / 8))


def test_what_is_not_there(tmp_path):
    with opened(tmp_path / "jobs.db", Scripted()) as queue:
        for ask in (queue.job, queue.batch, queue.cancel, queue.cancel_batch, queue.stop, queue.pause, queue.resume):
            with pytest.raises(UnknownJobError):
                ask("batch(5)-0")
        with pytest.raises(UnknownJobError):
            next(queue.events("nope"))
        with pytest.raises(UnknownJobError):
            queue.latest_frame("nope")


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}, b"x"])
def test_settings_that_are_no_json_are_refused(tmp_path, value):
    with opened(tmp_path / "jobs.db", Scripted()) as queue:
        with pytest.raises(SettingsError, match="no JSON"):
            queue.submit([named("a"), JobRequest({"x": value})])
        with pytest.raises(SettingsError, match="no settings"):
            queue.submit([])
        assert queue.jobs() == ()


def test_a_closed_queue_takes_nothing(tmp_path):
    queue = JobQueue(tmp_path / "jobs.db", Scripted())
    queue.close()
    queue.close()
    with pytest.raises(JobStateError, match="closed"):
        queue.submit([named("a")])


def test_what_a_run_is_at_besides_frames_is_told_until_it_is_over(tmp_path):
    may_go = Event()

    def deed(work, control, report):
        report.step("Counting frames", 1, 2)
        report.start(2, 1)
        report.finish()
        report.step("Interpolating", 3, 11)
        may_go.wait(PATIENCE)
        return Outcome()

    runner = Scripted()
    runner.deeds["wait"] = deed
    with opened(tmp_path / "jobs.db", runner) as queue:
        (job,) = queue.submit([named("a", "wait")]).job_ids
        told = until(queue, job, lambda status: status.message == "Interpolating: 3 of 11")
        assert told.phase == "POST_PROCESSING"
        may_go.set()
        assert until_over(queue, job).message is None
