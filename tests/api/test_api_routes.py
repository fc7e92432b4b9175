"""Our own routes: looking, watching and steering."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from api_parts import served
from PIL import Image

from deforum_helpers.errors import EngineError
from deforum_helpers.jobs.work import Outcome
from jobs_parts import PATIENCE, TINY, Gate, Scripted, preview_runner, until_over

JOBS = "/deforum_api/jobs"


@pytest.fixture
def gated(tmp_path):
    """The API with a job at a gate, and the gate."""
    gate = Gate()
    runner = Scripted(wait=gate)
    runner.deed_of = lambda values: "wait"
    with served(tmp_path, runner) as api:
        job = api.client.post("/deforum_api/batches", json={"deforum_settings": TINY}).json()["job_ids"][0]
        assert gate.entered.wait(PATIENCE)
        yield api, job, gate


def test_a_plan(tmp_path):
    with served(tmp_path) as api:
        reply = api.client.post("/deforum_api/plan", json={"deforum_settings": {**TINY, "no_such": 1}, "series": True})
        assert reply.status_code == 200
        plan = reply.json()
        assert (plan["max_frames"], plan["width"], plan["key_frames"]) == (6, 64, [0, 2, 4])
        assert plan["series"]["zoom_series"] == [1.02] * 6
        assert any("no_such" in found["message"] for found in plan["findings"])
        short = api.client.post("/deforum_api/plan", json={"deforum_settings": TINY}).json()
        assert "series" not in short


def test_a_plan_that_cannot_be_made_says_where(tmp_path):
    with served(tmp_path) as api:
        settings = {**TINY, "zoom": "0: (1), 3: (1 +)", "angle": "0: (nonsense)"}
        reply = api.client.post("/deforum_api/plan", json={"deforum_settings": settings})
        assert reply.status_code == 422
        errors = {found["key"]: found for found in reply.json()["findings"] if found["severity"] == "error"}
        assert set(errors) == {"zoom", "angle"}
        assert errors["zoom"]["frame"] == 3
        assert errors["zoom"]["column"]
        assert "zoom" in reply.json()["message"]


def test_linting(tmp_path):
    with served(tmp_path) as api:
        fine = api.client.post("/deforum_api/lint", json={"deforum_settings": TINY}).json()
        assert fine["ok"]
        assert all(found["severity"] != "error" for found in fine["findings"])
        bad = api.client.post("/deforum_api/lint", json={"deforum_settings": {**TINY, "W": "wide"}}).json()
        assert not bad["ok"]
        assert [found["key"] for found in bad["findings"]] == ["W"]


def test_steering_a_run(gated):
    api, job, gate = gated
    paused = api.client.post(f"{JOBS}/{job}/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    assert not api.client.post(f"{JOBS}/{job}/continue").json()["paused"]
    early = api.client.post(f"{JOBS}/{job}/resume")
    assert early.status_code == 409
    assert early.json()["id"] == job
    stopped = api.client.post(f"{JOBS}/{job}/stop", params={"video": "false"}).json()
    assert (stopped["status"], stopped["stopping"]) == ("ACCEPTED", True)
    until_over(api.queue, job)
    over = api.client.get(f"{JOBS}/{job}").json()
    assert (over["resumable"], over["resume"]) == (True, f"POST {JOBS}/{job}/resume")
    gate.may_go.set()
    assert api.client.post(f"{JOBS}/{job}/resume").json()["status"] == "ACCEPTED"
    assert until_over(api.queue, job).status == "SUCCEEDED"
    assert api.client.post(f"{JOBS}/{job}/pause").status_code == 409
    assert api.client.get(f"{JOBS}/{job}").json()["resume"] is None


def test_the_latest_frame(gated):
    api, job, _ = gated
    reply = api.client.get(f"{JOBS}/{job}/frames/latest")
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["Cache-Control"] == "no-store"
    assert Image.open(io.BytesIO(reply.content)).size == (8, 8)


def test_events_tell_of_progress_and_end(tmp_path):
    gate = Gate()

    def run(work, control, report):
        report.start(3, 1)
        for index in range(3):
            report.advance(index, np.zeros((8, 8, 3), np.uint8), index == 0)
        gate.entered.set()
        gate.may_go.wait(PATIENCE)
        return Outcome()

    runner = Scripted(run=run)
    runner.deed_of = lambda values: "run"
    with served(tmp_path, runner) as api:
        job = api.client.post("/deforum_api/batches", json={"deforum_settings": TINY}).json()["job_ids"][0]
        assert gate.entered.wait(PATIENCE)
        gate.may_go.set()
        reply = api.client.get(f"{JOBS}/{job}/events")
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    events = [block.split("\n") for block in reply.text.strip().split("\n\n")]
    assert {lines[0] for lines in events} == {"event: job"}
    told = [json.loads(lines[2].removeprefix("data: ")) for lines in events]
    assert (told[-1]["id"], told[-1]["status"], told[-1]["frame"]) == (job, "SUCCEEDED", 3)
    assert [state["updates"] for state in told] == sorted({state["updates"] for state in told})
    assert "deforum_settings" not in told[-1]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    with served(folder, preview_runner(folder / "out")) as api:
        job = api.client.post("/deforum_api/batches", json={"deforum_settings": TINY}).json()["job_ids"][0]
        status = until_over(api.queue, job)
        assert status.status == "SUCCEEDED", status.message
        yield api.client, f"{JOBS}/{job}/video", Path(status.video).read_bytes()


def test_the_whole_video(rendered):
    client, path, content = rendered
    reply = client.get(path)
    assert (reply.status_code, reply.content) == (200, content)
    assert reply.headers["Content-Type"] == "video/mp4"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=5-5", 5, 6)],
)
def test_a_part_of_the_video(rendered, wanted, start, end):
    client, path, content = rendered
    reply = client.get(path, headers={"Range": wanted})
    assert (reply.status_code, reply.content) == (206, content[start:end])
    first = start % len(content)
    last = (len(content) if end is None else end) - 1
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"


def test_beyond_the_end_of_the_video(rendered):
    client, path, content = rendered
    assert client.get(path, headers={"Range": f"bytes=0-{10**17}"}).content == content
    for wanted in (f"bytes={len(content)}-", "bytes=9-5", "bytes=-0"):
        reply = client.get(path, headers={"Range": wanted})
        assert reply.status_code == 416
        assert reply.headers["Content-Range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=-", "pages=1-2", "bytes=0-1,4-5", "bytes=a-b", "bytes=0-" + "9" * 99, ""])
def test_what_is_no_range_is_passed_over(rendered, wanted):
    client, path, content = rendered
    reply = client.get(path, headers={"Range": wanted})
    assert (reply.status_code, reply.content) == (200, content)


def test_a_video_that_is_gone(tmp_path):
    runner = Scripted(run=lambda work, control, report: Outcome(tmp_path / "out" / "gone.mp4"))
    runner.deed_of = lambda values: "run"
    with served(tmp_path, runner) as api:
        job = api.client.post("/deforum_api/batches", json={"deforum_settings": TINY}).json()["job_ids"][0]
        until_over(api.queue, job)
        assert api.client.get(f"{JOBS}/{job}/video").status_code == 404


def test_only_the_routes_that_are_wanted(tmp_path):
    with served(tmp_path, batches=False) as api:
        assert api.client.get(JOBS).status_code == 404
        assert api.client.get("/deforum/version").status_code == 200
    with served(tmp_path, simple=False) as api:
        assert api.client.get(JOBS).status_code == 200
        assert api.client.get("/deforum/version").status_code == 404


def test_a_failed_simple_run(tmp_path):
    runner = Scripted(run=_unlucky)
    runner.deed_of = lambda values: "run"
    with served(tmp_path, runner) as api:
        reply = api.client.post("/deforum/run", params={"settings_json": "{}"})
        assert (reply.status_code, reply.json()) == (500, {"detail": "out of luck."})


def _unlucky(work, control, report):
    raise EngineError("out of luck.")
