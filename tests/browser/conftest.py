"""Real pages in a real browser: ours, and the tab in environments with the pins of the two web UIs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser_environments import ENVIRONMENTS, NoIndexError, interpreter
from browser_page import TabPage
from browser_server import serving

SHOTS = "DEFORUM_SCREENSHOTS"
"""Environment variable: folder for pictures of the pages; none are kept without it."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """Servers on this machine are asked directly, whatever proxy the environment names."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture(scope="session", params=list(ENVIRONMENTS))
def python(request, chromium):
    """The interpreter of an environment with one of the gradios; none is made if there is no browser to see it."""
    if request.param == "ours":
        pytest.importorskip("gradio", reason="the page needs gradio: pip install -r requirements-ui.txt")
    try:
        return request.param, interpreter(request.param)
    except NoIndexError as error:
        pytest.skip(f"no environment for {request.param}: {error}")


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install -r requirements-dev.txt")
    path = next((p for p in map(Path, ("/usr/bin/chromium", "/usr/bin/chromium-browser")) if p.exists()), None)
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(path), args=["--no-sandbox", "--no-proxy-server"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(python, tmp_path_factory):
    """Name of the environment, address of its page and the folder of its runs."""
    name, executable = python
    out = tmp_path_factory.mktemp(f"out-{name}")
    with serving(executable, out) as address:
        yield name, address, out


@pytest.fixture
def tab(served, chromium, request):
    """The page, just opened, 1280 pixels wide. At the end nothing may have gone wrong in it."""
    name, address, out = served
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = TabPage(context.new_page(), address, out)
    page.open()
    yield page
    if folder := os.environ.get(SHOTS):
        page.picture(Path(folder) / f"{name}-{request.node.originalname}.png")
    context.close()
    assert page.faults == []
