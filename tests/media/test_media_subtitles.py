import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import FfmpegError, InputError
from deforum_helpers.media import subtitles
from deforum_helpers.media.ffmpeg import probe, run_ffmpeg
from media_samples import frame_times, make_video

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "media_subtitles.json").read_text(encoding="utf-8"))
FPS = Fraction(15)


def entries(indices, seeds, tweens, params):
    rows = zip(indices, seeds, tweens, params, strict=True)
    return [subtitles.subtitle_entry(i, fps=FPS, seed=s, is_tween=t, params=p) for i, s, t, p in rows]


@pytest.mark.parametrize(("seconds", "text"), GOLDEN["times"])
def test_times_equal_the_originals(seconds, text):
    assert subtitles.format_time(Fraction(seconds)) == text


def test_entries_without_tweens_equal_the_originals():
    made = entries((0, 1, 2, 15), (1,) * 4, (None,) * 4, ("x",) * 4)
    assert subtitles.srt_text(made) == GOLDEN["cadence_1"]
    made = entries(range(5), range(100, 105), (None,) * 5, ("",) * 5)
    assert subtitles.srt_text(made) == GOLDEN["no_parameters"]


def test_entries_with_tweens_equal_the_originals():
    chosen = subtitles.chosen_parameters(["Prompt", "Zoom"])
    values = {"zoom_series": [1.0024, 1.0026, 1.00274, 1.0032], subtitles.PROMPT_SERIES: [" cat --neg"] * 4}
    params = [subtitles.parameters_text(chosen, values, index) for index in range(4)]
    made = entries(range(4), (101, 101, 102, 102), (True, False, True, False), params)
    assert subtitles.srt_text(made) == GOLDEN["cadence_2"]


def test_all_parameters_equal_the_originals():
    """Values are read off the golden text; names, order and number format are what is tested."""
    printed = dict(re.findall(r"; (\w[\w.]*): ([^;]*)", GOLDEN["full_parameters"].split("Seed: 100")[1]))
    assert len(printed) == len(subtitles.PARAMETERS) == 46
    values = {}
    for parameter in subtitles.PARAMETERS.values():
        text = printed[parameter.printed]
        values[parameter.series] = [float(text) if re.fullmatch(r"[\d.]+", text) else text]
    params = subtitles.parameters_text(subtitles.chosen_parameters(reversed(subtitles.PARAMETERS)), values, 0)
    made = subtitles.subtitle_entry(0, fps=FPS, seed=100, is_tween=None, params=params)
    assert made.rstrip("\n") == GOLDEN["full_parameters"]


def test_every_series_has_a_name_of_its_own():
    assert len({parameter.series for parameter in subtitles.PARAMETERS.values()}) == 46
    assert len({parameter.printed for parameter in subtitles.PARAMETERS.values()}) == 46


def test_the_series_exist():
    series = pytest.importorskip("deforum_helpers.schedule.series")
    known = {spec.name for spec in series.SERIES} | {subtitles.PROMPT_SERIES}
    assert {parameter.series for parameter in subtitles.PARAMETERS.values()} <= known


def test_the_options_default_is_understood():
    (noise,) = subtitles.chosen_parameters(["Noise Schedule"])
    assert (noise.label, noise.series) == ("Noise Sch", "noise_schedule_series")
    assert len(subtitles.chosen_parameters(["Noise Schedule", "Noise Sch"])) == 1


def test_unknown_labels_are_all_told():
    with pytest.raises(InputError, match=r"'Zoon'; there are Angle, .*, Prompt") as caught:
        subtitles.chosen_parameters(["Zoon", "Zoom", "prompt"])
    assert [finding.key for finding in caught.value.findings] == [subtitles.PARAMETERS_SETTING] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.0, "7"),
        (np.float64(-0.0), "0"),
        (0.0625, "0.062"),
        (1e9, "1000000000"),
        (-2.5, "-2.500"),
        (float("nan"), "nan"),
    ],
)
def test_numbers(value, text):
    chosen = subtitles.chosen_parameters(["Zoom"])
    assert subtitles.parameters_text(chosen, {"zoom_series": np.array([value])}, 0) == f"Zoom: {text}"


@given(st.text(), st.integers(0, 10**6), st.sampled_from([FPS, Fraction(24000, 1001), Fraction(60)]))
def test_no_prompt_can_break_an_entry(prompt, index, fps):
    chosen = subtitles.chosen_parameters(["Prompt"])
    params = subtitles.parameters_text(chosen, {subtitles.PROMPT_SERIES: {index: prompt}}, index)
    lines = subtitles.subtitle_entry(index, fps=fps, seed=1, is_tween=False, params=params).split("\n")
    assert len(lines) == 5
    assert lines[0] == str(index + 1)
    assert re.fullmatch(r"\d{2,}:\d\d:\d\d,\d{3} --> \d{2,}:\d\d:\d\d,\d{3}", lines[1])
    assert lines[3:] == ["", ""]


def test_entries_follow_one_another_without_gaps():
    made = entries(range(100), range(100), (None,) * 100, ("",) * 100)
    times = [entry.split("\n")[1].split(" --> ") for entry in made]
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_subtitles_become_a_track(tmp_path):
    video = make_video(tmp_path / "v.mp4", range(5), FPS)
    before = frame_times(video)
    srt = subtitles.write_srt(tmp_path / "v.srt", entries(range(5), range(5), (None,) * 5, ("ä <b> & x",) * 5))
    for _ in range(2):  # a second time replaces the first track
        assert subtitles.embed_subtitles(video, srt) == video
        info = probe(video, count_frames=True)
        assert (info.has_subtitles, info.frames) == (True, 5)
    assert frame_times(video) == before
    metadata = run_ffmpeg(["-i", video, "-f", "ffmetadata", "-map_metadata", "0:s:s:0", "-"], purpose="read").decode()
    assert "Deforum Data" in metadata
    text = run_ffmpeg(["-i", video, "-map", "0:s", "-f", "srt", "-"], purpose="read").decode()
    assert re.findall(r"F#: (\d)", text) == list("01234")
    assert "00:00:00,066 --> 00:00:00,133" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.mp4", "v.srt"]


def test_bad_subtitles_leave_the_video_alone(tmp_path):
    video = make_video(tmp_path / "v.mp4", range(5), FPS)
    before = video.read_bytes()
    with pytest.raises(FfmpegError, match=r"add the subtitles v\.srt(.|\n)*No such file"):
        subtitles.embed_subtitles(video, tmp_path / "v.srt")
    assert video.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
