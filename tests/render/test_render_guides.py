"""Guided images: a picture pulls the frames towards it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from render_parts import Frames, NoiseEngine, grey, plan, rendered

from deforum_helpers.errors import InputError
from deforum_helpers.ports import Diffused
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.guides import Guide, guide_at, guide_weight, parse_guides
from deforum_helpers.rendering.data.inputs import Inputs


def weights(pictures, max_frames, **values):
    guides = parse_guides(json.dumps(pictures), max_frames=max_frames, seed=1)
    return [guide_weight(guides, frame, **values) for frame in range(1, max_frames)]


# Measured on the original: weights of the guide image from frame 1 on.
SEQUENCES = [
    (
        ({"0": "A", "max_f/2": "B", "max_f-2": "C"}, 24, 0.35, 5),
        [0.11973, 0.17582, 0.25941, 0.3573, 0.1, 0.07, 0.07, 0.07, 0.07, 0.07, 0.11973, 0.17582, 0.25941, 0.3573, 0.1]
        + [0.07] * 4 + [0.1, 0.11973, 0.07, 0.07],
    ),
    (
        ({"0": "A", "6": "B", "12": "C"}, 18, 0.5, 4),
        [0.2806, 0.36492, 0.48232, 0.25, 0.07, 0.36492, 0.48232, 0.25, 0.2806, 0.36492, 0.07, 0.25] + [0.07] * 5,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "expected"), SEQUENCES)
def test_weights_swing_as_in_the_original(case, expected):
    pictures, max_frames, middle, tweening = case
    found = weights(pictures, max_frames, middle=middle, slope=0.25, tweening_frames=tweening)
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_last_guide_that_has_begun_is_in_force():
    guides = parse_guides('{"max_f/2": "b", "0": "a", "max_f-2": "c"}', max_frames=24, seed=1)
    assert [guide.picture for guide in guides] == ["a", "b", "c"]
    assert "".join(guides[guide_at(guides, frame)].picture for frame in range(24)) == "a" * 11 + "b" * 10 + "c" * 3


def test_before_the_first_guide_the_first_counts():
    assert guide_at((Guide(5, "a"), Guide(9, "b")), 0) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "is no JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "is not a JSON object"),
        ('{"0": ""}', "there is no picture at '0'"),
        ('{"max_": "a.png"}', "max_"),
    ],
)
def test_wrong_guides_are_explained(text, message):
    with pytest.raises(InputError, match=message):
        plan(use_looper=True, init_images=text)


class Flat(NoiseEngine):
    def diffuse(self, request):
        super().diffuse(request)
        return Diffused(grey(50))


def guided(engine, **values):
    pictures = '{"0": "a.png", "4": "b.png"}'
    data = plan(max_frames=8, diffusion_cadence=1, use_looper=True, init_images=pictures, **values)
    return rendered(data, engine, begin=Beginning(inputs=Inputs(guides=Frames([grey(0), grey(250)]))))


def test_the_first_frame_starts_from_the_first_guide():
    engine = Flat()
    guided(engine, image_strength_schedule="0:(0.6)")
    assert engine.requests[0].init_image.max() == 0
    assert engine.requests[0].strength == 0.6


def test_frames_are_pulled_towards_the_guide_in_force():
    engine = Flat()
    guided(engine, blendFactorMax="0:(0.5)", blendFactorSlope="0:(0)", color_correction_factor="0:(0)")
    assert [int(request.init_image.mean()) for request in engine.requests] == [0, 25, 25, 25, 150, 150, 150, 150]


def test_the_image_strength_is_the_strength_of_guided_frames():
    engine = Flat()
    guided(engine, image_strength_schedule="0:(0.1*t)", strength_schedule="0:(0.99)")
    assert [request.strength for request in engine.requests[:4]] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_colours_are_pulled_towards_the_guide():
    plain, pulled = ([f.mean() for f in guided(Flat(), color_correction_factor=f"0:({c})")] for c in (0, 1))
    assert plain[1] == 50
    assert pulled[1] == pytest.approx(0, abs=2)
    assert pulled[6] == pytest.approx(250, abs=2)


def test_seeds_come_from_the_seed_schedule():
    engine = Flat()
    guided(engine, seed_schedule="0:(100+t)")
    assert [request.seed for request in engine.requests] == list(range(100, 108))


def test_without_the_switch_nothing_pulls():
    engine = Flat()
    data = plan(max_frames=3, diffusion_cadence=1, init_images="no json", seed_behavior="fixed")
    rendered(data, engine)
    assert engine.requests[0].init_image is None
    assert np.array_equal(engine.requests[2].init_image, grey(50))
