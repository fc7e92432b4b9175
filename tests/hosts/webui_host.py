"""A web UI for tests: the stand-ins, imported for one test and gone after it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

STANDINS = Path(__file__).parent / "webui_standin"
PACKAGES = ("modules", "modules_forge", "backend", "gradio", "launch")


def put_in_place(monkeypatch, *kinds):
    """Let ``import modules`` find the stand-ins of ``kinds`` ("a1111", "forge"), fresh, until the test is over."""
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    for kind in kinds:
        monkeypatch.syspath_prepend(str(STANDINS / kind))
    importlib.invalidate_caches()


def take_away():
    """Forget what was imported of the stand-ins."""
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        if "webui_standin" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


class FakeGradio(SimpleNamespace):
    """As much of gradio as a page with a text and the settings need."""

    def __init__(self):
        pages = []

        class Blocks:
            def __init__(self, **arguments):
                self.shown = []

            def __enter__(self):
                pages.append(self)
                return self

            def __exit__(self, *error):
                pages.pop()

        def shown(text, **arguments):
            pages[-1].shown.append(text)

        super().__init__(
            Blocks=Blocks, HTML=shown, Markdown=shown, Checkbox="Checkbox", Textbox="Textbox", Slider="Slider",
            Dropdown="Dropdown",
        )  # fmt: skip
