"""Frames to Video: finding the series somebody means, and the video made of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from deforum_helpers.errors import InputError
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.tools.clips import Watch
from deforum_helpers.tools.stitch import find_series, stitch
from media_samples import FAST, decode_frames, grey, make_clicks

FPS = Fraction(24)


def write(folder, name, level=0):
    folder.mkdir(exist_ok=True, parents=True)
    Pillow.fromarray(grey(level)).save(folder / name)
    return folder / name


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "my run"
    for number in range(5, 12):
        write(folder, f"20240102030405_{number:09}.png", 20 * number)
    write(folder, "cover.png")
    write(folder, "single_7.png")
    (folder / "20240102030405_settings.txt").write_text("{}")
    return folder


@pytest.mark.parametrize("named", ["", "20240102030405_000000008.png", "20240102030405_%09d.png"])
def test_folder_frame_and_pattern_mean_the_same(run, named):
    series = find_series(str(run / named))
    assert series.pattern == run / "20240102030405_%09d.png"
    assert series.numbers == tuple(range(5, 12))
    assert [file.name for file in series.files] == [f"20240102030405_{number:09}.png" for number in range(5, 12)]
    assert series.findings == ()


def test_the_video_lies_beside_the_frames_and_starts_at_the_lowest(run, tmp_path):
    told = []
    sound = make_clicks(tmp_path / "x.wav", 1, [0.1])
    watch = Watch(lambda done, of: told.append((done, of)))
    first = stitch(find_series(str(run)), fps=FPS, encode=FAST, sound=sound, watch=watch)
    assert first.video == run / "my run.mp4"
    assert told == [(done, 7) for done in range(1, 8)]
    np.testing.assert_allclose(decode_frames(first.video).mean(axis=(1, 2, 3)), range(100, 240, 20), atol=2)
    info = probe(first.video)
    assert info.fps == FPS
    assert info.has_audio
    assert stitch(find_series(str(run)), fps=FPS, encode=FAST).video == run / "my run_1.mp4"


def test_gaps_are_told_and_left_out(run):
    for number in (7, 9, 10):
        (run / f"20240102030405_{number:09}.png").unlink()
    for named in (run, run / "20240102030405_%09d.png"):
        series = find_series(str(named))
        assert series.numbers == (5, 6, 8, 11)
        assert "7, 9 to 10 of 20240102030405_%09d.png" in str(series.findings[0])
    made = stitch(find_series(str(run)), fps=FPS, encode=FAST)
    assert made.frames == 4
    assert made.findings == series.findings


def test_several_series_are_listed_not_guessed(run):
    for number in range(3):
        write(run, f"20240102030405_depth_{number:09}.png")
    with pytest.raises(InputError, match=r"_%09d\.png \(7\), 20240102030405_depth_%09d\.png \(3\)"):
        find_series(str(run))
    assert len(find_series(str(run / "20240102030405_depth_000000001.png")).files) == 3


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("", "no frames are named"),
        ("nowhere", "no such folder or frame"),
        ("nowhere/x_%09d.png", "No file matches"),
        ("run/a%d_%d.png", "must hold one number"),
        ("run/cover.png", "not one of several"),
        ("empty", "holds no numbered pictures"),
        ("sparse", "two frames that follow each other"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, named, said):
    write(tmp_path / "run", "cover.png")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "sparse", "a1.png")
    write(tmp_path / "sparse", "a3.png")
    with pytest.raises(InputError, match=said) as caught:
        find_series(named, (tmp_path,))
    assert caught.value.findings[0].key == "image_path"


@given(
    st.text("ab_-0123456789", max_size=6),
    st.sampled_from(["", "x", "-x"]),
    st.integers(0, 5),
    st.integers(0, 98),
    st.integers(2, 12),
)
def test_any_numbering_is_found_again(tmp_path_factory, before, behind, digits, start, count):
    folder = tmp_path_factory.mktemp("series")
    if before[-1:].isdigit():
        before += "_"
    names = [f"{before}{number:0{digits}}{behind}.png" for number in range(start, start + count)]
    for name in names:
        (folder / name).touch()
    series = find_series(str(folder))
    assert [file.name for file in series.files] == names
    assert series == find_series(str(folder / names[-1])) == find_series(str(series.pattern))


def test_a_frame_of_another_size_is_named(run):
    Pillow.fromarray(grey(3, height=10)).save(run / "20240102030405_000000009.png")
    with pytest.raises(InputError, match=r"000000009\.png is 64×10"):
        stitch(find_series(str(run)), fps=FPS, encode=FAST)
    assert not list(run.glob("*.mp4"))
