"""Whatever fits our OpenAPI, and whatever does not: no reply is a 500, and every reply is as documented."""

from __future__ import annotations

import json

import pytest
from api_parts import served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deforum_helpers.jobs.status import JobRequest
from deforum_helpers.jobs.work import Outcome
from deforum_helpers.settings.schema import SETTINGS
from jobs_parts import TINY, Scripted, until_over

schemathesis = pytest.importorskip("schemathesis")
schemathesis.checks.load_all_checks()
CHECKS = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]
Mode = schemathesis.GenerationMode

EXAMPLES = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = [
    "POST /deforum_api/batches",
    "GET /deforum_api/batches",
    "GET /deforum_api/batches/{batch_id}",
    "DELETE /deforum_api/batches/{batch_id}",
    "GET /deforum_api/jobs",
    "GET /deforum_api/jobs/{job_id}",
    "DELETE /deforum_api/jobs/{job_id}",
    "POST /deforum_api/jobs/{job_id}/pause",
    "POST /deforum_api/jobs/{job_id}/continue",
    "POST /deforum_api/jobs/{job_id}/stop",
    "POST /deforum_api/jobs/{job_id}/resume",
    "GET /deforum_api/jobs/{job_id}/frames/latest",
    "GET /deforum_api/jobs/{job_id}/video",
    "GET /deforum_api/jobs/{job_id}/events",
    "POST /deforum_api/plan",
    "POST /deforum_api/lint",
    "GET /deforum/api_version",
    "GET /deforum/version",
    "POST /deforum/run",
]
CAN_BE_WRONG = [
    "POST /deforum_api/batches",
    "GET /deforum_api/batches",
    "POST /deforum_api/jobs/{job_id}/stop",
    "POST /deforum_api/plan",
    "POST /deforum_api/lint",
    "POST /deforum/run",
]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    video = folder / "out" / "a.mp4"
    video.parent.mkdir()
    video.write_bytes(bytes(range(100)))

    def render(work, control, report):
        report.folder(folder / "out", "20240102030405")
        return Outcome(video)

    runner = Scripted(render=render)
    runner.deed_of = lambda values: "render"
    with served(folder, runner) as opened:
        yield opened


@pytest.fixture(scope="module")
def documented(api):
    """The operations of the documentation, by name."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.client.app)
    return {f"{o.method.upper()} {o.path}": o for o in (result.ok() for result in schema.get_all_operations())}


def checked(case) -> None:
    case.call_and_validate(checks=CHECKS)


def test_all_operations_are_tried(documented):
    assert sorted(documented) == sorted(OPERATIONS)


TRIED = [
    *((operation, Mode.POSITIVE) for operation in OPERATIONS),
    *((operation, Mode.NEGATIVE) for operation in CAN_BE_WRONG),
]


@pytest.mark.parametrize(("operation", "mode"), TRIED)
def test_documented_operations(documented, operation, mode):
    @EXAMPLES
    @given(case=documented[operation].as_strategy(generation_mode=mode))
    def run(case):
        checked(case)

    run()


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if "_id}" in name])
def test_what_is_there_is_answered_as_documented(api, documented, operation):
    batch = api.queue.submit([JobRequest(TINY)])
    until_over(api.queue, batch.job_ids[0])
    parameters = {"job_id": batch.job_ids[0]} if "job_id" in operation else {"batch_id": batch.id}
    reply = documented[operation].Case(path_parameters=parameters).call_and_validate(checks=CHECKS)
    expected = {"pause": 409, "continue": 409, "stop": 409, "resume": 409, "latest": 404}
    if operation == "DELETE /deforum_api/jobs/{job_id}":
        expected = {"{job_id}": 400}
    assert reply.status_code == expected.get(operation.rpartition("/")[2], 200)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2),
    st.sampled_from(
        ["0: (1)", "0: (t", "0:(1/0)", "0:(9**999)", "-1", "1e999", "{}", "[]", '{"0": 1}', "{{{", "\ud800", "\0"]
    ),
)


@settings(EXAMPLES, max_examples=200)
@given(
    values=st.dictionaries(st.sampled_from(sorted(SETTINGS)), ODD, max_size=4),
    path=st.sampled_from(["batches", "plan", "lint"]),
)
def test_odd_settings(api, values, path):
    body = json.dumps({"deforum_settings": {"max_frames": 5, **values}})
    reply = api.client.post(f"/deforum_api/{path}", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code < 500, reply.text
    reply.json()
