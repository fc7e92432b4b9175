from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.hosts.preview.palette import mix_palette
from deforum_helpers.hosts.preview.words import weighted_words

PROMPTS = st.one_of(st.text(), st.text(alphabet="ab AND()[]:0.19<>,'", max_size=60))


def test_words_fade_with_their_place():
    assert weighted_words("Red fox, snow") == pytest.approx({"red": 1, "fox": 0.95, "snow": 0.9025})


@pytest.mark.parametrize(
    ("prompt", "weight"),
    [
        ("rain", 1.0),
        ("(rain)", 1.1),
        ("((rain))", 1.21),
        ("[rain]", 1 / 1.1),
        ("(rain:0.4)", 0.4),
        ("(rain:.25)", 0.25),
        ("((rain:1.5))", 1.65),
        ("rain: 0.5 AND", 0.5),
        ("rain:2 AND <lora:wet:0.7>", 2.0),
        ("(rain:1e9)", 1.0),
        ("(rain:99)", 10.0),
        ("(rain", 1.0),
        ("rain)", 1.0),
    ],
)
def test_emphasis(prompt, weight):
    assert weighted_words(prompt)["rain"] == pytest.approx(weight)


def test_parts_have_weights_of_their_own():
    words = weighted_words("(city:0.5) at night: 0.25 AND forest: 0.75")
    assert words == pytest.approx({"city": 0.125, "night": 0.2375, "forest": 0.75})


def test_repeated_words_add_up():
    assert weighted_words("rain rain") == pytest.approx({"rain": 1.95})


def test_fillers_and_tags_say_nothing():
    assert weighted_words("the of a <lora:x:1> <hypernet:y>") == {}


@given(PROMPTS)
def test_no_text_fails(prompt):
    for word, weight in weighted_words(prompt).items():
        assert word == word.lower()
        assert math.isfinite(weight)
        assert weight >= 0


@given(PROMPTS, PROMPTS)
def test_every_palette_is_in_range(prompt, negative):
    palette = mix_palette(weighted_words(prompt), weighted_words(negative), vividness=1.4)
    for colour in vars(palette).values():
        assert colour.shape == (3,)
        assert np.all((colour >= 0) & (colour <= 255))
    assert 0 <= palette.darkness <= 1


def test_distant_hues_do_not_mix_to_grey():
    """The mean of these two has a chroma of about 30."""
    middle = mix_palette({"golden": 1.0, "teal": 1.0}, {}).middle
    assert middle.max() - middle.min() > 50
