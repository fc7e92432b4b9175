"""Ctrl-C, sent to a real process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from e2e_parts import command, decode_frames, environment, frame_files, frame_indices, only_run, write_settings

from deforum_helpers.media.store import read_image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent to a process here")


class Running:
    """A command at work, whose stderr is read as it comes."""

    def __init__(self, process):
        self.process = process
        self.err = b""

    def wait_for(self, pattern):
        while not re.search(pattern, self.err):
            piece = self.process.stderr.read1(4096)
            assert piece, self.err.decode()
            self.err += piece

    def end(self):
        """Exit code, stdout, and all of stderr."""
        out, err = self.process.communicate(timeout=40)
        return self.process.returncode, out.decode(), (self.err + err).decode()


@contextmanager
def running(words):
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield Running(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("sent", "seed"), [(signal.SIGINT, 7), (signal.SIGINT, -1), (signal.SIGTERM, 7)])
def test_a_stopped_run_keeps_its_frames_and_after_ctrl_c_makes_a_video_of_them(tmp_path, sent, seed):
    settings = write_settings(tmp_path, max_frames=500, diffusion_cadence=3, seed=seed)
    words = command("render", settings, "--out", tmp_path / "out", "--latency", "0.1", "--preset", "ultrafast")
    with running(words) as run:
        run.wait_for(rb"\b([6-9]|\d\d+)/500 frames")
        run.process.send_signal(sent)
        code, out, err = run.end()
    assert code == 130
    assert out == ""
    assert "Traceback" not in err
    assert "press Ctrl-C again to stop at once" in err
    folder = only_run(tmp_path / "out")
    frames = frame_indices(folder)
    assert 6 <= len(frames) < 500
    assert frames == list(range(len(frames)))
    for path in frame_files(folder):
        assert read_image(path).shape == (48, 64, 3)
    videos = list(folder.glob("*.mp4"))
    # Whoever sends SIGTERM is in a hurry.
    assert len(videos) == (sent == signal.SIGINT)
    for video in videos:
        assert len(decode_frames(video, 64, 48)) == len(frames)
        assert f"The video so far: {video}" in err
    assert not list(folder.glob("*.part*"))
    assert f"Stopped after {len(frames)} of 500 frames. They are kept in {folder}." in err
    used = json.loads(next(folder.glob("*_settings.txt")).read_text("utf-8"))["seed"]
    assert f"To go on: render --resume {folder}" in err
    assert used == seed if seed >= 0 else used >= 0


TELLING = """
import sys
from deforum_helpers.cli import main
from deforum_helpers.hosts.preview.engine import PreviewEngine
diffuse = PreviewEngine.diffuse
def telling(self, request):
    print("at work", file=sys.stderr, flush=True)
    return diffuse(self, request)
PreviewEngine.diffuse = telling
sys.exit(main())
"""
"""The command line with an engine that says when it is at work, so that the test need not guess."""


def test_the_second_ctrl_c_does_not_wait_for_the_picture_at_work(tmp_path):
    arguments = ["render", str(write_settings(tmp_path)), "--out", str(tmp_path / "out"), "--latency", "3000"]
    with running([sys.executable, "-c", TELLING, *arguments]) as run:
        run.wait_for(rb"at work")
        run.process.send_signal(signal.SIGINT)
        run.wait_for(rb"press Ctrl-C again")
        run.process.send_signal(signal.SIGINT)
        code, out, err = run.end()
    assert code == 130
    assert out == ""
    assert err.endswith("Interrupted.\n")
    assert "Traceback" not in err
    folder = only_run(tmp_path / "out")
    assert list(folder.glob("*_settings.txt"))
    assert not [path for path in folder.iterdir() if path.suffix in {".png", ".mp4", ".part"}]
