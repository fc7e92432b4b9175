"""Past runs: a picker to resume one in the tab, and the gallery of our page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..errors import DeforumError
from . import compat
from .door import PastRun
from .findings_view import error_html
from .plan_view import plan_html
from .run_panel import RunPanel, filled, watch
from .runs_view import gallery_html, run_html, run_label
from .sections import Page


def build_resume(page: Page) -> None:
    """A list of the runs that were cut off; choosing one fills in its timestring."""
    switch, box = page.fields.get("resume_from_timestring"), page.fields.get("resume_timestring")
    with gr.Row():
        chosen = gr.Dropdown(
            _unfinished(page),
            label="Runs that can be resumed",
            info="Generate then goes on with the one that is chosen, with its own settings.",
            value=None,
            elem_id="deforum_resumable",
        )
        refresh = gr.Button("Look again", size="sm")
    compat.listen(refresh.click, lambda: [compat.update(choices=_unfinished(page))], [], [chosen])
    if switch is not None and box is not None:
        compat.listen(
            chosen.input, lambda run: [True, compat.update(value=run or "", visible=True)], [chosen], [switch, box]
        )


def build_gallery(page: Page, panel: RunPanel) -> None:
    """All runs: pictures to choose from, and the chosen one with its video, settings and plan."""
    refresh = gr.Button("Look again", size="sm", elem_id="deforum_runs_btn")
    chosen = gr.Dropdown([], label="Run", value=None, elem_id="deforum_run")
    picked = compat.hidden_text("deforum_run_picked")
    with gr.Row():
        load = gr.Button("Load its settings", size="sm", elem_id="deforum_run_load_btn")
        resume = gr.Button("Resume", size="sm", elem_id="deforum_run_resume_btn")
    said = compat.html("", elem_id="deforum_run_said")
    with gr.Row():
        shown = compat.html("", elem_id="deforum_run_shown")
        plan = compat.html("", elem_id="deforum_run_plan")
    cards = compat.html("", elem_id="deforum_runs")

    def look() -> list[Any]:
        runs = page.door.runs()
        listed = [(run_label(run), run.timestring) for run in runs]
        return [gallery_html(runs, compat.file_url), compat.update(choices=listed)]

    def show(timestring: str) -> list[Any]:
        run = _find(page, timestring)
        if run is None:
            return [compat.same(), "", "", ""]
        return [compat.update(value=timestring), run_html(run, compat.file_url), _plan(page, run), ""]

    def load_settings(timestring: str) -> list[Any]:
        run = _find(page, timestring)
        if run is None:
            return ["<p>Choose a run first.</p>", *page.unchanged()]
        return filled(page, lambda: page.door.load_settings(run.settings), run.name)

    def go_on(timestring: str) -> list[Any]:
        try:
            job = page.door.resume(timestring or "")
        except DeforumError as error:
            return [error_html(error), *(compat.same() for _ in panel.watched)]
        said = "<p>It goes on; the Deforum tab shows how far it is.</p>"
        return [said, *watch(page.door, f'{{"jobs": ["{job}"], "video": ""}}')]

    compat.listen(refresh.click, look, [], [cards, chosen])
    for picker in (chosen.input, picked.input):
        compat.listen(picker, show, [picked if picker is picked.input else chosen], [chosen, shown, plan, said])
    compat.listen(load.click, load_settings, [chosen], [said, *page.outputs])
    compat.listen(resume.click, go_on, [chosen], [said, *panel.watched])


def _plan(page: Page, run: PastRun) -> str:
    try:
        return plan_html(page.door.plan(page.door.load_settings(run.settings)))
    except DeforumError as error:
        return error_html(error)


def _find(page: Page, timestring: str) -> PastRun | None:
    return next((run for run in page.door.runs() if run.timestring == timestring), None)


def _unfinished(page: Page) -> list[tuple[str, str]]:
    return [(run_label(run), run.timestring) for run in page.door.runs() if run.unfinished]
