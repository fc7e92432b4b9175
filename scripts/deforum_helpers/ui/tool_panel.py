"""The sections of the tools: fields, a button, and how the tool stands below it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from ..errors import DeforumError, Finding, SettingsError
from ..jobs.workbench import ToolStatus
from ..settings.coercion import coerce
from ..settings.schema import SETTINGS, Setting
from . import compat
from .door import Door
from .findings_view import error_html
from .sections import Page, part
from .switches import connect_switches
from .tool_view import tool_html
from .tools import TOOLS, Tool
from .tree import Path, rows_of, section_id
from .visibility import condition
from .widgets import widget


class ToolPanel:
    """The tools of a page. What one is at shows in every page; it goes on if the page is closed."""

    def __init__(self, tools: tuple[Tool, ...] = TOOLS) -> None:
        self._tools = tools
        self._said: dict[str, compat.Component] = {}

    @property
    def places(self) -> tuple[Path, ...]:
        """Headings of the sections that tools stand in."""
        return tuple(dict.fromkeys(tool.path[:-1] for tool in self._tools))

    def build(self, place: Path, page: Page) -> None:
        """The tools that stand in a section, where gradio is at."""
        for tool in self._tools:
            if tool.path[:-1] == place:
                folded = compat.accordion(tool.name, is_open=False, elem_id=section_id(tool.path))
                with folded as inside, part(tool.name, inside):
                    self._build(tool, page)

    def connect(self, door: Door) -> None:
        """Let progress follow the tool at work, and let it be stopped: buttons for the script to press."""
        tick, stop = compat.hidden_button("deforum_tool_tick"), compat.hidden_button("deforum_tool_stop")
        names, outputs = list(self._said), list(self._said.values())

        def look() -> list[Any]:
            status = door.tool()
            return [
                shown_status(door, status) if status is not None and status.name == name else compat.same()
                for name in names
            ]

        def stopped() -> list[Any]:
            door.stop_tool()
            return look()

        if outputs:
            compat.listen(tick.click, look, [], outputs, once=True)
            compat.listen(stop.click, stopped, [], outputs)

    def _build(self, tool: Tool, page: Page) -> None:
        fields = _build_fields(tool.fields)
        read = {key: page.fields[key] for key in tool.reads if key in page.fields}
        button = gr.Button(tool.button, elem_id=f"{section_id(tool.path)}_btn", elem_classes=["deforum-tool-btn"])
        said = compat.html("", elem_id=f"{section_id(tool.path)}_said", elem_classes=["deforum-tool-said"])
        self._said[tool.name] = said
        keys, door = (*fields, *read), page.door

        def start(*given: Any) -> list[Any]:
            try:
                values = _values(tool, dict(zip(keys, given, strict=True)))
                door.start_tool(tool.name, partial(tool.work, values), networks=tool.networks)
            except DeforumError as error:
                return [error_html(error)]
            status = door.tool()
            return [shown_status(door, status) if status is not None else ""]

        compat.listen(button.click, start, [*fields.values(), *read.values()], [said], once=True)


def shown_status(door: Door, status: ToolStatus) -> str:
    """How a tool stands, as HTML."""
    video = status.made.video if status.made is not None else None
    return tool_html(status, compat.file_url(video) if video is not None and door.shows(video) else "")


def _build_fields(fields: tuple[Setting, ...]) -> dict[str, compat.Component]:
    """The widgets of a tool by key, those without an effect hidden."""
    by_key = {field.key: field for field in fields}
    names = frozenset(by_key)
    rules = {key: condition(each.visible_when, names) for key, each in by_key.items() if each.visible_when}
    held = {key: field.default for key, field in by_key.items()}
    made = {
        key: widget(by_key[key], visible=key not in rules or rules[key](held), is_half=len(row) > 1)
        for row in rows_of(fields)
        for key in row
    }
    connect_switches(rules, made, made)
    return made


def _values(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields and settings hold, as the values that they stand for.

    Raises:
        SettingsError: values that are not allowed; all of them are listed.
    """
    known = {**{key: SETTINGS[key] for key in tool.reads}, **{field.key: field for field in tool.fields}}
    values: dict[str, Any] = {key: setting.default for key, setting in known.items()}
    wrong: list[Finding] = []
    for key, raw in given.items():
        if known[key].kind == "object":
            values[key] = compat.paths_of(raw)
            continue
        try:
            values[key] = coerce(known[key], raw)[0]
        except SettingsError as error:
            wrong += error.findings
    if wrong:
        raise SettingsError(wrong)
    return values
