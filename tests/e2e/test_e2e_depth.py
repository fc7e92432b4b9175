"""3D with a depth network, from the settings file to the frames."""

from __future__ import annotations

import json
from contextlib import nullcontext

import numpy as np
import pytest
from e2e_parts import frame_files, only_run, run_main

from deforum_helpers.errors import Finding
from deforum_helpers.media.store import read_image
from tiny_networks import write_network

SETTINGS = {
    "W": 96,
    "H": 64,
    "max_frames": 6,
    "diffusion_cadence": 3,
    "animation_mode": "3D",
    "translation_z": "0:(0)",
    "translation_x": "0:(20)",
    "depth_algorithm": "Midas-3-Hybrid",
    "seed": 4,
    "prompts": {"0": "a lighthouse on a cliff"},
}


@pytest.fixture
def render(tmp_path, capsys):
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))

    def run(name, *options):
        out = tmp_path / name
        arguments = ("render", tmp_path / "settings.txt", "--out", out, "--no-video", "--models", tmp_path / "models")
        said = run_main(capsys, *arguments, *options)
        assert said.code == 0, said.err
        return [read_image(path) for path in frame_files(only_run(out))], said.err

    return run


def test_depth_gives_parallax_and_without_a_network_the_scene_is_flat(tmp_path, render):
    flat, said = render("flat")
    assert "flat scene, without depth" in said
    off, said = render("off", "--set", "use_depth_warping=false")
    assert "flat" not in said
    assert all(np.array_equal(a, b) for a, b in zip(flat, off, strict=True))

    write_network(tmp_path / "models", "dpt-hybrid-midas")
    deep, said = render("deep")
    assert "flat" not in said
    again, _ = render("again")
    assert len(deep) == SETTINGS["max_frames"]
    assert np.array_equal(deep[0], flat[0])
    assert not np.array_equal(deep[1], flat[1])
    assert all(np.array_equal(a, b) for a, b in zip(deep, again, strict=True))


class StepsDown:
    """Has something to say only after its first picture, like a network that must leave the GPU."""

    name = "Midas-3-Hybrid"
    kind = "relative"
    findings: tuple[Finding, ...] = ()

    def predict(self, image):
        self.findings = (Finding("warning", "the GPU has too little memory; goes on with the CPU.", "depth_algorithm"),)
        return image[..., 0].astype(np.float32)


def test_what_a_network_says_in_the_middle_of_a_run_is_told(render, monkeypatch):
    monkeypatch.setattr("deforum_helpers.inputs.open_depth_model", lambda *_, **__: nullcontext(StepsDown()))
    _, said = render("late")
    assert said.count("goes on with the CPU") == 1
