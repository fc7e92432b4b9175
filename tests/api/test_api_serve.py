"""The server as a process: thirty jobs, killed in the middle, started again."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from serve_parts import serving

from jobs_parts import TINY

JOBS = 30


def frames_of(outdir: str) -> list[str]:
    frames = sorted(Path(outdir).glob("*_?????????.png"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in frames]


def settings(number: int) -> dict[str, object]:
    frames = 40 if number == 4 else 4
    return {**TINY, "seed": 100 + number, "max_frames": frames, "noise_schedule": "0: (0.03)", "color_coherence": "LAB"}


def test_thirty_jobs_and_a_kill(tmp_path):
    out = tmp_path / "out"
    with serving(out, "--latency", "0.2") as server:
        body = {"deforum_settings": [settings(number) for number in range(JOBS)]}
        ids = server.ask("POST", "/deforum_api/batches", body)["job_ids"]
        assert len(ids) == JOBS
        cancelled = [ids[n] for n in (7, 8, 20, 29)]
        for job in cancelled:
            server.ask("DELETE", f"/deforum_api/jobs/{job}")
        for event in server.events(ids[4]):
            if event["frame"] >= 5:
                break
        server.process.kill()  # SIGKILL: no chance to write anything down
        server.process.wait()

    with serving(out) as server:
        jobs = server.ask("GET", "/deforum_api/jobs")
        assert list(jobs) == ids
        assert [jobs[job]["status"] for job in ids[:4]] == ["SUCCEEDED"] * 4
        cut_off = jobs[ids[4]]
        assert (cut_off["status"], cut_off["error_type"], cut_off["phase"]) == ("FAILED", "RETRYABLE", "GENERATING")
        assert cut_off["resumable"]
        assert 1 <= len(frames_of(cut_off["outdir"])) < 40
        assert {jobs[job]["status"] for job in cancelled} == {"CANCELLED"}

        assert server.ask("POST", f"/deforum_api/jobs/{ids[4]}/resume")["status"] == "ACCEPTED"
        for event in server.events(ids[4]):
            last = event
        assert (last["status"], last["outdir"]) == ("SUCCEEDED", cut_off["outdir"])
        jobs = server.ask("GET", "/deforum_api/jobs")
        for number, job in enumerate(ids):
            assert jobs[job]["status"] == ("CANCELLED" if job in cancelled else "SUCCEEDED")
            assert (jobs[job]["outdir"] is None) == (job in cancelled)
            assert jobs[job]["deforum_settings"]["seed"] == 100 + number
        assert len({job["outdir"] for job in jobs.values() if job["outdir"]}) == JOBS - len(cancelled)

        whole = server.ask("POST", "/deforum_api/batches", {"deforum_settings": settings(4)})["job_ids"][0]
        for event in server.events(whole):
            last = event
        assert frames_of(last["outdir"]) == frames_of(cut_off["outdir"])
        assert len(frames_of(last["outdir"])) == 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_end_keeps_the_running_job_resumable(tmp_path, number):
    with serving(tmp_path / "out", "--latency", "0.2") as server:
        job = server.ask("POST", "/deforum_api/batches", {"deforum_settings": settings(4)})["job_ids"][0]
        told = server.events(job)
        assert next(event for event in told if event["frame"] >= 2)
        server.process.send_signal(number)
        list(told)  # ends, although the job is not over
        _, err = server.process.communicate(timeout=60)
        assert server.process.returncode == 0, err
        assert "Traceback" not in err
    with serving(tmp_path / "out") as server:
        assert server.job(job)["resumable"]
        server.ask("POST", f"/deforum_api/jobs/{job}/resume")
        for event in server.events(job):
            last = event
        assert last["status"] == "SUCCEEDED"


def test_the_token_and_the_names_of_the_server(tmp_path):
    with serving(tmp_path / "out", token="s3cret") as server:
        assert server.ask("GET", "/deforum/api_version") == {"version": "1.0"}
        for headers, code in (({"Authorization": "Bearer x"}, 401), ({"Host": "evil.example"}, 400)):
            with pytest.raises(urllib.error.HTTPError) as caught:
                type(server)(server.process, server.address).ask("GET", "/deforum_api/jobs", **headers)
            assert caught.value.code == code
            caught.value.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "only with a token"),
        (["--engine", "diffusers"], "needs a model"),
        (["--port", "70000"], "70000 is no port"),
        (["--allow-root", "nowhere-at-all"], "no such folder"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, told):
    command = [sys.executable, "-m", "deforum_helpers", "serve", "--out", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_two_servers_cannot_share_a_folder(tmp_path):
    with serving(tmp_path / "out"):
        command = [sys.executable, "-m", "deforum_helpers", "serve", "--port", "0", "--out", str(tmp_path / "out")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert "Another Deforum (a page, a server or a web UI) runs the jobs of" in done.stderr
        assert "another folder for its runs" in done.stderr


def test_the_documentation_names_every_route(tmp_path):
    with serving(tmp_path / "out") as server:
        paths = server.ask("GET", "/openapi.json")["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == {
        ("POST", "/deforum_api/batches"),
        ("GET", "/deforum_api/batches"),
        ("GET", "/deforum_api/batches/{batch_id}"),
        ("DELETE", "/deforum_api/batches/{batch_id}"),
        ("GET", "/deforum_api/jobs"),
        ("GET", "/deforum_api/jobs/{job_id}"),
        ("DELETE", "/deforum_api/jobs/{job_id}"),
        ("POST", "/deforum_api/jobs/{job_id}/pause"),
        ("POST", "/deforum_api/jobs/{job_id}/continue"),
        ("POST", "/deforum_api/jobs/{job_id}/stop"),
        ("POST", "/deforum_api/jobs/{job_id}/resume"),
        ("GET", "/deforum_api/jobs/{job_id}/frames/latest"),
        ("GET", "/deforum_api/jobs/{job_id}/video"),
        ("GET", "/deforum_api/jobs/{job_id}/events"),
        ("POST", "/deforum_api/plan"),
        ("POST", "/deforum_api/lint"),
        ("GET", "/deforum/api_version"),
        ("GET", "/deforum/version"),
        ("POST", "/deforum/run"),
    }
    assert json.dumps(paths).count('"summary"') == 19
