"""What every ``FrameSource`` does."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.media.frames import FrameSources


def _video(folder):
    writer = FfmpegVideoWriter(
        folder / "v.mp4", width=64, height=48, fps=Fraction(24), options=EncodeOptions(10, "ultrafast", 1)
    )
    for level in (0, 100, 200):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    return writer.close()


def _pictures(folder):
    for number, level in enumerate((0, 100, 200)):
        Pillow.new("RGB", (30, 20), (level,) * 3).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("make", [_video, _pictures])
class TestFrameSource:
    def test_frames_are_pictures_of_one_size(self, tmp_path, make):
        with FrameSources(40, 24) as sources:
            source = sources.open(str(make(tmp_path)), key="k")
            assert source.count == 3
            for index, level in enumerate((0, 100, 200)):
                frame = source.frame(index)
                assert (frame.shape, frame.dtype) == ((24, 40, 3), np.uint8)
                assert frame.flags.c_contiguous
                assert abs(float(frame.mean()) - level) < 3

    def test_beyond_an_end_is_the_frame_there(self, tmp_path, make):
        with FrameSources(40, 24) as sources:
            source = sources.open(str(make(tmp_path)), key="k")
            assert np.array_equal(source.frame(-1), source.frame(0))
            assert np.array_equal(source.frame(9), source.frame(2))
