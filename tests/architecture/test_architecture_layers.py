from __future__ import annotations

from pathlib import Path

import pytest
from architecture_layers import (
    CONTAINERS,
    LAYERS,
    import_cycle,
    missing_targets,
    room_of,
    strangers,
    uncovered,
    upward_imports,
)
from architecture_source import PACKAGE, Module, read_package


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_package(PACKAGE)


@pytest.fixture
def package(tmp_path: Path):
    """Writes files into a package named ``pkg`` and reads it."""

    def make(**sources: str) -> dict[str, Module]:
        for name, source in {"__init__": "", **sources}.items():
            path = tmp_path.joinpath("pkg", *name.split("/")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")
        return read_package(tmp_path / "pkg")

    return make


class TestThePackage:
    def test_is_read(self, modules):
        assert {"", "errors", "ports"} <= set(modules)

    def test_every_module_is_in_a_room(self, modules):
        assert uncovered(modules) == []

    def test_rooms_import_only_from_lower_ones(self, modules):
        assert upward_imports(modules, PACKAGE.name) == []

    def test_containers_import_nothing(self, modules):
        assert {name: modules[name].imports for name in CONTAINERS if name in modules and modules[name].imports} == {}

    def test_imported_modules_exist(self, modules):
        assert missing_targets(modules, PACKAGE.name) == []

    def test_no_module_imports_itself_round_the_corner(self, modules):
        assert import_cycle(modules, PACKAGE.name) == []

    def test_foreign_packages_stay_where_they_belong(self, modules):
        assert strangers(modules, PACKAGE.name) == []

    def test_scripts_holds_only_the_one_file_a_web_ui_shall_run(self):
        assert {path.name for path in PACKAGE.parent.glob("*.py")} <= {"deforum.py"}


class TestTheTable:
    def test_no_room_stands_twice(self):
        rooms = [room for layer in LAYERS for room in layer]
        assert len(rooms) == len(set(rooms))

    def test_no_room_is_inside_another(self):
        rooms = [room for layer in LAYERS for room in layer]
        assert [(a, b) for a in rooms for b in rooms if b.startswith(f"{a}.")] == []

    @pytest.mark.parametrize(
        ("name", "room"),
        [
            ("errors", "errors"),
            ("rendering.data.step.tween", "rendering.data"),
            ("rendering.util.call.warp", "rendering.util"),
            ("render", "render"),
            ("rendering", "rendering"),
            ("", ""),
        ],
    )
    def test_finds_the_room(self, name, room):
        assert room_of(name)[1] == room

    @pytest.mark.parametrize("name", ["rendering.stray", "error", "errors_more", "newcomer"])
    def test_does_not_cover_strays(self, name):
        assert room_of(name) is None


class TestTheChecks:
    """Each check fails on a package that is wrong in just that way."""

    def test_uncovered(self, package):
        assert uncovered(package(errors="", newcomer="")) == ["newcomer: in no room of the table"]

    @pytest.mark.parametrize(
        "source",
        [
            "from .render import x",
            "from . import render",
            "import pkg.render",
            "def f():\n    from . import render",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .render import x",
            "class A:\n    async def f(self):\n        from .render import x",
            "import importlib\nf = lambda: importlib.import_module('.render', __package__)",
        ],
    )
    def test_upward(self, package, source):
        (found,) = upward_imports(package(errors=source, render=""), "pkg")
        assert "errors" in found
        assert "imports render" in found

    def test_upward_from_within_a_package(self, package):
        sources = {"imaging/__init__": "", "imaging/warp": "from ..schedule.series import x"}
        (found,) = upward_imports(package(**sources, **{"schedule/__init__": "", "schedule/series": ""}), "pkg")
        assert found == "imaging.warp:1 imports schedule.series: imaging is not above schedule"

    def test_sideways(self, package):
        assert (
            len(upward_imports(package(**{"media/__init__": "from .. import models", "models/__init__": ""}), "pkg"))
            == 1
        )

    def test_downward_and_inside_are_fine(self, package):
        sources = {
            "errors": "",
            "imaging/__init__": "from .warp import a",
            "imaging/warp": "from ..errors import b\nimport os",
        }
        modules = package(**sources)
        assert upward_imports(modules, "pkg") == []
        assert import_cycle(modules, "pkg") == []
        assert missing_targets(modules, "pkg") == []

    def test_missing(self, package):
        assert len(missing_targets(package(errors="from .gone import x"), "pkg")) == 1

    @pytest.mark.parametrize("second", ["from . import errors", "def f():\n    from .errors import x"])
    def test_cycle(self, package, second):
        assert set(import_cycle(package(errors="from . import ports", ports=second), "pkg")) == {"errors", "ports"}

    def test_cycle_through_a_package(self, package):
        sources = {"imaging/__init__": "from .warp import a", "imaging/warp": "from . import b"}
        assert set(import_cycle(package(**sources), "pkg")) == {"imaging", "imaging.warp"}

    @pytest.mark.parametrize(
        ("name", "source"),
        [
            ("render", "from modules import shared"),
            ("render", "def f():\n    import modules.shared"),
            ("hosts/diffusers/engine", "import modules"),
            ("settings/files", "import gradio as gr"),
            ("jobs/queue", "from fastapi import FastAPI"),
            ("ui/tab", "import pydantic"),
            ("hosts/webui/engine", "import diffusers"),
            ("models/depth", "import torch"),
            ("models/depth", "try:\n    import torch\nexcept ImportError:\n    torch = None"),
        ],
    )
    def test_strangers(self, package, name, source):
        assert len(strangers(package(**{name: source}), "pkg")) == 1

    @pytest.mark.parametrize(
        ("name", "source"),
        [
            ("hosts/webui/engine", "from modules import shared\nimport torch"),
            ("ui/tab", "import gradio"),
            ("api/routes", "import fastapi, pydantic"),
            ("hosts/diffusers/engine", "from diffusers import X"),
            ("models/depth", "def f():\n    import torch"),
            ("models/depth", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
            ("jobs/queue", "from .modules import x"),
        ],
    )
    def test_guests(self, package, name, source):
        assert strangers(package(**{name: source}), "pkg") == []
