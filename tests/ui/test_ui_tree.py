"""The tab tree: every setting that can be set has one place, under the headings people know."""

from __future__ import annotations

from collections import Counter

from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.ui.tree import OPEN, ORDER, elem_id, section_id, settings_tree

TREE = settings_tree()
TABS = ["Run", "Keyframes", "Prompts", "Init", "ControlNet", "Hybrid Video", "Output", "Neo Core"]


def test_the_tabs_are_the_ones_people_know():
    assert [tab.heading for tab in TREE.children] == TABS


def test_every_setting_stands_in_its_section_once():
    counted = Counter(TREE.keys())
    assert set(counted.values()) == {1}
    for section in TREE.walk():
        assert all(SETTINGS[key].tab == section.path for row in section.rows for key in row)


def test_what_has_no_widget_is_no_choice_of_the_user():
    missing = SETTINGS.keys() - set(TREE.keys())
    hidden = {key for key, setting in SETTINGS.items() if setting.visible_when == "False"}
    assert missing == hidden | {"image_path"}


def test_sections_follow_the_known_order():
    paths = [section.path for section in TREE.walk() if section.path in ORDER]
    assert paths == [path for path in ORDER if path in paths]
    assert set(ORDER) <= {section.path for section in TREE.walk()}
    assert {section.path for section in TREE.walk()} >= OPEN


def test_the_switch_leads_its_section():
    sections = {section.path: list(section.keys()) for section in TREE.walk()}
    assert sections["ControlNet", "CN Model 3"][0] == "cn_3_enabled"
    assert sections["Keyframes", "SubSeed"][0] == "enable_subseed_scheduling"
    assert sections["Keyframes",][0] == "animation_mode"


def test_rows_are_never_wider_than_a_pair():
    assert max(len(row) for section in TREE.walk() for row in section.rows) == 2


def test_element_ids_are_unique():
    ids = [elem_id(key) for key in set(TREE.keys())] + [
        section_id(section.path) for section in TREE.walk() if section.path
    ]
    assert len(ids) == len(set(ids))


def test_known_element_ids_stay():
    assert elem_id("hybrid_composite") == "hybrid_composite"
    assert elem_id("custom_settings_file") == "custom_setting_file"
    assert section_id(("Neo Core",)) == "neocore_tab"
    assert section_id(("Keyframes", "Guided Images")) == "guided_images_accord"
