import json
import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deforum_helpers.errors import ScheduleError
from deforum_helpers.schedule.series import numeric_series, parse_schedule, text_series

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens" / "schedule_series.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-9

# Where we differ from the original on purpose: the text, our values, why.
DELIBERATE = {
    "0 : ( 5 ) , 10 : ( 7 )": ([5 + 0.2 * f for f in range(10)] + [7.0] * 20, "blanks do not turn a ramp into a step"),
    "0: (abc), 10: (5)": (["abc"] * 10 + ["5"] * 20, "a text of digits is a text"),
    "0: (5), 10: (abc)": (["5"] * 10 + ["abc"] * 20, "a text of digits is a text"),
    '0: ("C:/models/a.ckpt")': (["C:/models/a.ckpt"] * 30, "colons belong to the text"),
    "5:(1)": ([1.0] * 30, "without key frame 0 the first value holds from there, with a warning"),
    "0:(1),": ([1.0] * 30, "a comma at the end is harmless, with a warning"),
    "0:(where(t<10, 1, 2))": ([1.0] * 10 + [2.0] * 20, "functions may have several arguments"),
    "0:(arctan2(t, 3))": ([math.atan2(f, 3) for f in range(30)], "functions may have several arguments"),
}


def numbers(text, max_frames=30, seed=12345):
    return numeric_series(text, max_frames=max_frames, seed=seed, key="zoom")


def texts(text, max_frames=30, seed=12345):
    return text_series(text, max_frames=max_frames, seed=seed, key="sampler_schedule")


def refused(text, expand=numbers):
    with pytest.raises(ScheduleError) as caught:
        expand(text)
    return caught.value.findings


def spread(stored, count):
    """A golden's values: one for all frames, a list, or some frames only."""
    if isinstance(stored, dict):
        return {int(frame): value for frame, value in stored.items()}
    return dict(enumerate(stored if isinstance(stored, list) else [stored] * count))


@pytest.mark.parametrize("case", GOLDENS["cases"], ids=lambda c: f"{c['text']!r}-{c.get('max_frames', 30)}")
def test_equals_the_original(case):
    max_frames, seed = case.get("max_frames", 30), case.get("seed", 12345)
    expand = texts if case.get("kind") == "text" else numbers
    expected = case["values"]
    if case["text"] in DELIBERATE:
        expected, _why = DELIBERATE[case["text"]]
    if expected is None:
        with pytest.raises(ScheduleError):
            expand(case["text"], max_frames, seed)
        return
    values = expand(case["text"], max_frames, seed).values
    assert len(values) == max_frames
    for frame, value in spread(expected, max_frames).items():
        if isinstance(value, str) and value != "inf":
            assert values[frame] == value
        else:
            assert values[frame] == pytest.approx(float(value), rel=TOLERANCE, abs=TOLERANCE)


def test_every_deliberate_difference_is_one():
    stored = {case["text"]: case["values"] for case in GOLDENS["cases"]}
    for text, (ours, _why) in DELIBERATE.items():
        assert stored[text] is None or list(spread(stored[text], 30).values()) != ours


def test_values_are_read_only_float64():
    values = numbers("0: (t)").values
    assert values.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1.0


@pytest.mark.parametrize(
    "written", ["100", "(100)", "( 100 )", "1e2", '"100"', "('100')", "((100.))", "(+100)", "\n(100)\n"]
)
def test_any_way_to_write_a_number_ramps(written):
    assert list(numbers(f"0: (0), 10: {written}", max_frames=12).values) == pytest.approx([*range(0, 101, 10), 100])


def test_number_ramps_to_the_value_of_an_expression_which_then_runs():
    values = numbers("0: (0), 4: (t*10), 6: (2), 8: (4)", max_frames=10).values
    assert list(values) == pytest.approx([0, 10, 20, 30, 40, 50, 2, 3, 4, 4])


def test_undefined_values_stay_at_their_frames():
    values = numbers("0: (1), 2: (log(t-3)), 5: (7)", max_frames=7).values
    assert list(values[[0, 5, 6]]) == [1, 7, 7]
    assert math.isnan(values[2])
    assert values[3] == -math.inf
    infinite = numbers("0: (1), 4: (1/(t-4)), 6: (2)", max_frames=7).values
    assert list(infinite[[0, 4, 5, 6]]) == [1, math.inf, 1, 2]


