import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.errors import FfmpegError, InputError, StorageError
from deforum_helpers.media import encode
from deforum_helpers.media.ffmpeg import probe, run_ffmpeg
from deforum_helpers.media.store import ImageFrameStore
from media_samples import FAST, decode_frames, frame_times, grey, make_video, picture

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX processes")
LEVELS = range(0, 240, 10)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def writer(path, height=48, width=64, fps=Fraction(24), options=FAST):
    return encode.FfmpegVideoWriter(path, width=width, height=height, fps=fps, options=options)


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(24000, 1001), Fraction(15), Fraction(25, 2), Fraction(120000, 1001), Fraction(1000)]
)
@pytest.mark.parametrize("options", [FAST, encode.EncodeOptions()], ids=["fast", "default"])
def test_every_frame_is_there_in_order_and_on_time(tmp_path, fps, options):
    path = make_video(tmp_path / "v.mp4", LEVELS, fps, options)
    assert names(tmp_path) == ["v.mp4"]
    shown = decode_frames(path).mean(axis=(1, 2, 3))
    assert np.abs(shown - np.array(LEVELS)).max() < 2
    assert frame_times(path) == [index / fps for index in range(len(LEVELS))]
    assert probe(path).fps == fps


def test_colours_are_converted_and_labelled_alike(tmp_path):
    colours = [(200, 30, 40), (20, 180, 60), (40, 50, 220), (255, 255, 255), (0, 0, 0)]
    with_colours = writer(tmp_path / "v.mp4")
    for colour in colours:
        with_colours.write(np.broadcast_to(np.array(colour, np.uint8), (48, 64, 3)))
    path = with_colours.close()
    assert np.abs(decode_frames(path).mean(axis=(1, 2)) - colours).max() < 3
    said = subprocess.run([*find(), "-i", path], capture_output=True, text=True, check=False).stderr
    assert "yuv420p(tv, bt709" in said


def find():
    return [str(encode.find_ffmpeg()), "-hide_banner"]


