from __future__ import annotations

import gc
import json
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import ManifestError
from deforum_helpers.parseq.columns import frame_list
from deforum_helpers.parseq.manifest import Manifest, parse_manifest

GOLDENS = Path(__file__).parents[1] / "goldens"


def golden(name: str) -> Manifest:
    return parse_manifest((GOLDENS / f"parseq_{name}.json").read_text(encoding="utf-8"), source=name)


def manifest(frames: list | None = None, **document: object) -> Manifest:
    frames = [{"frame": 0, "zoom": 1.0}] if frames is None else frames
    return parse_manifest(json.dumps({"options": {}, "rendered_frames": frames, **document}))


def values(frames: list, name: str, max_frames: int) -> list:
    return list(manifest(frames).column(name, max_frames))


def messages(result: Manifest, severity: str = "warning") -> list[str]:
    return [str(finding) for finding in result.findings if finding.severity == severity]


def test_a_real_manifest():
    result = golden("strength_only")
    assert result.frame_count == 240
    assert (result.fps, result.bpm, result.cadence) == (24, 100.0, 1)
    assert result.key_frames == (0, 29, 58, 101, 160, 239)
    assert result.fields == ("strength", "strength_delta", "strength_pc")
    assert result.prompts is None
    assert not result.reverse
    assert result.source == "strength_only"
    assert result.title == "doc-cba9b94e-8ebc-4a5f-a296-4c40e1155bad"
    assert result.findings == ()
    strength = result.column("strength", 240)
    assert [strength[k] for k in result.key_frames] == [0.7, 0.3, 0.35, 0.25, 0.4, 0.7]


def test_leading_null_frames():
    result = golden("late_start")
    assert result.frame_count == 91
    assert result.key_frames == (12, 40, 90)
    assert result.fields == ("deforum_prompt",)
    assert len(result.prompts) == 91
    assert set(result.prompts) == {result.prompts[12]}
    assert ["first rendered frame is 12" in text for text in messages(result)] == [True]


def test_options_as_texts():
    result = golden("string_options")
    assert (result.fps, result.bpm, result.cadence) == (10, 120.0, 1)
    assert result.findings == ()


def test_summary_is_the_document_without_the_frames():
    text = (GOLDENS / "parseq_late_start.json").read_text(encoding="utf-8")
    document = json.loads(text)
    del document["rendered_frames"], document["rendered_frames_meta"]
    assert dict(parse_manifest(text).summary) == document


def test_equal_texts_give_equal_hashable_manifests():
    a, b, other = manifest(), manifest(), manifest([{"frame": 0, "zoom": 2.0}])
    assert a == b
    assert hash(a) == hash(b)
    assert a != other


def test_columns_cannot_be_changed():
    result = manifest()
    with pytest.raises(TypeError):
        result.columns["zoom"] = ()
    for array in (result.columns["zoom"], result.column("zoom", 5), result.frames):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9


def test_the_last_value_holds_past_the_end():
    frames = [{"frame": 0, "zoom": 1}, {"frame": 1, "zoom": 3}]
    assert values(frames, "zoom", 5) == [1, 3, 3, 3, 3]
    assert values(frames, "zoom", 1) == [1]
    assert values(frames, "zoom", 0) == []


def test_holes_hold_the_value_before_with_one_warning():
    result = manifest([{"frame": f, "angle": a, "deforum_prompt": p} for f, a, p in ((1, 1, "x"), (4, 9, "y"))])
    assert list(result.column("angle", 6)) == [1, 1, 1, 1, 9, 9]
    assert result.prompts == ("x", "x", "x", "x", "y")
    assert result.frame_count == 5
    assert any("Frames 2–3 are not listed" in text for text in messages(result))
    assert len(messages(result)) == 2


def test_many_holes_are_abbreviated():
    result = manifest([{"frame": f} for f in range(0, 100, 3)])
    assert messages(result) == [
        "rendered_frames (frame 1): Frames 1–2, 4–5, 7–8, 10–11, 13–14 … are not listed; the values before them "
        "are held. Render the document in Parseq again if this was not meant."
    ]


def test_missing_and_unreadable_values_hold_the_value_before():
    frames = [{"frame": 0, "scale": None}, {"frame": 1, "scale": "9"}, {"frame": 2}, {"frame": 3, "scale": "big"}]
    result = manifest([*frames, {"frame": 4, "scale": ""}, {"frame": 5, "scale": 5}])
    assert list(result.column("scale", 6)) == [9, 9, 9, 9, 9, 5]
    assert ["scale" in text and "0, 2–4" in text for text in messages(result)] == [True]


