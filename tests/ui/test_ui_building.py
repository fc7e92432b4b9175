"""Building the tab with the gradio that is installed, in a process of its own: quick, and never dead."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.ui.tree import elem_id, of_unit, settings_tree

SCRIPTS = Path(__file__).parents[2] / "scripts"
needs_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="gradio is not installed: pip install -r requirements-ui.txt"
)

BUILD = """
import json, sys, warnings
warnings.simplefilter("ignore")
import deforum_helpers.ui as ui
assert "gradio" not in sys.modules

class EmptyDoor:
    def choices(self): return {}
    def runs(self): return ()
    def presets(self): return ()
    def kept(self): return None

door = EmptyDoor()
exec(sys.argv[1])
config = ui.build_tab(door).get_config_file()
parts = [(c["type"], c["props"]) for c in config["components"]]
print(json.dumps({
    "ids": [p["elem_id"] for _, p in parts if p.get("elem_id")],
    "labels": [p["label"] for kind, p in parts if kind == "tabitem"],
    "visible": {p["elem_id"]: p.get("visible", True) is True for _, p in parts if p.get("elem_id")},
    "values": {p["elem_id"]: p.get("value") for _, p in parts if p.get("elem_id")},
    "failed": [p["value"] for kind, p in parts if kind == "html" and "could not be shown" in str(p.get("value"))],
}))
"""


def build(sabotage="pass"):
    command = [sys.executable, "-c", BUILD, sabotage]
    env = {**os.environ, "PYTHONPATH": str(SCRIPTS), "GRADIO_ANALYTICS_ENABLED": "False"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def tab():
    return build()


def test_importing_the_room_imports_no_gradio_and_nothing_heavy():
    script = "import sys, deforum_helpers.ui; print({'gradio', 'numpy', 'cv2', 'torch'} & sys.modules.keys())"
    env = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "set()"


@needs_gradio
class TestTheTab:
    def test_every_setting_has_its_widget_with_its_default(self, tab):
        for key in settings_tree().keys():  # noqa: SIM118 - a method of its own
            setting = SETTINGS[key]
            if of_unit(key, 1) != key:  # it shares the widget of unit 1
                continue
            assert elem_id(key) in tab["ids"], key
            if setting.kind in ("flag", "integer", "number", "choice", "text", "schedule"):
                assert tab["values"][elem_id(key)] == setting.default, key

    def test_known_element_ids_are_there(self, tab):
        known = {
            *("deforum_gallery", "deforum_gallery_container", "deforum_generate_box", "deforum_generate"),
            *("deforum_skip", "deforum_interrupt", "deforum_settings_path", "deforum_save_settings_btn"),
            *("deforum_load_settings_btn", "deforum_load_video_settings_btn", "override_settings"),
            *("custom_setting_file", "guided_images_accord", "anti_blur_accord", "depth_warp_fov_tab"),
            *("hybrid_composite", "output_tab", "f_interp_accord", "main_top_info_accord", "neocore_tab"),
            *("vid_to_depth_chosen_file", "mode", "invert", "depth_keep_imgs"),
        }
        assert known <= set(tab["ids"])

    def test_element_ids_are_unique(self, tab):
        assert len(tab["ids"]) == len(set(tab["ids"]))

    def test_what_has_no_effect_is_hidden(self, tab):
        assert tab["visible"]["deforum_setting_rotation_3d_x"] is False
        assert tab["visible"]["deforum_setting_zoom"] is True

    def test_tools_ask_for_what_they_use(self, tab):
        assert tab["values"]["deforum_setting_image_path"] == ""
        assert tab["visible"]["deforum_setting_depth_network"] is True
        assert tab["visible"]["deforum_setting_depth_block_size"] is False

    def test_nothing_failed(self, tab):
        assert tab["failed"] == []


LOADS = """
from deforum_helpers.ui import compat
from deforum_helpers.settings.schema import Settings
from deforum_helpers.ui.values import Draft
listen = compat.listen
def noting(event, handler, inputs, outputs, **options):
    if getattr(event, "__name__", "") == "load" or getattr(event, "event_name", "") == "load":
        (asked,) = handler()
        said, *updates = door.fill(asked)
        widths = [each["value"] for each in updates if isinstance(each, dict) and each.get("value") == 640]
        door.begun.append(["last time" in said, len(widths)])
    elif len(outputs) > 100:
        door.fill = lambda asked: handler(asked, *[None] * (len(inputs) - 1))
    return listen(event, handler, inputs, outputs, **options)
compat.listen = noting
door.begun = []
door.kept = lambda: Draft(Settings().replace(W=640))
import atexit; atexit.register(lambda: print(json.dumps(door.begun)))
"""


@needs_gradio
class TestSettingsOfTheLastTime:
    def test_are_put_into_the_page_when_it_appears(self):
        assert build(LOADS) == [[True, 1]]


@needs_gradio
class TestNeverADeadTab:
    def test_a_door_that_fails(self):
        tab = build("door.choices = lambda: 1 / 0")
        assert len(tab["failed"]) == 1
        assert "<b>Settings</b> could not be shown here. ZeroDivisionError" in tab["failed"][0]
        assert "deforum_generate" in tab["ids"]

    def test_no_list_is_read_before_somebody_looks_at_it(self):
        assert not build("door.presets = door.runs = lambda: 1 / 0")["failed"]

    def test_a_tab_that_fails_leaves_the_others(self):
        sabotage = """
import deforum_helpers.ui.neo_core as neo_core
def broken(self, page): raise RuntimeError("<no plan>")
neo_core.PlanPanel.build_neo_core = broken
"""
        tab = build(sabotage)
        assert tab["labels"] == [
            "Run",
            "Keyframes",
            "Prompts",
            "Init",
            "ControlNet",
            "Hybrid Video",
            "Output",
            "Neo Core",
        ]
        assert [text for text in tab["failed"] if "&lt;no plan&gt;" in text]
        assert "deforum_setting_zoom" in tab["ids"]

    def test_a_widget_that_fails_takes_its_section_only(self):
        sabotage = """
import deforum_helpers.ui.sections as sections
made = sections.widget
def broken(setting, **facts):
    if setting.key == "zoom": raise ValueError("no zoom")
    return made(setting, **facts)
sections.widget = broken
"""
        tab = build(sabotage)
        assert len(tab["failed"]) == 1
        assert "<b>Motion</b>" in tab["failed"][0]
        assert "deforum_setting_strength_schedule" in tab["ids"]

    def test_a_tool_that_fails_leaves_the_others(self):
        sabotage = """
import deforum_helpers.ui.tool_panel as tool_panel
made = tool_panel.widget
def broken(setting, **facts):
    if setting.key == "depth_c": raise ValueError("no C")
    return made(setting, **facts)
tool_panel.widget = broken
"""
        tab = build(sabotage)
        assert len(tab["failed"]) == 1
        assert "<b>Vid2depth</b>" in tab["failed"][0]
        assert "deforum_section_output_frames_to_video_btn" in tab["ids"]

    def test_the_right_side_may_fail_too(self):
        tab = build("import deforum_helpers.ui.tab as tab; tab.RunPanel = None")
        assert "<b>Generate</b>" in tab["failed"][0]
        assert "deforum_setting_zoom" in tab["ids"]
