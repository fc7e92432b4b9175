"""Fields that show and hide others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import compat
from .visibility import Condition, groups


def connect_switches(
    rules: Mapping[Any, Condition], fields: Mapping[str, compat.Component], shown: Mapping[Any, compat.Component]
) -> None:
    """Let fields show and hide what has an effect for some of their values only.

    A page of gradio appears later with every component that a listener names. So what hangs together has one listener.

    Args:
        rules: name → when it is on display.
        fields: key → component that holds its value. A key without one counts as not set.
        shown: name → component; those without one are left out.
    """
    for names in groups({name: rule for name, rule in rules.items() if name in shown}):
        _connect({name: rules[name] for name in names}, fields, [shown[name] for name in names])


def _connect(
    rules: Mapping[Any, Condition], fields: Mapping[str, compat.Component], outputs: list[compat.Component]
) -> None:
    keys = sorted(set().union(*(rule.keys for rule in rules.values())) & fields.keys())

    def show(*held: Any) -> list[Any]:
        by_key = dict(zip(keys, held, strict=True))
        return [compat.update(visible=compat.display(rule(by_key))) for rule in rules.values()]

    inputs = [fields[key] for key in keys]
    if inputs:
        compat.listen([field.input for field in inputs], show, inputs, outputs, raw=True)
