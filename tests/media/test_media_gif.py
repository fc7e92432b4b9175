from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import FfmpegError
from deforum_helpers.media.encode import FfmpegVideoWriter
from deforum_helpers.media.gif import make_gif
from media_samples import FAST, decode_frames, make_video


@pytest.mark.parametrize("fps", [10, 20, 24])
def test_a_gif_shows_all_frames_at_their_rate(tmp_path, fps):
    video = make_video(tmp_path / "20240102030405.mp4", range(0, 240, 10), Fraction(fps))
    before = video.read_bytes()
    gif = make_gif(video)
    assert gif == tmp_path / "20240102030405.gif"
    assert video.read_bytes() == before
    with Pillow.open(gif) as moving:
        assert (moving.n_frames, moving.size, moving.info["loop"]) == (24, (64, 48), 0)
        lasted = 0
        for index in range(24):
            moving.seek(index)
            lasted += moving.info["duration"]
    assert lasted == pytest.approx(24 / fps * 1000, abs=20)
    assert np.abs(decode_frames(gif).mean(axis=(1, 2, 3)) - np.arange(0, 240, 10)).max() < 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["20240102030405.gif", "20240102030405.mp4"]


def test_its_size_is_limited(tmp_path):
    writer = FfmpegVideoWriter(tmp_path / "v.mp4", width=40, height=100, fps=Fraction(10), options=FAST)
    writer.write(np.zeros((100, 40, 3), np.uint8))
    with Pillow.open(make_gif(writer.close(), longest_side=50)) as still:
        assert still.size == (20, 50)


def test_what_fails_leaves_the_video_and_nothing_half_written(tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"no video")
    with pytest.raises(FfmpegError, match=r"make .*v\.gif"):
        make_gif(video)
    assert [entry.name for entry in tmp_path.iterdir()] == ["v.mp4"]
