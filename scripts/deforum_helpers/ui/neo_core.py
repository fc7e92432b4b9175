"""Parseq and Neo Core: the manifest as soon as it is pasted, which frames are diffused, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from ..errors import DeforumError
from . import compat
from .findings_view import error_html
from .plan_view import MOVING, managed_fields, manifest_html, plan_html, series_choices
from .sections import Page

_DISTRIBUTIONS = """<dl class="deforum-explained">
<dt>Parseq Only</dt><dd>Diffuses exactly the key frames of the manifest; cadence plays no part. For videos that follow
music.</dd>
<dt>Uniform with Parseq</dt><dd>Every <i>cadence</i>-th frame, with each Parseq key frame in place of the nearest of
them. Steady, and still on the beat.</dd>
<dt>Uniform Spacing</dt><dd>Every <i>cadence</i>-th frame, as Deforum always did.</dd>
<dt>Random Spacing</dt><dd>As many frames, each moved a little by chance. The same seed gives the same frames.</dd>
<dt>Random Placement</dt><dd>As many frames, anywhere.</dd></dl>"""
_ALIGNMENTS = """<dl class="deforum-explained">
<dt>Exact</dt><dd>Output frame <i>k</i> is the picture that was diffused for frame <i>k</i>: a hit is seen when it is
heard.</dd>
<dt>Classic</dt><dd>A picture fades in over the frames after its key frame, as cadence did before: softer, and
late.</dd></dl>"""


class PlanPanel:
    """Components that show the plan. Made where their places are, connected when all of them are there."""

    def __init__(self) -> None:
        self.status = compat.html("", elem_id="deforum_manifest_status", render=False)
        self.summary = compat.html("", elem_id="deforum_neocore_manifest", render=False)
        self.upload: compat.Component | None = None
        self.reload: compat.Component | None = None
        self.plan: compat.Component | None = None
        self.series: compat.Component | None = None
        self.refresh: compat.Component | None = None

    def build_parseq(self, _: Page) -> None:
        """Below the manifest in Init › Parseq."""
        with gr.Row():
            self.upload = compat.upload_button(
                "Open manifest file …", types=[".json", ".gz"], elem_id="deforum_open_manifest_btn"
            )
            self.reload = gr.Button("Read the manifest again", size="sm", elem_id="deforum_reload_manifest_btn")
        self.status.render()

    def build_neo_core(self, _: Page) -> None:
        """Below the two choices in Neo Core."""
        with gr.Accordion("What the choices mean", open=False):
            compat.html(_DISTRIBUTIONS + _ALIGNMENTS)
        self.summary.render()
        with gr.Row(elem_classes=["deforum-plan-row"]):
            self.series = gr.Dropdown(
                list(series_choices()), value=MOVING, label="Show over time", elem_id="deforum_plan_series"
            )
            self.refresh = gr.Button("Refresh the plan", size="sm", elem_id="deforum_plan_btn")
        self.plan = compat.html("<p>The plan appears as soon as this tab is open.</p>", elem_id="deforum_plan")


def connect_plan(page: Page, panel: PlanPanel) -> None:
    """Keep manifest and plan up to date. The script presses the buttons after changes, and marks what is managed."""
    for piece in (panel.status, panel.summary):
        if not piece.is_rendered:  # its own place could not be built
            piece.render()
    shown = [panel.status, panel.summary, compat.hidden_text("deforum_managed", "[]")]
    check = compat.hidden_button("deforum_manifest_check")
    if panel.plan is not None and panel.series is not None and panel.refresh is not None:
        for event in (panel.refresh.click, panel.series.input):
            compat.listen(event, partial(_plan, page), [panel.series, *page.inputs], [panel.plan, *shown], raw=True)
    box = page.fields.get("parseq_manifest")
    if box is not None:
        for button in filter(None, (check, panel.reload)):
            compat.listen(button.click, partial(_read_manifest, page), page.inputs, [box, *shown], raw=True)
        if panel.upload is not None:
            compat.listen(panel.upload.upload, lambda upload: [compat.path_of(upload)], [panel.upload], [box])


@dataclass(frozen=True)
class _Shown:
    """What a plan looks like in the page: HTML, and the element ids of the fields that Parseq manages as JSON."""

    plan: str
    manifest: str = ""
    managed: str = "[]"


def _plan(page: Page, series: str, *given: Any) -> list[Any]:
    shown = _shown(page, given, series_choices().get(series, MOVING))
    return [shown.plan, shown.manifest, shown.manifest, shown.managed]


def _read_manifest(page: Page, *given: Any) -> list[Any]:
    box = page.fields["parseq_manifest"]
    try:
        text = page.door.keep_manifest(page.draft(given).settings.parseq.parseq_manifest)
    except DeforumError as error:
        return [compat.same(), error_html(error), error_html(error), "[]"]
    values = zip(page.inputs, given, strict=True)
    shown = _shown(page, tuple(text if field is box else value for field, value in values))
    return [text, shown.manifest, shown.manifest, shown.managed]


def _shown(page: Page, given: tuple[Any, ...], series: str = MOVING) -> _Shown:
    try:
        view = page.door.plan(page.draft(given))
    except DeforumError as error:
        return _Shown(error_html(error))
    return _Shown(plan_html(view, series), manifest_html(view), json.dumps(managed_fields(view)))
