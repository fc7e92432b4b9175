import json
import math
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import SettingsError
from deforum_helpers.schedule.seeds import SEED_RANGE, resolve_seed, scheduled_seeds, seed_sequence
from deforum_helpers.schedule.series import numeric_series

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens" / "schedule_seeds.json").read_text(encoding="utf-8"))
BEHAVIORS = ("iter", "fixed", "random", "ladder", "alternate", "schedule")


@pytest.mark.parametrize("case", GOLDENS["sequences"], ids=lambda c: f"{c['behavior']}-{c['iter_n']}-{len(c['seeds'])}")
def test_equals_the_original(case):
    expected = case["seeds"]
    rng = random.Random(0)
    assert list(seed_sequence(case["behavior"], 100, len(expected), iter_n=case["iter_n"], rng=rng)) == expected


@pytest.mark.parametrize("case", GOLDENS["scheduled"], ids=lambda c: c["schedule"])
def test_scheduled_seeds_equal_the_original_except_that_minus_one_is_resolved(case):
    series = numeric_series(case["schedule"], max_frames=20, seed=100)
    seeds = scheduled_seeds(series.values, random.Random(0))
    for ours, original in zip(seeds, case["seeds"], strict=True):
        # Deliberate: the original hands -1 to the engine, which picks a seed nobody knows.
        assert ours == original if original >= 0 else 0 <= ours < SEED_RANGE
    assert seeds == scheduled_seeds(series.values, random.Random(0))


def test_each_random_frame_of_a_schedule_has_its_own_seed():
    seeds = scheduled_seeds([-1.0, -1.0, math.nan, math.inf, -math.inf, 5.9, 2.0**32 + 3], random.Random(1))
    assert len(set(seeds[:5])) == 5
    assert seeds[5:] == (5, 3)
    assert all(type(seed) is int for seed in seeds)


def test_sequences_wrap_at_32_bits():
    last = SEED_RANGE - 1
    assert seed_sequence("iter", last, 3, rng=random.Random(0)) == (last, 0, 1)
    assert seed_sequence("alternate", last, 3, rng=random.Random(0)) == (last, 0, last)
    assert seed_sequence("fixed", SEED_RANGE + 7, 2, rng=random.Random(0)) == (7, 7)


def test_negative_start_is_drawn_once():
    rng = random.Random(3)
    expected = random.Random(3).randint(0, SEED_RANGE - 1)
    assert seed_sequence("fixed", -1, 3, rng=rng) == (expected,) * 3
    assert resolve_seed(-1, random.Random(3)) == expected


def test_unknown_behavior_names_the_allowed_ones():
    with pytest.raises(SettingsError) as caught:
        seed_sequence("itter", 1, 3, rng=random.Random(0))
    assert caught.value.findings[0].key == "seed_behavior"
    assert all(behavior in str(caught.value) for behavior in BEHAVIORS)


@pytest.mark.parametrize("iter_n", [0, -1])
def test_iter_n_below_one_is_refused(iter_n):
    with pytest.raises(SettingsError, match="seed_iter_N"):
        seed_sequence("iter", 1, 3, iter_n=iter_n, rng=random.Random(0))


@given(st.sampled_from(BEHAVIORS), st.integers(-2, 2**33), st.integers(0, 50), st.integers(1, 9), st.integers())
def test_sequences_have_the_asked_length_stay_in_range_and_repeat(behavior, start, count, iter_n, state):
    seeds = seed_sequence(behavior, start, count, iter_n=iter_n, rng=random.Random(state))
    assert len(seeds) == count
    assert all(0 <= seed < SEED_RANGE for seed in seeds)
    assert seeds == seed_sequence(behavior, start, count, iter_n=iter_n, rng=random.Random(state))
    if behavior == "iter":
        assert sum(a != b for a, b in pairwise(seeds)) == -(-max(count - 1, 0) // iter_n)
