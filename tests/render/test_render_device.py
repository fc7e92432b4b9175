"""Tweens made in batches, as on a graphics card; here on PyTorch's processor device."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest
from render_parts import NoiseEngine, plan

from deforum_helpers import run_deforum
from deforum_helpers.cli import main
from deforum_helpers.errors import RunError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.imaging import backend
from deforum_helpers.imaging.backend import OpenCVResampler, ReliableResampler, TorchResampler, pick_resampler
from deforum_helpers.render import Beginning, render_animation

MOTION = {
    "2D": {"angle": "0:(1.5)", "zoom": "0:(1.02)", "translation_x": "0:(0.7)"},
    "3D": {"animation_mode": "3D", "use_depth_warping": False, "translation_z": "0:(3)", "rotation_3d_y": "0:(0.6)"},
}
FRAME = 64 * 96
BYTES = 300
"""Of memory per pixel of a frame, which the resampler reckons with."""


def data_of(mode, **values):
    return plan(W=96, H=64, max_frames=30, diffusion_cadence=7, **MOTION[mode], **values)


def frames_of(data, resampler, engine=None):
    """Every output frame; the index tells that they come in order."""
    frames = []

    def emit(index, image):
        assert index == len(frames)
        frames.append(image)

    with ThreadPoolExecutor(2) as workers:
        begin = Beginning(resampler=resampler)
        render_animation(data, engine or PreviewEngine(), emit, workers, begin=begin)
    return frames


class Watched(OpenCVResampler):
    """Makes some frames at once, remembers how many each call was for, and fails when told to."""

    name = "the card"

    def __init__(self, at_once, failures=()):
        self.at_once = at_once
        self.batches = []
        self.failures = dict(failures)
        self.lock = Lock()

    def frames_at_once(self, height, width):
        return self.at_once

    def fade_batch(self, fades, **options):
        with self.lock:
            self.batches.append(len(fades))
            error = self.failures.get(len(self.batches))
        if error is not None:
            raise error
        return super().fade_batch(fades, **options)


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
@pytest.mark.parametrize("mode", MOTION)
def test_frames_of_pytorch_are_those_of_opencv(mode, alignment):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    data = data_of(mode, neocore_tween_alignment=alignment)
    resampler = TorchResampler("cpu", memory=3 * BYTES * FRAME)
    assert resampler.frames_at_once(64, 96) == 3
    ours, theirs = frames_of(data, resampler), frames_of(data, OpenCVResampler())
    assert len(ours) == 30
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        off = np.abs(a.astype(int) - b)
        # OpenCV rounds positions to 1/32 pixel, and in 3D reads bicubically from a doubled picture.
        assert off.mean() < 1, index
        assert np.quantile(off, 0.99) <= 8, index
    if alignment == "Exact":
        assert all(np.array_equal(ours[key], theirs[key]) for key in data.key_frames)


def test_an_interval_is_made_in_chunks_that_memory_bears():
    resampler = Watched(3)
    frames = frames_of(data_of("2D"), resampler)
    assert all(np.array_equal(a, b) for a, b in zip(frames, frames_of(data_of("2D"), OpenCVResampler()), strict=True))
    assert sum(resampler.batches) == 30
    assert max(resampler.batches) == 3
    assert len(resampler.batches) < 20


def test_large_frames_are_made_one_by_one():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    resampler = TorchResampler("cpu", memory=1 << 20)
    assert resampler.frames_at_once(2160, 3840) == 1
    assert TorchResampler("cpu").frames_at_once(720, 1280) > 1


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Render with a resampler in place of the card's: exit code, what was printed last, and what was said."""
    settings = {"W": 96, "H": 64, "max_frames": 30, "diffusion_cadence": 7, "seed": 5, **MOTION["2D"]}
    (tmp_path / "settings.txt").write_text(json.dumps({**settings, "prompts": {"0": "a harbour"}}))

    def start(resampler):
        if resampler is not None:
            monkeypatch.setattr(run_deforum, "pick_resampler", lambda _: resampler)
        return main(["render", str(tmp_path / "settings.txt"), "--out", str(tmp_path / "runs"), "--no-video"])

    return start


def images(tmp_path):
    return [path.read_bytes() for path in sorted(tmp_path.glob("runs/*/*_0*.png"))]


@pytest.mark.parametrize("text", ["CUDA out of memory. Tried to allocate 2 GiB", "HIP out of memory"])
def test_a_card_out_of_memory_hands_over_to_the_processor(run, tmp_path, capsys, text):
    card = Watched(4, {2: RuntimeError(text)})
    assert run(ReliableResampler(card, OpenCVResampler())) == 0
    said = capsys.readouterr().err
    assert "the card ran out of memory" in said
    assert text in said
    assert "OpenCV from then on" in said
    ours = images(tmp_path)
    assert run(OpenCVResampler()) == 0
    assert ours == images(tmp_path)[30:]
    # Calls that were under way when it happened may still have asked the card.
    assert len(card.batches) <= 4


def test_another_error_of_the_card_stops_the_run_with_its_message(run, tmp_path, capsys):
    card = Watched(4, {3: RuntimeError("an illegal memory access was encountered")})
    assert run(ReliableResampler(card, OpenCVResampler())) == 2
    said = capsys.readouterr().err
    assert "Frames could not be warped by the card: an illegal memory access was encountered" in said
    assert "--resume" in said
    assert "Traceback" not in said


def test_errors_of_the_job_stay_what_they_are():
    def broken(*_, **__):
        raise RunError("the reason")

    card = Watched(2)
    card.fade_batch = broken
    with pytest.raises(RunError, match=r"^the reason$"):
        frames_of(data_of("2D"), ReliableResampler(card, OpenCVResampler()), NoiseEngine())


def test_without_a_driver_pytorch_is_not_even_loaded(monkeypatch):
    monkeypatch.setattr(backend, "_has_driver", lambda: False)
    monkeypatch.setattr(backend, "import_torch", lambda: pytest.fail("PyTorch was loaded"))
    assert isinstance(pick_resampler("auto"), OpenCVResampler)
    assert isinstance(pick_resampler("cpu"), OpenCVResampler)


@pytest.mark.skipif(backend._has_driver(), reason="there is a driver of a card")
def test_a_render_leaves_pytorch_alone(run, tmp_path):
    assert run(None) == 0
    code = (
        "import sys; from deforum_helpers.cli import main\n"
        f"code = main(['render', {str(tmp_path / 'settings.txt')!r}, '--out', {str(tmp_path / 'other')!r}])\n"
        "assert code == 0 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.skipif(backend._has_driver(), reason="there is a driver of a card")
def test_a_card_that_is_not_there_is_refused_before_anything_is_written(run, tmp_path, capsys):
    arguments = ["render", str(tmp_path / "settings.txt"), "--out", str(tmp_path / "runs"), "--device", "cuda"]
    assert main(arguments) == 1
    assert "finds no device 'cuda'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
