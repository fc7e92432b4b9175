"""Past runs: a picker to resume one in the tab, and the gallery of our page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from ..errors import DeforumError, InputError
from . import compat
from .door import PastRun
from .errands import Done, Errands
from .findings_view import error_html
from .plan_view import plan_html
from .run_panel import RunPanel, follow, watch
from .runs_view import gallery_html, run_html, run_label
from .sections import Page
from .values import Draft


def build_resume(page: Page) -> None:
    """A list of the runs that were cut off; choosing one fills in its timestring."""
    switch, box = page.fields.get("resume_from_timestring"), page.fields.get("resume_timestring")
    with gr.Row(elem_classes=["deforum-plan-row"]):
        chosen = gr.Dropdown(
            [],
            label="Runs that can be resumed",
            info="Generate then goes on with the one that is chosen, with its own settings.",
            value=None,
            elem_id="deforum_resumable",
        )
        refresh = gr.Button("Look again", size="sm", elem_id="deforum_resumable_btn")
    compat.listen(refresh.click, lambda: [compat.update(choices=_unfinished(page))], [], [chosen])

    def fill_in(wanted: str) -> list[Any]:
        run = _find(page, wanted)
        if run is None:
            return [compat.same(), compat.same()]
        return [True, compat.update(value=run.timestring, visible=True)]

    if switch is not None and box is not None:
        compat.listen(chosen.input, fill_in, [chosen], [switch, box])


def build_gallery(page: Page, panel: RunPanel, errands: Errands) -> None:
    """All runs: pictures to choose from, and the chosen one with its video, settings and plan."""
    picked, pick = compat.hidden_text("deforum_run_picked"), compat.hidden_button("deforum_run_pick")
    with gr.Row(elem_classes=["deforum-plan-row"]):
        chosen = gr.Dropdown([], label="Run", value=None, elem_id="deforum_past_run")
        load = gr.Button("Load its settings", size="sm", elem_id="deforum_run_load_btn")
        resume = gr.Button("Resume", size="sm", elem_id="deforum_run_resume_btn")
        refresh = gr.Button("Look again", size="sm", elem_id="deforum_runs_btn")
    said = compat.html("", elem_id="deforum_run_said")
    with gr.Row():
        shown = compat.html("", elem_id="deforum_run_shown")
        plan = compat.html("", elem_id="deforum_run_plan")
    cards = compat.html("", elem_id="deforum_runs")

    def load_run(_: Draft, given: Sequence[str]) -> Done:
        run = _find(page, given[0])
        if run is None:
            raise InputError("choose a run first.")
        return Done.loaded(page.door.load_settings(run.settings), run.name)

    showing = [chosen, shown, plan, said]
    compat.listen(refresh.click, partial(_listed, page), [], [cards, chosen])
    compat.listen(chosen.input, partial(_shown, page), [chosen], showing)
    compat.listen(pick.click, partial(_shown, page), [picked], showing)
    compat.listen(resume.click, partial(_resumed, page, panel), [chosen], [said, *panel.watched], once=True)
    errands.on(load.click, "load run", load_run, [chosen])
    compat.listen(load.click, partial(_load_said, page), [chosen], [said])


def _listed(page: Page) -> list[Any]:
    runs = page.door.runs()
    return [gallery_html(runs, compat.file_url), compat.update(choices=[run_label(run) for run in runs])]


def _shown(page: Page, wanted: str) -> list[Any]:
    run = _find(page, wanted)
    if run is None:
        return [compat.same(), "", "", ""]
    return [compat.update(value=run_label(run)), run_html(run, compat.file_url), _plan(page, run), ""]


def _load_said(page: Page, wanted: str) -> list[str]:
    run = _find(page, wanted)
    return ["<p>Choose a run first.</p>" if run is None else "<p>Its settings are in the Deforum tab now.</p>"]


def _resumed(page: Page, panel: RunPanel, wanted: str) -> list[Any]:
    run = _find(page, wanted)
    try:
        job = page.door.resume(run.timestring if run is not None else "")
    except DeforumError as error:
        return [error_html(error), *(compat.same() for _ in panel.watched)]
    said = "<p>It goes on; the Deforum tab shows how far it is.</p>"
    return [said, *watch(page.door, follow([job]))]


def _plan(page: Page, run: PastRun) -> str:
    try:
        return plan_html(page.door.plan(page.door.load_settings(run.settings)))
    except DeforumError as error:
        return error_html(error)


def _find(page: Page, wanted: str) -> PastRun | None:
    """The run with this timestring or this label."""
    return next((run for run in page.door.runs() if wanted in (run.timestring, run_label(run))), None)


def _unfinished(page: Page) -> list[str]:
    return [run_label(run) for run in page.door.runs() if run.unfinished]