def test_a_field_without_any_value_is_not_there():
    result = manifest([{"frame": 0, "scale": None, "mask": None}, {"frame": 1, "scale": [], "mask": {}}])
    assert result.fields == ("scale", "mask")
    assert not result.columns
    assert ["never has a value" in text for text in messages(result)] == [True, True]


def test_fields_deforum_does_not_read_are_never_warned_about():
    result = manifest([{"frame": 0, "zoom_pc": 1, "my_note": "a"}, {"frame": 1, "my_other": 3}])
    assert result.findings == ()
    assert set(result.columns) == {"zoom_pc"}


def test_a_field_that_appears_later_is_not_read():
    result = manifest([{"frame": 0}, {"frame": 1, "zoom": 2}])
    assert not result.columns
    assert [(f.key, f.frame) for f in result.findings] == [("zoom", 1)]


def test_words_stay_words():
    frames = [{"frame": 0, "deforum_prompt": "1", "sampler_schedule": "DDIM"}, {"frame": 1, "deforum_prompt": "02"}]
    result = manifest(frames)
    assert result.prompts == ("1", "02")
    assert result.column("sampler_schedule", 3) == ("DDIM",) * 3


def test_an_empty_prompt_is_a_prompt():
    assert manifest([{"frame": 0, "deforum_prompt": ""}]).prompts == ("",)


def test_unsorted_and_duplicate_frames():
    result = manifest([{"frame": f, "fov": v} for f, v in ((2, 60), (0, 70), (1, 80), (1, 90))])
    assert list(result.column("fov", 4)) == [70, 90, 60, 60]
    assert result.frame_count == 4
    assert len(messages(result)) == 2


def test_odd_frame_numbers_and_entries():
    entries = [{"zoom": 1}, {"frame": "1", "zoom": 2}, {"frame": 1.6, "zoom": 3}, {"frame": -1, "zoom": 4}, 7, None]
    result = manifest(entries)
    assert list(result.column("zoom", 3)) == [1, 2, 3]
    texts = "\n".join(messages(result))
    for part in ("without a frame number", "Fractional frame numbers", "Frames before 0", "no objects"):
        assert part in texts
    assert len(messages(result)) == 4


def test_not_json_numbers_count_as_missing():
    text = '{"options": {}, "rendered_frames": [{"frame": 0, "zoom": 1}, {"frame": 1, "zoom": NaN}]}'
    assert list(parse_manifest(text).column("zoom", 2)) == [1, 1]
    assert list(parse_manifest(text.replace("NaN", "1e999")).column("zoom", 2)) == [1, 1]


def test_missing_options():
    result = parse_manifest('{"rendered_frames": [{"frame": 0}]}')
    assert (result.fps, result.bpm, result.cadence, result.key_frames) == (None, None, None, None)
    assert ["no options" in text for text in messages(result)] == [True]


@pytest.mark.parametrize(
    ("fps", "expected", "warnings"),
    [
        (23.976, Fraction(24000, 1001), 0),
        ("", None, 0),
        (None, None, 0),
        ("fast", None, 1),
        (-5, None, 1),
        ([], None, 1),
    ],
)
def test_fps(fps, expected, warnings):
    result = manifest(options={"output_fps": fps})
    assert result.fps == expected
    assert len(messages(result)) == warnings


@pytest.mark.parametrize(
    ("cadence", "expected", "warnings"),
    [
        *((3, 3, 0), ("3", 3, 0), (4.0, 4, 0), (0, None, 0), ("0", None, 0), ("", None, 0), (None, None, 0)),
        *((-1, None, 1), (2.5, None, 1), ("x", None, 1), ([1], None, 1), (1e300, None, 1)),
    ],
)
def test_cadence(cadence, expected, warnings):
    result = manifest(options={"cadence": cadence})
    assert result.cadence == expected
    assert len(messages(result)) == warnings


@pytest.mark.parametrize(
    ("keyframes", "expected", "findings"),
    [
        ([{"frame": 0}, {"frame": 7}], (0, 7), 0),
        ([{"frame": 7}, {"frame": "0"}, {"frame": 9000}], (0, 7, 9000), 0),
        ([{"frame": 2.5}, {"frame": 2.4}], (2, 3), 1),
        ([{"frame": -3}, {"frame": 1}, {"frame": 1e300}], (1,), 1),
        ([{"frame": 5}, {"frame": 5}], (5,), 1),
        ([{}, None, 3, {"frame": None}, {"frame": 1}], (1,), 1),
        ([], (), 0),
        (None, None, 0),
        ({"frame": 0}, None, 0),
    ],
)
def test_key_frames(keyframes, expected, findings):
    result = manifest(keyframes=keyframes)
    assert result.key_frames == expected
    assert len([f for f in result.findings if f.key == "keyframes"]) == findings


