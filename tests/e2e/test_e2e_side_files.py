"""What is written beside the frames on request."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matrix_parts import FRAMES, HEIGHT, WIDTH, outcome, write_inputs

from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.media.store import read_image


@pytest.fixture
def inputs(tmp_path):
    write_inputs(tmp_path)
    return tmp_path


def run_folder(inputs):
    (folder,) = (inputs / "out").iterdir()
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


HYBRID = {"hybrid_composite": "Normal", "hybrid_motion": "Optical Flow", "hybrid_flow_consistency": True}


def test_nothing_is_written_beside_the_frames_unless_asked_for(inputs):
    outcome(inputs, HYBRID)
    folder = run_folder(inputs)
    assert not [path for path in folder.iterdir() if path.is_dir()]
    assert len(list(folder.glob("*_?????????.png"))) == FRAMES


def test_input_frames_are_those_of_the_video(inputs):
    outcome(inputs, {**HYBRID, "hybrid_generate_inputframes": True})
    written = names(run_folder(inputs) / "inputframes")
    assert written == [f"clip{index:09}.jpg" for index in range(FRAMES)]


def test_hybrid_steps_are_written_for_the_frames_that_have_them(inputs):
    values = {**HYBRID, "hybrid_comp_mask_type": "Video Depth", "hybrid_comp_save_extra_frames": True}
    outcome(inputs, values)
    written = names(run_folder(inputs) / "hybridframes")
    keys = (4, 8, 12)
    expected = [f"clip_{kind}{key:09}.jpg" for kind in ("comp", "mask", "prev", "vid_depth") for key in keys]
    expected += [f"{kind}{frame:09}.jpg" for kind in ("flow", "flow_mask") for frame in range(1, FRAMES)]
    assert written == sorted(expected)


def test_depth_maps_are_comparable_across_the_run(inputs):
    """One range serves all frames, so the grey of equal depth is equal whatever else is in the picture."""
    result = outcome(inputs, {"animation_mode": "3D", "save_depth_maps": True})
    folder = run_folder(inputs)
    maps = sorted(folder.glob("*_depth_?????????.png"))
    assert len(maps) == FRAMES == len(result.frames)
    pictures = [read_image(path) for path in maps]
    assert all(picture.shape == (HEIGHT, WIDTH, 3) for picture in pictures)
    assert all((picture[..., 0] == picture[..., 2]).all() for picture in pictures)
    (known,) = folder.glob("*_depth_range.json")
    shown = json.loads(known.read_text())
    assert shown["high"] > shown["low"] == 0
    assert all(np.ptp(picture) > 0 for picture in pictures)


def test_a_gif_is_made_of_the_video(inputs):
    outcome(inputs, {"make_gif": True, "skip_video_creation": False, "max_frames": 3}, video=True)
    (gif,) = run_folder(inputs).glob("*.gif")
    assert probe(gif, count_frames=True).frames == 3


def test_input_frames_are_deleted_when_they_are_not_wanted_any_more(inputs):
    outcome(inputs, {**HYBRID, "hybrid_generate_inputframes": True, "delete_input_frames": True})
    assert not (run_folder(inputs) / "inputframes").exists()


def test_without_the_network_there_are_no_masks_of_people_but_the_video_is_made(inputs):
    result = outcome(inputs, {**HYBRID, "hybrid_generate_human_masks": "Both"})
    assert len(result.frames) == FRAMES
    assert any("there are no masks of people" in str(finding) for finding in result.findings)


def test_people_are_found_in_the_video(inputs):
    from tiny_networks import write_network

    write_network(inputs / "models", "upernet-convnext-small")
    outcome(inputs, {**HYBRID, "hybrid_generate_human_masks": "Both"})
    folder = run_folder(inputs) / "human_masks"
    assert names(folder) == [*(f"{index:09}.png" for index in range(FRAMES)), "human_masked_video.mp4"]
    assert probe(folder / "human_masked_video.mp4", count_frames=True).frames == FRAMES
