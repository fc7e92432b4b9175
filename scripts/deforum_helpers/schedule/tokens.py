"""Expression text cut into tokens, each knowing where it stands, so that every complaint can point at its column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn

import numpy as np

from ..errors import ScheduleError

Number = np.bool_ | np.int64 | np.float64
"""A constant: numpy scalars, because their type decides between whole-number and real arithmetic."""

TokenKind = Literal["number", "name", "operator", "end"]

MAX_LENGTH = 4096
"""Longest expression accepted, in characters; real ones stay far below."""

_MAX_DIGITS = 18
"""Integers of up to this many digits fit 64 bits whatever their digits are; longer ones are read as floats."""

_NUMERAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(
    rf"(?:(?P<number>{_NUMERAL})(?![A-Za-z0-9_.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>\*\*|//|<<|>>|<=|>=|==|!=|[-+*/%&|^~<>(),])"
    rf"|(?P<quote>[\"'])\s*(?P<quoted>[+-]?{_NUMERAL})\s*(?P=quote))\s*"
)
_MALFORMED = re.compile(rf"({_NUMERAL})([A-Za-z0-9_.]+)")

_CHARACTER_HINTS = {
    "=": "Compare with == instead.",
    "!": "Write != for unequal or ~ for not.",
    "?": "Write where(condition, value, other value) instead.",
    ".": "A point is only allowed inside a number such as 0.5.",
    ":": "A colon separates a key frame from its value, once: 0: (value).",
    ";": "Key frames are separated by commas.",
    "[": "Use round parentheses.",
    "]": "Use round parentheses.",
    "{": "Use round parentheses.",
    "}": "Use round parentheses.",
    '"': "Quotes may only enclose a number here: remove them.",
    "'": "Quotes may only enclose a number here: remove them.",
}


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: what it is.
        text: as written.
        position: 0-based index of its first character in the expression.
        value: the number it stands for, if it is one.
    """

    kind: TokenKind
    text: str
    position: int
    value: Number | None = None


@dataclass(frozen=True)
class Origin:
    """Where an expression stands, for messages.

    Attributes:
        text: the expression.
        key: the settings key or field it belongs to.
        frame: the frame it belongs to.
        source: the text it was cut from; empty if it stands alone.
        offset: 0-based index of the expression in ``source``.
    """

    text: str
    key: str = ""
    frame: int | None = None
    source: str = ""
    offset: int = 0

    def fail(self, message: str, position: int, hint: str = "") -> NoReturn:
        """Raise a ScheduleError that points at ``position``, 0-based in the text; ``message`` lacks its full stop."""
        raise ScheduleError(
            f"{message}.",
            key=self.key,
            frame=self.frame,
            column=self.offset + position + 1,
            text=self.source or self.text,
            hint=hint,
        )


def tokenize(origin: Origin) -> list[Token]:
    """Cut ``origin.text`` into tokens; the last one is always of kind ``"end"``.

    Raises:
        ScheduleError: a character that no expression may hold, a malformed number, or too long a text.
    """
    text = origin.text
    if len(text) > MAX_LENGTH:
        origin.fail(f"the expression has {len(text)} characters, at most {MAX_LENGTH} are allowed", 0)
    tokens: list[Token] = []
    position = len(text) - len(text.lstrip())
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse(origin, position)
        tokens.append(_token(origin, match, position))
        position = match.end()
    tokens.append(Token("end", "", len(text.rstrip())))
    return tokens


def _token(origin: Origin, match: re.Match[str], position: int) -> Token:
    if match.lastgroup == "name":
        return Token("name", match["name"], position)
    if match.lastgroup == "operator":
        return Token("operator", match["operator"], position)
    text = match["number"] or match["quoted"]
    value = _number(text)
    if not np.isfinite(value):
        origin.fail(f"{_shortened(text)} is too large a number, about 1.8e308 is the largest", position)
    return Token("number", text, position, value)


def _number(text: str) -> Number:
    digits = text.lstrip("+-")
    if digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return np.int64(int(text))
    return np.float64(float(text))


def _refuse(origin: Origin, position: int) -> NoReturn:
    """Explain why no token starts at ``position``: a malformed number such as ``2t`` or ``1.2.3``, or a character."""
    malformed = _MALFORMED.match(origin.text, position)
    if malformed:
        number, rest = malformed.groups()
        is_product = rest[0].isalpha() and number != "0"
        product = f"Write {number}*{_shortened(rest)} to multiply."
        hint = product if is_product else "Write digits with one point at most."
        origin.fail(f"{_shortened(malformed.group())} is not a number", position, hint)
    character = origin.text[position]
    hint = _CHARACTER_HINTS.get(character, "Allowed are numbers, t, s, max_f, operators, functions and parentheses.")
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    origin.fail(f"{shown} is not allowed in an expression", position, hint)


def _shortened(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:20]}…"
