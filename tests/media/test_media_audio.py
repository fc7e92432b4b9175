import shutil
import socket
import threading
from dataclasses import replace
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from deforum_helpers.errors import FfmpegError, StorageError
from deforum_helpers.media import audio
from deforum_helpers.media.fetch import SOUND_LIMITS, download
from deforum_helpers.media.ffmpeg import probe, run_ffmpeg
from media_samples import decode_frames, decode_sound, frame_times, make_clicks, make_video, onsets

CLICKS = (0.0, 0.5, 1.0, 1.25, 1.9)
FPS = Fraction(24000, 1001)
FRAMES = 48


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("silent") / "v.mp4", range(0, 5 * FRAMES, 5), FPS)


@pytest.fixture
def video(silent, tmp_path):
    return shutil.copy(silent, tmp_path / "v.mp4")


def convert(source, target, *args):
    run_ffmpeg(["-i", source, *args, target], purpose="convert")
    return target


@pytest.mark.parametrize(
    ("name", "args", "codec"),
    [
        ("c.wav", None, "aac"),
        ("c.m4a", ["-c:a", "aac"], "aac"),
        ("lossless.m4a", ["-c:a", "alac"], "alac"),
        ("c.mp3", ["-c:a", "libmp3lame"], "mp3"),
        ("c.ogg", ["-c:a", "libvorbis"], "aac"),
        ("c.opus", ["-c:a", "libopus"], "aac"),
        ("48k.wav", ["-ar", "48000", "-ac", "2"], "aac"),
    ],
)
def test_onsets_stay_where_they_were(video, tmp_path, name, args, codec):
    sound = make_clicks(tmp_path / "source.wav", 1.97, CLICKS)
    if args is not None:
        sound = convert(sound, tmp_path / name, *args)
    times, pictures = frame_times(video), decode_frames(video)
    assert audio.add_soundtrack(video, str(sound)) == video
    assert onsets(video) == pytest.approx(CLICKS, abs=0.001)
    info = probe(video, count_frames=True)
    assert (info.audio_codec, info.frames, info.fps) == (codec, FRAMES, FPS)
    assert frame_times(video) == times
    assert np.array_equal(decode_frames(video), pictures)


def test_short_sound_keeps_the_whole_video(video, tmp_path):
    audio.add_soundtrack(video, make_clicks(tmp_path / "c.wav", 0.7, (0.1, 0.6)))
    assert len(decode_frames(video)) == FRAMES
    assert onsets(video) == pytest.approx((0.1, 0.6), abs=0.001)
    assert len(decode_sound(video)) / 44100 == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize(("name", "packet"), [("c.wav", 1024), ("c.m4a", 1024), ("c.mp3", 1152)])
@pytest.mark.parametrize("duration", [None, FRAMES / FPS])
def test_long_sound_is_cut_at_the_videos_end(video, tmp_path, name, packet, duration):
    sound = make_clicks(tmp_path / "source.wav", 5, (1.5, 2.5, 4))
    if name != "c.wav":
        sound = convert(sound, tmp_path / name)
    audio.add_soundtrack(video, sound, duration=duration)
    assert onsets(video) == pytest.approx((1.5,), abs=0.001)
    assert len(decode_frames(video)) == FRAMES
    end = float(FRAMES / FPS)
    assert end - 0.001 <= len(decode_sound(video)) / 44100 <= end + packet / 44100


def test_the_sound_of_a_video_keeps_its_delay(video, silent, tmp_path):
    sound = make_clicks(tmp_path / "c.wav", 1, (0.0, 0.5))
    other = tmp_path / "other.mkv"
    args = ["-i", silent, "-itsoffset", "0.25", "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", other]
    run_ffmpeg(args, purpose="delay the sound")
    audio.add_soundtrack(video, other)
    start = probe_start(video)
    assert [start + onset for onset in onsets(video)] == pytest.approx((0.25, 0.75), abs=0.002)


def probe_start(path):
    """When the first audio packet plays."""
    lines = run_ffmpeg(["-i", path, "-map", "0:a", "-f", "framecrc", "-"], purpose="list").decode().splitlines()
    first = next(line for line in lines if not line.startswith("#"))
    return int(first.split(",")[2]) / 44100


