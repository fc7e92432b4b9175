"""The real runner: settings to video, interrupted and resumed."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from deforum_helpers.errors import Finding
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.status import JobRequest
from jobs_parts import TINY, opened, preview_runner, tiny, until, until_over


def frames_of(outdir: str) -> dict[str, str]:
    frames = sorted(Path(outdir).glob("*_?????????.png"))
    return {path.name[14:]: hashlib.sha256(path.read_bytes()).hexdigest() for path in frames}


def test_a_job_becomes_a_video(tmp_path):
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out")) as queue:
        (job,) = queue.submit([tiny()]).job_ids
        status = until_over(queue, job)
        assert status.status == "SUCCEEDED", status.message
        assert Path(status.video).read_bytes()[4:8] == b"ftyp"
        assert Path(status.outdir) == tmp_path / "out" / f"run_{status.timestring}"
        assert (status.frame, status.frames, status.key_frames) == (6, 6, 3)
        assert len(frames_of(status.outdir)) == 6
        assert queue.latest_frame(job).startswith(b"\x89PNG")


def test_a_few_settings_are_enough(tmp_path):
    """Missing ones have their defaults, prompts included, as the API promises."""
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out")) as queue:
        settings = {"W": 64, "H": 64, "max_frames": 3, "skip_video_creation": True, "use_depth_warping": False}
        (job,) = queue.submit([JobRequest(settings)]).job_ids
        status = until_over(queue, job)
        assert status.status == "SUCCEEDED", status.message
        assert status.video is None


def test_wrong_settings_fail_for_good_and_write_nothing(tmp_path):
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out")) as queue:
        (job,) = queue.submit([tiny(zoom="0: (1.02", W="wide")]).job_ids
        status = until_over(queue, job)
        assert (status.status, status.error_type, status.phase) == ("FAILED", "TERMINAL", "PREPARING")
        assert [finding.key for finding in status.findings] == ["W"]
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["stop", "cancel", "close"])
def test_an_interrupted_run_goes_on_to_equal_frames(tmp_path, how):
    changes = {"max_frames": 24, "noise_schedule": "0: (0.03)", "color_coherence": "LAB", "seed": -1}
    database = tmp_path / "jobs.db"
    with opened(database, preview_runner(tmp_path / "out", latency=0.05)) as queue:
        (job,) = queue.submit([tiny(**changes)]).job_ids
        until(queue, job, lambda status: status.frame >= 4)
        if how == "stop":
            queue.stop(job, video=True)
            stopped = until_over(queue, job)
            assert Path(stopped.video).is_file()
        elif how == "cancel":
            queue.cancel(job)
            queue.submit([tiny(max_frames=1)])
            until_over(queue, queue.batches()[-1].job_ids[0])
    with opened(database, preview_runner(tmp_path / "out")) as queue:
        stopped = queue.job(job)
        assert stopped.resumable
        assert 4 <= len(frames_of(stopped.outdir)) < 24
        queue.resume(job)
        status = until_over(queue, job)
        assert status.status == "SUCCEEDED", status.message
        assert status.outdir == stopped.outdir
        seed = {"seed": _seed_of(status)}
        (whole,) = queue.submit([tiny(**{**changes, **seed})]).job_ids
        assert frames_of(until_over(queue, whole).outdir) == frames_of(status.outdir)


def test_messages_name_no_command(tmp_path):
    """Whoever reads them may sit before a page; how to go on is told there."""
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out", latency=0.02)) as queue:
        (job,) = queue.submit([tiny(max_frames=30)]).job_ids
        until(queue, job, lambda status: status.frame >= 2)
        queue.stop(job, video=False)
        stopped = until_over(queue, job)
        assert "They are kept in" in stopped.message
        settings = Path(stopped.outdir) / f"{stopped.timestring}_settings.txt"
        settings.write_text(settings.read_text("utf-8").replace('"zoom": "0: (1.02)"', '"zoom": "0: (1.03)"'), "utf-8")
        queue.resume(job)
        refused = until_over(queue, job)
    assert "the plan is not the one the run began with" in refused.message
    assert f"with resume_from_timestring on and resume_timestring {stopped.timestring}" in refused.message
    for message in (stopped.message, refused.message):
        assert "--" not in message
        assert "render " not in message


def _seed_of(status) -> int:
    import json

    text = (Path(status.outdir) / f"{status.timestring}_settings.txt").read_text("utf-8")
    return json.loads(text)["seed"]


def test_resuming_by_timestring_as_the_form_does(tmp_path):
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out", latency=0.02)) as queue:
        (job,) = queue.submit([tiny(max_frames=20)]).job_ids
        until(queue, job, lambda status: status.frame >= 2)
        queue.stop(job, video=False)
        stopped = until_over(queue, job)
        again = tiny(max_frames=20, resume_from_timestring=True, resume_timestring=stopped.timestring)
        (other,) = queue.submit([again]).job_ids
        status = until_over(queue, other)
        assert status.status == "SUCCEEDED", status.message
        assert status.outdir == stopped.outdir
        assert len(frames_of(status.outdir)) == 20


def test_resuming_takes_nothing_but_timestrings(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "20240102030405_settings.txt").write_text("{}")
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out")) as queue:
        places = [str(tmp_path / "elsewhere"), "20240102030405", "last"]
        batch = queue.submit([tiny(resume_from_timestring=True, resume_timestring=place) for place in places])
        for job in batch.job_ids:
            assert until_over(queue, job).error_type == "TERMINAL"


def test_restricted_requests_are_looked_at_again_when_they_run(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"x")
    reaching = {**TINY, "add_soundtrack": "File", "soundtrack_path": str(secret)}
    access = Access(roots=(tmp_path / "inputs",))
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out", access=access)) as queue:
        (job,) = queue.submit([JobRequest(reaching, restricted=True)]).job_ids
        status = until_over(queue, job)
        assert status.error_type == "TERMINAL"
        assert "outside the allowed folders" in status.message
        assert not (tmp_path / "out").exists()


def test_the_engine_is_opened_when_a_job_needs_it_and_once(tmp_path):
    opened_engines = []

    @contextmanager
    def engine():
        opened_engines.append("opened")
        yield PreviewEngine()
        opened_engines.append("left")

    runner = replace(preview_runner(tmp_path / "out"), engine=engine, sketcher=PreviewEngine)
    with opened(tmp_path / "jobs.db", runner) as queue:
        wrong, sketch = queue.submit([tiny(W="wide"), tiny(motion_preview_mode=True)]).job_ids
        assert until_over(queue, sketch).status == "SUCCEEDED"
        assert queue.job(wrong).error_type == "TERMINAL"
        assert opened_engines == []
        until_over(queue, queue.submit([tiny(), tiny()]).job_ids[1])
        assert opened_engines == ["opened"]
    assert opened_engines == ["opened", "left"]


def test_what_an_engine_has_to_say_is_told_once(tmp_path):
    class Speaking(PreviewEngine):
        findings = (Finding("note", "loaded."),)

        def diffuse(self, request):
            if len(self.findings) == 1:
                self.findings = (*self.findings, Finding("warning", "no such sampler."))
            return super().diffuse(request)

    runner = replace(preview_runner(tmp_path / "out"), engine=lambda: nullcontext(Speaking()))
    with opened(tmp_path / "jobs.db", runner) as queue:
        status = until_over(queue, queue.submit([tiny()]).job_ids[0])
        assert [f.message for f in status.findings if f.message in {"loaded.", "no such sampler."}] == [
            "loaded.",
            "no such sampler.",
        ]
