"""All settings together: :class:`Settings` holds the values, :data:`SETTINGS` describes them by key."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from ...errors import Finding, SettingsError
from .animation import DeforumAnimArgs
from .controlnet import UNITS, ControlNetUnit
from .interface import InterfaceArgs
from .loop import LoopArgs
from .output import DeforumOutputArgs, Trailer
from .parseq import ParseqArgs
from .prompts import PromptArgs
from .run import DeforumArgs
from .setting import Setting, Value, declared

_Group: TypeAlias = Value
"""An instance of one of the dataclasses that declare settings."""


@dataclass(frozen=True)
class Settings:
    """Every setting of a run, grouped, in the order of a settings file. Equal if all values are equal; not hashable.

    Attributes:
        extra: keys that are no settings, kept verbatim and in order. Together with ``trailer`` they never affect a run.
    """

    run: DeforumArgs = field(default_factory=DeforumArgs)
    prompts: PromptArgs = field(default_factory=PromptArgs)
    anim: DeforumAnimArgs = field(default_factory=DeforumAnimArgs)
    parseq: ParseqArgs = field(default_factory=ParseqArgs)
    loop: LoopArgs = field(default_factory=LoopArgs)
    controlnet: tuple[ControlNetUnit, ...] = (ControlNetUnit(),) * UNITS
    output: DeforumOutputArgs = field(default_factory=DeforumOutputArgs)
    interface: InterfaceArgs = field(default_factory=InterfaceArgs)
    trailer: Trailer = field(default_factory=Trailer)
    extra: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra", MappingProxyType(dict(self.extra)))

    def value(self, key: str) -> Value:
        """Return the value of a key as settings files name it, such as ``"W"`` or ``"cn_2_weight"``.

        Raises:
            SettingsError: there is no such setting.
        """
        place = _place(key)
        return getattr(_group(self, place), place.name)

    def with_values(self, values: Mapping[str, Value]) -> Settings:
        """Return settings in which ``values`` (by key, already of the right type) replace the present ones.

        Raises:
            SettingsError: a key is no setting; all such keys are named.
        """
        unknown = [key for key in values if key not in _PLACES]
        if unknown:
            raise SettingsError(unknown_key(key) for key in unknown)
        changes: dict[_Place, dict[str, Value]] = {}
        for key, value in values.items():
            place = _PLACES[key]
            changes.setdefault(place._replace(name=""), {})[place.name] = value
        result = self
        for place, members in changes.items():
            result = _with_group(result, place, dataclasses.replace(_group(result, place), **members))
        return result

    def replace(self, **values: Value) -> Settings:
        """Return settings with other values: :meth:`with_values` for keys written as keywords."""
        return self.with_values(values)


class _Place(NamedTuple):
    group: str
    unit: int
    name: str


def unknown_key(key: str) -> Finding:
    """Return the error finding for a key that is no setting, with the nearest one that is."""
    near = nearest(key, SETTINGS)
    hint = f"Did you mean {near}?" if near else "Keys are spelled as in a settings file, capitals included."
    return Finding("error", "there is no such setting.", key=key, hint=hint)


def nearest(word: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the one of ``names`` most like ``word``, ignoring case, or the empty text if none is alike."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else ""


def _place(key: str) -> _Place:
    if key not in _PLACES:
        raise SettingsError([unknown_key(key)])
    return _PLACES[key]


def _group(settings: Settings, place: _Place) -> _Group:
    group = getattr(settings, place.group)
    return group[place.unit] if place.group == "controlnet" else group


def _with_group(settings: Settings, place: _Place, group: _Group) -> Settings:
    if place.group == "controlnet":
        units = settings.controlnet
        group = (*units[: place.unit], group, *units[place.unit + 1 :])
    return dataclasses.replace(settings, **{place.group: group})


_GROUPS: Mapping[str, type] = {
    "run": DeforumArgs,
    "prompts": PromptArgs,
    "anim": DeforumAnimArgs,
    "parseq": ParseqArgs,
    "loop": LoopArgs,
    "controlnet": ControlNetUnit,
    "output": DeforumOutputArgs,
    "interface": InterfaceArgs,
}


def _described() -> Iterator[tuple[Setting, _Place]]:
    for group, declaring in _GROUPS.items():
        if declaring is ControlNetUnit:
            yield from _described_units(group)
        else:
            yield from ((setting, _Place(group, 0, name)) for name, setting in declared(declaring))


def _described_units(group: str) -> Iterator[tuple[Setting, _Place]]:
    for unit in range(UNITS):
        for name, setting in declared(ControlNetUnit):
            yield _of_unit(setting, str(unit + 1)), _Place(group, unit, name)


def _of_unit(setting: Setting, unit: str) -> Setting:
    return dataclasses.replace(
        setting,
        key=f"cn_{unit}_{setting.key}",
        tab=tuple(heading.replace("{i}", unit) for heading in setting.tab),
        visible_when=setting.visible_when.replace("{i}", unit),
    )


_ALL = tuple(_described())

SETTINGS: Mapping[str, Setting] = MappingProxyType({setting.key: setting for setting, _ in _ALL})
"""Every setting by key, in the order of a settings file."""

TRAILER_KEYS: tuple[str, ...] = tuple(item.name for item in dataclasses.fields(Trailer))

_PLACES: Mapping[str, _Place] = {
    **{setting.key: place for setting, place in _ALL},
    **{name: _Place("trailer", 0, name) for name in TRAILER_KEYS},
}
