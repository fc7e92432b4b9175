"""The outer shape of a schedule text: ``frame: (value), frame: (value), …``.

Commas separate entries and the first colon of an entry separates its frame from its value, except inside brackets or
quotes, so functions with several arguments, file paths and masks pass as values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRUCTURE = re.compile(r"[()\[\]{}\"',:]")
_OPENING = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'"


@dataclass(frozen=True)
class Flaw:
    """Something wrong with the outer shape, at 0-based ``position``."""

    message: str
    position: int
    hint: str = ""


@dataclass(frozen=True)
class Entry:
    """A stretch of the text between two commas.

    Attributes:
        start, end: where it begins and ends, 0-based, end exclusive.
        colon: where its first colon is, or None.
    """

    start: int
    end: int
    colon: int | None


def split_entries(text: str) -> tuple[Entry, ...]:
    """Split a schedule text at its commas; blank entries are kept. Only to be trusted without :func:`flaws`."""
    entries: list[Entry] = []
    start, colon, depth = 0, None, 0
    for position, mark in _marks(text):
        depth += (mark in "([{") - (mark in ")]}")
        if depth > 0:
            continue
        if mark == ",":
            entries.append(Entry(start, position, colon))
            start, colon = position + 1, None
        elif mark == ":" and colon is None:
            colon = position
    return (*entries, Entry(start, len(text), colon))


def flaws(text: str) -> tuple[Flaw, ...]:
    """Brackets and quotes that lack their partner."""
    found: list[Flaw] = []
    waiting: list[int] = []
    for position, mark in _marks(text):
        if mark in "([{":
            waiting.append(position)
        elif mark in _QUOTES:
            found.append(Flaw("this quote is never closed", position, f"Add another {mark} or remove it."))
        elif mark in _OPENING and waiting and text[waiting[-1]] == _OPENING[mark]:
            waiting.pop()
        elif mark in _OPENING:
            found.append(Flaw(f"this {mark} closes nothing", position, "Remove it, or open a bracket before it."))
    return (*found, *(Flaw(f"this {text[at]} is never closed", at, "Close it.") for at in waiting))


def without_parentheses(text: str) -> str:
    """Drop the pair of parentheses that encloses the whole of ``text``, if one does, and the blanks inside it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, mark in _marks(text):
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return text[1:-1].strip() if position == len(text) - 1 else text
    return text


def without_quotes(text: str) -> str:
    """Drop the quotes that enclose the whole of ``text``, if they do."""
    quoted = len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0] and text.count(text[0]) == 2
    return text[1:-1] if quoted else text


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Brackets, commas and colons outside quotes, with their positions; of quotes only those never closed."""
    position = 0
    while match := _STRUCTURE.search(text, position):
        at, mark = match.start(), match.group()
        position = at + 1
        if mark not in _QUOTES:
            yield at, mark
        elif at > 0 and text[at - 1].isalnum():
            continue  # an apostrophe, as in it's
        elif (closing := text.find(mark, position)) >= 0:
            position = closing + 1
        else:
            yield at, mark