def test_key_frames_of_a_reverse_render_are_mirrored():
    # Strength dips at keyframe 3 of the document, which is output frame 6 of the reversed 10.
    frames = [{"frame": f, "strength": 0.2 if f == 6 else 0.7} for f in range(10)]
    result = manifest(frames, reverseRender=True, keyframes=[{"frame": 0}, {"frame": 3}, {"frame": 9}])
    assert result.key_frames == (0, 6, 9)
    assert [f.severity for f in result.findings] == ["note"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not JSON in line 1, column 1"),
        ('{"a": 1,\n  b}', "not JSON in line 2, column 3"),
        ("\n<!DOCTYPE html><html>", "web page"),
        ("[]", "not an object"),
        ("3", "not an object"),
        ("[" * 100_000, "cannot be read|not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read|no rendered_frames"),
        ("{}", "no rendered_frames"),
        ('{"keyframes": []}', "not rendered"),
        ('{"rendered_frames": {}}', "must be a list"),
        ('{"rendered_frames": []}', "lists no frame"),
        ('{"rendered_frames": [null, 1, "x"]}', "lists no frame"),
        ('{"rendered_frames": [{"frame": -1}]}', "lists no frame"),
        ('{"rendered_frames": [{"frame": 1e300}]}', "allowed are 1000000"),
        ('{"rendered_frames": [{"frame": 1000000}]}', "allowed are 1000000"),
    ],
)
def test_what_is_refused(text, part):
    with pytest.raises(ManifestError, match=part) as caught:
        parse_manifest(text, source="somewhere.json")
    finding = caught.value.findings[0]
    assert finding.hint
    assert finding.key in ("somewhere.json", "rendered_frames")


def test_syntax_errors_point_at_the_place():
    with pytest.raises(ManifestError) as caught:
        parse_manifest('{"a": 1,\n  b}')
    assert str(caught.value).endswith("\n      b}\n      ^")


def test_an_unrendered_document_says_where_to_find_the_output():
    with pytest.raises(ManifestError, match='"Upload output"'):
        parse_manifest('{"keyframes": [], "managedFields": []}')


@pytest.mark.parametrize(
    ("frames", "text"),
    [([], ""), ([3], "3"), ([5, 3, 4, 9, 4], "3–5, 9"), (range(0, 20, 2), "0, 2, 4, 6, 8 and 5 more")],
)
def test_frame_list(frames, text):
    assert frame_list(frames) == text


def test_a_long_manifest_is_read_quickly():
    rng = np.random.default_rng(1)
    names = [
        f"{name}{suffix}" for name in ("zoom", "angle", "strength", "seed", "scale") for suffix in ("", "_delta", "_pc")
    ]
    frames = [
        {"frame": i, "deforum_prompt": f"a cave:{i}", **dict(zip(names, row, strict=True))}
        for i, row in enumerate(rng.random((6694, len(names))).tolist())
    ]
    text = json.dumps({"options": {"output_fps": 60}, "keyframes": frames[::7], "rendered_frames": frames})
    del frames
    gc.collect()
    begin = time.process_time()
    result = parse_manifest(text)
    assert time.process_time() - begin < 0.7
    assert result.frame_count == 6694
    assert len(result.key_frames) == 957
    assert result.findings == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
FRAME = st.dictionaries(
    st.sampled_from(["frame", "zoom", "zoom_delta", "deforum_prompt", "mask", "seed", "other"]),
    JSON | st.integers(-3, 30) | st.sampled_from(["1", "x", ""]),
)
DOCUMENT = st.fixed_dictionaries(
    {"rendered_frames": st.lists(FRAME | JSON, max_size=8) | JSON},
    optional={
        "options": st.dictionaries(st.sampled_from(["output_fps", "bpm", "cadence"]), JSON) | JSON,
        "keyframes": st.lists(FRAME | JSON, max_size=6) | JSON,
        "meta": JSON,
        "reverseRender": JSON,
    },
)


@given(JSON | DOCUMENT)
def test_arbitrary_json_is_read_or_refused(document):
    try:
        result = parse_manifest(json.dumps(document))
    except ManifestError:
        return
    assert result.frame_count >= 1
    assert all(frame >= 0 for frame in result.key_frames or ())
    assert set(result.columns) <= set(result.fields)
    for name in result.columns:
        column = result.column(name, 7)
        assert len(column) == 7
        assert all(isinstance(v, str) for v in column) if isinstance(column, tuple) else np.isfinite(column).all()


@given(st.text(max_size=60))
def test_arbitrary_text_is_read_or_refused(text):
    with pytest.raises(ManifestError):
        parse_manifest(text)
