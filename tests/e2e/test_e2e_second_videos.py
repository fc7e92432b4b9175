"""The enlarged video of a run and the one with more frames: names, frames, rates, sound, and runs without them."""

from __future__ import annotations

import json
import sys
from fractions import Fraction

import numpy as np
import pytest
from e2e_parts import click_times, decode_frames, only_run, run_main, write_clicks, write_settings

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.jobs.control import RunControl
from deforum_helpers.media.encode import EncodeOptions
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.media.store import read_image
from deforum_helpers.models.interpolation import FILM_WEIGHTS, RIFE_WEIGHTS
from deforum_helpers.models.upscaling import upscaling_model
from deforum_helpers.run_deforum import RunOptions, run_job
from tiny_networks import write_film, write_rife, write_upscaler

FLOW = {"frame_interpolation_engine": "Optical Flow"}
UPSCALED = {"r_upscale_video": True}


@pytest.fixture
def models(tmp_path):
    write_rife(tmp_path / "models" / RIFE_WEIGHTS.name)
    write_film(tmp_path / "models" / FILM_WEIGHTS.name)
    write_upscaler(tmp_path / "models" / upscaling_model("realesr-animevideov3").weights.name, random=False)
    return tmp_path / "models"


@pytest.fixture
def render(tmp_path, capsys):
    def run(*options, **values):
        settings = write_settings(tmp_path, **values)
        out = tmp_path / "out"
        models = ("--models", tmp_path / "models", "--device", "cpu", "--preset", "ultrafast")
        said = run_main(capsys, "render", settings, "--out", out, *models, *options)
        assert said.code == 0, said.err
        return only_run(out), said

    return run


def videos(folder):
    """What makes each video of a run differ from the others, and how many frames it has, how large, how fast."""
    found = {}
    for path in folder.glob("*.mp4"):
        info = probe(path, count_frames=True)
        found[path.stem[14:]] = (info.frames, info.width, info.fps)
    return found


@pytest.mark.parametrize(
    ("engine", "factor", "label", "frames"),
    [("RIFE v4.6", 2, "RIFE", 11), ("FILM", 3, "FILM", 16), ("Optical Flow", 4, "Flow", 21)],
)
def test_more_frames(models, render, engine, factor, label, frames):
    folder, said = render(frame_interpolation_engine=engine, frame_interpolation_x_amount=factor)
    assert videos(folder) == {"": (6, 64, 12), f"_{label}_x{factor}": (frames, 64, 12 * factor)}
    assert "the interpolated video is" in said.err
    assert said.out.strip().endswith(f"{folder.name[4:]}.mp4")
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_the_frames_of_the_run_are_in_it_and_motion_goes_on_between_them(render):
    folder, _ = render(**FLOW, angle="0: (0)", zoom="0: (1)", translation_x="0: (4)", strength_schedule="0: (0.95)")
    plain = next(path for path in folder.glob("*.mp4") if path.stem.isdigit())
    once = decode_frames(plain, 64, 48).astype(int)
    twice = decode_frames(next(folder.glob("*_Flow_x2.mp4")), 64, 48).astype(int)
    assert np.abs(twice[::2] - once).mean() < 2
    steps = np.abs(np.diff(twice, axis=0)).mean(axis=(1, 2, 3))
    assert (steps[::2] + steps[1::2] >= np.abs(np.diff(once, axis=0)).mean(axis=(1, 2, 3)) * 0.9).all()
    assert steps.min() > 0


def test_sound_and_subtitles_go_along_but_not_into_slow_motion(tmp_path, render):
    sound = write_clicks(tmp_path / "clicks.wav", 1, [0.1, 0.35])
    with_sound = {"add_soundtrack": "File", "soundtrack_path": str(sound), **FLOW}
    folder, _ = render("--embed-subtitles", **with_sound)
    smooth = next(folder.glob("*_Flow_x2.mp4"))
    assert click_times(smooth) == pytest.approx([0.1, 0.35], abs=0.002)
    assert b"tx3g" in smooth.read_bytes()


def test_slow_motion_has_neither_and_plays_as_long(tmp_path, render):
    sound = write_clicks(tmp_path / "clicks.wav", 1, [0.1])
    slow = {"frame_interpolation_slow_mo_enabled": True, "frame_interpolation_slow_mo_amount": 3}
    folder, _ = render(
        "--embed-subtitles",
        add_soundtrack="File",
        soundtrack_path=str(sound),
        frame_interpolation_x_amount=3,
        **FLOW,
        **slow,
    )
    assert videos(folder) == {"": (6, 64, 12), "_Flow_x3_slomo_x3": (16, 64, 12)}
    (video,) = folder.glob("*_slomo_x3.mp4")
    assert not probe(video).has_audio
    assert b"tx3g" not in video.read_bytes()


