"""What a run tells about itself, and what it does when its engine fails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.errors import EngineError, EngineMemoryError, RunError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.ports import Diffused
from deforum_helpers.run_deforum import RunOptions, RunResult, run_job

SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": 10,
    "diffusion_cadence": 3,
    "seed": 5,
    "prompts": {"0": "a harbour"},
    "reroll_blank_frames": "reroll",
    "reroll_patience": 2,
}


class Watching:
    def start(self, frames, key_frames):
        self.announced = (frames, key_frames)
        self.seen = []

    def advance(self, index, image, is_key):
        self.seen.append((index, is_key))

    def finish(self):
        pass


class Failing(PreviewEngine):
    """Fails at frame 3 as often as it is told to."""

    def __init__(self, error: Exception | None, times: int) -> None:
        super().__init__()
        self.error, self.times = error, times

    def diffuse(self, request):
        if request.frame == 3 and self.times > 0:
            self.times -= 1
            if self.error is None:
                return Diffused(np.zeros((request.height, request.width, 3), np.uint8))
            raise self.error
        return super().diffuse(request)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))
    job = load_job(tmp_path / "settings.txt", {})
    data, _ = plan_job(job)

    def start(engine, **options) -> RunResult:
        return run_job(job, data, engine, RunOptions(out=tmp_path / "runs", threads=2, **options), Watching())

    return start


def frames(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("runs/*/*_0*.png"))


def test_the_report_says_what_was_done(run):
    result = run(PreviewEngine())
    report = json.loads((result.outdir / f"{result.timestring}_report.json").read_text())
    assert (report["frames"], report["key_frames"], report["diffused"]) == (10, 4, 4)
    assert (report["retries"], report["reused"]) == (0, 0)
    seconds = report["seconds"]
    assert 0 < seconds["diffusion"] < seconds["total"]
    assert seconds["writing"] > 0
    assert report == result.report.as_json()


def test_out_of_memory_once_changes_nothing_but_the_report(run, tmp_path):
    run(PreviewEngine())
    expected = [path.read_bytes() for path in frames(tmp_path)]
    result = run(Failing(EngineMemoryError("no memory"), times=1))
    assert [path.read_bytes() for path in sorted(result.outdir.glob("*_0*.png"))] == expected
    assert result.report.retries == 1
    assert any("memory" in str(finding) for finding in result.findings)


def test_a_black_picture_is_made_again_with_another_seed(run):
    result = run(Failing(None, times=1))
    assert result.report.retries == 1
    assert result.report.diffused == 5


def test_an_engine_that_keeps_failing_stops_the_run_which_can_be_resumed(run, tmp_path):
    with pytest.raises(
        RunError, match=r"Frame 3 could not be diffused.*\nThe frames made so far are kept\.$"
    ) as caught:
        run(Failing(EngineError("the device is gone"), times=99))
    assert [caught.value.run] == [path for path in tmp_path.glob("runs/*") if path.is_dir()]
    assert frames(tmp_path)
    assert list(tmp_path.glob("runs/*/*_journal/key_*.zip"))
    assert not list(tmp_path.glob("runs/*/*.mp4"))


def test_an_engine_that_keeps_failing_may_be_passed_over(run, tmp_path):
    result = run(Failing(EngineError("the device is gone"), times=99), on_failure="reuse")
    assert len(frames(tmp_path)) == SETTINGS["max_frames"]
    assert result.report.reused == 1


def test_a_preview_video_is_made_on_the_way(run):
    result = run(PreviewEngine(), preview_every=2)
    assert (result.outdir / f"{result.timestring}_preview.mp4").is_file()
    assert not list(result.outdir.glob("*rendering*"))
