import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deforum_helpers.errors import PromptError
from deforum_helpers.schedule.prompts import (
    PromptSchedule,
    interpolated_prompts,
    prompt_series,
    prompt_template,
    split_prompt,
)

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens" / "schedule_prompts.json").read_text(encoding="utf-8"))

# Where the original stops and we do not: the prompts, ours at frame 4 and 11, why.
DELIBERATE = {
    '{"0": "cat", "max_f/2": "dog"}': ("cat", "dog", "max_f is known in keys"),
    '{"0": "cat", "max_f-1": "dog"}': ("cat", "dog", "max_f is known in keys"),
    '{"0": "x `sqrt(4)`"}': ("x 2.0", "x 2.0", "t inside a function's name is no frame number"),
    '{"0": "x `s`"}': ("x 100", "x 100", "s is known in prompts"),
}


def series(prompts, max_frames=12, **additions):
    return prompt_series(prompts, max_frames=max_frames, seed=100, **additions)


def refused(prompts, expand=prompt_series, **additions):
    with pytest.raises(PromptError) as caught:
        expand(prompts, max_frames=12, **additions)
    return caught.value.findings


def ids(case):
    return json.dumps(case["prompts"])


@pytest.mark.parametrize("case", GOLDENS["cases"], ids=ids)
def test_equals_the_original(case):
    additions = {"positive": case.get("positive", ""), "negative": case.get("negative", "")}
    deliberate = DELIBERATE.get(ids(case))
    if deliberate:
        assert case["frames"] is None
        schedule = series(case["prompts"])
        assert (schedule.at(4)[0], schedule.at(11)[0]) == deliberate[:2]
    elif case["frames"] is None:
        with pytest.raises(PromptError):
            series(case["prompts"], **additions)
    else:
        schedule = series(case["prompts"], **additions)
        constant = isinstance(case["frames"][0], str)
        expected = [case["frames"]] * 12 if constant else case["frames"]
        assert [list(schedule.at(frame)) for frame in range(12)] == expected
        assert {schedule.raw(frame) for frame in range(12)} <= set(case["merged"])


@pytest.mark.parametrize("case", GOLDENS["interpolated"], ids=ids)
def test_interpolated_texts_equal_the_original(case):
    keys = {int(key): prompt_template(text) for key, text in case["prompts"].items()}
    schedule = PromptSchedule(tuple(keys), tuple(keys.values()), case["max_frames"], blended=True)
    assert [schedule.raw(frame) for frame in range(case["max_frames"])] == case["texts"]


def test_interpolation_mode_equals_the_original_up_to_blanks_at_the_end():
    schedule = interpolated_prompts({"0": "cat", "5": "dog"}, max_frames=6)
    # Deliberate: the original leaves a blank at the end, which no tokenizer sees.
    assert [schedule.at(f) for f in range(6)] == [(text.rstrip(), "") for text in GOLDENS["interpolation_mode"]]


def test_interpolation_needs_no_negative_prompt():
    schedule = interpolated_prompts({"0": "cat --neg a", "4": "dog"}, max_frames=6)
    assert schedule.at(1) == ("( cat ):0.75 AND  ( dog ):0.25", " ( a  ):0.75")
    assert schedule.at(4) == schedule.at(5) == ("dog", "")


def test_interpolation_evaluates_backticks_and_fades_to_key_frames_past_the_end():
    schedule = interpolated_prompts({"2": "cat:`t`", "2*max_f": "dog"}, max_frames=6)
    assert schedule.at(0) == ("cat:0", "")
    assert schedule.at(4) == ("( cat:4 ):0.75 AND  ( dog ):0.25", "")


def test_split_prompt_adds_nothing():
    split = split_prompt("  cat:`t/4` --neg  bad `max_f`  ", 3, max_frames=10)
    assert split == ("cat:0.75", " bad 9")
    assert split_prompt("cat", 3, max_frames=10) == ("cat", "")
    assert split_prompt("`s`", 3, max_frames=10, seed=55) == ("55", "")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("t", "7"),
        ("2*t", "14"),
        ("t/max_f", "0.058823529411764705"),
        ("exp(1)", "2.718281828459045"),
        ("4**0.5", "2.0"),
        ("1/3", "0.3333333333333333"),
        ("5", "5"),
        ("5.0", "5.0"),
        ("1e20", "1e+20"),
        ("t<9", "True"),
        ("where(t<5,1,2)", "2"),
        ("tan(0)", "0.0"),
        ("1/0", "inf"),
    ],
)
def test_values_are_inserted_as_python_prints_them(expression, shown):
    assert split_prompt(f"x `{expression}`", 7, max_frames=120) == (f"x {shown}", "")


