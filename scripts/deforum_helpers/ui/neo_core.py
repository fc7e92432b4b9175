"""Parseq and Neo Core: the manifest as soon as it is pasted, which frames are diffused, and what comes of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
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
    """Keep manifest and plan up to date: the script asks after changes, and marks what is managed."""
    for piece in (panel.status, panel.summary):
        if not piece.is_rendered:  # its own place could not be built
            piece.render()
    ask, managed = compat.hidden_text("deforum_plan_ask"), compat.hidden_text("deforum_managed", "{}")
    box = page.fields.get("parseq_manifest")
    boxes = [place for place in (panel.plan, box) if place is not None]
    shown = [managed, panel.status, panel.summary, *boxes]
    series = [panel.series] if panel.series is not None else []

    def answer(asked: str, *given: Any) -> list[Any]:
        wanted = json.loads(asked or "{}")
        chosen = series_choices().get(given[0], MOVING) if series else MOVING
        window = (int(wanted["first"]), int(wanted["last"])) if "first" in wanted else None
        now = _shown(page, given[len(series) :], chosen, window, reads_manifest=bool(wanted.get("manifest")))
        known = json.dumps({"at": wanted.get("at"), "ids": now.managed})
        views = {id(panel.plan): now.plan, id(box): now.text}
        return [known, now.manifest, now.manifest, *(views[id(place)] for place in boxes)]

    compat.listen(ask.change, answer, [ask, *series, *page.inputs], shown, raw=True)
    for button, reads in ((panel.refresh, False), (panel.reload, True)):
        if button is not None:
            compat.listen(button.click, partial(_asked, reads), [], [ask])
    if panel.series is not None:
        compat.listen(panel.series.input, lambda _: _asked(False), [panel.series], [ask])
    if panel.upload is not None and box is not None:
        compat.listen(panel.upload.upload, lambda upload: [compat.path_of(upload)], [panel.upload], [box])


@dataclass(frozen=True)
class _Shown:
    """What a plan looks like in the page.

    Attributes:
        plan, manifest: HTML.
        managed: element ids of the fields that Parseq manages.
        text: what the box of the manifest holds from now on; an update that leaves it without.
    """

    plan: str
    manifest: str = ""
    managed: tuple[str, ...] = ()
    text: Any = field(default_factory=compat.same)


def _asked(reads_manifest: bool) -> list[str]:
    return [json.dumps({"manifest": reads_manifest, "at": time.time_ns()})]


def _shown(
    page: Page, given: tuple[Any, ...], series: str, window: tuple[int, int] | None, *, reads_manifest: bool
) -> _Shown:
    try:
        draft, text = page.draft(given), compat.same()
        if reads_manifest:
            before = draft.settings.parseq.parseq_manifest
            kept = page.door.keep_manifest(before)
            if kept != before:
                text, draft = kept, replace(draft, settings=draft.settings.replace(parseq_manifest=kept))
        view = page.door.plan(draft)
    except DeforumError as error:
        return _Shown(error_html(error), error_html(error) if reads_manifest else "")
    return _Shown(plan_html(view, series, window), manifest_html(view), tuple(managed_fields(view)), text)
