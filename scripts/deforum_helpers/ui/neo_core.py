"""Parseq and Neo Core: the manifest as soon as it is pasted, which frames are diffused, and what comes of it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..errors import DeforumError
from . import compat
from .findings_view import error_html
from .plan_view import MOVING, manifest_html, plan_html, series_choices
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
        self.manifest: list[compat.Component] = []
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
        self.manifest.append(
            compat.html("", elem_id="deforum_manifest_status", elem_classes=["deforum-manifest-place"])
        )

    def build_neo_core(self, _: Page) -> None:
        """Below the two choices in Neo Core."""
        with gr.Accordion("What the choices mean", open=False):
            compat.html(_DISTRIBUTIONS + _ALIGNMENTS)
        self.manifest.append(
            compat.html("", elem_id="deforum_neocore_manifest", elem_classes=["deforum-manifest-place"])
        )
        with gr.Row(elem_classes=["deforum-plan-row"]):
            self.series = gr.Dropdown(
                list(series_choices()), value=MOVING, label="Show over time", elem_id="deforum_plan_series"
            )
            self.refresh = gr.Button("Refresh the plan", size="sm", elem_id="deforum_plan_btn")
        self.plan = compat.html("<p>The plan appears as soon as this tab is open.</p>", elem_id="deforum_plan")


def connect_plan(page: Page, panel: PlanPanel) -> None:
    """Keep manifest and plan up to date. The script presses the buttons after changes."""
    box = page.fields.get("parseq_manifest")
    if panel.plan is None or panel.series is None or panel.refresh is None:
        return

    def plan(series: str, *given: Any) -> list[Any]:
        shown, manifest = _views(page, series_choices().get(series, MOVING), given)
        return [shown, *([manifest] * len(panel.manifest))]

    def read_again(*given: Any) -> list[Any]:
        try:
            text = page.door.keep_manifest(page.draft(given).settings.parseq.parseq_manifest)
        except DeforumError as error:
            return [compat.same(), *([error_html(error)] * len(panel.manifest))]
        kept = (
            given[0],
            *(text if field is box else value for field, value in zip(page.inputs[1:], given[1:], strict=True)),
        )
        return [text, *([_views(page, MOVING, kept)[1]] * len(panel.manifest))]

    inputs = [panel.series, *page.inputs]
    compat.listen(panel.refresh.click, plan, inputs, [panel.plan, *panel.manifest], raw=True)
    compat.listen(panel.series.input, plan, inputs, [panel.plan, *panel.manifest], raw=True)
    if panel.reload is not None and box is not None:
        compat.listen(panel.reload.click, read_again, page.inputs, [box, *panel.manifest], raw=True)
    if panel.upload is not None and box is not None:
        compat.listen(panel.upload.upload, lambda upload: [compat.path_of(upload)], [panel.upload], [box])


def _views(page: Page, series: str, given: tuple[Any, ...]) -> tuple[str, str]:
    try:
        view = page.door.plan(page.draft(given))
    except DeforumError as error:
        return error_html(error), ""
    return plan_html(view, series), manifest_html(view)
