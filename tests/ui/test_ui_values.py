"""Page and settings: nothing is lost between a file, the page and the file that is saved again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.files import dump_settings, load_settings
from deforum_helpers.settings.schema import SETTINGS, Settings
from deforum_helpers.ui.tree import settings_tree
from deforum_helpers.ui.values import Draft, base_of, read, shown

CORPUS = sorted((Path(__file__).parents[1] / "goldens" / "settings_corpus").glob("*.txt"))
FIELDS = [key for key in tuple(settings_tree().keys()) if SETTINGS[key].kind != "object"]


def page_of(settings):
    """What the widgets hold after ``settings`` were loaded, as a browser sends it: JSON, line ends as line feeds."""
    raw = json.loads(json.dumps({key: shown(key, settings.value(key)) for key in FIELDS}))
    return {k: v.replace("\r\n", "\n").replace("\r", "\n") if isinstance(v, str) else v for k, v in raw.items()}


@pytest.mark.parametrize("path", [path for path in CORPUS if path.stem != "30"], ids=lambda path: path.stem)
def test_a_file_that_is_loaded_and_saved_again_is_the_same(path):
    loaded = load_settings(path)
    draft = read(page_of(loaded.settings), base_of(Draft(loaded.settings, path.parent)))
    assert dump_settings(draft.settings) == dump_settings(loaded.settings)
    assert draft.folder == path.parent


def test_the_corpus_is_there():
    assert len(CORPUS) > 15


def test_a_fresh_page_stands_for_the_defaults():
    assert read(page_of(Settings()), base_of(Draft())).settings == Settings()
    assert read({}).settings == Settings()


def test_what_was_changed_is_taken_from_the_page():
    page = page_of(Settings()) | {"W": 640, "fps": 30, "use_init": True, "zoom": "0: (2)", "prompts": '{"0": "a"}'}
    settings = read(page, base_of(Draft())).settings
    assert (settings.run.W, settings.output.fps, settings.run.use_init) == (640, 30, True)
    assert settings.anim.zoom == "0: (2)"
    assert dict(settings.prompts.prompts) == {"0": "a"}


def test_numbers_keep_the_way_they_were_written():
    base = base_of(Draft(Settings().replace(fps=15.0)))
    assert '"fps": 15.0' in dump_settings(read({"fps": 15}, base).settings)


def test_a_switch_is_no_number():
    assert read({"use_init": 1}).settings.run.use_init is True


def test_every_mistake_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        read({"seed": -7, "W": "wide", "prompts": "{", "zoom": "0: (1)"})
    assert {finding.key for finding in caught.value.findings} == {"seed", "W", "prompts"}


def test_large_texts_do_not_travel_twice():
    settings = Settings().replace(parseq_manifest="x" * 100_000)
    base = base_of(Draft(settings))
    assert len(base) < 30_000
    assert read({"parseq_manifest": "x" * 100_000}, base).settings == settings


@given(st.dictionaries(st.sampled_from(["zoom", "batch_name", "init_image"]), st.text(max_size=30)))
def test_texts_come_through(texts):
    settings = Settings().with_values(texts)
    assert read(page_of(settings), base_of(Draft())).settings.with_values(texts) == settings
