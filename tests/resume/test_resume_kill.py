"""A render that is killed at any moment goes on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from deforum_helpers.media.ffmpeg import run_ffmpeg

KILLS = 5
"""Per variant; with PNG frames twenty in all."""

SETTINGS = {
    "W": 96,
    "H": 64,
    "max_frames": 45,
    "diffusion_cadence": 4,
    "fps": 15,
    "seed": 11,
    "angle": "0:(2)",
    "zoom": "0:(1.02)",
    "translation_z": "0:(4)",
    "rotation_3d_y": "0:(0.5)",
    "strength_schedule": "0:(0.6)",
    "noise_schedule": "0:(0.05)",
    "color_coherence": "LAB",
    "legacy_colormatch": False,
    "use_depth_warping": False,
    "prompts": {"0": "a teal sea at dawn", "20": "red dunes at night"},
}
VARIANTS = [(mode, alignment, ()) for mode in ("2D", "3D") for alignment in ("Exact", "Classic")]
OTHER_IMAGES = [("2D", "Classic", ("--image-format", "jpg")), ("3D", "Exact", ("--no-images",))]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deforum_helpers", "render", "--latency", "0.05", *arguments]


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[bytes]) -> Path:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return Path(json.loads(out.splitlines()[-1])["video"])


def frames_of(run: Path) -> dict[str, str]:
    frames = sorted(run.glob("*_0????????.*"))
    return {path.name[14:]: hashlib.sha256(path.read_bytes()).hexdigest() for path in frames}


def decoded(video: Path) -> bytes:
    return run_ffmpeg(["-i", video, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], purpose="decode")


@pytest.mark.parametrize(("mode", "alignment", "images"), [*VARIANTS, *OTHER_IMAGES])
def test_killed_again_and_again(tmp_path, mode, alignment, images):
    """Kills at seeded random moments of the run, in the middle of writing too; then every frame and the video match."""
    rng = random.Random(f"{mode} {alignment}")
    file = tmp_path / "settings.txt"
    file.write_text(json.dumps({**SETTINGS, "animation_mode": mode, "neocore_tween_alignment": alignment}))
    whole = finished(start(command(str(file), "--out", str(tmp_path / "whole"), "--json", *images)))

    cut = tmp_path / "cut"
    arguments = command(str(file), "--out", str(cut), "--json", *images)
    kills = 0
    while kills < KILLS:
        process = start(arguments)
        try:
            process.wait(timeout=rng.uniform(0.3, 1.4))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        kills += 1
        if list(cut.glob("*/*_settings.txt")):
            arguments = command("--resume", "last", "--out", str(cut), "--json", "--keep-journal", *images)
    video = finished(start(arguments))

    assert frames_of(video.parent) == frames_of(whole.parent)
    assert len(frames_of(video.parent)) == (0 if images == ("--no-images",) else SETTINGS["max_frames"])
    assert decoded(video) == decoded(whole)
    assert video.read_bytes() == whole.read_bytes()
    assert not list(video.parent.glob("*.part*"))
