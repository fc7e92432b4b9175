"""Our own page: the tab, and the gallery of past runs beside it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from . import compat
from .assets import script, style
from .door import Door
from .runs import build_gallery
from .tab import fill_tab

_PAGE_STYLE = """\
.gradio-container { width: 100%; max-width: 1680px !important; margin: 0 auto; overflow: visible !important; }
/* gradio's orange is too light for small texts. */
.gradio-container button.primary { background: #c2410c; color: #fff; }
body:not(.dark) .gradio-container button[role=tab].selected { color: #c2410c; }
#deforum_page > .tab-wrapper > .tab-container.visually-hidden { visibility: hidden; }
"""


def build_page(door: Door) -> Any:
    """The page as ``gradio.Blocks``."""
    with compat.blocks("Deforum", css=_PAGE_STYLE + style(), script=script()) as page, gr.Tabs(elem_id="deforum_page"):
        with gr.Tab("Deforum", elem_id="tab_deforum_interface"):
            fields, panel, errands = fill_tab(door)
        if panel is not None:
            with gr.Tab("Runs", elem_id="deforum_runs_tab"), gr.Column(elem_classes=["deforum-runs"]):
                build_gallery(fields, panel, errands)
    return page


def serve_page(page: Any, site: compat.Site) -> str:
    """Serve the page in the background and return its address."""
    return compat.serve(page, site, css=_PAGE_STYLE + style(), script=script())