def test_frames_can_be_expressions():
    text = '"max_f/2": (5), "max_f-1": (9), 0: (0), s%7: (1), (3): (2)'
    keys = {14: 5.0, 28: 9.0, 0: 0.0, 12345 % 7: 1.0, 3: 2.0}
    values = numbers(text).values
    assert {frame: values[frame] for frame in keys} == pytest.approx(keys)


def test_colons_and_commas_inside_brackets_and_quotes_belong_to_the_value():
    text = "0: (\"a, b: c\"), 2: ([x, y:z] & {everywhere}), 4: C:/a.ckpt, 6: 'it\"s', 8: (Bob's)"
    assert texts(text, max_frames=10).values[::2] == (
        "a, b: c",
        "[x, y:z] & {everywhere}",
        "C:/a.ckpt",
        'it"s',
        "Bob's",
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Euler a", "Euler a"),
        ("(Euler a)", "Euler a"),
        ('( "Euler a" )', "Euler a"),
        ("('DDIM')", "DDIM"),
        ("((a) | (b))", "(a) | (b)"),
        ("(a) | (b)", "(a) | (b)"),
        ("(({a}|{b})&!{c})", "({a}|{b})&!{c}"),
        ('("models/a (1).ckpt")', "models/a (1).ckpt"),
        ('("(a)")', "(a)"),
        ('("a" & "b")', '"a" & "b"'),
        ('("")', ""),
        ('(" a ")', " a "),
    ],
)
def test_text_loses_only_the_outermost_pair_and_quotes(written, value):
    assert texts(f"0: {written}", max_frames=2).values == (value, value)


def test_text_holds_until_the_next_key_frame():
    assert texts("3: (b), 1: (a)", max_frames=5).values == ("a", "a", "a", "b", "b")


def test_entries_keep_their_order_and_columns():
    text = ' 10 : (b),\n "max_f" :("c")'
    schedule = parse_schedule(text, "zoom")
    assert [(k.frame, k.value) for k in schedule.keyframes] == [("10", "(b)"), ("max_f", '("c")')]
    for keyframe in schedule.keyframes:
        assert text[keyframe.frame_column - 1 :].startswith(keyframe.frame)
        assert text[keyframe.column - 1 :].startswith(keyframe.value)


@pytest.mark.parametrize("expand", [numbers, texts])
@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("0: (1), -3: (2), 30: (3), 99: (4)", ["outside 0 to 29", "-3, 30, 99"], 9),
        ("5: (1)", ["no key frame 0"], 1),
        ("0: (1), 5: (2), 5: (3)", ["frame 5", "last value counts"], 17),
        ("0: (1), ", ["ends with a comma"], 7),
        ("40: (1), 50: (2)", ["within 0 to 29", "frame 40", "throughout"], 1),
        ("-9: (1), -5: (2)", ["frame -5", "throughout"], 10),
    ],
)
def test_warnings(expand, text, words, column):
    (finding,) = expand(text).findings
    assert finding.severity == "warning"
    assert all(word in finding.message for word in words)
    assert (finding.column, finding.text) == (column, text)
    assert finding.key in {"zoom", "sampler_schedule"}


def test_a_clean_schedule_has_no_findings():
    assert numbers('0: (1), "max_f": (t)').findings == ()


def test_value_held_when_no_key_frame_lies_within():
    assert list(numbers("40: (t), 50: (2)", max_frames=3).values) == [40.0] * 3
    assert texts("-9: (a), -5: (b)", max_frames=3).values == ("b",) * 3


