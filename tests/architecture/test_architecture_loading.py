"""What loading the package loads: watched in a fresh interpreter that seems to lack the heavy packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from architecture_layers import is_within
from architecture_source import PACKAGE, read_package

WATCHER = """
import importlib, json, sys

class Watcher:
    def __init__(self, watched):
        self.watched, self.asked = watched, []
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.watched:
            self.asked.append(name)
            raise ModuleNotFoundError(f"{name} is watched", name=name)

watcher = Watcher(sys.argv[1].split(","))
sys.meta_path.insert(0, watcher)
"""

IMPORT_EACH = (
    WATCHER
    + """
found = {}
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in watcher.asked:
            raise
    if watcher.asked:
        found[name], watcher.asked = watcher.asked, []
print(json.dumps(found))
"""
)

RUN_HELP = (
    WATCHER
    + """
sys.argv = ["deforum", "--help"]
code = None
try:
    code = importlib.import_module("deforum_helpers.cli").main()
except SystemExit as error:
    code = error.code
print()
print(json.dumps({"asked": watcher.asked, "code": code}))
"""
)

NOT_INSTALLED_EVERYWHERE = ("ui", "api", "hosts.webui", "hosts.diffusers")
"""Parts that exist for a guest: only their packages, not the modules in them, must load without it."""


def run(script: str, *args: str):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", script, *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loadable() -> list[str]:
    """All modules that have to load on their own."""
    names = [name for name in read_package(PACKAGE) if name and name != "__main__"]
    parts = NOT_INSTALLED_EVERYWHERE
    return [f"{PACKAGE.name}.{n}" for n in names if not any(is_within(n, part) and n != part for part in parts)]


def test_the_package_alone_loads_nothing_heavy():
    assert run(IMPORT_EACH, "torch,cv2,numpy,gradio,diffusers,matplotlib", PACKAGE.name) == {}


def test_no_module_loads_an_engine_or_a_user_interface():
    names = loadable()
    assert f"{PACKAGE.name}.ports" in names
    assert run(IMPORT_EACH, "torch,gradio,diffusers", *names) == {}


@pytest.mark.parametrize("source", ["import torch", "try:\n    import torch.nn\nexcept ImportError:\n    pass"])
def test_the_watcher_sees_an_import(tmp_path, source):
    (tmp_path / "bad.py").write_text(source, "utf-8")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + IMPORT_EACH
    assert run(script, "torch", "json", "bad") == {"bad": ["torch"]}


def test_help_loads_neither_engines_nor_plots():
    assert run(RUN_HELP, "torch,gradio,diffusers,matplotlib") == {"asked": [], "code": 0}
