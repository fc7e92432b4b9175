"""The right side, which stays in view: Generate and its progress, settings files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from ..errors import DeforumError, InputError
from ..jobs.status import JobStatus
from ..settings.schema import SETTINGS
from . import compat
from .door import Door
from .errands import Done, Errands
from .sections import Page
from .status_view import IDLE, current_job, picture_html, said_html, status_html, video_html
from .values import Draft

SETTINGS_FILE = "deforum_settings.txt"
_LAST_TIME = "the settings of the last time"
_WATCHED = 6
"""How many components show how a run stands."""
_OUTPUT_GROUP = "DeforumOutputArgs"


class RunPanel:
    """Components of the right side. What it follows stands in the page, so every page follows its own jobs.

    Attributes:
        followed: text with the ids of the jobs, and the video on display.
        said: what was last said, below the progress.
    """

    def __init__(self) -> None:
        with gr.Row(elem_id="deforum_generate_box"):
            self.generate = gr.Button("Generate", variant="primary", elem_id="deforum_generate")
            self.pause = gr.Button("Pause", elem_id="deforum_skip", interactive=False)
            self.interrupt = gr.Button("Interrupt", elem_id="deforum_interrupt", interactive=False)
        self.said = compat.html("", elem_id="deforum_said")
        self.status = compat.html(IDLE, elem_id="deforum_status")
        with gr.Column(elem_id="deforum_gallery_container"):
            self.picture = compat.html(picture_html(None), elem_id="deforum_gallery")
            self.video = compat.html("", elem_id="deforum_video")
        self.followed = compat.hidden_text("deforum_followed", follow(()))
        self.files = compat.hidden_text("deforum_batch_files", "[]")
        self.tick = compat.hidden_button("deforum_tick")

    @property
    def watched(self) -> list[compat.Component]:
        """What :func:`watch` changes, in its order."""
        return [self.followed, self.status, self.picture, self.video, self.pause, self.interrupt]


def connect_run(page: Page, panel: RunPanel, errands: Errands) -> None:
    """Let the buttons run, pause and stop jobs, and the progress follow them."""

    def generate(draft: Draft, given: Sequence[str]) -> Done:
        jobs = page.door.submit(_drafts(page.door, draft, given[0]))
        return Done("", run=watch(page.door, follow(jobs)))

    def pause(followed: str) -> list[Any]:
        job = _current(page.door, followed)
        if job is None:
            return watch(page.door, followed)
        return _asked(page.door, followed, page.door.go_on if job.paused else page.door.pause)

    def interrupt(followed: str) -> list[Any]:
        return _asked(page.door, followed, page.door.stop)

    errands.on(panel.generate.click, "generate", generate, [panel.files], reads=True)
    compat.listen(panel.pause.click, pause, [panel.followed], panel.watched)
    compat.listen(panel.interrupt.click, interrupt, [panel.followed], panel.watched)
    compat.listen(
        panel.tick.click, lambda followed: watch(page.door, followed), [panel.followed], panel.watched, once=True
    )
    if "custom_settings_file" in page.boxes:
        compat.listen(
            page.boxes["custom_settings_file"].change,
            lambda uploads: [json.dumps(compat.paths_of(uploads))],
            [page.boxes["custom_settings_file"]],
            [panel.files],
        )


def watch(door: Door, followed: str) -> list[Any]:
    """Updates that show how the followed jobs stand; without any, those that are under way are followed."""
    ids, shown = _readfollow(followed)
    jobs = _known(door, ids or door.active())
    if not jobs:
        # Nothing is written back: Generate may have been pressed while this was asked for.
        return [compat.same() for _ in range(_WATCHED)]
    current = current_job(jobs)
    video = next((job.video for job in reversed(jobs) if job.video and job.is_over), None)
    picture = door.latest_frame(current.id) if not current.is_over else None
    return [
        follow([job.id for job in jobs], video or ""),
        status_html(jobs),
        _picture(current, picture, video),
        _video(video, shown),
        *_buttons(current),
    ]


def _picture(current: JobStatus, picture: bytes | None, video: str | None) -> Any:
    if video and current.is_over:
        return ""
    return picture_html(picture) if picture is not None else compat.same()


def _video(video: str | None, shown: str) -> Any:
    if (video or "") == shown:
        return compat.same()
    return video_html(compat.file_url(Path(video)), Path(video).name) if video else ""


def _buttons(current: JobStatus) -> list[Any]:
    live = not current.is_over and not current.stopping
    label = "Go on" if current.paused and live else "Pause"
    return [compat.update(value=label, interactive=live and current.is_running), compat.update(interactive=live)]


def _asked(door: Door, followed: str, ask: Any) -> list[Any]:
    job = _current(door, followed)
    if job is not None:
        with suppress(DeforumError):  # it ended in the meantime, as the progress will say
            ask(job.id)
    return watch(door, followed)


def jobs_followed(door: Door, followed: str) -> list[JobStatus]:
    """The jobs that a page follows, those that are still known."""
    return _known(door, _readfollow(followed)[0])


def _current(door: Door, followed: str) -> JobStatus | None:
    jobs = jobs_followed(door, followed)
    return current_job(jobs) if jobs else None


def _known(door: Door, ids: Sequence[str]) -> list[JobStatus]:
    jobs = []
    for job_id in ids:
        try:
            jobs.append(door.job(job_id))
        except DeforumError:  # the page is older than the queue
            continue
    return jobs


def follow(ids: Sequence[str], video: str = "") -> str:
    """The text by which a page knows the jobs it follows, and the video it shows."""
    return json.dumps({"jobs": list(ids), "video": video})


def _readfollow(text: str) -> tuple[list[str], str]:
    kept = json.loads(text) if text else {}
    return list(kept.get("jobs", [])), str(kept.get("video", ""))


def _drafts(door: Door, draft: Draft, files: str) -> list[Draft]:
    if not draft.settings.interface.override_settings_with_file:
        return [draft]
    named = json.loads(files or "[]")
    if not named:
        raise InputError("batch mode is on, but no settings files are given.", key="custom_settings_file")
    return [door.load_settings(Path(name)) for name in named]


def build_files(door: Door, errands: Errands) -> None:
    """Settings files: where they are, and the buttons that save and load."""
    box = gr.Textbox(
        SETTINGS_FILE,
        label="Settings File",
        info="Path of a settings file; relative ones lie in the folder of all runs.",
        elem_id="deforum_settings_path",
    )
    with gr.Row():
        save = gr.Button("Save Settings", elem_id="deforum_save_settings_btn", size="sm")
        load = gr.Button("Load All Settings", elem_id="deforum_load_settings_btn", size="sm")
        load_video = gr.Button("Load Video Settings", elem_id="deforum_load_video_settings_btn", size="sm")
        upload = compat.upload_button("Open file …", types=[".txt", ".json"], elem_id="deforum_open_settings_btn")

    def save_file(draft: Draft, given: Sequence[str]) -> Done:
        return Done(said_html(f"Saved as {door.save_settings(draft, Path(given[0].strip()))}."))

    def load_file(_: Draft, given: Sequence[str]) -> Done:
        path = Path(given[0].strip())
        return Done.loaded(door.load_settings(path), path.name)

    def load_video_settings(draft: Draft, given: Sequence[str]) -> Done:
        path = Path(given[0].strip())
        return Done.loaded(_with_output_of(door.load_settings(path), draft), path.name)

    errands.on(save.click, "save settings", save_file, [box], reads=True)
    errands.on(load.click, "load settings", load_file, [box])
    errands.on(load_video.click, "load video settings", load_video_settings, [box], reads=True)
    errands.on(upload.upload, "open settings", load_file, [upload])


def begin_with_kept(appears: Any, door: Door, errands: Errands) -> None:
    """Put the settings of the last time into the page when it appears, if there are any to begin with.

    Args:
        appears: the listener of the page.
        door: who kept them.
        errands: how they fill the page, and what is said of it.
    """
    try:
        if door.kept() is None:
            return  # a page that has nothing to ask for appears sooner
    except DeforumError:
        pass  # what is wrong with them is said in the page
    errands.on(appears, "settings of the last time", lambda _, __: Done.loaded(door.kept() or Draft(), _LAST_TIME), [])


def _with_output_of(loaded: Draft, draft: Draft) -> Draft:
    keys = [key for key, setting in SETTINGS.items() if setting.group == _OUTPUT_GROUP]
    settings = draft.settings.with_values({key: loaded.settings.value(key) for key in keys})
    return Draft(settings, draft.folder, loaded.findings)
