"""A Pratt parser: tokens in, a postfix program out.

The program is a flat list for a stack machine, so neither deep nor long expressions can exhaust Python's stack when
they are evaluated, and nothing the user wrote is ever handed to Python's own ``eval``.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from .kernels import FOLDS, FUNCTIONS, SIGNS
from .tokens import Number, Origin, Token, tokenize

VARIABLES = frozenset({"t", "s", "max_f"})
"""Frame index, seed, and index of the last frame."""

_CONSTANTS = {"True": np.bool_(True), "False": np.bool_(False)}

_MAX_DEPTH = 150
"""Nested parentheses, signs and operands; keeps the recursion far from Python's limit."""

_COMPARISON = 10
_SIGN = 80
_POWER = 90
_BINDING = {
    **dict.fromkeys(("<", "<=", "==", "!=", ">=", ">"), _COMPARISON),
    "|": 20,
    "^": 30,
    "&": 40,
    **dict.fromkeys(("<<", ">>"), 50),
    **dict.fromkeys(("+", "-"), 60),
    **dict.fromkeys(("*", "/", "//", "%"), 70),
    "**": _POWER,
}
"""How tightly binary operators bind, as in Python."""

_WORD_HINTS = {
    "and": "Write & and put both sides in parentheses: (t>5) & (t<10).",
    "or": "Write | and put both sides in parentheses: (t<5) | (t>10).",
    "not": "Write ~ in front of parentheses: ~(t>5).",
    "if": "Write where(condition, value, other value).",
    "else": "Write where(condition, value, other value).",
    "pi": "Write 3.14159265 instead.",
    "e": "Write 2.71828183 or exp(1) instead.",
    "seed": "The seed is called s.",
    "frame": "The frame index is called t.",
    "frame_idx": "The frame index is called t.",
    "max_frames": "The last frame is called max_f, so the number of frames is max_f+1.",
    "inf": "Only finite numbers can be written.",
    "nan": "Only finite numbers can be written.",
}


@dataclass(frozen=True)
class Constant:
    """Push a number."""

    value: Number


@dataclass(frozen=True)
class Variable:
    """Push a variable."""

    name: str


@dataclass(frozen=True)
class Apply:
    """Replace the topmost ``arity`` values by the result of the operator or function ``symbol``.

    ``position`` is where the symbol stands in the expression, 0-based.
    """

    symbol: str
    arity: int
    position: int


Instruction = Constant | Variable | Apply
Program = tuple[Instruction, ...]


def parse(origin: Origin, variables: Collection[str] = VARIABLES) -> Program:
    """Translate an expression into a postfix program.

    Args:
        origin: the expression and where it stands.
        variables: the names it may use.

    Raises:
        ScheduleError: the text is no expression of this grammar; points at the offending token.
    """
    parser = _Parser(origin, variables)
    parser.operand_chain(0)
    parser.expect_end()
    return tuple(parser.program)


