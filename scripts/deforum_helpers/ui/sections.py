"""The left side: a tab per main heading, sections that open and close inside, and what hides without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from ..errors import DeforumError
from ..settings.schema import SETTINGS
from . import compat, values
from .door import Door
from .findings_view import jump
from .switches import connect_switches
from .tree import FIRST_UNIT, OPEN, UNITS_TAB, Path, Section, note_id, of_unit, section_id, settings_tree
from .values import Draft
from .visibility import Condition, conditions, none_of
from .widgets import widget


@dataclass(frozen=True)
class Page:
    """The components of the tab, by name.

    Attributes:
        door: who answers.
        base: holds what the page cannot show; see ``values.base_of``.
        unit: holds the number of the ControlNet unit whose settings stand in the fields of unit 1; see ``units``.
        errand: holds what is asked of the whole page; see ``errands``.
        fields: settings key → component that holds its value.
        boxes: settings key → component that takes a file or picture and whose value is no setting.
        notes: headings → what is said in a section while nothing in it has an effect.
        views: name → component that shows something of all settings, and its update for them.
        rules: when fields, boxes and notes are on display, those that are not always.
    """

    door: Door
    base: compat.Component
    unit: compat.Component
    errand: compat.Component
    rules: Mapping[str | Path, Condition]
    fields: dict[str, compat.Component] = field(default_factory=dict)
    boxes: dict[str, compat.Component] = field(default_factory=dict)
    notes: dict[Path, compat.Component] = field(default_factory=dict)
    views: dict[str, tuple[compat.Component, Callable[[Mapping[str, Any]], Any]]] = field(default_factory=dict)

    @property
    def inputs(self) -> list[compat.Component]:
        """What :meth:`draft` needs, in its order."""
        return [self.base, self.unit, *self.fields.values()]

    def draft(self, given: Sequence[Any]) -> Draft:
        """The settings that stand in the page, from the values of :attr:`inputs`.

        Raises:
            SettingsError: some are not allowed.
        """
        base, unit, *widgets = given
        keys = (of_unit(key, int(unit)) for key in self.fields)
        return values.read(dict(zip(keys, widgets, strict=True)), base)

    @property
    def outputs(self) -> list[compat.Component]:
        """What :meth:`fill` changes, in its order."""
        views = [component for component, _ in self.views.values()]
        return [self.base, self.unit, *self.fields.values(), *self.boxes.values(), *self.notes.values(), *views]

    def fill(self, draft: Draft) -> list[Any]:
        """Updates that put settings into the page, of ControlNet unit 1, and show what has an effect."""
        held = draft.held
        updates = [
            compat.update(value=values.shown(key, held[key]), visible=compat.display(self.is_visible(key, held)))
            for key in self.fields
        ]
        others = [compat.update(visible=compat.display(self.is_visible(name, held))) for name in self._others()]
        views = [view(held) for _, view in self.views.values()]
        return [values.base_of(draft), FIRST_UNIT, *updates, *others, *views]

    def unchanged(self) -> list[Any]:
        """Updates that leave the page as it is."""
        return [compat.same() for _ in self.outputs]

    def component(self, name: str | Path) -> compat.Component | None:
        """The component of a field, box or note, None if there is none."""
        if isinstance(name, tuple):
            return self.notes.get(name)
        return self.fields.get(name) or self.boxes.get(name)

    def _others(self) -> list[str | Path]:
        return [*self.boxes, *self.notes]

    def is_visible(self, name: str | Path, held: Mapping[str, Any]) -> bool:
        """Whether a field, box or note is on display for these values."""
        return name not in self.rules or self.rules[name](held)


Extra = Callable[[Page], None]
"""Builds what stands in a section besides its settings."""


def build_sections(page: Page, extras: Mapping[Path, Extra]) -> None:
    """Build the left side into the page.

    Args:
        page: where the components are noted.
        extras: headings → what else stands there, below settings and sections; for a tab of several units, all of it.
    """
    root = settings_tree()
    _fields(page, root)
    with gr.Tabs(elem_id="deforum_tabs"):
        for tab in root.children:
            with gr.Tab(tab.heading, elem_id=section_id(tab.path)) as place, part(tab.heading, place):
                _content(page, tab, extras)
    connect_visibility(page)


def rules_of(root: Section) -> dict[str | Path, Condition]:
    """When settings are on display, and when a section says that nothing in it is."""
    shown = [key for key in root.keys() if of_unit(key, 1) == key]  # noqa: SIM118 - a method of its own
    rules: dict[str | Path, Condition] = {key: rule for key, rule in conditions(shown).items()}  # noqa: C416
    for section in root.walk():
        keys = list(section.keys())
        if len(section.path) > 1 and section.path[0] != UNITS_TAB and all(key in rules for key in keys):
            rules[section.path] = none_of(rules[key] for key in keys)
    return rules


def connect_visibility(page: Page) -> None:
    """Let settings show and hide those that depend on them."""
    shown = {name: component for name in page.rules if (component := page.component(name)) is not None}
    connect_switches(page.rules, page.fields, shown)


@contextmanager
def part(name: str, place: compat.Component) -> Iterator[None]:
    """A part of the page; if it cannot be built, that is said in its place, for the rest can still be used.

    Args:
        name: what people know it as.
        place: the gradio block that it is built in; what of it was built before the failure is hidden.
    """
    before = len(place.children)
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one part, the tab must not die of it
        for child in place.children[before:]:
            child.visible = False
        compat.html(failure_html(name, error))


def failure_html(name: str, error: Exception) -> str:
    """What stands in place of a part that could not be built."""
    kind = "" if isinstance(error, DeforumError) else f"{type(error).__name__}: "
    return (
        f'<ul class="deforum-findings"><li class="deforum-error"><b>{escape(name)}</b> could not be shown here. '
        f"{escape(kind + str(error))} The other parts work; what stands here keeps its value.</li></ul>"
    )


def _content(page: Page, section: Section, extras: Mapping[Path, Extra]) -> None:
    if section.path in page.rules:
        rule = page.rules[section.path]
        defaults = {key: setting.default for key, setting in SETTINGS.items()}
        said = _no_effect_html(rule)
        page.notes[section.path] = compat.html(
            said, visible=compat.display(rule(defaults)), elem_id=note_id(section.path)
        )
    _fields(page, section)
    if section.heading != UNITS_TAB:
        for child in section.children:
            _accordion(page, child, extras)
    if section.path in extras:
        extras[section.path](page)


def _no_effect_html(rule: Condition) -> str:
    links = ", ".join(jump(key) for key in sorted(rule.keys))
    return f'<p class="deforum-legend">Nothing here has an effect now. That depends on {links}.</p>'


def _accordion(page: Page, section: Section, extras: Mapping[Path, Extra]) -> None:
    is_open, place_id = section.path in OPEN, section_id(section.path)
    with compat.accordion(section.heading, is_open=is_open, elem_id=place_id) as place, part(section.heading, place):
        _content(page, section, extras)


def _fields(page: Page, section: Section) -> None:
    """The settings of a section. Styles put pairs side by side: rows of gradio would be two components more each."""
    for row in section.rows:
        for key in row:
            build_field(page, key, is_half=len(row) > 1)


def build_field(page: Page, key: str, *, is_half: bool = False) -> None:
    """The widget of a setting.

    Args:
        page: where it is noted.
        key: of the setting.
        is_half: whether it shares its row.
    """
    setting = SETTINGS[key]
    defaults = {name: known.default for name, known in SETTINGS.items()} if key in page.rules else {}
    visible = key not in page.rules or page.rules[key](defaults)
    made = widget(setting, visible=visible, choices=page.door.choices().get(key, ()), is_half=is_half)
    (page.boxes if setting.kind == "object" else page.fields)[key] = made
