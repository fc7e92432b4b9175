from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.errors import ManifestError
from deforum_helpers.parseq.manifest import Manifest, parse_manifest
from deforum_helpers.parseq.ownership import (
    Overrides,
    Row,
    managed_series,
    manages_prompts,
    manages_seed,
    overrides,
    ownership_findings,
    ownership_report,
    series_values,
)
from deforum_helpers.schedule.series import SERIES

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "parseq_series.json").read_text(encoding="utf-8"))
CASES = [case for case in GOLDEN["cases"] if case["manifest"] in GOLDEN["manifests"]]
RUNS = [case for case in CASES if "error" not in case["result"]]
NAMES = {spec.name for spec in SERIES}

# Where we differ from the original on purpose, with what we give instead.
DIFFERENT_SERIES = {
    # Frames that are not listed hold the value before; the original leaves them without a value.
    ("synth: hole in the middle", "angle_series"): [1, 2, 2, 2, 6, 6],
    ("synth: hole in the middle", "strength_schedule_series"): [0.5, 0.6, 0.6, 0.6, 0.7, 0.7],
    ("synth: hole in the middle", "image_strength_schedule_series"): [0.5, 0.6, 0.6, 0.6, 0.7, 0.7],
    # Frames are sorted; the original lets the entry listed last run to the end from its frame on.
    ("synth: unsorted", "fov_series"): [70, 80, 60, 60, 60, 60],
    # A null takes the first value there is; the original leaves it without a value.
    ("synth: null in first frame", "cfg_scale_schedule_series"): [9, 9, 9, 9, 9, 9],
}
# All frames up to the last one listed are rendered; the original counts the entries, and loses frames 3 and 4.
DIFFERENT_LENGTH = {"synth: hole in the middle": 5}
# What stops the original with a KeyError is read with a warning.
READ_ANYWAY = {"synth: field missing in later frame": "held", "synth: no options key": "no options"}


def golden_manifest(case: dict) -> Manifest:
    return parse_manifest(json.dumps(GOLDEN["manifests"][case["manifest"]]))


def expand(values: list | dict) -> list:
    return [values["const"]] * values["n"] if isinstance(values, dict) else values


def case_id(case: dict) -> str:
    return f"{case['manifest']}, {case['use_deltas']}, {case['non_schedule_overrides']}"


def manifest(*frames: dict, **document: object) -> Manifest:
    rows = [{"frame": i, **frame} for i, frame in enumerate(frames)]
    return parse_manifest(json.dumps({"options": {}, "rendered_frames": rows, **document}))


@pytest.mark.parametrize("case", RUNS, ids=case_id)
def test_series_equal_the_goldens(case):
    result, loaded = case["result"], golden_manifest(case)
    managed = managed_series(loaded, use_deltas=case["use_deltas"])
    expected = {**result["anim"], **result["looper"], **result["cn"]}
    assert set(expected) <= set(managed) <= NAMES
    for name, field in managed.items():
        values = series_values(loaded, name, field, result["max_frames"])
        if name not in expected:
            # The golden leaves it out, because it equals the default schedule, all of which are constants here.
            assert len(set(values)) == 1
            continue
        wanted = DIFFERENT_SERIES.get((case["manifest"], name))
        wanted = expand(expected[name]) if wanted is None else wanted[: result["max_frames"]]
        if isinstance(values, tuple):
            assert list(values) == wanted
        else:
            assert values.dtype == np.float64
            assert not values.flags.writeable
            np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", RUNS, ids=case_id)
def test_series_without_a_field_stay_with_deforum(case):
    managed = managed_series(golden_manifest(case), use_deltas=case["use_deltas"])
    # The goldens hold the values of ControlNet unit 1 only.
    groups = Counter(
        spec.group
        for spec in SERIES
        if spec.name not in managed and (spec.group != "controlnet" or spec.name.startswith("cn_1_"))
    )
    for group, key in (("anim", "anim"), ("looper", "looper"), ("controlnet", "cn")):
        # Series that Parseq manages with the default's values are counted as fallen back, so at most this many.
        assert groups[group] <= case["result"][f"{key}_fallback_count"]


