"""The tab as a person uses it: what can be seen and pressed, in words of the tab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_TABS = "#deforum_tabs :is(.tab-nav, [role=tablist]) button"
_IGNORED = ("ERR_NAME_NOT_RESOLVED", "fonts.g", "ERR_INTERNET_DISCONNECTED", "iframeResizer", "manifest.json")
"""What gradio itself misses without a network."""


class TabPage:
    """One page in the browser.

    Attributes:
        page: Playwright's page.
        out: folder of all runs.
        faults: errors in the page's console.
    """

    def __init__(self, page: Any, address: str, out: Path) -> None:
        self.page, self.address, self.out = page, address, out
        self.faults: list[str] = []
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type == "error" and not any(sign in message.text for sign in _IGNORED):
            self.faults.append(message.text)

    def open(self, theme: str = "light") -> None:
        self.page.goto(f"{self.address}?__theme={theme}")
        self.page.wait_for_selector(_TABS)
        self.page.wait_for_selector("#deforum_generate")
        self.page.wait_for_function("document.querySelector('#deforum_schedule_reply') !== null")
        self.page.wait_for_selector("#deforum_status p")  # newer gradios fill in what is shown last

    def picture(self, path: Path, *, whole: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), full_page=whole)

    # --- looking

    def tabs(self) -> list[str]:
        return [text.strip() for text in self.page.locator(f"{_TABS}:visible").all_inner_texts()]

    def text(self, elem_id: str) -> str:
        return self.page.locator(f"#{elem_id} >> nth=0").inner_text()

    def wait_for_text(self, elem_id: str, text: str) -> None:
        self.page.wait_for_function(
            "([id, text]) => document.getElementById(id)?.innerText.includes(text)", arg=[elem_id, text]
        )

    def is_shown(self, key: str) -> bool:
        return self.page.locator(f"#deforum_setting_{key}:visible").count() > 0

    def value(self, key: str) -> str:
        return self.box(key).input_value()

    def box(self, key: str) -> Any:
        return self.page.locator(f"#deforum_setting_{key} :is(textarea, input) >> nth=0")

    # --- doing

    def go(self, tab: str) -> None:
        self.page.locator(f"{_TABS}:visible", has_text=tab).first.click()

    def unfold(self, section: str) -> None:
        self.page.locator(f"#{section} .label-wrap >> nth=0").click()

    def write(self, key: str, text: str) -> None:
        self.box(key).fill(text)

    def choose(self, key: str, label: str) -> None:
        self.page.locator(f"#deforum_setting_{key} label", has_text=label).last.click()

    def press(self, elem_id: str) -> None:
        self.page.locator(f"button#{elem_id}, #{elem_id} button >> nth=0").click()

    def unit(self, number: int) -> None:
        """Show a ControlNet unit."""
        self.page.locator("#deforum_unit label", has_text=f"CN Model {number}").last.click()
        self.page.wait_for_selector(f"#deforum_setting_cn_{number}_enabled")

    def upload(self, elem_id: str, *paths: Path) -> None:
        """Files into a box or behind a button."""
        inputs = self.page.locator(f"#{elem_id} input[type=file], input#{elem_id}[type=file]")
        if inputs.count():
            inputs.first.set_input_files([str(path) for path in paths])
            return
        with self.page.expect_file_chooser() as chooser:
            self.press(elem_id)
        chooser.value.set_files([str(path) for path in paths])

    def settings(self, path: Path) -> dict[str, Any]:
        return json.loads(path.read_text("utf-8"))

    def wait_until_over(self) -> str:
        self.page.wait_for_selector('#deforum_status [data-live="0"]')
        return self.text("deforum_status")