class _Parser:
    """The state of one parse: a cursor, the nesting depth, and the program so far."""

    def __init__(self, origin: Origin, variables: Collection[str]) -> None:
        self.origin = origin
        self.variables = variables
        self.tokens = tokenize(origin)
        self.cursor = 0
        self.depth = 0
        self.program: list[Instruction] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.cursor]

    def advance(self) -> Token:
        token = self.token
        self.cursor += 1
        return token

    def fail(self, message: str, token: Token, hint: str = "") -> NoReturn:
        self.origin.fail(message, token.position, hint)

    def operand_chain(self, binding: int) -> None:
        """Parse an operand and every following operator that binds tighter than ``binding``."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.fail("the expression is nested too deeply", self.token, "Use fewer nested parentheses.")
        self.operand()
        compared = False
        while (strength := _BINDING.get(self.token.text, 0)) > binding:
            token = self.advance()
            if compared and strength == _COMPARISON:
                self.fail("comparisons cannot be chained", token, "Write (0<t)&(t<5) instead of 0<t<5.")
            compared = strength == _COMPARISON
            # The power operator is right-associative: 2**3**2 is 2**(3**2).
            self.operand_chain(strength - 1 if strength == _POWER else strength)
            self.program.append(Apply(token.text, 2, token.position))
        self.depth -= 1

    def operand(self) -> None:
        token = self.advance()
        if token.value is not None:
            self.program.append(Constant(token.value))
        elif token.kind == "name":
            self.name(token)
        elif token.text in SIGNS:
            self.operand_chain(_SIGN)
            self.program.append(Apply(token.text, 1, token.position))
        elif token.text == "(":
            self.operand_chain(0)
            self.close(token)
        else:
            self.fail_operand(token)

    def name(self, token: Token) -> None:
        if self.token.text == "(" and token.text not in self.variables:
            self.call(token)
        elif token.text in self.variables:
            self.program.append(Variable(token.text))
        elif token.text in _CONSTANTS:
            self.program.append(Constant(_CONSTANTS[token.text]))
        else:
            self.fail_name(token)

    def call(self, token: Token) -> None:
        if token.text not in FUNCTIONS and token.text not in FOLDS:
            self.fail_name(token)
        opening = self.advance()
        count = self.arguments(token)
        self.close(opening)
        arity, _ = FUNCTIONS.get(token.text, (count, None))
        if count != arity or count == 0:
            wanted = "at least 1 argument" if token.text in FOLDS else f"{arity} argument{'s' * (arity > 1)}"
            self.fail(f"{token.text} takes {wanted}, {count} given", token)
        if token.text not in FOLDS:
            self.program.append(Apply(token.text, arity, token.position))

    def arguments(self, function: Token) -> int:
        if self.token.text == ")":
            return 0
        count = 1
        self.operand_chain(0)
        while self.token.text == ",":
            self.advance()
            self.operand_chain(0)
            count += 1
            if function.text in FOLDS:
                self.program.append(Apply(function.text, 2, function.position))
        return count

    def close(self, opening: Token) -> None:
        if self.token.text == ")":
            self.advance()
        elif self.token.kind == "end":
            self.fail("this parenthesis is never closed", opening)
        elif self.token.text == ",":
            self.fail("a comma is not allowed here", self.token, "Write decimals with a point: 1.5.")
        else:
            self.fail_operator()

    def expect_end(self) -> None:
        if self.token.text == ")":
            self.fail("this parenthesis closes nothing", self.token)
        if self.token.text == ",":
            self.fail("a comma is not allowed here", self.token, "Write decimals with a point: 1.5.")
        if self.token.kind != "end":
            self.fail_operator()

    def fail_operator(self) -> NoReturn:
        hint = _WORD_HINTS.get(self.token.text, "Write * to multiply.")
        self.fail(f"an operator is missing before {self.token.text}", self.token, hint)

    def fail_operand(self, token: Token) -> NoReturn:
        if token.kind == "end":
            self.fail("the expression is empty" if len(self.tokens) == 1 else "the expression ends too early", token)
        doubled = {"&": "Write a single &.", "|": "Write a single |."}
        self.fail(f"a value is missing before {token.text}", token, doubled.get(token.text, ""))

    def fail_name(self, token: Token) -> NoReturn:
        known = [*self.variables, *FUNCTIONS, *FOLDS, *_CONSTANTS]
        if token.text in known:
            what, hint = self.misused(token.text)
        else:
            what = "unknown name"
            near = difflib.get_close_matches(token.text[:40], known, n=1)
            names = ", ".join(sorted(self.variables))
            hint = _WORD_HINTS.get(token.text) or (f"Did you mean {near[0]}?" if near else f"Known variables: {names}.")
        shown = token.text if len(token.text) <= 40 else f"{token.text[:40]}…"
        self.fail(f"{what} {shown}", token, hint)

    @staticmethod
    def misused(name: str) -> tuple[str, str]:
        if name in _CONSTANTS:
            return "no such function:", "True and False are values."
        return "missing arguments after", f"Write them in parentheses: {name}(…)."
