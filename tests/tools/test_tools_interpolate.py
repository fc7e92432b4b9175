"""More frames between the frames of a video: counts, rates, sound, names, stopping and failing."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import FfmpegError, InputError, Interrupted, RunError, SettingsError
from deforum_helpers.media.encode import FfmpegVideoWriter
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.interpolation import FILM_WEIGHTS, RIFE_WEIGHTS, FlowInterpolator
from deforum_helpers.models.weights import Opening
from deforum_helpers.tools import interpolate as tool
from deforum_helpers.tools.clips import Clip, Watch, open_pictures, open_video
from deforum_helpers.tools.interpolate import Interpolation, interpolate, interpolate_clip, interpolated
from media_samples import FAST, decode_frames, frame_times, make_clicks, make_video, onsets
from moving_pictures import landscape, psnr, view
from tiny_networks import write_film, write_rife

FLOW = Interpolation("Optical Flow", 2)
NTSC = Fraction(24000, 1001)
LAND = landscape(200, 320)


def pan(count, step=4):
    return [view(LAND, step * index, width=64, height=48) for index in range(count)]


def clip_of(frames, fps=Fraction(12)):
    height, width, _ = frames[0].shape
    return Clip("pan", width, height, fps, len(frames), lambda step: iter(frames[::step]))


@pytest.fixture
def models(tmp_path):
    write_rife(tmp_path / "models" / RIFE_WEIGHTS.name)
    write_film(tmp_path / "models" / FILM_WEIGHTS.name)
    return Opening(tmp_path / "models", "cpu")


class TestWanted:
    @pytest.mark.parametrize(
        ("engine", "factor", "slow", "suffix", "fps"),
        [
            ("RIFE v4.6", 2, 1, "_RIFE_x2", Fraction(48000, 1001)),
            ("FILM", 3, 2, "_FILM_x3_slomo_x2", Fraction(36000, 1001)),
            ("Optical Flow", 4, 4, "_Flow_x4_slomo_x4", NTSC),
        ],
    )
    def test_names_and_rates(self, engine, factor, slow, suffix, fps):
        wanted = Interpolation(engine, factor, slow)
        assert (wanted.suffix, wanted.rate(NTSC)) == (suffix, fps)

    @pytest.mark.parametrize(
        ("engine", "factor", "slow", "said"),
        [
            ("RIFE v4.6", 11, 1, "2 to 10"),
            ("RIFE v4.6", 1, 1, "2 to 10"),
            ("FILM", 1, 1, "2 to 300"),
            ("Optical Flow", 301, 1, "2 to 300"),
            ("Optical Flow", 2, 0, "1 or more"),
            ("DAIN", 2, 1, "no engine"),
        ],
    )
    def test_what_cannot_be(self, engine, factor, slow, said):
        with pytest.raises(SettingsError, match=said):
            Interpolation(engine, factor, slow)

    def test_film_takes_large_factors(self):
        assert Interpolation("FILM", 300).suffix == "_FILM_x300"


class TestFrames:
    def test_frames_of_the_source_stay_as_they_are_and_the_others_lie_between(self):
        frames = pan(4, step=6)
        made = list(interpolated(frames, FlowInterpolator(), 2))
        assert len(made) == 10
        assert all(np.array_equal(made[3 * index], frame) for index, frame in enumerate(frames))
        inside = np.s_[:, 8:-8]
        for index in (1, 4, 8):
            truth = view(LAND, 2 * index, width=64, height=48)
            assert psnr(made[index][inside], truth[inside]) > 32

    def test_nothing_is_made_up_across_cuts_that_are_known(self):
        frames = pan(4)
        made = list(interpolated(frames, FlowInterpolator(), 2, cuts=frozenset({0, 2})))
        assert len(made) == 10
        for index in (4, 5):
            assert np.array_equal(made[index], frames[1])
        for index in (1, 2, 7, 8):
            assert not any(np.array_equal(made[index], frame) for frame in frames)

    def test_one_frame_at_a_time_is_read(self):
        read = []

        def frames():
            for index, frame in enumerate(pan(5)):
                read.append(index)
                yield frame

        made = interpolated(frames(), FlowInterpolator(), 1)
        next(made)
        assert read == [0]
        next(made), next(made)
        assert read == [0, 1]


class TestVideo:
    @pytest.mark.parametrize(
        ("engine", "factor", "frames"),
        [("RIFE v4.6", 2, 9), ("RIFE v4.6", 3, 13), ("FILM", 2, 9), ("FILM", 5, 25), ("Optical Flow", 10, 41)],
    )
    def test_frames_rate_and_times(self, tmp_path, models, engine, factor, frames):
        video = tmp_path / "out.mp4"
        told = []
        made = interpolate(
            clip_of(pan(5), NTSC),
            Interpolation(engine, factor),
            video,
            to=models,
            encode=FAST,
            watch=Watch(lambda done, total: told.append((done, total))),
        )
        assert (made.frames, made.stopped, made.findings) == (frames, False, ())
        assert told == [(done, frames) for done in range(1, frames + 1)]
        times = frame_times(video)
        assert times == [index / (NTSC * factor) for index in range(frames)]

    def test_odd_sizes(self, tmp_path, models):
        frames = [view(LAND, index, width=63, height=47) for index in range(3)]
        made = interpolate(clip_of(frames), Interpolation("RIFE v4.6"), tmp_path / "out.mp4", to=models, encode=FAST)
        info = probe(made.video, count_frames=True)
        assert (info.width, info.height, info.frames) == (64, 48, 5)

    def test_a_cut_stays_one(self, tmp_path, models):
        frames = [pan(1)[0], pan(1)[0], 255 - pan(1)[0]]
        made = interpolate(clip_of(frames), FLOW, tmp_path / "out.mp4", to=models, encode=FAST)
        levels = [image.mean() for image in decode_frames(made.video)]
        assert levels[:4] == pytest.approx([levels[0]] * 4, abs=1)
        assert abs(levels[4] - levels[3]) > 10

    def test_sound_goes_along_in_step_but_not_into_slow_motion(self, tmp_path, models):
        from deforum_helpers.media.audio import add_soundtrack

        video = make_video(tmp_path / "clip.mp4", range(0, 240, 10))
        add_soundtrack(video, make_clicks(tmp_path / "clicks.wav", 1.0, [0.25, 0.75]))
        clip = open_video(video, key="video")
        usual = interpolate(clip, FLOW, tmp_path / "usual.mp4", to=models, encode=FAST)
        assert onsets(usual.video) == pytest.approx([0.25, 0.75], abs=0.002)
        slow = interpolate(clip, Interpolation("Optical Flow", 2, 2), tmp_path / "slow.mp4", to=models, encode=FAST)
        assert not probe(slow.video).has_audio
        assert (probe(slow.video).fps, probe(usual.video).fps) == (24, 48)

    def test_all_frames_as_files(self, tmp_path, models):
        folder = tmp_path / "pictures"
        frames = pan(3)
        interpolate(clip_of(frames), FLOW, tmp_path / "out.mp4", to=models, encode=FAST, pictures=folder)
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == [f"{index:09}.png" for index in range(5)]
        with Pillow.open(files[2]) as held:
            assert np.array_equal(np.array(held), frames[1])

    def test_a_rate_no_video_can_have_is_refused_first(self, tmp_path, models):
        with pytest.raises(InputError):
            interpolate(clip_of(pan(2), Fraction(240)), Interpolation("FILM", 100), tmp_path / "x.mp4", to=models)
        assert list(tmp_path.iterdir()) == [tmp_path / "models"]


class TestEnding:
    def test_a_stop_keeps_what_there_is(self, tmp_path, models):
        asked = []
        watch = Watch(should_stop=lambda: asked.append(1) or len(asked) > 5)
        made = interpolate(clip_of(pan(20)), FLOW, tmp_path / "out.mp4", to=models, encode=FAST, watch=watch)
        assert made.stopped
        assert len(decode_frames(made.video)) == made.frames == 5

    def test_a_stop_before_the_first_frame(self, tmp_path, models):
        with pytest.raises(Interrupted):
            interpolate(clip_of(pan(3)), FLOW, tmp_path / "out.mp4", to=models, watch=Watch(should_stop=lambda: True))
        assert not (tmp_path / "out.mp4").exists()

    def test_an_engine_that_fails_leaves_no_half_video(self, tmp_path, models, monkeypatch):
        class Fails(FlowInterpolator):
            def between(self, first, second, count):
                yield first
                raise RunError("the card fell out")

        @contextmanager
        def opening(name, to):
            yield Fails()

        monkeypatch.setattr(tool, "open_interpolator", opening)
        with pytest.raises(RunError, match="fell out"):
            interpolate(clip_of(pan(3)), FLOW, tmp_path / "out.mp4", to=models, encode=FAST)
        assert not list(tmp_path.glob("*.mp4"))

    def test_a_disk_that_fails_leaves_no_half_video(self, tmp_path, models, monkeypatch):
        write, seen = FfmpegVideoWriter.write, []

        def failing(self, image):
            seen.append(1)
            if len(seen) == 3:
                raise FfmpegError("No space left on device")
            write(self, image)

        monkeypatch.setattr(FfmpegVideoWriter, "write", failing)
        with pytest.raises(FfmpegError, match="No space left"):
            interpolate(clip_of(pan(3)), FLOW, tmp_path / "out.mp4", to=models, encode=FAST)
        assert not list(tmp_path.glob("*.mp4"))


class TestFolders:
    def test_each_time_a_folder_of_its_own(self, tmp_path, models):
        video = make_video(tmp_path / "my.clip.mp4", [10, 200])
        clip = open_video(video, key="video")
        made = [interpolate_clip(clip, FLOW, tmp_path / "out", to=models, encode=FAST) for _ in range(2)]
        root = tmp_path / "out" / "frame-interpolation"
        assert [one.video for one in made] == [
            root / "my_clip" / "my_clip_Flow_x2.mp4",
            root / "my_clip_1" / "my_clip_Flow_x2.mp4",
        ]
        assert all(one.folder is None for one in made)

    def test_pictures(self, tmp_path, models):
        files = []
        for index, frame in enumerate(pan(3)):
            files.append(tmp_path / f"view {index}.png")
            Pillow.fromarray(frame).save(files[-1])
        clip = open_pictures(files, Fraction(10), key="pictures")
        made = interpolate_clip(
            clip, Interpolation("FILM", 3), tmp_path / "out", to=models, encode=FAST, keep_pictures=True
        )
        assert made.video.name == "view_0_FILM_x3.mp4"
        assert made.folder == made.video.parent / "interpolated_frames_film"
        assert len(list(made.folder.iterdir())) == made.frames == 9
        assert probe(made.video).fps == 30

    def test_nothing_is_left_behind_for_nothing(self, tmp_path):
        with pytest.raises(RunError):
            interpolate_clip(clip_of(pan(2)), Interpolation("FILM"), tmp_path / "out", to=Opening(tmp_path, "cpu"))
        assert not (tmp_path / "out").exists()
