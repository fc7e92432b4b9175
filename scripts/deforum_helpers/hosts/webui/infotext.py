"""Reading what the web UI says a picture was made with."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r'\s*([^:,]+?):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")


def parse_infotext(infotext: str) -> dict[str, str | int | float]:
    """The parameters on the last line of an infotext: ``{"Steps": 8, "Sampler": "Euler a", "Seed": 11, …}``."""
    last = infotext.strip().rpartition("\n")[2]
    if not last.startswith("Steps:"):
        return {}
    return {name: _value(text) for name, text in _PARAMETER.findall(last)}


def _value(text: str) -> str | int | float:
    if text.startswith('"'):
        return _ESCAPED.sub(r"\1", text[1:-1])
    for number in (int, float):
        if re.fullmatch(r"-?\d+" if number is int else r"-?\d*\.\d+", text):
            return number(text)
    return text
