"""What is written is read back equal, in the form the original has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from deforum_helpers.settings.files import dump_settings, load_settings, parse_settings
from deforum_helpers.settings.schema import SETTINGS, TRAILER_KEYS, Setting, Settings, Trailer

GOLDEN = json.loads((Path(__file__).parent.parent / "goldens" / "settings_schema.json").read_text(encoding="utf-8"))
NEW = "neocore_tween_alignment"
TEXT = st.text(max_size=12).filter(lambda text: text != "None")


def values_of(setting: Setting) -> st.SearchStrategy:
    by_kind = {
        "flag": st.booleans(),
        "integer": st.integers(
            int(setting.least if setting.least is not None else -(2**40)),
            int(setting.most if setting.most is not None else 2**40),
        ),
        "number": st.floats(
            setting.least if setting.least is not None else -1e300, allow_nan=False, allow_infinity=False
        ),
        "choice": st.sampled_from(setting.choices or ("canny", "None")),
        "prompts": st.dictionaries(TEXT, TEXT, max_size=3),
    }
    return by_kind.get(setting.kind, TEXT)


SAVED = {
    key: setting for key, setting in SETTINGS.items() if setting.group != "InterfaceArgs" and setting.kind != "object"
}
CHANGES = st.lists(st.sampled_from(sorted(SAVED)), max_size=12, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: values_of(SAVED[key]) for key in keys})
)
EXTRA = st.dictionaries(
    st.text(max_size=8).map("unknown_{}".format),
    st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT),
    max_size=3,
)
TRAILERS = st.builds(Trailer, *[st.none() | TEXT for _ in TRAILER_KEYS])


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CHANGES, EXTRA, TRAILERS, st.sampled_from(["save", "run"]))
def test_reading_what_was_written_gives_equal_settings(changes, extra, trailer, kind):
    settings = Settings(extra=extra, trailer=trailer).with_values(changes)
    text = dump_settings(settings, kind=kind)
    text.encode("utf-8")
    again = parse_settings(text).settings
    assert again == settings
    assert list(again.extra) == list(extra)
    assert dump_settings(again, kind=kind) == text


@pytest.mark.parametrize(("kind", "order"), [("save", "order_save"), ("run", "order_run")])
def test_keys_and_their_order_are_the_originals(kind, order):
    keys = list(json.loads(dump_settings(Settings(extra={"a": 1}), kind=kind)))
    assert keys.pop() == "a"
    assert keys.index(NEW) == keys.index("neocore_key_index_distribution") + 1
    keys.remove(NEW)
    assert keys == GOLDEN[order]


def test_defaults_are_written_with_the_originals_types():
    saved = json.loads(dump_settings(Settings()))
    assert saved["fill"] == 1
    assert saved["diffusion_redo"] == "0"
    assert saved["prompts"] == dict(Settings().prompts.prompts)
    for key, facts in GOLDEN["settings"].items():
        own = {"fill", "animation_prompts", "parseq_manifest"}
        if facts["saved"] and key not in own:
            assert (key, type(saved[key])) == (key, type(facts["default"]))


def test_layout_is_the_originals():
    text = dump_settings(Settings().replace(batch_name="Übung"))
    assert text.startswith('{\n    "W": 512,\n    "H": 512,\n')
    assert '"batch_name": "Übung"' in text


def test_unsaved_settings_are_written_only_where_a_run_depends_on_them():
    assert "perlin_w" not in json.loads(dump_settings(Settings()))
    changed = Settings().replace(perlin_w=4, override_settings_with_file=True, init_image_box=object())
    saved = json.loads(dump_settings(changed))
    assert saved["perlin_w"] == 4
    assert "override_settings_with_file" not in saved
    assert "init_image_box" not in saved


def test_half_characters_can_be_written_to_a_file(tmp_path):
    loaded = parse_settings('{"batch_name": "\\ud83d", "prompts": {"0": "\\udc00"}}')
    file = tmp_path / "settings.txt"
    file.write_text(dump_settings(loaded.settings), encoding="utf-8")
    assert load_settings(file).settings == loaded.settings
