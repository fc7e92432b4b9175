"""What the tests of the hosts share: tiny models, written once, and web UIs that only stand in for real ones."""

from __future__ import annotations

import pytest
import webui_host

from deforum_helpers.hosts.webui.host import open_host
from tiny_diffusion import diffusers_or_skip, one_thread, write_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A function: name of a tiny model → its diffusers folder."""
    diffusers_or_skip()
    folder = tmp_path_factory.mktemp("diffusers")

    def path(name):
        return folder / name if (folder / name).is_dir() else write_model(folder, name)

    return path


@pytest.fixture
def open_tiny(tiny_model):
    """A function: name of a tiny model and engine options → an engine with it."""
    from deforum_helpers.hosts.diffusers.engine import DiffusersEngine
    from deforum_helpers.hosts.diffusers.options import EngineOptions

    with one_thread():
        yield lambda name, **options: DiffusersEngine(
            EngineOptions(**{"model": str(tiny_model(name)), "device": "cpu", **options})
        )


@pytest.fixture
def host(monkeypatch):
    """A web UI like AUTOMATIC1111."""
    webui_host.put_in_place(monkeypatch, "a1111")
    yield open_host()
    webui_host.take_away()


@pytest.fixture
def forge(monkeypatch):
    """A web UI like Forge."""
    webui_host.put_in_place(monkeypatch, "a1111", "forge")
    yield open_host()
    webui_host.take_away()