def test_interpolated_frames_are_kept_if_wanted(render):
    folder, _ = render(frame_interpolation_keep_imgs=True, **FLOW)
    timestring = folder.name[4:]
    kept = sorted((folder / f"interpolated_frames_flow_{timestring}").iterdir())
    assert [path.name for path in kept] == [f"{index:09}.png" for index in range(11)]
    frames = sorted(folder.glob(f"{timestring}_?????????.png"))
    assert all(np.array_equal(read_image(kept[2 * i]), read_image(frame)) for i, frame in enumerate(frames))


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
def test_a_key_frame_that_keeps_nothing_stays_a_cut(models, render, alignment):
    folder, _ = render(
        strength_schedule="0: (0.9), 3: (0.9), 4: (0), 5: (0.9)",
        frame_interpolation_engine="FILM",
        frame_interpolation_keep_imgs=True,
        neocore_tween_alignment=alignment,
        max_frames=8,
    )
    kept = [read_image(path) for path in sorted(next(folder.glob("interpolated_frames_film_*")).iterdir())]
    assert np.array_equal(kept[7], kept[6]) is (alignment == "Exact")
    assert not np.array_equal(kept[8], kept[7])
    assert not np.array_equal(kept[5], kept[4])


def test_frames_are_deleted_after_they_were_used(render):
    folder, _ = render(delete_imgs=True, **FLOW)
    assert videos(folder)["_Flow_x2"] == (11, 64, 24)
    assert not list(folder.glob("*.png"))


def test_a_run_without_images_is_interpolated_from_its_video(render):
    folder, _ = render("--no-images", fps=23.976, **FLOW)
    assert videos(folder)["_Flow_x2"] == (11, 64, Fraction(48000, 1001))


@pytest.mark.parametrize(("factor", "size"), [("x2", 128), ("x3", 192), ("x4", 256)])
def test_more_pixels(models, render, factor, size):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    folder, said = render(r_upscale_factor=factor, **UPSCALED)
    assert videos(folder) == {"": (6, 64, 12), f"_Upscaled_{factor}": (6, size, 12)}
    assert "the upscaled video is" in said.err
    kept = sorted((folder / f"{folder.name[4:]}_upscaled").iterdir())
    assert [path.name for path in kept] == [f"{folder.name[4:]}_{index:09}.png" for index in range(6)]


@pytest.mark.parametrize("keep", [True, False])
def test_more_frames_of_more_pixels(models, render, keep):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    values = {**FLOW, **UPSCALED, "frame_interpolation_use_upscaled": True, "r_upscale_keep_imgs": keep}
    folder, _ = render(**values)
    assert videos(folder) == {
        "": (6, 64, 12),
        "_Upscaled_x2": (6, 128, 12),
        "_Flow_x2_upscaled": (11, 128, 24),
    }
    assert (folder / f"{folder.name[4:]}_upscaled").exists() is keep


def test_more_frames_beside_more_pixels(models, render):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    folder, _ = render(**FLOW, **UPSCALED)
    assert set(videos(folder)) == {"", "_Upscaled_x2", "_Flow_x2"}


class TestWithout:
    @pytest.mark.parametrize(
        ("values", "key"),
        [(UPSCALED, "r_upscale_video"), ({"frame_interpolation_engine": "RIFE v4.6"}, "frame_interpolation_engine")],
    )
    def test_the_run_is_made_and_before_it_is_said_what_it_will_lack(self, tmp_path, render, values, key):
        folder, said = render(**values)
        assert set(videos(folder)) == {""}
        before, after = (f"{key}: there will be no", f"{key}: there is no")
        assert said.err.index(before) < said.err.index("Rendering") < said.err.index(after)

    @pytest.mark.parametrize("command", ["lint", "plan"])
    def test_packages_are_missed_in_one_sentence(self, tmp_path, capsys, monkeypatch, command):
        monkeypatch.setitem(sys.modules, "torch", None)
        settings = write_settings(tmp_path, frame_interpolation_engine="FILM")
        said = run_main(capsys, command, settings)
        assert said.code == 0
        (line,) = [line for line in said.out.splitlines() if "frame_interpolation_engine" in line and "torch" in line]
        assert "there will be no interpolated video. FILM needs the Python package 'torch'." in line

    def test_damaged_weights_leave_the_video_of_the_run(self, models, render):
        (models / RIFE_WEIGHTS.name).write_bytes(b"not a network")
        folder, said = render(frame_interpolation_engine="RIFE v4.6")
        assert set(videos(folder)) == {""}
        assert "there is no interpolated video. The weights in" in said.err

    def test_without_a_video_there_is_none_with_more_frames_either(self, render):
        folder, said = render(skip_video_creation=True, **FLOW)
        assert not list(folder.glob("*.mp4"))
        assert "frame_interpolation_engine: has no effect without a video." in said.err


def test_a_stop_while_frames_are_added_keeps_both_videos(tmp_path):
    job = load_job(write_settings(tmp_path, **FLOW), {})
    data, _ = plan_job(job)
    control = RunControl()

    def step(what, done, count):
        if (what, done) == ("Interpolating", 4):
            assert count == 11
            control.stop()

    options = RunOptions(out=tmp_path / "out", encode=EncodeOptions(preset="ultrafast"), on_step=step)
    result = run_job(job, data, PreviewEngine(), options, Nobody(), control)
    assert result.video is not None
    assert videos(result.outdir) == {"": (6, 64, 12), "_Flow_x2": (4, 64, 24)}
    assert "was stopped and ends after 4 frames" in "\n".join(map(str, result.findings))
    assert json.loads(next(result.outdir.glob("*_report.json")).read_text())["frames"] == 6


class Nobody:
    """Nobody watches."""

    def start(self, frames, key_frames):
        pass

    def advance(self, index, image, is_key):
        pass

    def finish(self):
        pass
