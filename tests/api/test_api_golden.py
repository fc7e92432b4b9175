"""The calls that programs written for the original make, and what they get.

Differences on purpose: the list of batches needs no ``id`` (the original demands it and ignores it), both fields of a
batch may be left out under either pydantic (the original under pydantic 2 demands both), unknown batches are 404 (500),
a queued job that is cancelled never runs, a simple run with broken JSON is 422 (500), and settings that cannot be
rendered are refused with 422 when they are submitted (accepted, and FAILED later).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from api_parts import served

from deforum_helpers.errors import EngineError
from jobs_parts import PATIENCE, TINY, Gate, Scripted, preview_runner, until_over

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "api_calls.json").read_text("utf-8"))


@pytest.fixture
def gated(tmp_path):
    gate = Gate()
    runner = Scripted(wait=gate, fail=_fail)
    runner.deed_of = lambda settings: {64: "wait", 32: "fail"}.get(settings.get("W"), "")
    with served(tmp_path, runner) as api:
        yield api, gate


def _fail(work, control, report):
    report.start(4, 2)
    raise EngineError("out of luck.")


@pytest.mark.parametrize("body", [{}, {"deforum_settings": None}, {"deforum_settings": []}, {"deforum_settings": {}}])
def test_a_batch_without_settings(gated, body):
    reply = gated[0].client.post("/deforum_api/batches", json=body)
    assert reply.status_code == 400
    assert reply.json()["message"] == GOLDEN["no_settings"]


def test_settings_of_a_wrong_type(gated):
    reply = gated[0].client.post("/deforum_api/batches", json={"deforum_settings": "x"})
    assert reply.status_code == 422
    assert set(reply.json()) == {"detail", "body"}
    assert reply.json()["body"] == {"deforum_settings": "x"}
    assert {found["loc"][1] for found in reply.json()["detail"]} == {"deforum_settings"}


def test_one_object_or_a_list(gated):
    client = gated[0].client
    one = client.post("/deforum_api/batches", json={"deforum_settings": {"W": 64}})
    assert one.status_code == 202
    assert one.json()["message"] == GOLDEN["accepted"]
    assert re.fullmatch(r"batch\(\d+\)", one.json()["batch_id"])
    assert one.json()["job_ids"] == [f"{one.json()['batch_id']}-0"]
    settings = [{"W": 64, "H": 64}, {"W": 128, "H": 64}]
    two = client.post("/deforum_api/batches", json={"deforum_settings": settings, "options_overrides": {}})
    assert two.json()["job_ids"] == [f"{two.json()['batch_id']}-{number}" for number in (0, 1)]
    stored = [client.get(f"/deforum_api/jobs/{job}").json()["deforum_settings"] for job in two.json()["job_ids"]]
    assert stored == settings


def test_the_life_of_a_batch(gated):
    api, gate = gated
    client = api.client
    batch = client.post("/deforum_api/batches", json={"deforum_settings": [{"W": 64}, {"W": 128}]}).json()
    first, second = batch["job_ids"]
    assert gate.entered.wait(PATIENCE)
    for path in ("/deforum_api/batches", "/deforum_api/batches?id=x"):
        assert client.get(path).json() == {batch["batch_id"]: batch["job_ids"]}

    listed = client.get(f"/deforum_api/batches/{batch['batch_id']}").json()
    assert [job["id"] for job in listed] == [first, second]
    job = client.get(f"/deforum_api/jobs/{second}").json()
    assert job == listed[1]
    assert list(job)[: len(GOLDEN["job_keys"])] == GOLDEN["job_keys"]
    assert {key: job[key] for key in GOLDEN["waiting"]} == GOLDEN["waiting"]
    assert job["deforum_settings"] == {"W": 128}

    gone = client.delete(f"/deforum_api/jobs/{second}")
    assert (gone.status_code, gone.json()) == (200, {"id": second, "message": GOLDEN["job_cancelled"]})
    job = client.get(f"/deforum_api/jobs/{second}").json()
    assert {key: job[key] for key in GOLDEN["cancelled"]} == GOLDEN["cancelled"]
    again = client.delete(f"/deforum_api/jobs/{second}")
    assert (again.status_code, again.json()) == (
        400,
        {"id": second, "message": GOLDEN["not_cancellable"].format(id=second)},
    )

    gate.may_go.set()
    until_over(api.queue, first)
    job = client.get(f"/deforum_api/jobs/{first}").json()
    assert {key: job[key] for key in GOLDEN["done"]} == GOLDEN["done"]
    gone = client.delete(f"/deforum_api/batches/{batch['batch_id']}")
    message = GOLDEN["batch_cancelled"].format(n=0)
    assert (gone.status_code, gone.json()) == (200, {"ids": [], "message": message, "message:": message})
    jobs = client.get("/deforum_api/jobs").json()
    assert {job: found["status"] for job, found in jobs.items()} == {first: "SUCCEEDED", second: "CANCELLED"}


def test_what_is_not_there(gated):
    client = gated[0].client
    for path in ("batches", "jobs"):
        gone = client.get(f"/deforum_api/{path}/nope")
        assert (gone.status_code, gone.json()) == (404, {"id": "nope", "status": "NOT FOUND"})
        gone = client.delete(f"/deforum_api/{path}/nope")
        assert gone.status_code == 404
        assert gone.json()["id"] == "nope"
    assert client.delete("/deforum_api/jobs/nope").json()["message"] == GOLDEN["not_found"].format(id="nope")


def test_a_job_that_fails(gated):
    api, _ = gated
    reply = api.client.post("/deforum_api/batches", json={"deforum_settings": [{"W": 32}]})
    assert reply.status_code == 202
    until_over(api.queue, reply.json()["job_ids"][0])
    job = api.client.get(f"/deforum_api/jobs/{reply.json()['job_ids'][0]}").json()
    assert (job["status"], job["phase"], job["error_type"]) == ("FAILED", "GENERATING", "RETRYABLE")
    assert job["message"] == "out of luck."


def test_versions(gated):
    assert gated[0].client.get("/deforum/api_version").json() == GOLDEN["api_version"]
    assert gated[0].client.get("/deforum/version").json()["version"]


def test_a_simple_run(tmp_path):
    with served(tmp_path, preview_runner(tmp_path / "out")) as api:
        assert api.client.post("/deforum/run").status_code == 422
        assert api.client.post("/deforum/run", params={"settings_json": "{bad"}).status_code == 422
        settings = {**TINY, "max_frames": 3, "batch_name": "mine", "fps": -1}
        allowed = "W;H;animation_mode;max_frames; zoom;prompts;skip_video_creation;add_soundtrack"
        parameters = {"settings_json": json.dumps(settings), "allowed_params": allowed}
        reply = api.client.post("/deforum/run", params=parameters)
        assert reply.status_code == 200, reply.json()
        outdir = Path(reply.json()["outdir"])
        assert outdir.parent == api.out
        assert re.fullmatch("[0-9a-f]{32}", outdir.name)
        assert len(list(outdir.glob("*_?????????.png"))) == 3
        # Only what is allowed was used: the rate of the settings would have been refused.
        (saved,) = outdir.glob("*_settings.txt")
        kept = json.loads(saved.read_text("utf-8"))
        assert (kept["W"], kept["fps"]) == (64, 15)