def test_positive_and_negative_additions_may_hold_expressions():
    schedule = series({"0": "cat"}, positive="(best:`t`)", negative="--neg (bad:`t+1`)")
    assert schedule.at(3) == ("(best:3) cat", " (bad:4)")


def test_keys_are_cut_to_whole_frames_and_ordered():
    schedule = series({"max_f/2": "c", "2*2": "b", "000": "a", "1.5": "d"})
    assert schedule.frames == (0, 1, 4, 5)
    assert [schedule.at(frame)[0] for frame in (0, 1, 4, 5, 11)] == ["a", "d", "b", "c", "c"]
    assert schedule.findings == ()


def test_warnings():
    (unused,) = series({"0": "a", "12": "b", "-1": "c"}).findings
    assert (unused.severity, unused.key) == ("warning", "prompts")
    assert "-1, 12" in unused.message
    (twice,) = series({"0": "a", "00": "b"}).findings
    assert twice.severity == "warning"
    assert (twice.frame, twice.text) == (0, "00")
    assert series({"0": "a", "00": "b"}).at(0) == ("b", "")


def test_a_single_prompt_outside_serves_all_frames():
    for key in ("20", "-1"):
        assert {series({key: "cat"}).at(frame) for frame in range(12)} == {("cat", "")}


def test_no_prompts():
    for expand in (prompt_series, interpolated_prompts):
        (finding,) = refused({}, expand)
        assert finding.key == "prompts"
        assert '{"0":' in finding.hint


def test_inverted_prompts_are_recognised():
    (finding,) = refused({"a cat in a hat": "00000"})
    assert "inverted" in finding.message
    assert finding.hint == 'Swap them: "00000": "a cat in a hat".'


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("cat `t", 5, "never closed"),
        ("a `t` b `t` `", 13, "never closed"),
        ("cat ``", 6, "empty"),
        ("cat `t+` dog", 8, "too early"),
        ("cat `pi`", 6, "unknown name pi"),
        ("cat `seed`", 6, "unknown name seed"),
        ("cat `__import__('os')`", 17, "' is not allowed"),
    ],
)
def test_refused_prompts_point_at_the_trouble(text, column, message):
    (finding,) = refused({"0": "fine", "5": text}, positive="additions do not shift columns")
    assert message in finding.message
    assert (finding.key, finding.frame, finding.column, finding.text) == ("prompts", 5, column, text)


def test_everything_wrong_is_told_at_once():
    findings = refused({"x": "`a`", "3": "`b` `c`", "0": "fine"}, positive="`", negative="`d`")
    assert [f.key for f in findings] == ["positive_prompts", "negative_prompts"] + ["prompts"] * 4


def test_errors_of_evaluation_name_the_frame():
    schedule = series({"0": "`(t/2) & 1`"})
    with pytest.raises(PromptError) as caught:
        schedule.at(7)
    assert caught.value.findings[0].frame == 7
    with pytest.raises(PromptError, match="frame 3"):
        split_prompt("`(t/2) & 1`", 3, max_frames=10, key="deforum_prompt")


def test_nothing_is_evaluated_before_it_is_asked_for(monkeypatch):
    from deforum_helpers.schedule.expression import Expression

    evaluated = []
    original = Expression.value_at

    def counted(self, frame, **variables):
        evaluated.append(frame)
        return original(self, frame, **variables)

    schedule = prompt_series({"0": "cat:`t`", "3000": "dog:`t`"}, max_frames=6694)
    monkeypatch.setattr(Expression, "value_at", counted)
    assert schedule.raw(5) == " cat:`t` --neg "
    assert evaluated == []
    assert schedule.at(5000) == ("dog:5000", "")
    assert evaluated == [5000]


def test_thousands_of_frames_are_fast():
    schedule = prompt_series({str(60 * i): f"cat {i}:`sin(t/{i + 1})`" for i in range(100)}, max_frames=6694)
    before = time.perf_counter()
    assert len({schedule.at(frame) for frame in range(6694)}) > 6000
    assert time.perf_counter() - before < 3.0  # about 0.15 s on an idle machine


_prompts = st.dictionaries(
    st.sampled_from(["0", "5", "max_f", "x", "", "1/0", "1e99"]) | st.text(max_size=8),
    st.text(alphabet="cat `t+-*/1neg`", max_size=20) | st.text(max_size=20),
    max_size=4,
)


@settings(deadline=None)
@given(_prompts, st.text(alphabet="a`t ", max_size=5))
def test_any_prompts_give_texts_or_a_prompt_error(prompts, addition):
    for expand in (prompt_series, interpolated_prompts):
        with contextlib.suppress(PromptError):
            schedule = expand(prompts, max_frames=7, positive=addition, negative=addition)
            for frame in (0, 3, 6):
                prompt, negative = schedule.at(frame)
                assert prompt == prompt.strip()
                assert negative == "" or negative[0] == " "
