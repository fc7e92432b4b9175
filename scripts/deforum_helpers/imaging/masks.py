r"""Masks: the little language that combines them.

    expression = union
    union      = difference { "|" difference }       lowest precedence
    difference = exclusive { "\" exclusive }
    exclusive  = both { "^" both }
    both       = negation { "&" negation }
    negation   = "!" negation | operand              highest precedence
    operand    = "{" name "}" | "[" path "]" | "<" words ">" | "(" expression ")"

Operators of one kind group from the left. ``{name}`` is a mask the run knows (``everywhere``, ``video_mask``),
``[path]`` a picture file, ``<words>`` what a segmentation network finds for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, ScheduleError
from ..ports import Mask

OperandKind = Literal["name", "file", "words"]

_BRACKETS: dict[str, tuple[str, OperandKind, str]] = {
    "{": ("}", "name", "a mask's name"),
    "[": ("]", "file", "a file's path"),
    "<": (">", "words", "the words to look for"),
}
_OPERATORS = "|\\^&"
"""Binary operators, lowest precedence first."""

_DEEPEST = 100
"""Nesting that is still taken for meant."""


@dataclass(frozen=True)
class Operand:
    """A mask that has to be fetched.

    Attributes:
        kind: "name", "file" or "words".
        text: what stands between the brackets, outer blanks removed.
        column: 1-based place of the opening bracket.
    """

    kind: OperandKind
    text: str
    column: int


@dataclass(frozen=True)
class Not:
    """Everything outside ``of``."""

    of: Node


@dataclass(frozen=True)
class Binary:
    r"""``left`` and ``right`` joined by one of ``& ^ \ |``."""

    operator: str
    left: Node
    right: Node


Node: TypeAlias = "Operand | Not | Binary"


@dataclass(frozen=True)
class MaskExpression:
    """A mask expression, understood.

    Attributes:
        text: as written.
        root: its tree.
        key: settings key it comes from.
        frame: frame it is for, if known.
    """

    text: str
    root: Node
    key: str = ""
    frame: int | None = None

    def operands(self) -> tuple[Operand, ...]:
        """Everything that has to be fetched, in the order written."""
        return tuple(_operands(self.root))

    def evaluate(self, fetch: Callable[[Operand], Mask | None]) -> Mask:
        """Combine the masks; a pixel of an operand counts as set from 128 on.

        Args:
            fetch: gives the mask of an operand, H×W uint8, all of one size; None if there is no such mask.

        Returns:
            H×W uint8, 0 or 255.

        Raises:
            ScheduleError: operands without a mask, all of them at once.
        """
        masks = {operand: fetch(operand) for operand in self.operands()}
        missing = [operand for operand, mask in masks.items() if mask is None]
        if missing:
            raise ScheduleError(
                Finding(
                    "error",
                    f"There is no mask {_written(operand)}.",
                    self.key,
                    self.frame,
                    operand.column,
                    self.text,
                )
                for operand in missing
            )
        chosen = _combine(self.root, {operand: mask >= 128 for operand, mask in masks.items() if mask is not None})
        return np.where(chosen, np.uint8(255), np.uint8(0))


def parse_mask(text: str, *, key: str = "", frame: int | None = None) -> MaskExpression:
    """Read a mask expression.

    Args:
        text: see the module's grammar; blanks between the parts do not matter.
        key: settings key it comes from, for messages.
        frame: frame it is for, for messages.

    Raises:
        ScheduleError: it is not one; says at which column and what was expected.
    """
    return MaskExpression(text, _Reader(text, key, frame).whole(), key, frame)


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str, key: str, frame: int | None) -> None:
        self._text, self._key, self._frame = text, key, frame
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._binary(0)
        if self._peek():
            raise self._error("Here an operator ! & ^ \\ | or the end was expected.", self._at)
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_OPERATORS):
            return self._negation()
        node = self._binary(level + 1)
        while self._peek() == _OPERATORS[level]:
            self._at += 1
            node = Binary(_OPERATORS[level], node, self._binary(level + 1))
        return node

    def _negation(self) -> Node:
        negated = False
        while self._peek() == "!":
            self._at += 1
            negated = not negated
        operand = self._operand()
        return Not(operand) if negated else operand

    def _operand(self) -> Node:
        opening = self._peek()
        if opening == "(":
            return self._group()
        if opening not in _BRACKETS:
            raise self._error("Here a mask {name}, [path], <words> or a parenthesis was expected.", self._at)
        closing, kind, meaning = _BRACKETS[opening]
        start = self._at
        end = self._text.find(closing, start)
        if end < 0:
            raise self._error(f"This {opening} is never closed with {closing}.", start)
        content = self._text[start + 1 : end].strip()
        if not content:
            raise self._error(f"Between {opening} and {closing} {meaning} was expected.", start)
        self._at = end + 1
        return Operand(kind, content, start + 1)

    def _group(self) -> Node:
        start = self._at
        self._at += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"Parentheses are nested more than {_DEEPEST} deep.", start)
        node = self._binary(0)
        if self._peek() != ")":
            if self._peek():
                raise self._error("Here an operator or ) was expected.", self._at)
            raise self._error("This ( is never closed with ).", start)
        self._at += 1
        self._depth -= 1
        return node

    def _peek(self) -> str:
        """The next character that is not blank, "" at the end; moves up to it."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _error(self, message: str, at: int) -> ScheduleError:
        return ScheduleError(message, key=self._key, frame=self._frame, column=at + 1, text=self._text)


def _operands(node: Node) -> Iterator[Operand]:
    if isinstance(node, Operand):
        yield node
    elif isinstance(node, Not):
        yield from _operands(node.of)
    else:
        yield from _operands(node.left)
        yield from _operands(node.right)


def _combine(node: Node, masks: dict[Operand, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    if isinstance(node, Operand):
        return masks[node]
    if isinstance(node, Not):
        return ~_combine(node.of, masks)
    left, right = _combine(node.left, masks), _combine(node.right, masks)
    if node.operator == "&":
        return left & right
    if node.operator == "^":
        return left ^ right
    if node.operator == "|":
        return left | right
    return left & ~right


def _written(operand: Operand) -> str:
    opening = next(opening for opening, (_, kind, _) in _BRACKETS.items() if kind == operand.kind)
    return f"{opening}{operand.text}{_BRACKETS[opening][0]}"
