"""A video in more pixels: sizes, sound, names, files, stopping and failing."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import InputError, RunError, SettingsError
from deforum_helpers.media.audio import add_soundtrack
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.upscaling import upscaling_model
from deforum_helpers.models.weights import Opening
from deforum_helpers.tools.clips import Clip, Watch, open_video
from deforum_helpers.tools.upscale import Upscaling, upscale, upscale_clip
from media_samples import FAST, decode_frames, frame_times, make_clicks, make_video, onsets
from moving_pictures import landscape, view
from tiny_networks import write_upscaler

VIDEO = "realesr-animevideov3"
LAND = landscape(200, 320)
FRAMES = [view(LAND, 5 * index, width=40, height=30) for index in range(4)]


def clip_of(frames, fps=Fraction(24000, 1001)):
    height, width, _ = frames[0].shape
    return Clip("pan", width, height, fps, len(frames), lambda step: iter(frames[::step]))


@pytest.fixture
def models(tmp_path):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    write_upscaler(tmp_path / "models" / upscaling_model(VIDEO).weights.name, random=False)
    return Opening(tmp_path / "models", "cpu")


@pytest.mark.parametrize(("model", "factor"), [("waifu", "x2"), ("realesrgan-x4plus", "x2"), (VIDEO, "x5")])
def test_what_cannot_be(model, factor):
    with pytest.raises(SettingsError):
        Upscaling(model, factor)


@pytest.mark.parametrize(("factor", "times"), [("x2", 2), ("x3", 3), ("x4", 4)])
def test_every_frame_is_enlarged_at_its_time(tmp_path, models, factor, times):
    told = []
    watch = Watch(lambda done, total: told.append((done, total)))
    wanted = Upscaling(VIDEO, factor)
    made = upscale(clip_of(FRAMES), wanted, tmp_path / f"pan{wanted.suffix}.mp4", to=models, encode=FAST, watch=watch)
    assert made.video.name == f"pan_Upscaled_{factor}.mp4"
    seen = decode_frames(made.video, 30 * times, 40 * times)
    assert len(seen) == made.frames == 4
    for image, frame in zip(seen, FRAMES, strict=True):
        small = cv2.resize(image, (40, 30), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - frame).mean() < 4
    assert frame_times(made.video) == [Fraction(1001, 24000) * index for index in range(4)]
    assert told == [(done, 4) for done in range(1, 5)]


def test_sound_goes_along(tmp_path, models):
    video = make_video(tmp_path / "clip.mp4", range(0, 240, 10))
    add_soundtrack(video, make_clicks(tmp_path / "clicks.wav", 1.0, [0.25, 0.75]))
    made = upscale(open_video(video, key="video"), Upscaling(VIDEO), tmp_path / "x.mp4", to=models, encode=FAST)
    assert onsets(made.video) == pytest.approx([0.25, 0.75], abs=0.002)


def test_a_folder_of_its_own(tmp_path, models):
    video = make_video(tmp_path / "clip.mp4", [10, 200])
    made = upscale_clip(
        open_video(video, key="video"), Upscaling(VIDEO), tmp_path / "out", to=models, encode=FAST, keep_pictures=True
    )
    folder = tmp_path / "out" / "frame-upscaling" / "clip"
    assert (made.video, made.folder) == (folder / "clip_Upscaled_x2.mp4", folder / "Upscaled_frames")
    files = sorted(made.folder.iterdir())
    assert [file.name for file in files] == ["000000000.png", "000000001.png"]
    with Pillow.open(files[0]) as held:
        assert held.size == (128, 96)


def test_a_stop_keeps_what_there_is(tmp_path, models):
    asked = []
    watch = Watch(should_stop=lambda: asked.append(1) or len(asked) > 2)
    made = upscale(clip_of(FRAMES), Upscaling(VIDEO), tmp_path / "x.mp4", to=models, encode=FAST, watch=watch)
    assert (made.stopped, made.frames) == (True, 2)
    assert probe(made.video, count_frames=True).frames == 2


def test_a_size_no_video_can_have_is_refused_first(tmp_path, models):
    clip = Clip("wide", 5000, 30, Fraction(24), 1, lambda step: iter(()))
    with pytest.raises(InputError):
        upscale(clip, Upscaling(VIDEO, "x4"), tmp_path / "x.mp4", to=models)


def test_nothing_is_left_behind_for_nothing(tmp_path):
    with pytest.raises(RunError):
        upscale_clip(clip_of(FRAMES), Upscaling(VIDEO), tmp_path / "out", to=Opening(tmp_path, "cpu"))
    assert not (tmp_path / "out").exists()
