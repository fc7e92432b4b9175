import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import InputError
from deforum_helpers.media import naming

CASES = json.loads((Path(__file__).parents[1] / "goldens" / "media_naming.json").read_text(encoding="utf-8"))
VALUES = {
    "timestring": "20240102030405",
    "seed": 42,
    "W": 512,
    "H": 768,
    "prompts": {"0": "a cat, big", "20": "a dog"},
    "init_image": None,
    "positive_prompts": "",
    "zoom": "0: (1)",
    "animation_mode": "2D",
    "fps": 15,
    "max_frames": 120,
    "sampler": "Euler a",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["template"])
def test_names_equal_the_originals(case):
    values = {**VALUES, "timestring": "20230129210106"} if case["resume"] else VALUES
    assert naming.substitute_placeholders(case["template"], values) == case["result"]


def test_long_values_and_names_are_cut():
    assert naming.substitute_placeholders("{a}", {"a": "x" * 60}) == "x" * 50
    assert naming.substitute_placeholders("ä" * 200, {}) == "ä" * 127
    assert naming.substitute_placeholders("abcdef", {}, max_bytes=3) == "abc"


@pytest.mark.parametrize("value", [0, False, None, "", {}, {"0": ""}])
def test_empty_values(value):
    assert naming.substitute_placeholders("a{b}c", {"b": value}) == "a_c"


@given(st.text(), st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.none(), st.integers())))
def test_a_run_folder_is_always_one_level_below_the_base(template, values):
    base = Path("/base/folder")
    folder = naming.output_folder(base, template, values)
    assert folder.parent == base
    assert folder.name not in {"", ".", ".."}
    assert len(folder.name.encode()) <= 255


def test_timestring_and_back():
    moment = datetime(2024, 1, 2, 3, 4, 5, 999999)
    assert naming.timestring(moment) == "20240102030405"
    assert naming.parse_timestring("20240102030405") == moment.replace(microsecond=0)


@pytest.mark.parametrize("text", ["", "2024010203040", "20241302030405", "２0240102030405", "20240102030405 "])
def test_what_is_no_timestring(text):
    with pytest.raises(InputError, match="YYYYMMDDHHMMSS"):
        naming.parse_timestring(text)
