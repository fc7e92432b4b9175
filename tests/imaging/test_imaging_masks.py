from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging_helpers import GOLDENS

from deforum_helpers.errors import ScheduleError
from deforum_helpers.imaging.masking import everywhere, none_if_empty, overlay, prepare_mask
from deforum_helpers.imaging.masks import Operand, parse_mask

CASES = json.loads((GOLDENS / "imaging_masks.json").read_text())
NAMED = {
    name: np.array([[int(bit) * 255 for bit in row] for row in rows], np.uint8) for name, rows in CASES["masks"].items()
}
FILE = np.where(np.arange(8) >= 6, np.uint8(255), np.uint8(0)) * np.ones((4, 1), np.uint8)
DIFFERENT = {
    "!{a}&{b}": "! binds to {a} alone",
    "!{a}|!{b}": "! binds to its operand alone",
    "!{everywhere}": "the inverse of all is nothing",
    "!!{a}": "twice inverted is itself",
    "{a}|{b}&{video_mask}": "the original fails here",
}


def fetch(operand):
    return NAMED.get(operand.text) if operand.kind == "name" else FILE


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["text"])
def test_goldens(case):
    if case["text"] in DIFFERENT:
        assert parse_mask(case["text"]).evaluate(fetch).shape == (4, 8)
    elif case["result"] is None:
        with pytest.raises(ScheduleError):
            parse_mask(case["text"]).evaluate(fetch)
    else:
        result = parse_mask(case["text"]).evaluate(fetch)
        assert ["".join("1" if value else "0" for value in row) for row in result] == case["result"]
        assert result.dtype == np.uint8


def bits(name):
    return NAMED[name] > 0


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("!{a}&{b}", lambda a, b, v: ~a & b),
        ("!{a}|!{b}", lambda a, b, v: ~a | ~b),
        ("!!{a}", lambda a, b, v: a),
        ("!{everywhere}", lambda a, b, v: a & ~a),
        ("{a}|{b}&{video_mask}", lambda a, b, v: a | (b & v)),
        ("{a}|{b}\\{video_mask}", lambda a, b, v: a | (b & ~v)),
        ("{a}\\{b}^{video_mask}", lambda a, b, v: a & ~(b ^ v)),
        ("{a}^{b}&{video_mask}", lambda a, b, v: a ^ (b & v)),
        ("{a}\\({b}|{video_mask})", lambda a, b, v: a & ~(b | v)),
        (" ( ! ( {a} ^ {b} ) ) ", lambda a, b, v: ~(a ^ b)),
    ],
)
def test_precedence(text, meaning):
    expected = meaning(bits("a"), bits("b"), bits("video_mask"))
    assert ((parse_mask(text).evaluate(fetch) > 0) == expected).all()


def test_operands_may_hold_what_operators_are_made_of():
    expression = parse_mask(r"[C:\in (1)\a&b!.png] | <cat, dog | bird> \ { video_mask }")
    assert expression.operands() == (
        Operand("file", r"C:\in (1)\a&b!.png", 1),
        Operand("words", "cat, dog | bird", 24),
        Operand("name", "video_mask", 44),
    )


def test_half_set_pixels_count_from_128():
    grey = np.array([[0, 127, 128, 255]], np.uint8)
    assert parse_mask("{g}").evaluate(lambda operand: grey).tolist() == [[0, 0, 255, 255]]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "expected"),
        ("   ", 4, "expected"),
        ("{a", 1, "never closed with }"),
        ("{a}&[x.png", 5, r"never closed with \]"),
        ("({a}", 1, r"never closed with \)"),
        ("{a})", 4, "operator"),
        ("{a} {b}", 5, "operator"),
        ("({a} {b})", 6, r"operator or \)"),
        ("{a}&", 5, "expected"),
        ("{a}&|{b}", 5, "expected"),
        ("{}", 1, "name was expected"),
        ("a", 1, "expected"),
        ("(" * 101, 101, "nested"),
    ],
)
def test_errors_point_at_the_place(text, column, words):
    with pytest.raises(ScheduleError, match=words) as caught:
        parse_mask(text, key="mask_schedule", frame=7)
    (finding,) = caught.value.findings
    assert (finding.key, finding.frame, finding.column) == ("mask_schedule", 7, column)


def test_unknown_masks_are_reported_together():
    with pytest.raises(ScheduleError) as caught:
        parse_mask("{a}|{nope}&[x.png]", key="mask_schedule").evaluate(lambda o: NAMED.get(o.text))
    assert [(f.column, f.message) for f in caught.value.findings] == [
        (5, "There is no mask {nope}."),
        (12, "There is no mask [x.png]."),
    ]


nodes = st.recursive(
    st.sampled_from(["a", "b", "video_mask"]).map(lambda name: (f"{{{name}}}", bits(name))),
    lambda inner: st.one_of(
        inner.map(lambda x: (f"!({x[0]})", ~x[1])),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) & ({p[1][0]})", p[0][1] & p[1][1])),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]})|({p[1][0]})", p[0][1] | p[1][1])),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}) ^({p[1][0]})", p[0][1] ^ p[1][1])),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]})\\({p[1][0]})", p[0][1] & ~p[1][1])),
    ),
    max_leaves=12,
)


@given(node=nodes)
def test_any_expression_means_what_its_parts_mean(node):
    text, expected = node
    assert ((parse_mask(text).evaluate(fetch) > 0) == expected).all()


@given(text=st.text(alphabet="{}[]<>()!&|^\\ab. ", max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ScheduleError):
        operands = parse_mask(text).operands()
        assert all(text[operand.column - 1] in "{[<" for operand in operands)


def test_empty_masks_are_no_masks():
    assert none_if_empty(None) is None
    assert none_if_empty(np.zeros((3, 3), np.uint8)) is None
    assert none_if_empty(everywhere(2, 3)).tolist() == [[255] * 3] * 2


def test_prepare_scales_brightness_then_contrast_then_inverts():
    mask = np.full((4, 4), 100, np.uint8)
    mask[:, 2:] = 200
    bright = prepare_mask(mask, width=4, height=4, brightness=0.5)
    assert sorted(set(bright.ravel().tolist())) == [50, 100]
    contrast = prepare_mask(mask, width=4, height=4, contrast=0.5)
    assert sorted(set(contrast.ravel().tolist())) == [125, 175]
    assert sorted(set(prepare_mask(mask, width=4, height=4, invert=True).ravel().tolist())) == [55, 155]
    assert prepare_mask(mask, width=10, height=7).shape == (7, 10)


def test_overlay_mixes_by_the_mask():
    result, original = np.full((4, 4, 3), 200, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    mask = np.array([[0, 255, 51, 204]] * 4, np.uint8)
    assert overlay(result, original, mask)[0, :, 0].tolist() == [100, 200, 120, 180]
    assert overlay(result, original, np.full((2, 2), 255, np.uint8)).min() == 200
