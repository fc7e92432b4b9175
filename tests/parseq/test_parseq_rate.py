from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import InputError
from deforum_helpers.parseq.rate import parse_fps


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (24, Fraction(24)),
        (60.0, Fraction(60)),
        ("10", Fraction(10)),
        (" 30 ", Fraction(30)),
        ("30000/1001", Fraction(30000, 1001)),
        ("24000 / 1001", Fraction(24000, 1001)),
        (Fraction(48000, 1001), Fraction(48000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("23.976023976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (12.5, Fraction(25, 2)),
        ("7.1", Fraction(71, 10)),
        (29.9, Fraction(299, 10)),
        (24.001, Fraction(24001, 1000)),
        (1e-05, Fraction(1, 100000)),
    ],
)
def test_rates_are_exact(value, expected):
    assert parse_fps(value) == expected


@pytest.mark.parametrize(
    "value", [0, -24, 1001, "", "fast", None, True, [], float("nan"), float("inf"), "1/0", "1e999999999", "9" * 5000]
)
def test_nonsense_is_refused_with_the_key(value):
    with pytest.raises(InputError, match="not a frame rate") as caught:
        parse_fps(value, key="options.output_fps")
    assert caught.value.findings[0].key == "options.output_fps"


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers(-(10**20), 10**20)))
def test_only_input_error_escapes(value):
    try:
        rate = parse_fps(value)
    except InputError:
        return
    assert 0 < rate <= 1000
