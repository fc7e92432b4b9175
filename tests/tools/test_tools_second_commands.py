"""The commands ``interpolate`` and ``upscale``, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from deforum_helpers.cli import main
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.interpolation import RIFE_WEIGHTS
from deforum_helpers.models.upscaling import upscaling_model
from media_samples import decode_frames, make_video
from moving_pictures import landscape, view
from tiny_networks import write_rife, write_upscaler

LAND = landscape(200, 320)


def pictures(folder, count=3):
    folder.mkdir()
    files = [folder / f"view_{index:04}.png" for index in range(count)]
    for index, file in enumerate(files):
        Pillow.fromarray(view(LAND, 4 * index, width=64, height=48)).save(file)
    return files


def test_interpolating_a_video(tmp_path, capsys):
    write_rife(tmp_path / "models" / RIFE_WEIGHTS.name)
    video = make_video(tmp_path / "clip.mp4", [10, 40, 70])
    arguments = ["interpolate", str(video), "--out", str(tmp_path / "out"), "--models", str(tmp_path / "models")]
    assert main([*arguments, "--device", "cpu", "--factor", "3", "--slow-motion", "2", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out.splitlines()[-1])
    assert Path(told["video"]).name == "clip_RIFE_x3_slomo_x2.mp4"
    assert (told["frames"], told["folder"], told["stopped"]) == (7, None, False)
    assert probe(Path(told["video"])).fps == 36
    assert "7/7" in said.err


@pytest.mark.parametrize("whole_folder", [True, False])
def test_interpolating_pictures(tmp_path, capsys, whole_folder):
    files = pictures(tmp_path / "views")
    sources = [str(tmp_path / "views")] if whole_folder else [str(file) for file in files]
    options = ["--engine", "flow", "--fps", "23.976", "--keep-images", "--out", str(tmp_path / "out")]
    assert main(["interpolate", *sources, *options]) == 0
    video = Path(capsys.readouterr().out.strip())
    name = "views" if whole_folder else "view_0000"
    assert video == tmp_path / "out" / "frame-interpolation" / name / f"{name}_Flow_x2.mp4"
    assert len(decode_frames(video)) == len(list((video.parent / "interpolated_frames_flow").iterdir())) == 5
    assert str(probe(video).fps) == "48000/1001"


def test_upscaling(tmp_path, capsys):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    write_upscaler(tmp_path / "models" / upscaling_model("realesr-animevideov3").weights.name)
    video = make_video(tmp_path / "clip.mp4", [10, 40, 70])
    arguments = ["upscale", str(video), "--out", str(tmp_path / "out"), "--models", str(tmp_path / "models")]
    assert main([*arguments, "--device", "cpu", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert Path(told["video"]).name == "clip_Upscaled_x2.mp4"
    assert probe(Path(told["video"])).width == 128
    assert len(list(Path(told["folder"]).iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["interpolate", "nowhere.mp4", "--engine", "flow"], 1, "nowhere.mp4"),
        (["interpolate", "x.mp4", "--factor", "11"], 1, "2 to 10"),
        (["interpolate", "x.mp4", "--engine", "flow", "--fps", "fast"], 1, "not a frame rate"),
        (["interpolate", "a.png", "b.mp4", "--engine", "flow"], 1, "b.mp4 is no picture"),
        (["upscale", "x.mp4", "--network", "realesrgan-x4plus", "--factor", "x2"], 1, "only enlarges x4"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, capsys, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_missing(tmp_path, capsys):
    pytest.importorskip("torch")
    video = make_video(tmp_path / "clip.mp4", [10, 40])
    arguments = ["interpolate", str(video), "--out", str(tmp_path / "out"), "--models", str(tmp_path)]
    assert main(arguments) == 2
    assert "Allow downloads, or get https://github.com/HolyWu/vs-rife" in capsys.readouterr().err
