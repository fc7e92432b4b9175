"""The Deforum tab: settings on the left, the run on the right."""

from __future__ import annotations

from typing import Any

import gradio as gr

from . import compat
from .door import Door
from .neo_core import PlanPanel, connect_plan
from .run_panel import RunPanel, begin_with_kept, build_files, build_presets, connect_run
from .runs import build_resume
from .schedule_view import schedule_reply
from .sections import Page, build_sections, part, rules_of
from .tree import settings_tree
from .values import Draft, base_of

_INFO = """<p><b>Deforum</b> moves the last picture, diffuses it again, and so on. <b>Neo Core</b> lets
<a href="https://sd-parseq.web.app" target="_blank" rel="noopener">Parseq</a> decide which frames are diffused.</p>
<ul><li>Write prompts, choose the motion in Keyframes, press Generate.</li>
<li>A schedule reads <code>frame: (value)</code>: numbers are interpolated, expressions of <code>t</code> (frame),
<code>s</code> (seed) and <code>max_f</code> hold until the next key frame.</li>
<li>For a video that follows music, paste a manifest in Init › Parseq and look at the plan in Neo Core.</li></ul>"""


def build_tab(door: Door) -> Any:
    """The tab, for a web UI to put in its place.

    Args:
        door: who answers.

    Returns:
        ``gradio.Blocks`` with the whole tab; styles and script are those of ``style.css`` and ``javascript/``. A part
        that cannot be built is replaced by what is wrong with it.
    """
    with compat.blocks("Deforum") as tab:
        page, panel = fill_tab(door)
        if panel is not None:
            begin_with_kept(tab.load, page, panel)
    return tab


def fill_tab(door: Door) -> tuple[Page, RunPanel | None]:
    """Build the tab where gradio is at; returns its components, and those of the right side if they could be built."""
    with gr.Column(elem_id="deforum_interface"):
        page = Page(door, compat.hidden_text("deforum_base", base_of(Draft())), rules_of(settings_tree()))
        plan = PlanPanel()
        panels: list[RunPanel] = []
        with gr.Row(elem_id="deforum_columns"):
            with gr.Column(scale=3, min_width=480, elem_id="deforum_left"):
                with gr.Accordion("Info, Links and Help", open=False, elem_id="main_top_info_accord"):
                    compat.html(_INFO)
                part("Settings", lambda: _settings(page, plan))
            with gr.Column(scale=2, min_width=320, elem_id="deforum_right"):
                part("Generate", lambda: panels.append(_run_side(page)))
        part("Plan", lambda: connect_plan(page, plan))
        part("Schedules", _schedules)
    return page, panels[0] if panels else None


def _settings(page: Page, plan: PlanPanel) -> None:
    build_sections(
        page,
        {
            ("Init", "Parseq"): plan.build_parseq,
            ("Neo Core",): plan.build_neo_core,
            ("Run", "Batch Mode, Resume and more", "Resume Animation"): build_resume,
        },
    )
    if "init_image_box" in page.boxes and "init_image" in page.fields:
        compat.listen(
            page.boxes["init_image_box"].upload,
            lambda path: [str(path or "")],
            [page.boxes["init_image_box"]],
            [page.fields["init_image"]],
        )


def _run_side(page: Page) -> RunPanel:
    panel = RunPanel()
    connect_run(page, panel)
    build_files(page, panel)
    with gr.Accordion("Presets", open=False):
        part("Presets", lambda: build_presets(page, panel))
    return panel


def _schedules() -> None:
    """One handler for the views of all schedules: the script asks for the boxes that changed."""
    query = compat.hidden_text("deforum_schedule_query")
    reply = compat.hidden_text("deforum_schedule_reply")
    ask = compat.hidden_button("deforum_schedule_ask")
    compat.listen(ask.click, lambda asked: [schedule_reply(asked)], [query], [reply])
