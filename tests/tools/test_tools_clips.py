"""What all tools share: clips of real files, folders, and the videos that are written."""

from __future__ import annotations

from fractions import Fraction
from itertools import count

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import FfmpegError, InputError, Interrupted
from deforum_helpers.media.audio import add_soundtrack
from deforum_helpers.media.ffmpeg import probe, run_ffmpeg
from deforum_helpers.tools.clips import DEPTH, Watch, fresh_file, fresh_folder, open_pictures, open_video, write_clip
from media_samples import FAST, decode_frames, grey, make_clicks, make_video, picture

NTSC = Fraction(24000, 1001)


def save(path, image):
    Pillow.fromarray(image).save(path)
    return path


def test_a_video_is_read_as_it_was_written_and_again(tmp_path):
    video = make_video(tmp_path / "some.clip.mp4", range(0, 200, 20), NTSC)
    clip = open_video(video, key="video")
    assert (clip.name, clip.width, clip.height, clip.fps, clip.count) == ("some.clip", 64, 48, NTSC, 10)
    assert clip.sound is None
    for _ in range(2):
        seen = list(clip.frames())
        assert [image.shape for image in seen] == [(48, 64, 3)] * 10
        np.testing.assert_allclose([image.mean() for image in seen], range(0, 200, 20), atol=2)


@pytest.mark.parametrize("fps", [Fraction(1, 5), Fraction(12), Fraction(60)])
def test_no_frame_comes_twice_however_long_it_lasts(tmp_path, fps):
    clip = open_video(make_video(tmp_path / "clip.mp4", range(0, 240, 20), fps), key="video")
    assert [len(list(clip.every(step))) for step in (1, 2, 5, 100)] == [12, 6, 3, 1]


def test_a_video_that_is_to_be_turned_comes_upright(tmp_path):
    video = make_video(tmp_path / "flat.mp4")
    turned = tmp_path / "turned.mp4"
    run_ffmpeg(["-display_rotation", "90", "-i", video, "-c", "copy", turned], purpose="turn it")
    clip = open_video(turned, key="video")
    assert (clip.width, clip.height) == (48, 64)
    assert next(clip.frames()).shape == (64, 48, 3)


def test_frames_that_are_not_asked_for_are_not_decoded(tmp_path):
    video = make_video(tmp_path / "long.mp4", [n % 200 for n in range(600)])
    frames = open_video(video, key="video").frames()
    next(frames)
    frames.close()
    with pytest.raises(StopIteration):
        next(frames)


@pytest.mark.parametrize("content", [None, b"", b"no video at all"])
def test_what_is_no_video_is_refused_by_name(tmp_path, content):
    path = tmp_path / "x.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"^video: .*x\.mp4"):
        open_video(path, key="video")


def test_sound_alone_is_no_video(tmp_path):
    sound = make_clicks(tmp_path / "x.wav", 0.5, [0.1])
    with pytest.raises(InputError, match="only sound"):
        open_video(sound, key="video")


def test_a_missing_ffmpeg_is_not_the_fault_of_the_video(tmp_path):
    video = make_video(tmp_path / "x.mp4")
    with pytest.raises(FfmpegError, match="no program"):
        open_video(video, key="video", ffmpeg=tmp_path / "none")


def test_pictures_come_in_the_order_given(tmp_path):
    files = [save(tmp_path / f"{level}.png", grey(level)) for level in (90, 10, 50)]
    clip = open_pictures(files, Fraction(12), key="pictures", name="folder")
    assert (clip.name, clip.width, clip.height, clip.fps, clip.count) == ("folder", 64, 48, 12, 3)
    assert [image[0, 0, 0] for image in clip.frames()] == [90, 10, 50]


def test_pictures_of_several_sizes_are_refused(tmp_path):
    files = [save(tmp_path / "a.png", grey(1)), save(tmp_path / "b.png", grey(1, height=50))]
    clip = open_pictures(files, Fraction(12), key="pictures")
    with pytest.raises(InputError, match=r"b\.png is 64×50, the first 64×48"):
        list(clip.frames())


def test_folders_are_fresh_and_their_names_clean(tmp_path):
    made = [fresh_folder(tmp_path, DEPTH, "my clip, v1.2?") for _ in range(3)]
    assert [folder.name for folder in made] == ["my_clip__v1_2_", "my_clip__v1_2__1", "my_clip__v1_2__2"]
    assert all(folder.parent == tmp_path / "frame-depth" and folder.is_dir() for folder in made)
    assert fresh_folder(tmp_path, DEPTH, "..").name == "__"
    assert len(fresh_folder(tmp_path, DEPTH, "ö" * 300).name.encode()) < 255


def test_files_are_fresh(tmp_path):
    path = tmp_path / "a.b.mp4"
    assert fresh_file(path) == path
    path.touch()
    (tmp_path / "a.b_1.mp4").touch()
    assert fresh_file(path).name == "a.b_2.mp4"


def test_a_clip_is_written_with_files_and_sound(tmp_path):
    source = make_video(tmp_path / "in.mp4", range(0, 240, 10), Fraction(24))
    add_soundtrack(source, make_clicks(tmp_path / "x.wav", 1.0, [0.5]))
    clip = open_video(source, key="video")
    told = []
    made = write_clip(
        (255 - image for image in clip.frames()),
        tmp_path / "new" / "out.mp4",
        fps=clip.fps,
        encode=FAST,
        pictures=tmp_path / "new" / "frames",
        sound=clip.sound,
        total=clip.count,
        watch=Watch(lambda done, of: told.append((done, of))),
    )
    assert (made.frames, made.stopped, made.findings) == (24, False, ())
    assert told == [(done, 24) for done in range(1, 25)]
    np.testing.assert_allclose(decode_frames(made.video).mean(axis=(1, 2, 3)), 255 - np.arange(0, 240, 10), atol=3)
    assert [file.name for file in sorted(made.folder.iterdir())] == [f"{index:09}.png" for index in range(24)]
    info = probe(made.video)
    assert info.has_audio
    assert info.fps == 24


def test_a_stop_leaves_a_video_of_what_there_is(tmp_path):
    done = []
    made = write_clip(
        (grey(n % 250) for n in count()),
        tmp_path / "out.mp4",
        fps=Fraction(10),
        encode=FAST,
        watch=Watch(lambda at, _of: done.append(at), lambda: len(done) >= 7),
    )
    assert made.stopped
    assert made.frames == 7
    assert len(decode_frames(made.video)) == 7


def test_a_stop_before_the_first_frame_leaves_nothing(tmp_path):
    with pytest.raises(Interrupted):
        write_clip(iter([grey(1)]), tmp_path / "out.mp4", fps=Fraction(10), watch=Watch(should_stop=lambda: True))
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_no_video_and_closes_the_frames(tmp_path):
    closed = []

    def frames():
        try:
            yield picture()
            assert not (tmp_path / "out.mp4").exists()
            yield picture(seed=1)
            raise InputError("broken")
        finally:
            closed.append(True)

    with pytest.raises(InputError, match="broken"):
        write_clip(frames(), tmp_path / "out.mp4", fps=Fraction(10), pictures=tmp_path / "kept", encode=FAST)
    assert closed == [True]
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_sound_that_fails_is_a_finding(tmp_path):
    made = write_clip([grey(1)], tmp_path / "o.mp4", fps=Fraction(10), encode=FAST, sound=tmp_path / "none.wav")
    assert len(made.findings) == 1
    assert "none.wav" in str(made.findings[0])
    assert len(decode_frames(made.video)) == 1


def test_no_frames_are_no_video(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        write_clip([], tmp_path / "o.mp4", fps=Fraction(10))
