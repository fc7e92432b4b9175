"""Starting from a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deforum_helpers.cli import main
from deforum_helpers.media.store import read_image

SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": 4,
    "seed": 5,
    "diffusion_cadence": 1,
    "color_coherence": "None",
    "legacy_colormatch": False,
    "prompts": {"0": "a harbour"},
    "use_init": True,
    "init_image": "start.png",
}


@pytest.fixture
def render(tmp_path, capsys):
    def run(**changes):
        (tmp_path / "settings.txt").write_text(json.dumps({**SETTINGS, **changes}))
        code = main(["render", str(tmp_path / "settings.txt"), "--out", str(tmp_path / "runs"), "--no-video", "--json"])
        said = capsys.readouterr()
        outdir = Path(json.loads(said.out.splitlines()[-1])["outdir"]) if code == 0 else None
        return code, outdir, said.err

    return run


def first_frame(outdir: Path) -> np.ndarray:
    return read_image(min(outdir.glob("*_0*.png")))


def test_strength_1_keeps_the_picture_and_0_ignores_it(tmp_path, render):
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "start.png")
    _, kept, _ = render(strength=1.0)
    np.testing.assert_array_equal(first_frame(kept), picture)
    _, ignored, _ = render(strength=0.0)
    _, without, _ = render(use_init=False)
    np.testing.assert_array_equal(first_frame(ignored), first_frame(without))


def test_a_picture_of_another_size_and_with_alpha_is_fitted(tmp_path, render):
    Image.new("RGBA", (10, 200), (200, 40, 10, 255)).save(tmp_path / "start.png")
    code, outdir, _ = render(strength=1.0)
    assert code == 0
    assert np.abs(first_frame(outdir).astype(int) - (200, 40, 10)).max() <= 1


@pytest.mark.parametrize(("content", "says"), [(None, "no such"), (b"hello", "cannot be read as a picture")])
def test_a_picture_that_is_missing_or_none_is_refused_before_anything_is_written(tmp_path, render, content, says):
    if content is not None:
        (tmp_path / "start.png").write_bytes(content)
    code, _, said = render()
    assert code == 1
    assert says in said
    assert not (tmp_path / "runs").exists()


def test_forced_grayscale(tmp_path, render):
    _, outdir, _ = render(use_init=False, color_force_grayscale=True)
    for path in outdir.glob("*_0*.png"):
        frame = read_image(path)
        assert np.ptp(frame, axis=2).max() == 0


def test_colours_of_a_given_image(tmp_path, render):
    Image.new("RGB", (8, 8), (180, 60, 20)).save(tmp_path / "colours.png")
    chosen = {"use_init": False, "color_coherence": "Image", "color_coherence_image_path": "colours.png"}
    _, outdir, _ = render(**chosen)
    for path in outdir.glob("*_0*.png"):
        assert np.abs(read_image(path).mean(axis=(0, 1)) - (180, 60, 20)).max() < 6
