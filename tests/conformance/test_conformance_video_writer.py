"""What every VideoWriter does."""

from fractions import Fraction

import numpy as np
import pytest

from deforum_helpers.errors import FfmpegError
from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.media.ffmpeg import probe

HEIGHT, WIDTH, FPS = 48, 64, Fraction(30000, 1001)


def ffmpeg_writer(path):
    options = EncodeOptions(preset="ultrafast", threads=1)
    return FfmpegVideoWriter(path, width=WIDTH, height=HEIGHT, fps=FPS, options=options)


ADAPTERS = {"ffmpeg": ffmpeg_writer}


def grey(level):
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS)
def path_and_writer(request, tmp_path):
    path = tmp_path / "video.mp4"
    writer = request.param(path)
    yield path, writer
    writer.abort()


class TestVideoWriterConformance:
    def test_the_video_holds_every_frame(self, path_and_writer):
        path, writer = path_and_writer
        for level in range(12):
            writer.write(grey(20 * level))
        assert writer.close() == path
        info = probe(path, count_frames=True)
        assert (info.frames, info.fps, info.width, info.height) == (12, FPS, WIDTH, HEIGHT)
        assert list(path.parent.iterdir()) == [path]

    def test_the_image_is_left_alone(self, path_and_writer):
        _, writer = path_and_writer
        image = grey(7)
        image.flags.writeable = False
        writer.write(image)
        assert (image == 7).all()

    def test_closing_twice_is_closing_once(self, path_and_writer):
        _, writer = path_and_writer
        writer.write(grey(0))
        assert writer.close() == writer.close()

    def test_aborting_leaves_nothing(self, path_and_writer):
        path, writer = path_and_writer
        writer.write(grey(0))
        writer.abort()
        writer.abort()
        assert list(path.parent.iterdir()) == []

    def test_aborting_after_closing_keeps_the_video(self, path_and_writer):
        path, writer = path_and_writer
        writer.write(grey(0))
        writer.close()
        writer.abort()
        assert path.is_file()

    def test_a_video_without_frames_is_an_error(self, path_and_writer):
        path, writer = path_and_writer
        with pytest.raises(FfmpegError, match="no frame"):
            writer.close()
        assert list(path.parent.iterdir()) == []

    def test_a_frame_of_another_size_is_refused(self, path_and_writer):
        _, writer = path_and_writer
        with pytest.raises(ValueError, match="frames of"):
            writer.write(np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8))
