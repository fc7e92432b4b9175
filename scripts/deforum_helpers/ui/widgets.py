"""A setting as a gradio component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from ..settings.schema import Setting
from . import compat
from .tree import CHECKED, DELETES, widget_id
from .uploads import SHOWN, TAKEN, TOOLS_TAKE
from .values import shown

_NEAREST_HUNDREDTH = 0.01


def widget(setting: Setting, *, visible: bool, choices: Sequence[str] = (), is_half: bool = False) -> compat.Component:
    """The component of a setting, or of a tool's value, with its default.

    Args:
        setting: the setting.
        visible: whether it has an effect with the defaults.
        choices: texts on offer in place of the setting's own.
        is_half: whether it shares its row with another.
    """
    facts = {
        "label": setting.label.rstrip(":"),
        "elem_id": widget_id(setting),
        "elem_classes": [*_classes(setting), *(["deforum-half"] if is_half else [])],
        "visible": compat.display(visible),
    }
    return _MAKERS[setting.widget](setting, {**facts, "choices": _choices(setting, choices)})


def _classes(setting: Setting) -> list[str]:
    checked = ["deforum-checked"] if setting.kind in CHECKED or setting.key in SHOWN else []
    taken = ["deforum-takes-file"] if setting.key in TAKEN or setting.key in TOOLS_TAKE else []
    deletes = ["deforum-deletes"] if setting.key in DELETES else []
    return ["deforum-setting", f"deforum-{setting.kind.replace('_', '-')}", *checked, *taken, *deletes]


def _choices(setting: Setting, given: Sequence[str]) -> list[str]:
    offered = list(given or setting.choices)
    return offered if setting.kind != "choice" or setting.default in offered else [setting.default, *offered]


def _textbox(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    # A box that gradio lets grow is measured when the page appears, with all of the page's layout; styles let it grow.
    # With a single line it would be one that takes no line ends.
    lines = max(setting.lines, 2)
    value = shown(setting.key, setting.default) if setting.kind == "prompts" else setting.default
    return gr.Textbox(value, lines=lines, max_lines=lines, info=setting.help, **_without_choices(facts))


def _checkbox(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    return gr.Checkbox(setting.default, info=setting.help, **_without_choices(facts))


def _number(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    return gr.Number(setting.default, info=setting.help, **_without_choices(facts))


def _slider(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    step = setting.step or (1 if setting.kind == "integer" else _NEAREST_HUNDREDTH)
    least, most = setting.minimum or 0, setting.maximum
    return gr.Slider(least, most, setting.default, step=step, info=setting.help, **_without_choices(facts))


def _radio(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    return gr.Radio(value=setting.default, info=setting.help, **facts)


def _dropdown(setting: Setting, facts: dict[str, Any]) -> compat.Component:
    return gr.Dropdown(value=setting.default, info=setting.help, allow_custom_value=setting.open_choices, **facts)


def _picture(_: Setting, facts: dict[str, Any]) -> compat.Component:
    return compat.picture(**_without_choices(facts))


def _files(_: Setting, facts: dict[str, Any]) -> compat.Component:
    return compat.files(**_without_choices(facts))


def _without_choices(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "choices"}


_MAKERS: Mapping[str, Callable[[Setting, dict[str, Any]], compat.Component]] = {
    "Textbox": _textbox,
    "Checkbox": _checkbox,
    "Number": _number,
    "Slider": _slider,
    "Radio": _radio,
    "Dropdown": _dropdown,
    "Image": _picture,
    "File": _files,
}