def test_the_index_comes_first(tmp_path):
    data = make_video(tmp_path / "v.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (47, 63), (1, 1)])
def test_odd_sides_repeat_the_last_row_and_column(tmp_path, height, width):
    image = grey(50, height, width)
    image[-1:] = 200
    image[:, -1:] = 200
    odd = writer(tmp_path / "v.mp4", height, width)
    for _ in range(3):
        odd.write(image)
    info = probe(odd.close())
    even = (height + height % 2, width + width % 2)
    assert (info.height, info.width) == even
    expected = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    shown = decode_frames(odd.path, *even)[-1].astype(int)
    # Chroma is shared by 2×2 pixels, which a grey picture does not notice.
    assert np.abs(shown - expected).max() <= 8


def test_frames_need_not_be_contiguous(tmp_path):
    images = writer(tmp_path / "v.mp4")
    images.write(np.ascontiguousarray(picture()[:, ::-1])[:, ::-1])
    images.write(np.asfortranarray(grey(99)))
    assert np.abs(decode_frames(images.close())[1].astype(int) - 99).max() < 3


def test_the_folder_is_made_and_an_old_video_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "100%d, 'x'.mp4"
    make_video(path, range(5))
    make_video(path, range(7))
    assert probe(path, count_frames=True).frames == 7
    assert names(path.parent) == [path.name]


def test_the_target_appears_only_when_complete(tmp_path):
    path = make_video(tmp_path / "v.mp4", range(5))
    old = path.read_bytes()
    second = writer(path)
    second.write(grey(1))
    assert path.read_bytes() == old
    second.abort()
    assert names(tmp_path) == ["v.mp4"]
    assert path.read_bytes() == old


def write_on(running):
    for _ in range(1000):
        running.write(grey(0))


@POSIX
def test_a_killed_encoder_is_noticed(tmp_path):
    dying = writer(tmp_path / "v.mp4")
    dying.write(grey(0))
    os.kill(dying.pid, signal.SIGKILL)
    with pytest.raises(FfmpegError, match=r"ended by signal 9 when it was to encode .*v\.mp4 \(frame \d+\)"):
        write_on(dying)
    assert names(tmp_path) == []
    for again in (lambda: dying.write(grey(0)), dying.close):
        with pytest.raises(FfmpegError, match="signal 9"):
            again()
    dying.abort()


def test_a_write_cut_off_in_the_middle_ends_the_video(tmp_path, monkeypatch):
    interrupted = writer(tmp_path / "v.mp4")
    interrupted.write(grey(0))

    def half_way(descriptor, view, write=os.write):
        write(descriptor, view[:5000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(encode.os, "write", half_way)
        with pytest.raises(KeyboardInterrupt):
            interrupted.write(grey(0))
    with pytest.raises(FfmpegError, match="given up"):
        interrupted.write(grey(0))
    assert names(tmp_path) == []


@POSIX
def test_an_encoder_killed_after_the_last_frame_is_noticed(tmp_path):
    dying = writer(tmp_path / "v.mp4")
    dying.write(grey(0))
    os.kill(dying.pid, signal.SIGKILL)
    with pytest.raises(FfmpegError, match="signal 9"):
        dying.close()
    assert names(tmp_path) == []


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return encode.EncodeOptions(ffmpeg=path)


@POSIX
def test_an_encoder_that_talks_without_end_does_not_block(tmp_path):
    options = script(tmp_path / "ff", "seq 1 200000 >&2; echo 'no more' >&2; exit 5")
    talking = writer(tmp_path / "out" / "v.mp4", options=options)
    with pytest.raises(FfmpegError, match=r"exit code 5(.|\n)*199999(.|\n)*no more$") as caught:
        write_on(talking)
    assert len(str(caught.value).splitlines()) == 16
    assert names(tmp_path / "out") == []


FULL = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from deforum_helpers.errors import FfmpegError
from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
options = EncodeOptions(crf=0, preset="ultrafast", threads=1)
writer = FfmpegVideoWriter(Path(sys.argv[1]) / "v.mp4", width=256, height=256, fps=Fraction(24), options=options)
noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
try:
    for _ in range(500):
        writer.write(noise)
    writer.close()
except FfmpegError as error:
    print("told:", error)
"""


@POSIX
def test_no_room_for_the_video(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("told: ffmpeg ")
    assert names(tmp_path) == []


@POSIX
def test_the_encoder_does_not_hear_ctrl_c(tmp_path):
    running = writer(tmp_path / "v.mp4")
    assert os.getsid(running.pid) != os.getsid(0)
    running.abort()


def test_abort_is_final_and_can_be_repeated(tmp_path):
    given_up = writer(tmp_path / "v.mp4")
    given_up.write(grey(0))
    given_up.abort()
    given_up.abort()
    assert names(tmp_path) == []
    with pytest.raises(FfmpegError, match="given up"):
        given_up.close()


def test_wrong_frames_are_refused_and_the_writer_lives_on(tmp_path):
    images = writer(tmp_path / "v.mp4")
    for wrong in (grey(0, 48, 62), np.zeros((48, 64, 3)), np.zeros((48, 64), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            images.write(wrong)
    images.write(grey(0))
    assert probe(images.close(), count_frames=True).frames == 1
    with pytest.raises(ValueError, match="closed"):
        images.write(grey(0))
    assert images.close() == tmp_path / "v.mp4"


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(StorageError, match="not a folder"):
        writer(tmp_path / "out" / "v.mp4")


def test_a_folder_in_the_videos_place(tmp_path):
    (tmp_path / "v.mp4").mkdir()
    with pytest.raises(StorageError, match=r"v\.mp4 could not be named"):
        make_video(tmp_path / "v.mp4", range(3))
    assert names(tmp_path) == ["v.mp4"]


def test_everything_wrong_is_told_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        encode.EncodeOptions(crf=52, preset="warp", threads=0)
    assert [finding.key for finding in caught.value.findings] == ["deforum_ffmpeg_crf", "deforum_ffmpeg_preset", ""]
    with pytest.raises(InputError) as caught:
        writer(tmp_path / "v.mp4", 0, 64, Fraction(0))
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize("fps", [Fraction(-1), Fraction(1001), Fraction(10**10 + 1, 10**10)])
def test_rates_no_video_can_have(tmp_path, fps):
    with pytest.raises(InputError, match="frames per second"):
        writer(tmp_path / "v.mp4", fps=fps)


def frames_on_disk(folder, count=6, start=0):
    store = ImageFrameStore(folder, "20240102030405")
    return [store.write(start + index, grey(30 * index)) for index in range(count)]


def test_a_video_of_files_equals_the_one_made_live(tmp_path):
    live = make_video(tmp_path / "live.mp4", [30 * index for index in range(6)])
    frames_on_disk(tmp_path)
    later = encode.encode_folder(
        tmp_path / "20240102030405_%09d.png", tmp_path / "later.mp4", fps=Fraction(24), options=FAST
    )
    assert later.read_bytes() == live.read_bytes()


def test_numbering_starts_at_the_lowest_number(tmp_path):
    folder = tmp_path / "100%"
    folder.mkdir()
    files = frames_on_disk(folder, count=3, start=5)
    (folder / "20240102030405_depth_000000001.png").touch()
    assert list(encode.numbered_files(folder / "20240102030405_%09d.png")) == files
    assert list(encode.numbered_files(folder / "20240102030405_%09d.png", 2)) == files[:2]
    (folder / "a7.jpg").touch()
    (folder / "a10.jpg").touch()
    assert [path.name for path in encode.numbered_files(folder / "a%d.jpg", 4)] == [
        "a7.jpg",
        "a8.jpg",
        "a9.jpg",
        "a10.jpg",
    ]


@pytest.mark.parametrize("pattern", ["frame.png", "%s.png", "%d_%d.png", "%d"])
def test_patterns_without_files_or_number(tmp_path, pattern):
    with pytest.raises(InputError, match=r"must hold one number|No file matches"):
        encode.numbered_files(tmp_path / "missing" / pattern)


def test_missing_frames_are_listed(tmp_path):
    frames_on_disk(tmp_path)[2].unlink()
    with pytest.raises(InputError, match=r"1 frames are missing in .*: 20240102030405_000000002\.png"):
        encode.encode_folder(tmp_path / "20240102030405_%09d.png", tmp_path / "v.mp4", fps=Fraction(24), options=FAST)
    with pytest.raises(InputError, match="there are no frames"):
        encode.encode_files([], tmp_path / "v.mp4", fps=Fraction(24))
    assert not (tmp_path / "v.mp4").exists()


def test_frames_of_several_sizes_are_refused(tmp_path):
    files = frames_on_disk(tmp_path, 3)
    ImageFrameStore(tmp_path, "20240102030405").write(1, grey(0, 20, 30))
    with pytest.raises(InputError, match=r"000000001\.png is 30×20, the first 64×48"):
        encode.encode_files(files, tmp_path / "v.mp4", fps=Fraction(24), options=FAST)
    assert names(tmp_path) == [path.name for path in files]


def test_a_damaged_frame_is_named(tmp_path):
    files = frames_on_disk(tmp_path, 3)
    files[1].write_bytes(files[1].read_bytes()[:50])
    with pytest.raises(StorageError, match=r"000000001\.png cannot be read"):
        encode.encode_files(files, tmp_path / "v.mp4", fps=Fraction(24), options=FAST)
    assert names(tmp_path) == [path.name for path in files]


def test_other_images_do_as_well(tmp_path):
    run_ffmpeg(["-f", "lavfi", "-i", "color=red:s=32x32:d=1:r=3", tmp_path / "x%d.jpg"], purpose="make pictures")
    path = encode.encode_folder(Path(tmp_path / "x%d.jpg"), tmp_path / "v.mp4", fps=Fraction(3), options=FAST)
    assert probe(path, count_frames=True).frames == 3
