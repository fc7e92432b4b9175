import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import InputError, RunError
from deforum_helpers.media import frames
from deforum_helpers.media.decode import assumed_matrix
from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.media.ffmpeg import run_ffmpeg
from deforum_helpers.media.frames import FrameSources, Selection
from media_samples import FAST, grey, make_clicks, make_video, picture

KEY = "video_init_path"


@pytest.fixture
def sources():
    with FrameSources(64, 48) as opened:
        yield opened


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """24 even grey frames, 0, 10, 20 …"""
    return make_video(tmp_path_factory.mktemp("levels") / "clip.mp4")


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """300 frames of noise, with frames that lean on later ones, and few key frames."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    writer = FfmpegVideoWriter(path, width=64, height=48, fps=Fraction(25), options=EncodeOptions(12, "veryfast", 1))
    for seed in range(300):
        writer.write(picture(seed=seed) // 4 + np.uint8(seed % 100))
    return writer.close()


def open_frames(sources, path, **selection):
    return sources.open(str(path), key=KEY, selection=Selection(**selection))


def shown(source):
    return [round(float(source.frame(index).mean())) for index in range(source.count)]


def close_to(seen, wanted):
    return len(seen) == len(wanted) and all(abs(a - b) <= 2 for a, b in zip(seen, wanted, strict=True))


def test_every_frame_is_shown_once_in_order(sources, levels):
    source = open_frames(sources, levels)
    assert (source.count, source.fps, source.path) == (24, 24, levels)
    assert close_to(shown(source), range(0, 240, 10))
    frame = source.frame(3)
    assert frame.shape == (48, 64, 3)
    assert frame.dtype == np.uint8
    assert not frame.flags.writeable


def test_beyond_the_ends_are_the_ends(sources, levels):
    source = open_frames(sources, levels)
    assert np.array_equal(source.frame(-5), source.frame(0))
    assert np.array_equal(source.frame(24), source.frame(23))


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        ({"first": 3, "every": 2}, range(4, 24, 2)),
        ({"first": 4, "last": 10}, range(4, 11)),
        ({"first": 5, "last": 100, "every": 7}, (7, 14, 21)),
        ({"every": 0}, range(24)),
    ],
)
def test_selected_frames_are_counted_from_the_beginning_of_the_video(sources, levels, selection, numbers):
    assert close_to(shown(open_frames(sources, levels, **selection)), [10 * number for number in numbers])


def test_a_changing_rate_neither_repeats_nor_drops(sources, levels, tmp_path):
    path = tmp_path / "changing.mkv"
    slower = "setpts='if(lt(N,8),N,8+(N-8)*5)/(24*TB)'"
    args = ["-i", levels, "-vf", slower, "-vsync", "vfr", "-c:v", "libx264", "-crf", "10", path]
    run_ffmpeg(args, purpose="slow the end down")
    assert close_to(shown(open_frames(sources, path)), range(0, 240, 10))


@pytest.mark.parametrize("every", [1, 3])
def test_in_any_order_the_frames_are_those_of_a_straight_run(long, every):
    with FrameSources(40, 30) as straight:
        source = open_frames(straight, long, every=every)
        wanted = [source.frame(index).tobytes() for index in range(source.count)]
    assert len(set(wanted)) == len(wanted) == 300 // every
    with FrameSources(40, 30) as sources:
        source = open_frames(sources, long, every=every)
        for index in random.Random(0).sample(range(source.count), 30):
            assert source.frame(index).tobytes() == wanted[index], index
        assert source._may_seek


def test_a_video_that_cannot_be_entered_in_the_middle_is_read_from_the_start(long, tmp_path):
    # Without an index and key frames, where a seek leads is anybody's guess.
    path = tmp_path / "raw.h264"
    run_ffmpeg(["-i", long, "-c", "copy", "-f", "h264", path], purpose="strip the container")
    with FrameSources(40, 30) as sources:
        bare, whole = open_frames(sources, path), open_frames(sources, long)
        assert bare.count == whole.count == 300
        for index in (250, 30, 280, 120):
            assert np.array_equal(bare.frame(index), whole.frame(index))


def test_a_video_that_shows_other_pixels_after_a_seek_is_read_from_the_start(tmp_path):
    # Refreshed column by column, it has no frame from which on all is there.
    path = tmp_path / "refreshed.mp4"
    source = "testsrc2=s=160x120:r=25,noise=alls=20:allf=t:all_seed=1"
    args = ["-f", "lavfi", "-i", source, "-t", "10", "-preset", "fast", "-x264-params", "intra-refresh=1:keyint=60"]
    run_ffmpeg([*args, "-pix_fmt", "yuv420p", path], purpose="make it")
    with FrameSources(80, 60) as straight, FrameSources(80, 60) as sources:
        wanted = open_frames(straight, path)
        by_number = [wanted.frame(index).tobytes() for index in range(250)]
        source = open_frames(sources, path)
        assert source._may_seek
        assert [index for index in (240, 100, 249, 130) if source.frame(index).tobytes() != by_number[index]] == []
        assert not source._may_seek


def test_a_seek_that_misses_is_noticed_and_mended(sources, long):
    source = open_frames(sources, long)
    wanted = source.frame(200).copy()
    with FrameSources(64, 48) as others:
        misled = open_frames(others, long)
        misled._index.checksums[200] ^= 1
        assert np.array_equal(misled.frame(200), wanted)
        assert not misled._may_seek
        assert np.array_equal(misled.frame(100), source.frame(100))


def test_the_same_file_and_selection_are_the_same_source(sources, levels, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(levels.read_bytes())
    first = open_frames(sources, copy)
    assert open_frames(sources, copy) is first
    assert open_frames(sources, copy, every=2) is not first
    os.utime(copy, ns=(1, 1))
    assert open_frames(sources, copy) is not first


def test_many_threads_see_the_same(sources, long):
    source = open_frames(sources, long)
    asked = [random.Random(seed).randrange(100) for seed in range(60)]
    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(source.frame, asked))
    assert all(np.array_equal(frame, source.frame(index)) for index, frame in zip(asked, seen, strict=True))


def test_memory_is_bounded_and_decoders_take_turns(long, levels, monkeypatch):
    monkeypatch.setattr(frames, "_KEPT_FRAMES", (4, 5))
    with FrameSources(64, 48, max_open=1) as sources:
        one, other = open_frames(sources, long), open_frames(sources, levels)
        for index in range(20):
            one.frame(index)
            other.frame(index)
            assert [one._decoder is None, other._decoder is None] == [True, False]
        assert len(one._kept) == 5
        assert close_to(shown(other), range(0, 240, 10))


def test_at_the_end_nothing_runs(levels):
    with FrameSources(64, 48) as sources:
        source = open_frames(sources, levels)
        source.frame(0)
        process = source._decoder._process
        assert process.poll() is None
    assert process.poll() is not None
    with pytest.raises(RunError, match="closed"):
        source.frame(0)


def test_closing_ends_a_read_in_another_thread(long):
    begun = threading.Event()

    def read_on(source):
        while True:
            for index in range(source.count):
                source.frame(index)
                begun.set()

    with ThreadPoolExecutor(1) as pool:
        with FrameSources(640, 480) as sources:
            reading = pool.submit(read_on, open_frames(sources, long))
            assert begun.wait(60)
        with pytest.raises(RunError):
            reading.result(60)


def test_rotation_is_applied(sources, tmp_path):
    upright = picture(48, 64)
    upright[:, :32] = (250, 20, 20)
    upright[:, 32:] = (20, 20, 250)
    writer = FfmpegVideoWriter(tmp_path / "v.mp4", width=64, height=48, fps=Fraction(24), options=FAST)
    writer.write(upright)
    path = tmp_path / "turned.mp4"
    args = ["-display_rotation", "180", "-i", writer.close(), "-c", "copy", path]
    run_ffmpeg(args, purpose="turn it")
    frame = open_frames(sources, path).frame(0)
    blue, red = frame[24, 8].astype(int), frame[24, 56].astype(int)
    assert blue[2] - blue[0] > 150
    assert red[0] - red[2] > 150


@pytest.mark.parametrize("matrix", ["bt709", "bt470bg"])
def test_colours_are_those_of_the_matrix_the_video_names(sources, tmp_path, matrix):
    colours = [(200, 30, 40), (20, 180, 60), (40, 50, 220), (128, 128, 128)]
    scale = f"scale=out_color_matrix={'bt709' if matrix == 'bt709' else 'bt601'}:out_range=tv"
    for number, colour in enumerate(colours):
        Pillow.new("RGB", (64, 48), colour).save(tmp_path / f"{number}.png")
    path = tmp_path / "v.mp4"
    args = ["-i", tmp_path / "%d.png", "-vf", f"{scale},format=yuv420p", "-colorspace", matrix, "-color_range", "tv"]
    run_ffmpeg([*args, "-c:v", "libx264", "-qp", "0", path], purpose="make it")
    source = open_frames(sources, path)
    for number, colour in enumerate(colours):
        assert np.abs(source.frame(number).astype(int) - colour).max() <= 3


@pytest.mark.parametrize(
    ("width", "height", "matrix"), [(1280, 720, "bt709"), (640, 480, "bt601"), (720, 576, "bt601")]
)
def test_without_a_named_matrix_size_decides(width, height, matrix):
    assert assumed_matrix(b"unknown", b"yuv420p", width, height) == matrix
    assert not assumed_matrix(b"bt2020nc", b"yuv420p10le", width, height)
    assert not assumed_matrix(b"unknown", b"gbrp", width, height)


def test_of_a_damaged_video_what_can_be_decoded_counts(sources, long, tmp_path):
    path = tmp_path / "torn.mkv"
    run_ffmpeg(["-i", long, "-c", "copy", path], purpose="change the container")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_frames(sources, path)
    assert 50 < source.count < 250
    assert np.array_equal(source.frame(source.count), source.frame(source.count - 1))
    assert np.array_equal(source.frame(20), open_frames(sources, long).frame(20))


def test_a_video_that_vanishes_is_told_in_words(long, tmp_path):
    path = tmp_path / "gone.mp4"
    path.write_bytes(long.read_bytes())
    with FrameSources(64, 48) as sources:
        source = open_frames(sources, path)
        path.unlink()
        with pytest.raises(RunError, match=r"decode .*gone\.mp4(.|\n)*No such file"):
            source.frame(0)


def test_a_folder_is_its_pictures_by_name(sources, tmp_path):
    for name, level in (("b.png", 100), ("a.jpg", 50), ("c.PNG", 150)):
        Pillow.fromarray(grey(level, 20, 30)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    source = open_frames(sources, tmp_path)
    assert (source.fps, shown(source)) == (None, [50, 100, 150])
    assert shown(open_frames(sources, tmp_path, every=2)) == [50, 150]
    (tmp_path / "b.png").write_bytes(b"x")
    with FrameSources(64, 48) as fresh, pytest.raises(RunError, match=r"b\.png"):
        open_frames(fresh, tmp_path).frame(1)


def test_a_picture_is_always_shown(sources, tmp_path):
    path = tmp_path / "p.png"
    Pillow.fromarray(grey(77, 20, 30)).save(path)
    source = open_frames(sources, path, first=5)
    assert (source.count, source.frame(9).shape, shown(source)) == (1, (48, 64, 3), [77])


def test_a_moving_gif_is_a_video(sources, tmp_path):
    path = tmp_path / "g.gif"
    stills = [Pillow.fromarray(grey(level)) for level in (0, 100, 200)]
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=100)
    assert close_to(shown(open_frames(sources, path)), [0, 100, 200])


@pytest.mark.parametrize(
    ("selection", "match"),
    [
        ({"first": 24}, "no frame .* is selected .* it has 24"),
        ({"first": 5, "last": 5}, "5, is not after the first, 5"),
        ({"first": 3, "last": 6, "every": 9}, "no frame"),
    ],
)
def test_nothing_selected_is_an_input_error(sources, levels, selection, match):
    with pytest.raises(InputError, match=match) as caught:
        open_frames(sources, levels, **selection)
    assert caught.value.findings[0].key == KEY


def test_what_is_no_video_is_an_input_error(sources, tmp_path):
    sound = make_clicks(tmp_path / "sound.wav", 0.5, [0.1])
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    named = {"": "no video is named", str(tmp_path / "x.mp4"): "no such video", str(sound): "only sound"}
    named |= {str(tmp_path / "text.mp4"): "cannot be read", str(tmp_path / "empty"): "holds no pictures"}
    for path, match in named.items():
        with pytest.raises(InputError, match=match) as caught:
            sources.open(path, key=KEY)
        assert caught.value.findings[0].key == KEY


class _Quiet(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


def test_an_address_is_fetched_once(levels):
    _Quiet.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(levels.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        with FrameSources(64, 48) as sources:
            source = sources.open(f"{address}/clip.mp4", key=KEY)
            assert sources.open(f"{address}/clip.mp4", key=KEY) is source
            sources.open(f"{address}/clip.mp4", key=KEY, selection=Selection(every=2))
            assert close_to(shown(source), range(0, 240, 10))
            assert source.path.name == "clip.mp4"
            assert _Quiet.asked == ["/clip.mp4"]
            with pytest.raises(InputError, match="404"):
                sources.open(f"{address}/none.mp4", key=KEY)
        assert not source.path.exists()
    finally:
        server.shutdown()
        server.server_close()


def test_relative_paths_are_looked_up(levels):
    with FrameSources(64, 48, base_dirs=(levels.parent,)) as sources:
        assert sources.open(levels.name, key=KEY).count == 24


def test_frames_are_counted_once_and_somebody_is_told(levels):
    indexes, told = {}, []
    for _ in range(2):
        with FrameSources(64, 48, indexes=indexes, told=lambda *heard: told.append(heard)) as sources:
            assert open_frames(sources, levels).count == 24
            assert open_frames(sources, levels, first=20).count == 4
    assert len(indexes) == 1
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1] == ("Counting frames of clip.mp4", 24, 24)
    assert sum(done == count for _, done, count in told) == 1
    with FrameSources(64, 48, indexes=indexes) as sources:
        assert open_frames(sources, levels, last=5).count == 6
    assert len(indexes) == 2


def test_a_file_that_has_changed_is_counted_anew(tmp_path):
    indexes = {}
    for count in (24, 12):
        path = make_video(tmp_path / "clip.mp4", range(count))
        with FrameSources(64, 48, indexes=indexes) as sources:
            assert open_frames(sources, path).count == count
