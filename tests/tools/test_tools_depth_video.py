"""Vid2depth: greys that mean the same in all frames, thresholds, files."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest

from deforum_helpers.errors import InputError, Interrupted, RunError
from deforum_helpers.imaging.depth_maps import depth_range_of
from deforum_helpers.media.encode import FfmpegVideoWriter
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.depth import open_depth_model
from deforum_helpers.tools import depth_video
from deforum_helpers.tools.clips import Watch, open_video
from deforum_helpers.tools.depth_look import ANIME, MIXED, THRESHOLDINGS, WITHOUT_DEPTH, DepthLook
from deforum_helpers.tools.depth_video import finished, make_depth_video
from media_samples import FAST, decode_frames, make_video
from tiny_networks import write_anime_network, write_network

GREY = DepthLook(mode=WITHOUT_DEPTH)
RAMP = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None], 48, axis=0)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_network(folder, "dpt-hybrid-midas")
    return {"models_folder": folder, "device": "cpu"}


@pytest.fixture
def video(tmp_path):
    """A bright square that comes nearer on grey ground."""
    writer = FfmpegVideoWriter(tmp_path / "my clip.mp4", width=64, height=48, fps=Fraction(12), options=FAST)
    for index in range(6):
        image = np.full((48, 64, 3), 60, np.uint8)
        image[10 : 20 + 4 * index, 10 : 20 + 6 * index] = 150 + 15 * index
        writer.write(image)
    return writer.close()


def test_a_network_sees_every_frame_in_one_range(video, tmp_path, networks):
    told = []
    made = make_depth_video(
        video,
        tmp_path / "out",
        DepthLook(),
        networks=networks,
        encode=FAST,
        watch=Watch(lambda done, of: told.append((done, of))),
    )
    folder = tmp_path / "out" / "frame-depth" / "my_clip"
    assert made.video == folder / "my_clip_depth_None.mp4"
    assert made.folder == folder / "depth_frames_my_clip"
    assert [file.name for file in sorted(made.folder.iterdir())] == [f"{index:09}.png" for index in range(6)]
    assert told[-1] == (6, 6)
    assert probe(made.video).fps == 12

    with open_depth_model("Midas-3-Hybrid", **networks) as network:
        depths = [network.predict(image) for image in open_video(video, key="video").frames()]
    shown = depth_range_of(depths)
    expected = [np.clip(255 * (depth - shown.low) / (shown.high - shown.low), 0, 255) for depth in depths]
    seen = decode_frames(made.video)[..., 0]
    assert np.abs(seen - np.array(expected)).mean() < 3
    # One line from nearness to grey holds for all frames, which is what "no pumping" means.
    assert np.corrcoef(np.clip(depths, shown.low, shown.high).ravel(), seen.ravel())[0, 1] > 0.99

    far = make_depth_video(
        video, tmp_path / "out", DepthLook(closer_is_brighter=False), networks=networks, encode=FAST, keep_frames=False
    )
    assert far.video.parent.name == "my_clip_1"
    assert [entry.name for entry in far.video.parent.iterdir()] == [far.video.name]
    assert np.abs(255 - decode_frames(far.video)[..., 0] - np.array(expected)).mean() < 3


def test_long_clips_are_looked_at_here_and_there(tmp_path, monkeypatch):
    video = make_video(tmp_path / "long.mp4", [n % 200 for n in range(100)])
    looked = []

    class Brightness:
        findings = ()

        def predict(self, image):
            looked.append(image.mean())
            return image.mean(axis=2).astype(np.float32)

    @contextmanager
    def opened(*_, **__):
        yield Brightness()

    monkeypatch.setattr(depth_video, "open_depth_model", opened)
    made = make_depth_video(video, tmp_path, DepthLook(), networks={}, encode=FAST, keep_frames=False)
    samples, frames = looked[:-100], looked[-100:]
    assert 16 <= len(samples) <= 20
    np.testing.assert_allclose(samples, frames[::6], atol=0.5)
    levels = decode_frames(made.video).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(levels, np.linspace(0, 255, 100), atol=12)


def test_without_a_network_it_is_grey(video, tmp_path):
    made = make_depth_video(video, tmp_path, GREY, networks={}, encode=FAST)
    first = decode_frames(made.video)[0]
    assert abs(int(first[0, 0, 0]) - 60) < 4
    assert abs(int(first[15, 15, 0]) - 150) < 4


@pytest.fixture
def red_on_white(tmp_path):
    """A video: the left half is red, which the tiny network takes for a character."""
    image = np.full((48, 64, 3), 255, np.uint8)
    image[:, :32] = (255, 0, 0)
    writer = FfmpegVideoWriter(tmp_path / "clip.mp4", width=64, height=48, fps=Fraction(12), options=FAST)
    for _ in range(3):
        writer.write(image)
    return writer.close()


def test_anime_characters_are_white_on_black(red_on_white, tmp_path, networks):
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    write_anime_network(networks["models_folder"])
    made = make_depth_video(red_on_white, tmp_path, DepthLook(mode=ANIME), networks=networks, encode=FAST)
    assert made.findings == ()
    seen = decode_frames(made.video)
    assert len(seen) == 3
    assert seen[:, :, :28].min() > 245
    assert seen[:, :, 36:].max() < 10


def test_mixed_is_the_depth_of_anime_characters(red_on_white, tmp_path, networks):
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    write_anime_network(networks["models_folder"])
    mixed, depth = (
        decode_frames(make_depth_video(red_on_white, tmp_path, look, networks=networks, encode=FAST).video).astype(int)
        for look in (DepthLook(mode=MIXED), DepthLook())
    )
    assert np.abs(mixed[:, :, :28] - depth[:, :, :28]).max() < 10
    assert depth[:, :, 36:].mean() > 10
    assert mixed[:, :, 36:].max() < 10


@pytest.mark.parametrize("thresholding", THRESHOLDINGS)
def test_thresholds(thresholding):
    look = DepthLook(thresholding=thresholding, lower=100, upper=200)
    seen = finished(RAMP, look)
    assert seen.shape == (48, 64, 3)
    if thresholding == "None":
        assert np.array_equal(seen[..., 1], RAMP)
        return
    assert set(np.unique(seen)) == {0, 200} or (
        thresholding.startswith("Adaptive") and set(np.unique(seen)) <= {0, 200}
    )
    if thresholding == "Simple":
        assert np.array_equal(seen[..., 0] == 200, RAMP > 100)
    if "Auto" in thresholding:
        assert 120 < RAMP[0, np.argmax(seen[0, :, 0])] < 136


def test_adaptive_thresholds_look_at_the_surroundings():
    grey = np.tile(np.array([[100, 120]], np.uint8), (24, 16))
    grey[:, 16:] += 100
    for thresholding in THRESHOLDINGS[3:]:
        seen = finished(grey, DepthLook(thresholding=thresholding, block_size=3, c=0))[5:-5, 3:13, 0]
        assert np.array_equal(seen > 0, grey[5:-5, 3:13] == 120), thresholding


def test_the_end_is_softened():
    edge = np.repeat(np.array([[0] * 32 + [255] * 32], np.uint8), 48, axis=0)
    rows = [finished(edge, DepthLook(blur=width))[20, :, 0] for width in (0, 4, 40)]
    assert [int(((row > 5) & (row < 250)).sum()) for row in rows] == sorted(
        int(((row > 5) & (row < 250)).sum()) for row in rows
    )
    assert len(np.unique(rows[0])) == 2 < len(np.unique(rows[1])) < len(np.unique(rows[2]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "Half"},
        {"thresholding": "hard"},
        {"lower": -1},
        {"upper": 256},
        {"block_size": 4},
        {"block_size": 1},
        {"blur": 256},
    ],
)
def test_values_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        DepthLook(**wrong)


def test_missing_weights_are_one_sentence_and_leave_nothing(video, tmp_path):
    with pytest.raises(RunError, match=r"dpt-hybrid-midas is not on this machine") as caught:
        make_depth_video(video, tmp_path / "out", DepthLook(), networks={"models_folder": tmp_path / "none"})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_stop_at_once_leaves_nothing(video, tmp_path):
    with pytest.raises(Interrupted):
        make_depth_video(video, tmp_path / "out", GREY, networks={}, watch=Watch(should_stop=lambda: True))
    assert not list((tmp_path / "out" / "frame-depth").iterdir())
