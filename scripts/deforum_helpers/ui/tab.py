"""The Deforum tab: settings on the left, the run on the right."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ..errors import DeforumError
from . import compat
from .door import Door
from .errands import Errands
from .findings_view import error_html
from .neo_core import PlanPanel, connect_plan
from .presets import build_presets
from .run_panel import RunPanel, begin_with_kept, build_files, connect_run
from .runs import build_resume
from .sections import Page, build_sections, part, rules_of
from .tool_panel import ToolPanel
from .tree import FIRST_UNIT, settings_tree
from .units import build_units

_INFO = """<p id="deforum_header"><b>Deforum</b> moves the last picture, diffuses it again, and so on. <b>Neo Core</b>
lets <a href="https://sd-parseq.web.app" target="_blank" rel="noopener">Parseq</a> decide which frames are diffused.</p>
<ul><li>Write prompts, choose the motion in Keyframes, press Generate.</li>
<li>A schedule reads <code>frame: (value)</code>: numbers are interpolated, expressions of <code>t</code> (frame),
<code>s</code> (seed) and <code>max_f</code> hold until the next key frame.</li>
<li>For a video that follows music, paste a manifest in Init › Parseq and look at the plan in Neo Core.</li></ul>
<span id="deforum_interrupting" hidden></span>"""
_PROMPTS = """<details id="prompts_info_accord" class="deforum-details"><summary>Notes on prompts</summary><ul>
<li>The number before a prompt is the frame from which it holds; expressions of <code>max_f</code>, the last frame, in
quotes: <code>"max_f/2": "a ship"</code>.</li>
<li>What stands behind <code>--neg</code> in a prompt is its negative part. <i>Prompts negative</i> is added to that of
all prompts, without <code>--neg</code>.</li>
<li>Words can change over time: <code>(rain:`0.5+0.5*sin(t/10)`)</code>.</li>
<li>Many animations in one go: Run › Batch Mode, Resume and more.</li>
<li>Masks: the picture or video is named in Init › Mask Init or Video Init, what becomes of it below, in Composable Mask
scheduling.</li></ul></details>"""


def build_tab(door: Door) -> Any:
    """The tab, for a web UI to put in its place.

    Args:
        door: who answers.

    Returns:
        ``gradio.Blocks`` with the whole tab; styles and script are those of ``style.css`` and ``javascript/``. A part
        that cannot be built is replaced by what is wrong with it.
    """
    with compat.blocks("Deforum") as tab:
        _, panel, errands = fill_tab(door)
        if panel is not None:
            begin_with_kept(tab.load, door, errands)
    return tab


def fill_tab(door: Door) -> tuple[Page, RunPanel | None, Errands]:
    """Build the tab where gradio is at.

    Returns:
        Its components; those of the right side, None if they could not be built; what asks for errands.
    """
    with gr.Column(elem_id="deforum_interface") as place:
        page = Page(
            door,
            base=compat.hidden_text("deforum_base"),
            unit=compat.hidden_text("deforum_unit_shown", FIRST_UNIT),
            errand=compat.hidden_text("deforum_errand"),
            rules=rules_of(settings_tree()),
        )
        plan, tools, errands, panels = PlanPanel(), ToolPanel(), Errands(page), list[RunPanel]()
        with gr.Row(elem_id="deforum_columns"):
            with gr.Column(scale=3, min_width=480, elem_id="deforum_left") as left:
                with gr.Accordion("Info, Links and Help", open=False, elem_id="main_top_info_accord"):
                    compat.html(_INFO)
                with part("Settings", left):
                    _settings(page, plan, tools)
            with gr.Column(scale=2, min_width=320, elem_id="deforum_right") as right, part("Generate", right):
                panels.append(_run_side(page, errands))
        with part("Plan", place):
            connect_plan(page, plan)
        with part("Schedules", place):
            _schedules()
        with part("Uploads", place):
            _uploads(door)
        with part("Tools", place):
            tools.connect(door)
    return page, panels[0] if panels else None, errands


def _settings(page: Page, plan: PlanPanel, tools: ToolPanel) -> None:
    build_sections(
        page,
        {
            ("Init", "Parseq"): plan.build_parseq,
            ("Prompts",): _prompt_notes,
            ("Neo Core",): plan.build_neo_core,
            ("ControlNet",): build_units,
            **{place: partial(tools.build, place) for place in tools.places},
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


def _prompt_notes(_: Page) -> None:
    compat.html(_PROMPTS)


def _run_side(page: Page, errands: Errands) -> RunPanel:
    panel = RunPanel()
    connect_run(page, panel, errands)
    build_files(page.door, errands)
    with gr.Accordion("Presets", open=False, elem_id="deforum_presets_accord") as place, part("Presets", place):
        build_presets(page.door, errands, panel.followed)
    errands.connect(panel.said, panel.watched)
    return panel


def _schedules() -> None:
    """One handler for the views of all schedules: the script asks for the boxes that changed."""
    query = compat.hidden_text("deforum_schedule_query")
    reply = compat.hidden_text("deforum_schedule_reply")
    compat.listen(query.change, _schedule_reply, [query], [reply])


def _schedule_reply(asked: str) -> list[str]:
    from .schedule_view import schedule_reply  # with numpy and the parsers, which a start need not wait for

    return [schedule_reply(asked, compat.file_url)]


def _uploads(door: Door) -> None:
    """One upload for all settings that name a file: the script offers it beside each, and fills in the path."""
    key, reply = compat.hidden_text("deforum_upload_key"), compat.hidden_text("deforum_upload_reply")
    upload = compat.upload_button("Upload", types=["image", "video", "audio"], elem_id="deforum_upload", is_hidden=True)

    def keep(received: Any, wanted: str) -> list[str]:
        asked = json.loads(wanted or "{}")
        try:
            kept = door.keep_upload(Path(compat.path_of(received)), str(asked.get("key", "")))
        except DeforumError as error:
            return [json.dumps({**asked, "error": error_html(error)})]
        return [json.dumps({**asked, "path": str(kept)})]

    compat.listen(upload.upload, keep, [upload, key], [reply])
