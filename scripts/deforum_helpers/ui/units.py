"""ControlNet: the fields of one unit, and a picker of the unit that stands in them.

Five units are eighty settings of which few are in use. Fields for all of them would slow down the page, so there is one
set, called by the keys of unit 1. What the others hold is in the base of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from ..errors import DeforumError
from . import compat, values
from .sections import Page, build_field
from .tree import FIRST_UNIT, UNITS, UNITS_TAB, Path, Section, of_unit, settings_tree

PICKER_ID = "deforum_unit"
_IN_USE = "in use"
_NOT_FOUND = """<p class="deforum-legend">No list of ControlNet models was found. In a web UI, install the extension
<i>sd-webui-controlnet</i>; with an engine of our own, write names or paths of models.</p>"""


def build_units(page: Page) -> None:
    """Picker and fields."""
    if "cn_1_model" not in page.door.choices():
        compat.html(_NOT_FOUND, elem_id="controlnet_not_found_html_msg")
    picker = gr.Radio(
        _labels({}),
        value=_label(int(FIRST_UNIT), {}),
        label="Unit",
        info="Up to five ControlNet units work together; those that are in use say so.",
        elem_id=PICKER_ID,
    )
    keys = [key for row in _first_unit().rows for key in row]
    for row in _first_unit().rows:
        for key in row:
            build_field(page, key, is_half=len(row) > 1)
    page.views["units"] = (picker, lambda held: _picked(int(FIRST_UNIT), held))
    fields = [page.fields[key] for key in keys]
    kept = [page.base, page.unit, *fields]
    compat.listen(picker.input, partial(_switched, page, keys), [picker, *kept], [picker, *kept], raw=True)
    compat.listen(page.fields["cn_1_enabled"].input, partial(_marked, keys), kept, [picker], raw=True)


def _switched(page: Page, keys: Sequence[str], wanted: str, base: str, shown: str, *given: Any) -> list[Any]:
    """Keep what stands in the fields, and show another unit in them."""
    try:
        draft = _read(keys, base, int(shown), given)
    except DeforumError:  # what cannot be kept stays in sight
        return [_picked(int(shown), values.read({}, base).held), *(compat.same() for _ in range(2 + len(keys)))]
    unit = next((unit for unit in UNITS if wanted.startswith(_label(unit, {}))), int(shown))
    held = draft.held
    first = {**held, **{key: held[of_unit(key, unit)] for key in keys}}
    fields = [
        compat.update(value=values.shown(key, first[key]), visible=compat.display(page.is_visible(key, first)))
        for key in keys
    ]
    return [_picked(unit, held), values.base_of(draft), str(unit), *fields]


def _marked(keys: Sequence[str], base: str, shown: str, *given: Any) -> list[Any]:
    try:
        held = _read(keys, base, int(shown), given).held
    except DeforumError:
        return [compat.same()]
    return [_picked(int(shown), held)]


def _read(keys: Sequence[str], base: str, unit: int, given: Sequence[Any]) -> values.Draft:
    return values.read({of_unit(key, unit): value for key, value in zip(keys, given, strict=True)}, base)


def _picked(unit: int, held: Mapping[str, Any]) -> Any:
    return compat.update(choices=_labels(held), value=_label(unit, held))


def _labels(held: Mapping[str, Any]) -> list[str]:
    """How the units are called in the picker, for these settings."""
    return [_label(unit, held) for unit in UNITS]


def _label(unit: int, held: Mapping[str, Any]) -> str:
    return f"CN Model {unit}" + (f" ({_IN_USE})" if held.get(f"cn_{unit}_enabled") else "")


def _first_unit() -> Section:
    path: Path = (UNITS_TAB, "CN Model 1")
    return next(section for section in settings_tree().walk() if section.path == path)