@pytest.mark.parametrize("case", RUNS, ids=case_id)
def test_prompts_seed_and_overrides_equal_the_goldens(case):
    result, loaded = case["result"], golden_manifest(case)
    assert manages_prompts(loaded) == result["manages"]["prompts"]
    assert manages_seed(loaded) == result["manages"]["seed"]
    if manages_prompts(loaded):
        prompts = loaded.column("deforum_prompt", result["max_frames"])
        assert list(prompts) == expand(result["prompts"])
    if case["non_schedule_overrides"]:
        given = overrides(loaded)
        assert (given.fps or case["fps_in"]) == float(result["fps"])
        assert (given.cadence or case["cadence_in"]) == result["cadence"]
        assert given.max_frames == DIFFERENT_LENGTH.get(case["manifest"], result["max_frames"])


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case["result"]], ids=case_id)
def test_what_stops_the_original_is_refused_or_mended(case):
    if part := READ_ANYWAY.get(case["manifest"]):
        assert part in "".join(str(finding) for finding in golden_manifest(case).findings)
    else:
        with pytest.raises(ManifestError):
            golden_manifest(case)


def test_fps_as_text():
    loaded = golden_manifest({"manifest": "synth: fps as string, cadence 0"})
    assert overrides(loaded) == Overrides(fps=30, cadence=None, max_frames=2)


def test_motion_is_read_from_deltas_or_absolutes():
    loaded = manifest({"angle": 5, "angle_delta": 5}, {"angle": 7, "angle_delta": 2})
    assert dict(managed_series(loaded, use_deltas=True)) == {"angle_series": "angle_delta"}
    assert dict(managed_series(loaded, use_deltas=False)) == {"angle_series": "angle"}
    assert list(series_values(loaded, "angle_series", "angle_delta", 3)) == [5, 2, 2]
    assert list(series_values(loaded, "angle_series", "angle", 3)) == [5, 7, 7]
    assert ownership_findings(loaded, use_deltas=True) == ()


def test_an_absent_delta_leaves_the_series_to_deforum_and_warns():
    loaded = manifest({"translation_x": 5, "strength": 0.5})
    assert "translation_x_series" not in managed_series(loaded, use_deltas=True)
    (finding,) = ownership_findings(loaded, use_deltas=True)
    assert (finding.severity, finding.key) == ("warning", "translation_x")
    assert "translation_x_series" in managed_series(loaded, use_deltas=False)
    assert ownership_findings(loaded, use_deltas=False) == ()


def test_deltas_of_a_reverse_render_are_computed_in_output_order():
    # Forward zoom 1, 1.5, 3 and angle 0, 10, 40; what Parseq writes as deltas when it reverses is no use.
    frames = [
        {"zoom": zoom, "zoom_delta": 99, "angle": angle, "angle_delta": 99}
        for zoom, angle in ((3, 40), (1.5, 10), (1, 0))
    ]
    loaded = manifest(*frames, reverseRender=True)
    managed = managed_series(loaded, use_deltas=True)
    assert managed["zoom_series"] == "zoom_delta"
    np.testing.assert_allclose(series_values(loaded, "zoom_series", "zoom_delta", 5), [3, -0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(series_values(loaded, "angle_series", "angle_delta", 5), [40, -30, -10, -10, -10])
    assert list(series_values(loaded, "angle_series", "angle", 2)) == [40, 10]
    assert [finding.severity for finding in ownership_findings(loaded, use_deltas=True)] == ["note"]


def test_reversed_deltas_without_absolutes_are_taken_as_they_are():
    loaded = manifest({"angle_delta": 4}, {"angle_delta": 6}, reverseRender=True)
    assert list(series_values(loaded, "angle_series", "angle_delta", 2)) == [4, 6]
    assert ownership_findings(loaded, use_deltas=True) == ()


def test_a_seed_brings_its_subseeds():
    loaded = manifest({"seed": 5.5, "subseed": 6, "subseed_strength": 0.5})
    assert manages_seed(loaded)
    assert dict(managed_series(loaded, use_deltas=True)) == {
        "seed_schedule_series": "seed",
        "subseed_schedule_series": "subseed",
        "subseed_strength_schedule_series": "subseed_strength",
    }


def test_the_report_names_every_series_with_the_field_it_is_read_from():
    loaded = manifest({"scale": 7, "antiblur_kernel": 5, "steps": 9, "sampler": "LMS", "deforum_prompt": "x"})
    report = ownership_report(loaded, use_deltas=True)
    assert len(report) == len(SERIES) + 1
    assert [row for row in report if row.managed_by == "Parseq"] == [
        Row("prompts", "Parseq", "deforum_prompt"),
        Row("cfg_scale_schedule", "Parseq", "scale"),
        Row("kernel_schedule", "Parseq", "antiblur_kernel"),
    ]
    assert Row("steps_schedule", "Deforum", "") in report


def test_values_of_unknown_series_or_fields_are_key_errors():
    loaded = manifest({"zoom": 1})
    with pytest.raises(KeyError):
        series_values(loaded, "no_series", "zoom", 1)
    with pytest.raises(KeyError):
        series_values(loaded, "zoom_series", "zoom_delta", 1)
