"""How output frames are made from diffused pictures."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.rendering.data.step.tween import TweenAlignment, tweens

EXACT, CLASSIC = TweenAlignment.EXACT, TweenAlignment.CLASSIC

plans = st.integers(1, 200).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.sets(st.integers(1, max(1, n - 1)), max_size=40).map(lambda s: sorted({0, *(k for k in s if k < n)})),
    )
)


@pytest.mark.parametrize("alignment", list(TweenAlignment))
@given(plan=plans)
def test_every_frame_once_in_order_of_availability(alignment, plan):
    max_frames, keys = plan
    made = tweens(keys, max_frames, alignment)
    assert [t.index for t in made] == list(range(max_frames))
    assert all(a.newer <= b.newer for a, b in itertools.pairwise(made))
    assert all(0.0 <= t.weight <= 1.0 and t.newer - t.older in (0, 1) for t in made)


@given(plan=plans)
def test_exact_shows_each_diffused_picture_alone_on_its_frame(plan):
    max_frames, keys = plan
    made = tweens(keys, max_frames, EXACT)
    for position, key in enumerate(keys):
        assert (made[key].older, made[key].newer, made[key].weight) == (position, position, 1.0)


def test_exact_fades_linearly_and_shows_the_last_picture_to_the_end():
    made = tweens([0, 4], 6, EXACT)
    assert [(t.older, t.newer, t.weight) for t in made] == [
        (0, 0, 1.0), (0, 1, 0.25), (0, 1, 0.5), (0, 1, 0.75), (1, 1, 1.0), (1, 1, 1.0)
    ]  # fmt: skip


def test_exact_shows_nothing_of_a_cut_ahead():
    made = tweens([0, 3, 6], 7, EXACT, cuts=frozenset({3}))
    assert [t.newer for t in made] == [0, 0, 0, 1, 2, 2, 2]
    assert made[2].weight == 1.0


def test_classic_fades_in_behind_the_key_frame_and_is_full_before_the_next():
    made = tweens([0, 3, 6], 9, CLASSIC)
    assert [(t.older, t.newer, round(t.weight, 3)) for t in made] == [
        (0, 0, 1.0), (0, 0, 1.0), (0, 0, 1.0),
        (0, 1, 0.333), (0, 1, 0.667), (0, 1, 1.0),
        (1, 2, 0.333), (1, 2, 0.667), (1, 2, 1.0),
    ]  # fmt: skip


def test_classic_keeps_its_pace_after_the_last_key_frame():
    made = tweens([0, 4], 6, CLASSIC)
    assert [t.weight for t in made[4:]] == [0.25, 0.5]
    long = tweens([0, 2], 7, CLASSIC)
    assert [t.weight for t in long[2:]] == [0.5, 1.0, 1.0, 1.0, 1.0]


def test_classic_without_cadence_is_exact():
    keys = range(10)
    assert [(t.newer, t.weight) for t in tweens(keys, 10, CLASSIC)] == [(k, 1.0) for k in keys]
