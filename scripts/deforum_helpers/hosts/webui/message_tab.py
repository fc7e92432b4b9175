"""The tab when it cannot be the tab: what is wrong and what to do."""

from __future__ import annotations

import importlib
from html import escape
from typing import Any

from ...errors import DeforumError

TAB_NAME = "Deforum"
TAB_ID = "deforum_interface"


def message_tab(title: str, text: str) -> Any:
    """A page of gradio that shows a title and a text.

    Args:
        title: one line.
        text: what is wrong and what to do; its lines stay lines.
    """
    gradio: Any = importlib.import_module("gradio")

    lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    with gradio.Blocks(analytics_enabled=False) as page:
        gradio.HTML(f'<div class="deforum_message"><h2>{escape(title)}</h2>{lines}</div>')
    return page


def what_to_do(error: BaseException) -> str:
    """A failure while the tab was made, and how to mend it."""
    package = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
    if package and package != __name__.partition(".")[0]:
        return (
            f"The Python package {package!r} is missing.\n"
            "Restart the web UI without --skip-install and --skip-prepare-environment, so that it is installed; or "
            f"install it into the web UI's own environment: pip install {package}"
        )
    if isinstance(error, DeforumError):  # which says what to do itself
        return f"{error}\nThen reload the web UI. The other tabs are not affected."
    said = " ".join(str(error).split()) or "no more is known"
    return (
        f"Deforum could not be started: {type(error).__name__}: {said}\n"
        "Update the extension and the web UI, then restart. If it stays, report it with the lines that the console "
        "shows for it. The other tabs are not affected."
    )
