"""Presets: cards with pictures to choose from, and keeping the settings of the page as one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import gradio as gr

from ..errors import InputError
from . import compat
from .door import Door, Preset
from .errands import Done, Errands
from .run_panel import jobs_followed
from .runs_view import Address
from .status_view import said_html
from .values import Draft


def build_presets(door: Door, errands: Errands, followed: compat.Component) -> None:
    """Cards, and a box for the name of a new one.

    Args:
        door: who keeps presets.
        errands: how they fill the page, and it becomes one.
        followed: text with the jobs of the page; the last frame of the newest is the picture of a new preset.
    """
    cards = compat.html("", elem_id="deforum_presets")
    picked, pick = compat.hidden_text("deforum_preset_picked"), compat.hidden_button("deforum_preset_pick")
    with gr.Row():
        name = gr.Textbox(
            label="Name",
            show_label=False,
            placeholder="Name of a new preset",
            container=False,
            elem_id="deforum_preset_name",
        )
        save = gr.Button("Save as preset", size="sm", elem_id="deforum_save_preset_btn")

    def load(_: Draft, given: Sequence[str]) -> Done:
        preset = next((preset for preset in door.presets() if preset.name == given[0]), None)
        if preset is None:
            raise InputError(f"there is no preset {given[0]}.")
        return Done.loaded(door.load_settings(preset.settings), preset.name)

    def keep(draft: Draft, given: Sequence[str]) -> Done:
        preset = door.save_preset(draft, given[0], _last_frame(door, given[1]))
        return Done(said_html(f"Kept as preset {preset.name}."))

    def list_again() -> list[str]:
        return [presets_html(door.presets(), compat.file_url)]

    errands.on(pick.click, "load preset", load, [picked])
    errands.on(save.click, "save preset", keep, [name, followed], reads=True)
    look = gr.Button("Look again", size="sm", elem_id="deforum_presets_btn", elem_classes=["deforum-quiet"])
    compat.listen(look.click, list_again, [], [cards])


def presets_html(presets: Sequence[Preset], url: Address) -> str:
    """A card per preset, which the script makes a choice."""
    if not presets:
        return '<p class="deforum-legend">There are no presets yet. Give one a name and save it.</p>'
    return f'<div class="deforum-cards">{"".join(_card(preset, url) for preset in presets)}</div>'


def _card(preset: Preset, url: Address) -> str:
    picture = '<span class="deforum-blank">no picture</span>'
    if preset.picture is not None:
        picture = f'<img loading="lazy" alt="" src="{escape(url(preset.picture), quote=True)}">'
    name = escape(preset.name, quote=True)
    return f'<button type="button" class="deforum-card" data-preset="{name}">{picture}<span>{name}</span></button>'


def _last_frame(door: Door, followed: str) -> bytes | None:
    jobs = jobs_followed(door, followed)
    return door.latest_frame(jobs[-1].id) if jobs else None
