import sys
from fractions import Fraction
from pathlib import Path

import pytest

from deforum_helpers.errors import FfmpegError
from deforum_helpers.media import ffmpeg
from media_samples import make_clicks, make_video

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as program")


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@POSIX
def test_the_order_of_places(tmp_path):
    setting = script(tmp_path / "set", "true")
    variable = script(tmp_path / "var", "true")
    (tmp_path / "bin").mkdir()
    on_path = script(tmp_path / "bin" / "ffmpeg", "true")
    environ = {"DEFORUM_FFMPEG": str(variable), "PATH": str(tmp_path / "bin")}
    assert ffmpeg.find_ffmpeg(str(setting), environ=environ) == setting
    assert ffmpeg.find_ffmpeg(f' "{setting}" ', environ=environ) == setting
    assert ffmpeg.find_ffmpeg("", environ=environ) == variable
    assert ffmpeg.find_ffmpeg("ffmpeg", environ={"PATH": environ["PATH"]}) == on_path
    assert ffmpeg.find_ffmpeg(None, environ={"PATH": environ["PATH"]}) == on_path


def test_the_bundled_one_is_the_last_resort():
    assert "ffmpeg" in ffmpeg.find_ffmpeg(environ={}).name


def test_a_wrong_setting_is_told_not_passed_over(tmp_path):
    with pytest.raises(FfmpegError, match=r"setting deforum_ffmpeg_location is '.*nowhere'.*imageio-ffmpeg"):
        ffmpeg.find_ffmpeg(tmp_path / "nowhere")
    with pytest.raises(FfmpegError, match=r"variable DEFORUM_FFMPEG is 'nowhere'"):
        ffmpeg.find_ffmpeg(environ={"DEFORUM_FFMPEG": "nowhere"})


def test_without_any_each_place_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FfmpegError) as caught:
        ffmpeg.find_ffmpeg(environ={"PATH": ""})
    for place in (
        "deforum_ffmpeg_location",
        "DEFORUM_FFMPEG",
        "PATH",
        "imageio-ffmpeg (not installed)",
        "Install ffmpeg",
    ):
        assert place in str(caught.value)


def test_version():
    assert ffmpeg.ffmpeg_version()[0].isalnum()


@POSIX
def test_something_else_is_not_taken_for_ffmpeg(tmp_path):
    with pytest.raises(FfmpegError, match="is no ffmpeg"):
        ffmpeg.ffmpeg_version(script(tmp_path / "other", "echo hello"))
    with pytest.raises(FfmpegError, match="could not be started to tell its version"):
        ffmpeg.ffmpeg_version(broken(tmp_path / "broken"))


def broken(path):
    path.write_bytes(b"\x7fELF but not really")
    path.chmod(0o755)
    return path


@POSIX
def test_a_failure_tells_purpose_exit_code_and_last_lines(tmp_path):
    program = script(tmp_path / "ff", 'for i in $(seq 1 40); do echo "line $i" >&2; done; exit 71')
    with pytest.raises(FfmpegError) as caught:
        ffmpeg.run_ffmpeg([], purpose="count to forty", ffmpeg=program)
    text = str(caught.value)
    assert text.startswith("ffmpeg failed with exit code 71 when it was to count to forty.")
    assert text.endswith("line 40")
    assert text.count("\n") == ffmpeg.TAIL_LINES
    assert "line 26" in text
    assert "line 25" not in text


@POSIX
def test_a_signal_is_told(tmp_path):
    with pytest.raises(FfmpegError, match=r"was ended by signal 9(.|\n)*said nothing"):
        ffmpeg.run_ffmpeg([], purpose="live", ffmpeg=script(tmp_path / "ff", "kill -9 $$"))


def test_real_failures(tmp_path):
    with pytest.raises(FfmpegError, match=r"exit code [1-9]\d*(.|\n)*nowhere"):
        ffmpeg.run_ffmpeg(["-i", tmp_path / "nowhere", "-f", "null", "-"], purpose="read nothing")


def test_tail_cuts_long_lines_and_counts_carriage_returns_as_line_ends():
    assert ffmpeg.tail(b"frame=1\rframe=2\r\n\n" + b"x" * 1000) == ["frame=1", "frame=2", "x" * 400]


def test_probe_of_a_video(tmp_path):
    info = ffmpeg.probe(make_video(tmp_path / "v.mp4", range(24), Fraction(24000, 1001)), count_frames=True)
    assert info == ffmpeg.MediaInfo(
        duration=Fraction(1),
        fps=Fraction(24000, 1001),
        width=64,
        height=48,
        frames=24,
        has_video=True,
        video_codec="h264",
    )


def test_probe_of_a_sound(tmp_path):
    info = ffmpeg.probe(make_clicks(tmp_path / "c.wav", 1.5, []), count_frames=True)
    assert info == ffmpeg.MediaInfo(duration=Fraction(3, 2), has_audio=True, audio_codec="pcm_s16le", sample_rate=44100)


def test_probe_of_no_media(tmp_path):
    (tmp_path / "x.mp4").write_text("no video")
    with pytest.raises(FfmpegError, match=r"examine .*x\.mp4(.|\n)*Invalid data"):
        ffmpeg.probe(tmp_path / "x.mp4")
    with pytest.raises(FfmpegError, match="no such file"):
        ffmpeg.probe(Path(tmp_path / "y.mp4"))


def test_probe_reads_what_other_files_say():
    info = ffmpeg.parse_probe(
        """
  Duration: 01:02:03.50, start: 0.025057, bitrate: 320 kb/s
  Stream #0:0(eng): Audio: mp3 (mp3float), 48000 Hz, stereo, fltp, 320 kb/s
  Stream #0:1: Video: mjpeg (Baseline), yuvj420p(pc), 600x600 [SAR 1:1 DAR 1:1], 90k tbr, 90k tbn (attached pic)
"""
    )
    assert (info.duration, info.has_video, info.has_audio) == (Fraction(7447, 2), False, True)
    assert (info.audio_codec, info.sample_rate, info.width) == ("mp3", 48000, 0)
    info = ffmpeg.parse_probe(
        """
  Duration: N/A, start: 0.000000, bitrate: N/A
  Stream #0:0[0x1e0]: Video: h264 (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1], 29.97 fps, 30k tbn
  Stream #0:1(und): Subtitle: mov_text (tx3g / 0x67337874)
"""
    )
    assert (info.duration, info.fps, info.width, info.height) == (None, Fraction(30000, 1001), 1920, 1080)
    assert info.has_subtitles
    assert ffmpeg.parse_probe("  Stream #0:0: Video: gif, bgra, 8x6, 1k fps, 1k tbr").fps == 1000
    assert ffmpeg.parse_probe("  Stream #0:0: Video: gif, bgra, 8x6, 90k fps").fps is None
