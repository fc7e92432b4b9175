"""The video of the frames so far, made by a real ffmpeg beside a run."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.media.ffmpeg import find_ffmpeg, probe, run_ffmpeg
from deforum_helpers.media.preview_video import PreviewVideo
from deforum_helpers.media.store import ImageFrameStore

FPS = Fraction(24000, 1001)
STAMP = "20240102030405"


def grey(index: int) -> int:
    return 30 + 5 * index


def write_frames(folder: Path, indices: range, size: tuple[int, int] = (48, 64)) -> list[Path]:
    """Frames that tell their index by their brightness."""
    store = ImageFrameStore(folder, STAMP)
    return [store.write(index, np.full((*size, 3), grey(index), np.uint8)) for index in indices]


def shown(video: Path, size: tuple[int, int] = (48, 64)) -> list[int]:
    """Mean brightness of each frame of a video."""
    args = ["-i", video, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = run_ffmpeg(args, purpose="decode")
    return np.frombuffer(raw, np.uint8).reshape(-1, size[0] * size[1] * 3).mean(axis=1).round().astype(int).tolist()


def expected(count: int) -> list[int]:
    return pytest.approx([grey(index) for index in range(count)], abs=3)


def wait(preview: PreviewVideo) -> None:
    """Until the preview being made is there."""
    preview._thread.join(30)


@pytest.fixture
def target(tmp_path):
    return tmp_path / f"{STAMP}_preview.mp4"


@pytest.fixture
def frames(tmp_path):
    return write_frames(tmp_path, range(20))


class TestPreviewVideo:
    def test_shows_the_frames_so_far_and_then_more(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=4)
        assert preview.offer(frames[:6])
        wait(preview)
        assert shown(target) == expected(6)
        assert preview.offer(frames[:17])
        assert preview.close() == ()
        assert shown(target) == expected(17)

    def test_is_a_video_of_exact_times(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=4)
        preview.offer(frames[:9])
        wait(preview)
        preview.offer(frames)
        preview.close()
        info = probe(target, count_frames=True)
        assert (info.fps, info.width, info.height, info.frames) == (FPS, 64, 48, 20)
        packets = run_ffmpeg(["-i", target, "-c", "copy", "-f", "framecrc", "-"], purpose="list").decode().splitlines()
        times = [int(line.split(",")[2]) for line in packets if not line.startswith("#")]
        assert times == [1001 * index for index in range(20)]

    def test_comes_every_interval(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=8)
        made = []
        for count in range(1, len(frames) + 1):
            if preview.offer(frames[:count]):
                made.append(count)
                wait(preview)
        preview.close()
        assert made == [8, 16]
        assert shown(target) == expected(16)

    def test_is_skipped_while_one_is_being_made(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=1)
        with preview._lock:  # it cannot start its ffmpeg
            assert preview.offer(frames[:5])
            assert not preview.offer(frames[:10])
        preview.close()
        assert shown(target) == expected(5)

    def test_not_at_the_last_frame(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=10, total=20)
        assert not preview.offer(frames)
        assert preview.offer(frames[:19])
        preview.close()

    def test_leaves_nothing_else_behind(self, target, frames):
        preview = PreviewVideo(target, fps=FPS, interval=4)
        preview.offer(frames)
        preview.close()
        assert sorted(path for path in target.parent.iterdir() if path not in frames) == [target]
        assert not preview.offer(frames * 2)

    def test_takes_odd_sides(self, tmp_path, target):
        frames = write_frames(tmp_path, range(3), size=(47, 63))
        preview = PreviewVideo(target, fps=FPS, interval=1)
        preview.offer(frames)
        assert preview.close() == ()
        assert shown(target) == expected(3)

    def test_a_left_over_stream_is_not_continued(self, target, frames):
        target.with_name(f"{STAMP}_preview__rendering__.h264").write_bytes(b"of a run that was cut off")
        preview = PreviewVideo(target, fps=FPS, interval=4)
        preview.offer(frames[:7])
        assert preview.close() == ()
        assert shown(target) == expected(7)

    def test_nothing_offered(self, target):
        assert PreviewVideo(target, fps=FPS, interval=4).close() == ()
        assert not target.exists()


class TestFailures:
    def test_a_damaged_frame_is_told_once(self, target, frames):
        frames[5].write_bytes(b"no PNG")
        preview = PreviewVideo(target, fps=FPS, interval=4)
        preview.offer(frames[:4])
        wait(preview)
        preview.offer(frames[:8])
        wait(preview)
        assert not preview.offer(frames)
        (finding,) = preview.close()
        assert finding.severity == "warning"
        assert "there are no further previews: ffmpeg failed" in finding.message
        assert shown(target) == expected(4), "the one before stays"

    def test_a_missing_frame(self, target, frames):
        frames[2].unlink()
        preview = PreviewVideo(target, fps=FPS, interval=4)
        preview.offer(frames)
        (finding,) = preview.close()
        assert f"{frames[2]} could not be read" in finding.message

    def test_no_ffmpeg(self, target, frames, tmp_path):
        preview = PreviewVideo(target, fps=FPS, interval=4, ffmpeg=tmp_path / "none")
        assert preview.offer(frames)
        (finding,) = preview.close()
        assert "no program" in finding.message
        assert not target.exists()

    def test_a_folder_that_is_gone(self, frames, tmp_path):
        preview = PreviewVideo(tmp_path / "gone" / "preview.mp4", fps=FPS, interval=4)
        preview.offer(frames)
        (finding,) = preview.close()
        assert "the folder is gone" in finding.message

    @pytest.mark.skipif(os.name != "posix", reason="needs a pipe that nobody writes to")
    def test_given_up_in_the_middle(self, target, frames, tmp_path):
        """The third frame is a pipe nobody writes to before the preview is given up."""
        endless = tmp_path / "endless.png"
        os.mkfifo(endless)
        preview = PreviewVideo(target, fps=FPS, interval=1)
        preview.offer([*frames[:2], endless])
        with endless.open("wb") as pipe:  # opens once the preview reads it
            pid = preview._process.pid
            preview._halt.set()
            preview._process.kill()
            pipe.write(frames[2].read_bytes())
        assert preview.close(abort=True) == ()
        assert not target.exists()
        assert sorted(path for path in tmp_path.iterdir() if path not in frames) == [endless]
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_runs_at_low_priority(target, frames, tmp_path):
    endless = tmp_path / "endless.png"
    os.mkfifo(endless)
    preview = PreviewVideo(target, fps=FPS, interval=1, ffmpeg=find_ffmpeg())
    preview.offer([*frames[:2], endless])
    with endless.open("wb") as pipe:
        assert os.getpriority(os.PRIO_PROCESS, preview._process.pid) >= 10
        pipe.write(frames[2].read_bytes())
    assert preview.close() == ()
    assert shown(target) == expected(3)
