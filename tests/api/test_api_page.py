"""The page as a process: its engines, the API beside it, and one queue for a folder of runs whichever door it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serve_parts import SCRIPTS, Server, serving

from deforum_helpers.ui.queue_door import QueueDoor
from jobs_parts import TINY
from tiny_diffusion import diffusers_or_skip, write_model

pytest.importorskip("gradio", reason="the page needs gradio: pip install -r requirements-ui.txt")


def environment() -> dict[str, str]:
    """Without a proxy, which gradio would ask for its own page."""
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**clean, "PYTHONPATH": str(SCRIPTS), "GRADIO_ANALYTICS_ENABLED": "False"}


def command(out: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "deforum_helpers", "ui", "--out", str(out), *arguments]


@contextmanager
def page(out: Path, *arguments: str) -> Iterator[Server]:
    """The page with the API, ended in order."""
    process = subprocess.Popen(
        command(out, "--api", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        address = next((line for line in process.stdout if line.startswith("http")), "")
        assert address, process.communicate()
        yield Server(process, address.strip().rstrip("/"))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def last_of(server: Server, job: str) -> dict[str, object]:
    *_, last = server.events(job)
    return last


def test_one_queue_for_page_and_server(tmp_path):
    out = tmp_path / "out"
    with serving(out, "--latency", "0.2") as server:
        body = {"deforum_settings": [{**TINY, "max_frames": 240}, TINY]}
        cut_off, waiting = server.ask("POST", "/deforum_api/batches", body)["job_ids"]
        assert next(event for event in server.events(cut_off) if event["frame"] >= 2)
        done = subprocess.run(command(out), capture_output=True, text=True, env=environment(), timeout=60, check=False)
        assert done.returncode == 2
        assert f"Another Deforum (a page, a server or a web UI) runs the jobs of {out} already" in done.stderr
        assert "Traceback" not in done.stderr
        resume = [sys.executable, "-m", "deforum_helpers", "render", "--resume", "last", "--out", str(out)]
        done = subprocess.run(resume, capture_output=True, text=True, env=environment(), timeout=60, check=False)
        assert done.returncode == 2
        assert "is being made by another program. Wait until it is done, or stop it there." in done.stderr
        assert next(event for event in server.events(cut_off) if event["frame"] >= 4)
        server.process.kill()
        server.process.wait()
    with page(out) as server:
        with pytest.raises(urllib.error.HTTPError, match="400"):
            server.ask("GET", "/deforum_api/jobs", Host="evil.example")
        assert last_of(server, waiting)["status"] == "SUCCEEDED"
        assert server.job(cut_off)["resumable"]
        server.ask("POST", f"/deforum_api/jobs/{cut_off}/resume")
        assert last_of(server, cut_off)["status"] == "SUCCEEDED"
    assert len([path for path in out.iterdir() if path.is_dir()]) == 2
    assert [path.name for path in out.glob("*.sqlite3")] == ["deforum_jobs.sqlite3"]


def test_runs_of_an_older_page_are_still_there(tmp_path):
    """They are found by what is in their folders; the database of the page alone is left as it is."""
    out = tmp_path / "out"
    with serving(out) as server:
        job = server.ask("POST", "/deforum_api/batches", {"deforum_settings": TINY})["job_ids"][0]
        timestring = last_of(server, job)["timestring"]
    old = shutil.move(out / "deforum_jobs.sqlite3", out / "deforum_page_jobs.sqlite3")
    before = Path(old).read_bytes()
    with page(out) as server:
        assert server.ask("GET", "/deforum_api/jobs") == {}
        assert [run.timestring for run in QueueDoor(None, out).runs()] == [timestring]
    assert Path(old).read_bytes() == before


def test_a_model_renders_and_the_motion_preview_needs_none(tmp_path):
    diffusers_or_skip()
    model = write_model(tmp_path, "sd")
    with page(tmp_path / "out", "--engine", "diffusers", "--model", str(model), "--device", "cpu") as server:
        sketch = {**TINY, "motion_preview_mode": True}
        ids = server.ask("POST", "/deforum_api/batches", {"deforum_settings": [sketch, {**TINY, "steps": 2}]})
        sketched, diffused = (last_of(server, job) for job in ids["job_ids"])
    assert (sketched["status"], diffused["status"]) == ("SUCCEEDED", "SUCCEEDED"), diffused["message"]
    pictures = [next(Path(job["outdir"]).glob("*_000000000.png")).read_bytes() for job in (sketched, diffused)]
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "diffusers"], "needs a model"),
        (["--listen", "0.0.0.0"], "only with a token"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, told):
    done = subprocess.run(
        command(tmp_path, *arguments), capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
