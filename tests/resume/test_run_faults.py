"""Disks, encoders and workers that fail in the middle: the run stops with their message, and can go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deforum_helpers.cli import main
from deforum_helpers.errors import StorageError
from deforum_helpers.imaging.resampler import OpenCVResampler
from deforum_helpers.media.ffmpeg import find_ffmpeg
from deforum_helpers.media.journal import Journal
from deforum_helpers.media.store import ImageFrameStore
from deforum_helpers.rendering import key_renderer as loop

SETTINGS = {
    "W": 128,
    "H": 96,
    "max_frames": 40,
    "diffusion_cadence": 3,
    "seed": 5,
    "zoom": "0:(1.03)",
    "color_coherence": "LAB",
    "noise_schedule": "0:(0.05)",
    "legacy_colormatch": False,
    "prompts": {"0": "a harbour at dusk"},
}


@pytest.fixture
def render(tmp_path, capsys) -> Callable[..., tuple[int, str]]:
    """Render in this process: exit code and what was said."""
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["render", *arguments, "--threads", "2", "--preset", "ultrafast"])
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def start(render, tmp_path):
    """Begin a run in a folder of its own."""
    return lambda name, *options: render(str(tmp_path / "settings.txt"), "--out", str(tmp_path / name), *options)


@pytest.fixture
def expected(start, tmp_path) -> dict[str, bytes]:
    """What an undisturbed run leaves."""
    assert start("whole")[0] == 0
    return left_by(tmp_path / "whole")


def left_by(out: Path) -> dict[str, bytes]:
    """Frames and video, by name without the timestring."""
    (folder,) = out.iterdir()
    files = [*folder.glob("*_0????????.png"), *folder.glob("*.mp4")]
    return {path.name[14:]: path.read_bytes() for path in files}


def stopped(code: int, said: str, reason: str) -> None:
    assert code == 2
    assert reason in said
    assert "To go on: render --resume" in said
    assert "Traceback" not in said


def test_a_store_that_fails_in_the_middle(start, render, expected, tmp_path, monkeypatch):
    write = ImageFrameStore.write

    def failing(self, index, image, *more):
        if index == 17:
            raise StorageError("the disk fell off the table.")
        return write(self, index, image, *more)

    monkeypatch.setattr(ImageFrameStore, "write", failing)
    stopped(*start("cut"), "the disk fell off the table.")
    monkeypatch.undo()
    assert 0 < len(left_by(tmp_path / "cut")) < 40
    assert render("--resume", "last", "--out", str(tmp_path / "cut"))[0] == 0
    assert left_by(tmp_path / "cut") == expected


def test_a_journal_that_cannot_be_written(start, render, expected, tmp_path, monkeypatch):
    write = Journal.write

    def failing(self, entry):
        if entry.position == 6:
            raise StorageError("the journal is full.")
        write(self, entry)

    monkeypatch.setattr(Journal, "write", failing)
    stopped(*start("cut"), "the journal is full.")
    monkeypatch.undo()
    assert render("--resume", "last", "--out", str(tmp_path / "cut"))[0] == 0
    assert left_by(tmp_path / "cut") == expected


def test_a_worker_that_fails_stops_the_run_with_its_own_message(start, render, expected, tmp_path, monkeypatch):
    fade = OpenCVResampler.fade_batch
    calls = []

    def failing(self, fades, **options):
        calls.append(1)
        if len(calls) == 20:
            raise StorageError("the picture is gone.")
        return fade(self, fades, **options)

    monkeypatch.setattr(OpenCVResampler, "fade_batch", failing)
    stopped(*start("cut"), "the picture is gone.")
    monkeypatch.undo()
    assert render("--resume", "last", "--out", str(tmp_path / "cut"))[0] == 0
    assert left_by(tmp_path / "cut") == expected


def test_preparing_a_key_frame_fails(start, render, expected, tmp_path, monkeypatch):
    made = loop.noise_picture

    def failing(data, key):
        if key.index == 21:
            raise StorageError("no noise today.")
        return made(data, key)

    monkeypatch.setattr(loop, "noise_picture", failing)
    stopped(*start("cut"), "no noise today.")
    monkeypatch.undo()
    assert render("--resume", "last", "--out", str(tmp_path / "cut"))[0] == 0
    assert left_by(tmp_path / "cut") == expected


@pytest.mark.skipif(os.name != "posix", reason="needs a shell script")
def test_an_encoder_that_is_killed_in_the_middle(start, expected, tmp_path, monkeypatch):
    script = tmp_path / "ffmpeg.sh"
    once, size = tmp_path / "killed", SETTINGS["W"] * SETTINGS["H"] * 3 // 2
    script.write_text(
        "#!/bin/sh\n"
        'case "$*" in *pipe:0*)\n'
        f"  if [ ! -e '{once}' ]; then touch '{once}'; head -c {9 * size} > /dev/null; kill -9 $$; fi;;\n"
        f"esac\nexec '{find_ffmpeg()}' \"$@\"\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("DEFORUM_FFMPEG", str(script))
    code, said = start("cut")
    assert code == 0
    assert "the video was made again" in said
    assert left_by(tmp_path / "cut") == expected


def _cannot_write() -> None:
    """Take from a process of root the right to write where permissions forbid it."""
    import ctypes

    drop_from_bounding_set, may_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, may_override, 0, 0, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root may write anywhere elsewhere")
def test_a_read_only_folder_is_refused_at_once(tmp_path):
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o555)
    command = [sys.executable, "-m", "deforum_helpers", "render", str(tmp_path / "settings.txt"), "--out", str(folder)]
    done = subprocess.run(command, preexec_fn=_cannot_write, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "writing there is not permitted" in done.stderr
    assert "Choose an output folder you may write to" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root may write anywhere elsewhere")
def test_a_folder_that_becomes_read_only(start, render, expected, tmp_path):
    """The frames made before stay, and the run goes on once it may write again."""
    code = (
        "import sys; from pathlib import Path\n"
        "from deforum_helpers.media.store import ImageFrameStore\n"
        "from deforum_helpers.cli import main\n"
        "write = ImageFrameStore.write\n"
        "def closing(self, index, image, *text):\n"
        "    if index == 12:\n"
        "        self.folder.chmod(0o555)\n"
        "    return write(self, index, image, *text)\n"
        "ImageFrameStore.write = closing\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["render", str(tmp_path / "settings.txt"), "--out", str(tmp_path / "cut"), "--preset", "ultrafast"]
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, preexec_fn=_cannot_write, capture_output=True, text=True, check=False)
    stopped(done.returncode, done.stderr, "writing there is not permitted")
    (folder,) = (tmp_path / "cut").iterdir()
    folder.chmod(0o755)
    # The half-made video cannot be removed there.
    kept = {name: data for name, data in left_by(tmp_path / "cut").items() if name.endswith(".png")}
    assert kept
    assert kept.items() <= expected.items()
    assert render("--resume", str(folder))[0] == 0
    assert left_by(tmp_path / "cut") == expected


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="may not mount a small disk")
@pytest.mark.parametrize("images", [(), ("--no-images",)], ids=["images", "none"])
def test_a_full_disk(start, expected, tmp_path, images):
    """On a real small disk, which is given more room afterwards."""
    disk, result = tmp_path / "disk", tmp_path / "result"
    disk.mkdir()
    python = (
        f"'{sys.executable}' -m deforum_helpers render --threads 2 --preset ultrafast --out '{disk}' {' '.join(images)}"
    )
    script = (
        f"mount -t tmpfs -o size=200k none '{disk}' || exit 9\n"
        f"{python} '{tmp_path / 'settings.txt'}'; echo \"ended with $?\" >&2\n"
        f"mount -o remount,size=20m '{disk}'\n"
        f"{python} --resume last && cp -r '{disk}' '{result}'\n"
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ended with 2" in done.stderr
    assert "the disk is full" in done.stderr
    assert "Make room or choose another output folder" in done.stderr
    assert ("frames still to come need about" in done.stderr) == (not images)
    assert "Traceback" not in done.stderr
    video = {name: data for name, data in expected.items() if name == ".mp4"}
    assert left_by(result) == (video if images else expected)
