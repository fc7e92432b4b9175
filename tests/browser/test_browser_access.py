"""The tab for people who use a keyboard, a screen reader, or need contrast."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_browser_tab import TABS

axe = pytest.importorskip("axe_playwright_python", reason="pip install -r requirements-dev.txt")

AXE = Path(axe.__file__).parent / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
UNFOLD = """() => {
    const folded = [...document.querySelectorAll('#deforum_tabs .label-wrap:not(.open, [data-pressed])')]
        .filter((each) => each.getClientRects().length);
    folded.forEach((each) => { each.dataset.pressed = ''; each.click(); });
    return folded.length;
}"""
UNFOLDED = "!document.querySelector('#deforum_tabs .label-wrap[data-pressed]:not(.open)')"
LOOK = """async (rules) => (await axe.run('#deforum_interface', {runOnly: rules, resultTypes: ['violations']}))
    .violations.map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 200))])"""
FOCUS = """() => {
    const it = document.activeElement, box = it.getBoundingClientRect(), drawn = getComputedStyle(it);
    return {id: it.id, role: it.getAttribute('role'), text: (it.innerText || '').trim().slice(0, 40),
            inside: !!it.closest('#deforum_interface'), shown: box.width > 0 && box.height > 0,
            ring: drawn.outlineStyle !== 'none' && parseFloat(drawn.outlineWidth) > 0 || drawn.boxShadow !== 'none'};
}"""
STEPS = 60


def unfold(tab):
    """Open all sections of the part on display, and those inside of them."""
    while tab.page.evaluate(UNFOLD):
        tab.page.wait_for_function(UNFOLDED)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(tab, theme):
    """What axe, a checker of accessibility, finds in any part of the tab."""
    tab.open(theme)
    wrong = []
    for heading in TABS:
        tab.go(heading)
        unfold(tab)
        if heading == "Neo Core":
            tab.page.wait_for_selector("#deforum_plan svg")
        if tab.page.evaluate("window.axe === undefined"):
            tab.page.add_script_tag(path=str(AXE))
        wrong += [(heading, *found) for found in tab.page.evaluate(LOOK, RULES)]
    assert wrong == []


def walk(tab, key):
    """Where the focus goes while a key is pressed; gradio's lists let go of it once on their way."""
    seen = []
    for _ in range(STEPS):
        tab.page.keyboard.press(key)
        here = tab.page.evaluate(FOCUS)
        seen.append(here)
    return seen


class TestKeyboard:
    @pytest.fixture(autouse=True)
    def _ours(self, served):
        if served[0] != "ours":
            pytest.skip("how tabs and boxes take keys is the business of the web UI's gradio")

    def test_tab_goes_through_the_page_and_back(self, tab):
        tab.page.wait_for_function("document.querySelector('#deforum_left .label-wrap').tabIndex === 0")
        tab.page.locator("#deforum_left .label-wrap >> nth=0").focus()
        there = walk(tab, "Tab")
        assert "deforum_generate" in [each["id"] for each in there]
        assert [each for each in there if each["inside"] and not (each["ring"] and each["shown"])] == []
        tab.page.locator("#deforum_generate").focus()
        back = walk(tab, "Shift+Tab")
        assert any(each["role"] == "tab" and each["text"] == "Run" for each in back)

    def test_arrows_go_from_tab_to_tab(self, tab):
        tab.page.locator("#deforum_tabs [role=tab]:visible", has_text="Run").first.focus()
        for heading in TABS[1:]:
            tab.page.keyboard.press("ArrowRight")
            assert tab.page.evaluate(FOCUS)["text"] == heading
            tab.page.keyboard.press("Enter")
            tab.page.wait_for_function(
                "(text) => document.querySelector('#deforum_tabs [role=tab][aria-selected=true]:not([aria-hidden] *)')"
                ".innerText.trim() === text",
                arg=heading,
            )

    def test_generate_is_pressed_without_a_mouse(self, tab):
        tab.write("W", "64")
        tab.write("H", "64")
        tab.page.locator("#deforum_generate").focus()
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector('#deforum_status [data-live="1"]')
        tab.page.wait_for_function("!document.querySelector('#deforum_interrupt').disabled")
        tab.page.locator("#deforum_generate").focus()
        for _ in range(2):  # Pause is passed while it can be pressed
            if tab.page.evaluate(FOCUS)["id"] != "deforum_interrupt":
                tab.page.keyboard.press("Tab")
        assert tab.page.evaluate(FOCUS)["id"] == "deforum_interrupt"
        tab.page.keyboard.press("Space")
        assert "Stopped" in tab.wait_until_over()