def test_a_soundtrack_is_replaced_and_subtitles_stay(video, tmp_path):
    (tmp_path / "s.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n\n")
    both = tmp_path / "both.mp4"
    args = ["-i", video, "-i", tmp_path / "s.srt", "-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text", both]
    run_ffmpeg(args, purpose="add text")
    audio.add_soundtrack(both, make_clicks(tmp_path / "a.wav", 1, (0.2,)))
    audio.add_soundtrack(both, make_clicks(tmp_path / "b.wav", 1, (0.8,)))
    assert onsets(both) == pytest.approx((0.8,), abs=0.001)
    assert probe(both).has_subtitles


def expect_kept(video, sound, error, match, **limits):
    before, files = video.read_bytes(), set(video.parent.iterdir())
    with pytest.raises(error, match=match) as caught:
        audio.add_soundtrack(video, sound, limits=replace(SOUND_LIMITS, **limits))
    assert f"the silent video is kept: {video}" in str(caught.value)
    assert video.read_bytes() == before
    assert set(video.parent.iterdir()) == files


def test_bad_sounds_leave_the_video_alone(video, silent, tmp_path):
    expect_kept(video, tmp_path / "none.mp3", StorageError, "is not a file. Check soundtrack_path")
    expect_kept(video, tmp_path, StorageError, "is not a file")
    (tmp_path / "text.mp3").write_text("no sound at all, just words")
    expect_kept(video, tmp_path / "text.mp3", FfmpegError, "text.mp3")
    expect_kept(video, silent, FfmpegError, "has no audio stream")
    whole = convert(make_clicks(tmp_path / "c.wav", 1, (0.1,)), tmp_path / "c.m4a").read_bytes()
    (tmp_path / "half.m4a").write_bytes(whole[: len(whole) // 2])
    expect_kept(video, tmp_path / "half.m4a", FfmpegError, "half.m4a")


def test_a_playlist_cannot_reach_the_net(video, tmp_path):
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    expect_kept(video, tmp_path / "list.m3u8", FfmpegError, "list.m3u8")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        getattr(self, self.path.strip("/"))()

    def reply(self, body, code=200, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def sound(self):
        self.reply(self.server.sound)

    def moved(self):
        self.reply(b"", 302, Location="/sound")

    def trap(self):
        self.reply(b"", 302, Location="file:///etc/passwd")

    def ftp(self):
        self.reply(b"", 302, Location="ftp://127.0.0.1:9/x")

    def empty(self):
        self.reply(b"")

    def gone(self):
        self.reply(b"", 404)

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"short")
        self.close_connection = True

    def slow(self):
        self.server.released.wait(10)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.sound = make_clicks(tmp_path / "served.wav", 1, (0.3,)).read_bytes()
    server.released = threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("page", ["sound", "moved"])
def test_a_soundtrack_from_the_web(video, server, page):
    audio.add_soundtrack(video, f"{server.address}/{page}")
    assert onsets(video) == pytest.approx((0.3,), abs=0.001)


@pytest.mark.parametrize(
    ("page", "match", "limits"),
    [
        ("gone", "the server answered 404", {}),
        ("empty", "is empty", {}),
        ("trap", "file:///etc/passwd' is not allowed", {}),
        ("ftp", "redirects to ftp://127.0.0.1:9/x, which is not on the web", {}),
        ("sound", "is larger than 0 MiB", {"size": 1000}),
        ("sound", "took more than -1 s", {"deadline": -1}),
        ("slow", "timed out|no answer for 0.05 s", {"timeout": 0.05}),
        ("cut", "ended before its announced length", {}),
    ],
)
def test_bad_downloads_leave_the_video_alone(video, server, page, match, limits):
    expect_kept(video, f"{server.address}/{page}", StorageError, match, **limits)


def test_nobody_answers(video):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        expect_kept(video, f"http://127.0.0.1:{taken.getsockname()[1]}/x.mp3", StorageError, "refused")


def test_only_the_web_is_fetched(tmp_path):
    with pytest.raises(StorageError, match="only http and https"):
        download("file:///etc/passwd", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
