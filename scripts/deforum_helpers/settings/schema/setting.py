"""What is known about one setting, and the helpers that declare it as a field of a frozen dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind = Literal[
    "flag",
    "integer",
    "number",
    "choice",
    "text",
    "path",
    "json",
    "schedule",
    "text_schedule",
    "prompts",
    "object",
]
"""What a value is: ``path`` is a local path or URL, ``json`` text that holds JSON, ``schedule`` and ``text_schedule``
are keyframe texts of numbers and of words, ``prompts`` maps frames to texts, ``object`` lives in a page only."""

Value: TypeAlias = Any
"""A setting's value; its type is that of the setting's default."""

_Field: TypeAlias = Any
"""What ``dataclasses.field`` returns, as type checkers see it: something that fits every annotation."""

_METADATA = "setting"


@dataclass(frozen=True)
class Setting:
    """Description of one setting. The default is also the type example: its type is the type of every value.

    Attributes:
        kind: see :data:`Kind`.
        default: value of a setting that nobody has set.
        label: name beside the widget.
        help: one or two sentences: effect, unit, range, sign.
        key: name in settings files; filled in from the field's name.
        group: class that declares it; filled in.
        tab: path of headings in the user interface, outermost first; empty above all tabs.
        widget: gradio's name of the widget.
        minimum, maximum, step: what the widget offers. Values beyond them are legal.
        least, most: hard limits; a value beyond them is an error. None where there is none.
        choices: the texts on offer, in order.
        others: texts that are known, although not on offer; only where choices are open.
        open_choices: whether other texts are legal too, because the list depends on the host and its models.
        optional: whether null and "None" mean "nothing", which is the empty text.
        lines: height of a text box.
        visible_when: condition in Python syntax over other keys (comparisons, ``in``, and/or/not); empty for always.
        elem_id: element id in the page, where scripts or styles rely on it.
        saved: whether settings files hold it.
        saved_as: ``"index"`` for a choice written as its number, ``"text"`` for a number written as text.
    """

    kind: Kind
    default: Value
    label: str
    help: str
    key: str = ""
    group: str = ""
    tab: tuple[str, ...] = ()
    widget: str = "Textbox"
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    open_choices: bool = False
    optional: bool = False
    lines: int = 1
    visible_when: str = ""
    elem_id: str = ""
    saved: bool = True
    saved_as: Literal["", "index", "text"] = ""


def flag(default: bool, **facts: Value) -> _Field:
    """Declare a switch; ``facts`` are the other attributes of :class:`Setting`."""
    return _field(Setting("flag", default, widget="Checkbox", **facts))


def integer(default: int, **facts: Value) -> _Field:
    """Declare a whole number: a slider if it has a maximum, else a number box."""
    return _field(Setting("integer", default, widget=_number_widget(facts), **facts))


def number(default: float, **facts: Value) -> _Field:
    """Declare a real number: a slider if it has a maximum, else a number box."""
    return _field(Setting("number", default, widget=_number_widget(facts), **facts))


def choice(default: str, choices: tuple[str, ...] = (), *, widget: str = "Radio", **facts: Value) -> _Field:
    """Declare one text out of ``choices``."""
    return _field(Setting("choice", default, choices=choices, widget=widget, **facts))


def text(default: str = "", **facts: Value) -> _Field:
    """Declare free text."""
    return _field(Setting("text", default, **facts))


def path(default: str = "", **facts: Value) -> _Field:
    """Declare a local path or URL; empty for none."""
    return _field(Setting("path", default, optional=True, **facts))


def json_text(default: str = "", **facts: Value) -> _Field:
    """Declare text that holds JSON."""
    return _field(Setting("json", default, **facts))


def schedule(default: str, **facts: Value) -> _Field:
    """Declare a keyframe text whose values are numbers, such as ``0: (1), 30: (2*t)``."""
    return _field(Setting("schedule", default, **facts))


def text_schedule(default: str, **facts: Value) -> _Field:
    """Declare a keyframe text whose values are texts, such as ``0: ("Euler a")``."""
    return _field(Setting("text_schedule", default, **facts))


def widget_object(widget: str, **facts: Value) -> _Field:
    """Declare something that only lives in a user interface: an uploaded image or file."""
    return _field(Setting("object", None, widget=widget, saved=False, **facts))


def mapping(setting: Setting) -> _Field:
    """Declare a field whose default is a mapping, which each instance gets a copy of."""
    return field(default_factory=lambda: dict(setting.default), metadata={_METADATA: setting})


def declared(group: type) -> Iterator[tuple[str, Setting]]:
    """Yield the field name and description of every setting of the dataclass ``group``, in order."""
    for item in dataclasses.fields(group):
        described: Setting = item.metadata[_METADATA]
        yield item.name, dataclasses.replace(described, key=item.name, group=group.__name__)


def _field(setting: Setting) -> _Field:
    return field(default=setting.default, metadata={_METADATA: setting})


def _number_widget(facts: dict[str, Value]) -> str:
    return "Slider" if "maximum" in facts else "Number"
