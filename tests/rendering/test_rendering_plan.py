"""The plan: every value at its own frame, the same for the same input, every error at once."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import InputError
from deforum_helpers.parseq.manifest import parse_manifest
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.rendering.data.step.key_index_distribution import KeyIndexDistribution
from deforum_helpers.rendering.data.step.tween import TweenAlignment
from deforum_helpers.settings.schema import Settings


def settings(**values: object) -> Settings:
    return Settings().with_values({"seed": 7, "animation_prompts_negative": "", **values})


def manifest(frames: int = 20, keys: tuple[int, ...] = (0, 7, 13), **fields: list[float]):
    columns = {"strength": [round(0.3 + f / 100, 4) for f in range(frames)], **fields}
    rendered = [{"frame": f, **{name: values[f] for name, values in columns.items()}} for f in range(frames)]
    return parse_manifest(
        json.dumps(
            {
                "options": {"output_fps": 24, "bpm": 120, "cadence": 5},
                "keyframes": [{"frame": k} for k in keys],
                "rendered_frames": rendered,
            }
        )
    )


def test_defaults_plan_without_errors():
    data = build_render_data(settings())
    assert data.max_frames == 120
    assert data.key_frames == tuple(range(0, 120, 2))
    assert data.distribution is KeyIndexDistribution.UNIFORM_SPACING
    assert data.alignment is TweenAlignment.EXACT
    assert any("no Parseq manifest" in str(f) for f in data.findings)


def test_values_are_read_at_each_keys_own_frame():
    data = build_render_data(
        settings(
            max_frames=40, diffusion_cadence=10, strength_schedule="0:(0.1), 39:(0.9)", cfg_scale_schedule="0:(t)",
            enable_steps_scheduling=True, steps_schedule="0:(10+t)", contrast_schedule="0:(1+t/100)",
            noise_schedule="0:(t/1000)", enable_clipskip_scheduling=True, clipskip_schedule="0:(1), 20:(2)",
        )
    )  # fmt: skip
    for key in data.keys:
        f = key.index
        assert key.strength == pytest.approx(0.1 + 0.8 * f / 39)
        assert (key.cfg_scale, key.steps) == (f, 10 + f)
        assert key.contrast == pytest.approx(1 + f / 100)
        assert key.noise == pytest.approx(f / 1000)
    assert [key.clip_skip for key in data.keys] == [1, 1, 2, 2]


def test_scheduled_values_wait_for_their_switch():
    data = build_render_data(settings(steps_schedule="0:(99)", sampler_schedule='0:("DDIM")'))
    assert {(key.steps, key.sampler, key.clip_skip) for key in data.keys} == {(25, "Euler a", None)}


def test_parseq_only_diffuses_the_parseq_keys_with_parseqs_values_at_those_frames():
    data = build_render_data(settings(), manifest())
    assert data.key_frames == (0, 7, 13)
    assert (data.max_frames, data.fps, data.cadence) == (20, Fraction(24), 5)
    assert [key.strength for key in data.keys] == pytest.approx([0.3, 0.37, 0.43])


def test_uniform_with_parseq_keeps_the_number_of_diffusions():
    chosen = {"neocore_key_index_distribution": "Uniform with Parseq"}
    assert build_render_data(settings(**chosen), manifest()).key_frames == (0, 7, 10, 13)


def test_overrides_can_be_switched_off():
    own = {"parseq_non_schedule_overrides": False, "max_frames": 10, "fps": 12, "diffusion_cadence": 3}
    data = build_render_data(settings(**own), manifest())
    assert (data.max_frames, data.fps, data.cadence) == (10, Fraction(12), 3)
    assert data.key_frames == (0, 7)
    assert any("at or past the end (13)" in str(f) for f in data.findings)


def test_a_manifest_without_key_frame_0_diffuses_frame_0_and_says_so():
    data = build_render_data(settings(), manifest(keys=(4, 9)))
    assert data.key_frames == (0, 4, 9)
    assert any("no key frame 0" in str(f) for f in data.findings)


def test_parseq_seed_and_subseed_win():
    frames = 20
    data = build_render_data(
        settings(seed_behavior="fixed"),
        manifest(frames, seed=[100.25] * frames, subseed=[101.0] * frames, subseed_strength=[0.25] * frames),
    )
    assert {(k.seed, k.subseed, k.subseed_strength) for k in data.keys} == {(100, 101, 0.25)}
    assert len({k.noise_seed for k in data.keys}) == len(data.keys)


def test_seeds_follow_the_key_frames():
    assert [k.seed for k in build_render_data(settings(max_frames=6, seed_behavior="iter")).keys] == [7, 8, 9]
    assert [k.seed for k in build_render_data(settings(max_frames=8, seed_behavior="ladder")).keys] == [7, 9, 8, 10]


def test_no_seed_is_ever_minus_one():
    scheduled = {"seed": -1, "seed_behavior": "schedule", "seed_schedule": "0:(s), 1:(-1)"}
    data = build_render_data(settings(**scheduled))
    assert all(0 <= k.seed < 2**32 and 0 <= k.noise_seed < 2**32 for k in data.keys)
    assert data == build_render_data(settings(**scheduled))


def test_a_drawn_seed_is_used_only_where_the_settings_say_minus_one():
    assert build_render_data(settings(seed=-1), seed=123).seed == 123
    assert build_render_data(settings(seed=5), seed=123).seed == 5


@given(
    max_frames=st.integers(1, 60),
    cadence=st.integers(1, 70),
    distribution=st.sampled_from(list(KeyIndexDistribution)),
    alignment=st.sampled_from(list(TweenAlignment)),
    behaviour=st.sampled_from(["iter", "fixed", "random", "ladder", "alternate", "schedule"]),
    with_parseq=st.booleans(),
)
def test_invariants(max_frames, cadence, distribution, alignment, behaviour, with_parseq):
    chosen = settings(
        max_frames=max_frames,
        diffusion_cadence=cadence,
        neocore_key_index_distribution=distribution.value,
        neocore_tween_alignment=alignment.value,
        seed_behavior=behaviour,
        seed=-1,
        parseq_non_schedule_overrides=False,
    )
    source = manifest() if with_parseq else None
    data = build_render_data(chosen, source)
    assert data == build_render_data(chosen, source)
    assert [t.index for t in data.tweens] == list(range(max_frames))
    assert all(len(values) == max_frames for values in data.series.values())
    assert data.keys[0].index == 0
    assert data.pseudo_cadence == max_frames / len(data.keys)
    if with_parseq and distribution.uses_parseq:
        assert {k for k in (0, 7, 13) if k < max_frames} <= set(data.key_frames)


def test_all_errors_come_at_once():
    broken = settings(angle="0:(1+)", zoom="0:(nonsense)", strength_schedule="0:(1/0)", prompts={"0": "cat `t+`"})
    with pytest.raises(InputError) as raised:
        build_render_data(broken)
    errors = {f.key: f for f in raised.value.findings if f.severity == "error"}
    assert {"angle", "zoom"} <= set(errors)
    assert any("prompts" in key for key in errors)
    assert errors["angle"].column is not None


def test_infinite_values_of_series_in_use_are_refused_with_their_frame():
    with pytest.raises(InputError, match=r"angle \(frame 5\).*inf"):
        build_render_data(settings(angle="0:(1/(t-5))"))


def test_mistakes_in_unused_schedules_only_warn():
    data = build_render_data(settings(rotation_3d_x="0:(oops)", cn_1_weight="0:(oops)"))
    texts = [str(f) for f in data.findings if f.severity == "warning"]
    assert any("rotation_3d_x" in t and "not in use" in t for t in texts)
    assert "rotation_3d_x_series" not in data.series


def test_a_zoom_of_nothing_is_refused():
    with pytest.raises(InputError, match="zoom of 0"):
        build_render_data(settings(zoom="0:(1), 10:(0), 11:(1)"))


def test_missing_prompts_are_refused():
    with pytest.raises(InputError, match=r"[Pp]rompt"):
        build_render_data(settings(prompts={}))


def test_a_strength_of_0_is_a_cut():
    data = build_render_data(settings(max_frames=9, diffusion_cadence=4, strength_schedule="0:(0.5), 4:(0), 5:(0.5)"))
    assert [t.newer for t in data.tweens] == [0, 0, 0, 0, 1, 2, 2, 2, 2]


def test_frame_0_takes_the_strength_of_the_init_image():
    data = build_render_data(settings(use_init=True, init_image="x.png", strength=0.9))
    assert (data.keys[0].strength, data.keys[1].strength) == (0.9, 0.65)
