"""Findings as HTML: each with the label of its setting, which leads to the field."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..errors import DeforumError, Finding, InputError
from ..settings.schema import SETTINGS
from .tree import elem_id, section_id, unit_of

_ORDER = ("error", "warning", "note")
_EXCERPT = 40
"""Characters of the offending text shown on each side of the place."""


def findings_html(findings: Iterable[Finding], *, none: str = "") -> str:
    """A list, the gravest first; ``none`` if there are none."""
    told = sorted(dict.fromkeys(findings), key=lambda finding: _ORDER.index(finding.severity))
    if not told:
        return f'<p class="deforum-fine">{escape(none)}</p>' if none else ""
    return f'<ul class="deforum-findings">{"".join(map(finding_html, told))}</ul>'


def finding_html(finding: Finding) -> str:
    """One entry of the list."""
    where = _place(finding)
    said = escape(finding.message + (f" {finding.hint}" if finding.hint else ""))
    return (
        f'<li class="deforum-{finding.severity}"><b>{finding.severity.capitalize()}</b> '
        f"{where}{said}{_excerpt(finding)}</li>"
    )


def error_html(error: DeforumError) -> str:
    """What went wrong, in place of what was asked for."""
    if isinstance(error, InputError):
        return findings_html(error.findings)
    return f'<ul class="deforum-findings"><li class="deforum-error"><b>Error</b> {escape(str(error))}</li></ul>'


def label_of(key: str) -> str:
    """What people know a setting by: its label, with its section where labels repeat."""
    setting = SETTINGS[key]
    label = setting.label.rstrip(":")
    return f"{setting.tab[-1]}: {label}" if unit_of(key) else label


def jump(key: str) -> str:
    """A link to the field of a setting: the script opens its tab and its sections, and goes there."""
    path, unit = SETTINGS[key].tab, unit_of(key)
    sections = "" if unit else " ".join(section_id(path[:depth]) for depth in range(2, len(path) + 1))
    facts = {"tab": path[0] if path else "", "sections": sections, "field": elem_id(key)}
    facts |= {"unit": str(unit)} if unit else {}
    data = "".join(f' data-{name}="{escape(value, quote=True)}"' for name, value in facts.items())
    return f'<button type="button" class="deforum-jump"{data}>{escape(label_of(key))}</button>'


def _place(finding: Finding) -> str:
    parts = [jump(finding.key) if finding.key in SETTINGS else escape(finding.key)] if finding.key else []
    parts += [f"frame {finding.frame}"] if finding.frame is not None else []
    return f"{', '.join(parts)}: " if parts else ""


def _excerpt(finding: Finding) -> str:
    """The text around the place where the trouble starts, the place marked."""
    if finding.column is None or not finding.text:
        return ""
    at = min(max(finding.column - 1, 0), len(finding.text))
    before, after = finding.text[max(0, at - _EXCERPT) : at], finding.text[at + 1 : at + _EXCERPT]
    mark = finding.text[at : at + 1] or " "
    return f"<code>{escape(before)}<mark>{escape(mark)}</mark>{escape(after)}</code>"
