"""The engine of web UIs keeps the promises of every Diffuser, over a stand-in that paints with the preview engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_diffuser_conformance import DiffuserConformance

from deforum_helpers.hosts.webui.engine import WebuiDiffuser
from deforum_helpers.hosts.webui.host import open_host

HOSTS = Path(__file__).parents[1] / "hosts"


class TestWebuiEngine(DiffuserConformance):
    sizes = ((64, 64), (96, 64), (64, 128), (70, 54), (1, 3))

    @pytest.fixture(params=[("a1111",), ("a1111", "forge")], ids=["a1111", "forge"])
    def engine(self, request, monkeypatch):
        monkeypatch.syspath_prepend(str(HOSTS))
        import webui_host

        webui_host.put_in_place(monkeypatch, *request.param)
        yield WebuiDiffuser(open_host())
        webui_host.take_away()
