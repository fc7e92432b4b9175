"""The commands ``stitch`` and ``depth``, as they are typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Pillow

import deforum_helpers
from deforum_helpers.cli import main
from deforum_helpers.media.ffmpeg import probe
from media_samples import decode_frames, grey, make_video
from tiny_networks import write_network


def frames(folder, count=6):
    folder.mkdir()
    for number in range(count):
        Pillow.fromarray(grey(number)).save(folder / f"f_{number:04}.png")
    return folder


def test_stitch(tmp_path, capsys):
    folder = frames(tmp_path / "run")
    assert main(["stitch", str(folder), "--fps", "23.976", "--preset", "ultrafast"]) == 0
    said = capsys.readouterr()
    video = Path(said.out.strip())
    assert video == folder / "run.mp4"
    assert str(probe(video, count_frames=True).fps) == "24000/1001"
    assert len(decode_frames(video)) == 6
    assert "6/6" in said.err


@pytest.mark.parametrize(
    ("options", "said"), [(["--fps", "x"], "fps"), (["--crf", "99"], "CRF"), (["--preset", "hasty"], "hasty")]
)
def test_stitch_says_what_is_wrong(tmp_path, capsys, options, said):
    folder = frames(tmp_path / "run")
    assert main(["stitch", str(folder), *options]) == 1
    assert said in capsys.readouterr().err
    assert not list(folder.glob("*.mp4"))


def test_depth(tmp_path, capsys):
    video = make_video(tmp_path / "clip.mp4", [10, 200, 30])
    write_network(tmp_path / "models", "dpt-hybrid-midas")
    arguments = ["depth", str(video), "--out", str(tmp_path / "out"), "--models", str(tmp_path / "models")]
    assert main([*arguments, "--device", "cpu", "--thresholding", "gaussian", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert Path(told["video"]).name == "clip_depth_Adaptive_(Gaussian).mp4"
    assert (told["frames"], told["stopped"]) == (3, False)
    assert len(list(Path(told["folder"]).iterdir())) == 3


def test_depth_of_anime_characters_without_weights(tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    video = make_video(tmp_path / "clip.mp4", [10, 20])
    out = ["--out", str(tmp_path / "out"), "--models", str(tmp_path)]
    assert main(["depth", str(video), "--mode", "anime", *out]) == 2
    assert "isnetis.onnx is missing. Allow downloads" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_depth_without_weights(tmp_path, capsys):
    video = make_video(tmp_path / "clip.mp4", [10, 20])
    assert main(["depth", str(video), "--out", str(tmp_path / "out"), "--models", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("error: The network Intel/dpt-hybrid-midas is not on this machine.")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_keeps_a_video_of_what_there_is(tmp_path):
    folder = frames(tmp_path / "run", 2)
    for number in range(2, 3000):
        (folder / f"f_{number:04}.png").symlink_to(folder / f"f_{number % 2:04}.png")
    env = {**os.environ, "PYTHONPATH": str(Path(deforum_helpers.__file__).parents[1])}
    command = [sys.executable, "-m", "deforum_helpers", "stitch", str(folder), "--preset", "veryslow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        shown = ""
        while "/3000" not in shown and (letter := process.stderr.read(1)):
            shown += letter
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Stopped after" in said
    assert 0 < len(decode_frames(Path(out.strip()))) < 3000