@pytest.mark.parametrize(
    ("text", "message", "frame", "column"),
    [
        ("", "empty", None, 1),
        (" \n ", "empty", None, 1),
        ("abc", "no colon", None, 1),
        ("0: (1), 5", "no colon", None, 9),
        ("0:1,5", "no colon", None, 5),
        ("0:(1,5)", "comma", 0, 5),
        ("0: (1),, 5: (2)", "empty entry", None, 8),
        (",0:(1)", "empty entry", None, 1),
        (":(1)", "frame before the colon", None, 1),
        ('"":(1)', "frame before the colon", None, 3),
        ("0:", "value after the colon", None, 2),
        ("0: ()", "value is missing", 0, 5),
        ("0: (1, 5: (2)", "( is never closed", None, 4),
        ("0: (1)), 5: (2)", ") closes nothing", None, 7),
        ("0: (1]", "] closes nothing", None, 6),
        ('0: ("1)', "quote is never closed", None, 5),
        ("0.5: (1)", "whole number, not 0.5", None, 1),
        ("t: (1)", "unknown name t", None, 1),
        ("0: (1), 1/0: (2)", "inf, which is no frame", None, 9),
        ("0: (1), 1e99: (2)", "which is no frame", None, 9),
        ('0: (1), "max_f-": (2)', "too early", None, 16),
        ("0: (1), 7: (x)", "unknown name x", 7, 13),
        ("0: (1), max_f: (2*)", "value is missing", 29, 19),
        ("0: (t/2 & 1)", "whole numbers", 0, 9),
        ("0: [1]", "[ is not allowed", 0, 4),
    ],
)
def test_refusal_points_at_the_trouble(text, message, frame, column):
    findings = refused(text)
    finding = findings[0]
    assert message in finding.message
    assert (finding.frame, finding.column) == (frame, column)
    assert {f.key for f in findings} == {"zoom"}
    assert {f.text for f in findings} == {text}


def test_everything_wrong_is_told_at_once():
    findings = refused("0: (pi), 0.5: (1), 9: (t+), 12: (sin(t)), 0: (1), y: (z)")
    assert [f.column for f in findings if f.severity == "error"] == [5, 10, 26, 51, 55]


def test_errors_found_while_evaluating_are_gathered_too():
    assert len(refused("0: (t/2 & 1), 5: (3), 9: (1.5 | t)")) == 2


def test_empty_text_value_is_refused():
    (finding,) = refused("0: (a), 4: ()", expand=texts)
    assert "empty" in finding.message
    assert (finding.frame, finding.column) == (4, 12)


@pytest.mark.parametrize("max_frames", [0, -1])
def test_no_frames_no_values(max_frames):
    for expand in (numbers, texts):
        with pytest.raises(ScheduleError, match="at least 1"):
            expand("0: (1)", max_frames)


def test_thousands_of_key_frames_are_fast():
    ramps = ", ".join(f"{3 * i}: ({i / 7})" for i in range(2000))
    before = time.perf_counter()
    values = numbers(ramps, max_frames=6694).values
    assert time.perf_counter() - before < 2.0  # about 0.03 s on an idle machine
    assert values[3000] == pytest.approx(1000 / 7)


@settings(deadline=None)
@given(st.text(alphabet="0123456789:,()[]\"' tsmax_f+-*/.e\n", max_size=60) | st.text(max_size=40))
def test_any_text_gives_values_or_a_schedule_error(text):
    for expand in (numbers, texts):
        try:
            result = expand(text, max_frames=5)
        except ScheduleError as error:
            findings = error.findings
        else:
            findings = result.findings
            assert len(result.values) == 5
        assert all(finding.text == text for finding in findings)


_keys = st.dictionaries(st.integers(0, 40), st.integers(-1000, 1000), min_size=1, max_size=8)


@settings(deadline=None)
@given(_keys, st.integers(1, 45), st.randoms())
def test_numbers_are_met_at_their_frames_and_ramp_in_between_whatever_the_order(keys, max_frames, shuffler):
    entries = [f"{frame}: ({value})" for frame, value in keys.items()]
    shuffler.shuffle(entries)
    values = numbers(", ".join(entries), max_frames=max_frames).values
    inside = sorted(frame for frame in keys if frame < max_frames)
    for frame in inside:
        assert values[frame] == keys[frame]
    for start, end in pairwise(inside):
        np.testing.assert_allclose(values[start : end + 1], np.linspace(keys[start], keys[end], end - start + 1))
    if inside:
        assert set(values[: inside[0] + 1]) == {float(keys[inside[0]])}
        assert set(values[inside[-1] :]) == {float(keys[inside[-1]])}
