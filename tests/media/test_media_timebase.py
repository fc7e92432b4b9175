from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.media import timebase

RATES = st.sampled_from([Fraction(24000, 1001), Fraction(15), Fraction(30000, 1001), Fraction(25, 2), Fraction(60)])


@given(st.integers(0, 10**7), RATES)
def test_a_frame_is_on_screen_from_its_time_to_the_next(index, fps):
    start, end = timebase.frame_time(index, fps), timebase.frame_time(index + 1, fps)
    assert timebase.frame_of_time(start, fps) == index
    assert timebase.frame_of_time(end - Fraction(1, 10**9), fps) == index
    assert timebase.frame_of_time(end, fps) == index + 1


@given(st.integers(0, 10**6), RATES)
def test_nearest_frame_changes_half_way(index, fps):
    half = (timebase.frame_time(index, fps) + timebase.frame_time(index + 1, fps)) / 2
    assert timebase.nearest_frame(half - Fraction(1, 10**9), fps) == index
    assert timebase.nearest_frame(half, fps) == index + 1


def test_no_drift_after_an_hour_of_ntsc():
    assert timebase.frame_time(24000 * 150, Fraction(24000, 1001)) == 1001 * 150
    assert timebase.video_duration(24, Fraction(24000, 1001)) == Fraction(1001, 1000)


@pytest.mark.parametrize(("fps", "text"), [(Fraction(15), "15"), (Fraction(24000, 1001), "24000/1001")])
def test_rates_are_given_to_ffmpeg_without_loss(fps, text):
    assert timebase.format_rate(fps) == text


def test_times_beyond_99_hours_and_before_zero():
    assert timebase.format_time(100 * 3600) == "100:00:00,000"
    with pytest.raises(ValueError, match="negative"):
        timebase.format_time(Fraction(-1, 1000))


def test_parse_fps_is_the_manifests_one():
    assert timebase.parse_fps("23.976") == Fraction(24000, 1001)
