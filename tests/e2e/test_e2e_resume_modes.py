"""A run that was stopped somewhere goes on as if it had not been, in every mode, with every kind of input."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from matrix_parts import BASE, FRAMES, write_inputs

from deforum_helpers.errors import Interrupted
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.media.ffmpeg import run_ffmpeg
from deforum_helpers.resume import find_run, resumed_job
from deforum_helpers.run_deforum import RunOptions, run_job

FLOW = {"hybrid_motion": "Optical Flow", "hybrid_motion_use_prev_img": True, "hybrid_composite": "Normal"}
CASES = {
    "2D, flow from the picture": {"animation_mode": "2D", **FLOW},
    "3D with depth and its maps": {"animation_mode": "3D", "save_depth_maps": True, "hybrid_motion": "Affine"},
    "2D, guided": {"use_looper": True, "diffusion_redo": 1, "optical_flow_redo_generation": "DIS Medium"},
    "2D, masks and flow cadence": {
        "use_init": True,
        "use_mask": True,
        "use_noise_mask": True,
        "optical_flow_cadence": "DIS Medium",
    },
    "2D, colours of the video": {"color_coherence": "Video Input", "color_coherence_video_every_N_frames": 3},
    "2D, legacy colours": {"legacy_colormatch": True, "strength_schedule": "0:(0.6), 8:(0), 9:(0.6)"},
    "Video Input": {"animation_mode": "Video Input", "use_mask_video": True, "hybrid_motion": "Optical Flow"},
    "Interpolation": {"animation_mode": "Interpolation", "prompts": {"0": "a cat", "12": "a dog"}},
}


class StopAfter:
    """Watches a run and stops it after a number of frames."""

    wants_video = False

    def __init__(self, frames: int) -> None:
        self.left = frames

    def start(self, frames, key_frames):
        pass

    def advance(self, index, image, is_key):
        self.left -= 1

    def finish(self):
        pass

    def should_stop(self) -> bool:
        return self.left <= 0


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resumed")
    write_inputs(folder)
    return folder


def _options(folder, out, **more):
    return RunOptions(out=folder / out, threads=2, models=folder / "models", **more)


def _files(out):
    (folder,) = out.iterdir()
    return {p.name[14:]: p.read_bytes() for p in folder.iterdir() if p.suffix == ".png"}


def _video(out):
    (video,) = out.glob("*/*.mp4")
    return run_ffmpeg(["-i", video, "-map", "0:v", "-f", "framemd5", "-"], purpose="read")


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
@pytest.mark.parametrize("name", CASES)
def test_frames_and_video_are_the_same(inputs, tmp_path, name, alignment):
    values = {**BASE, "skip_video_creation": False, "neocore_tween_alignment": alignment, **CASES[name]}
    (inputs / "settings.txt").write_text(json.dumps(values))
    job = load_job(inputs / "settings.txt", {})
    data, _ = plan_job(job)
    never = StopAfter(10**6)
    run_job(job, data, PreviewEngine(), _options(inputs, tmp_path / "whole"), never)

    stop = StopAfter(random.Random(f"{name} {alignment}").randrange(2, FRAMES - 2))
    with pytest.raises(Interrupted):
        run_job(job, data, PreviewEngine(), _options(inputs, tmp_path / "cut"), stop, stop)
    run = find_run("last", tmp_path / "cut")
    again, planned, _ = resumed_job(run, None, {}, accept_changes=False)
    run_job(again, planned, PreviewEngine(), _options(inputs, tmp_path / "cut", resume=run), never)

    whole, resumed = _files(tmp_path / "whole"), _files(tmp_path / "cut")
    assert whole.keys() == resumed.keys()
    assert [key for key in whole if whole[key] != resumed[key]] == []
    assert _video(tmp_path / "whole") == _video(tmp_path / "cut")
    assert np.asarray(sum(key.startswith("_0") for key in whole)) == FRAMES
