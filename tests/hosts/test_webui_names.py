"""The stand-ins are true: against themselves always, against a real web UI where DEFORUM_WEBUI names its folder."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import check_webui_names
import pytest
import webui_host

ROOM = Path(__file__).parents[2] / "scripts" / "deforum_helpers" / "hosts" / "webui"


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(webui_host.STANDINS / "a1111", tmp_path / "webui")
    return tmp_path / "webui"


def test_a_complete_web_ui(copy):
    assert check_webui_names.check(copy) == []


@pytest.mark.parametrize(
    ("file", "name", "told"),
    [
        ("sd_models.py", "def get_closet_checkpoint_match", "modules/sd_models.py: get_closet_checkpoint_match"),
        ("shared_state.py", "self.textinfo", "modules/shared_state.py: State: textinfo"),
        ("options.py", "def add_option", "modules/options.py: Options: add_option"),
        ("processing.py", "    mask_blur", "modules/processing.py: StableDiffusionProcessingImg2Img: mask_blur"),
        ("sd_models.py", "sd_model=None, info", "modules/sd_models.py: reload_model_weights: info"),
        ("shared_options.py", '"eta_ddim', "modules/shared_options.py: the option eta_ddim"),
    ],
)
def test_one_that_lacks_a_name(copy, file, name, told):
    path = copy / "modules" / file
    text = path.read_text("utf-8")
    assert name in text
    path.write_text(text.replace(name, name + "_renamed"), "utf-8")
    assert check_webui_names.check(copy) == [told]


def test_one_that_lacks_a_module(copy):
    (copy / "modules" / "restart.py").unlink()
    assert check_webui_names.check(copy) == ["modules/restart.py: the whole module"]


def test_every_module_in_use_has_a_stand_in():
    used = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("part", "optional_part"):
                name = getattr(node.args[0], "value", None)
                if name:
                    used.add(name if node.func.id == "optional_part" else f"modules.{name}")
    there = {
        ".".join(path.relative_to(kind).with_suffix("").parts)
        for kind in webui_host.STANDINS.iterdir()
        if kind.is_dir()
        for path in kind.rglob("*.py")
    }
    elsewhere = {
        "ldm_patched.modules.model_management"
    }  # reForge's, with the names of Forge's backend.memory_management
    assert len(used) > 12
    assert used - there == elsewhere


@pytest.mark.skipif("DEFORUM_WEBUI" not in os.environ, reason="DEFORUM_WEBUI names no folder of a web UI")
def test_a_real_web_ui():
    assert check_webui_names.check(Path(os.environ["DEFORUM_WEBUI"])) == []
