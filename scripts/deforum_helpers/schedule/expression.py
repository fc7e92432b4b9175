"""Arithmetic expressions of schedules and prompts, such as ``1.0025+0.002*sin(1.25*3.14*t/30)``.

Variables: ``t`` the frame index, ``s`` the seed, ``max_f`` the index of the last frame. Operators and functions are
those of numexpr (see :mod:`.kernels`), precedence is Python's. A numeral may be quoted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .kernels import FOLDS, FUNCTIONS, OPERATORS, SIGNS, WHOLE_ONLY, Kernel, Values
from .parser import VARIABLES, Apply, Constant, Program, Variable, parse
from .tokens import Number, Origin

_INT64_BOUND = 2**63


@dataclass(frozen=True)
class Expression:
    """A compiled expression. Make one with :func:`compile_expression`.

    Attributes:
        origin: its text and where it stands.
        program: what the stack machine runs.
    """

    origin: Origin
    program: Program

    @property
    def literal(self) -> float | None:
        """The value if the text is a mere number (signs, parentheses and quotes allowed), else None."""
        head, *signs = self.program
        if not isinstance(head, Constant) or isinstance(head.value, np.bool_):
            return None
        value = float(head.value)
        for sign in signs:
            if not (isinstance(sign, Apply) and sign.arity == 1 and sign.symbol in "+-"):
                return None
            value = -value if sign.symbol == "-" else value
        return value

    def evaluate(self, t: NDArray[np.int64], *, seed: int, max_frames: int) -> NDArray[np.float64]:
        """Evaluate at every frame of ``t`` at once.

        Args:
            t: frame indices, one-dimensional.
            seed: the value of ``s``.
            max_frames: number of frames; ``max_f`` is one less.

        Returns:
            Float64 array of the shape of ``t``, a fresh one. May hold nan and inf (division by zero, overflow).

        Raises:
            ScheduleError: ``& | ^ ~ << >>`` met a number that is not whole.
        """
        values = self._run(t, seed, max_frames)
        return np.array(np.broadcast_to(values, t.shape), dtype=np.float64)

    def value_at(self, frame: int, *, seed: int, max_frames: int) -> bool | int | float:
        """Evaluate at one frame, keeping the type: comparisons give bool, whole-number arithmetic int, the rest float.

        Raises:
            ScheduleError: as :meth:`evaluate`.
        """
        value: bool | int | float = self._run(_integer(frame), seed, max_frames).item()
        return value

    def _run(self, t: Values | Number, seed: int, max_frames: int) -> Values:
        variables = {"t": t, "s": _integer(seed), "max_f": _integer(max_frames - 1)}
        stack: list[Values | Number] = []
        with np.errstate(all="ignore"):
            for step in self.program:
                if isinstance(step, Constant):
                    stack.append(step.value)
                elif isinstance(step, Variable):
                    stack.append(variables[step.name])
                else:
                    operands = stack[-step.arity :]
                    stack[-step.arity :] = [self._apply(step, operands)]
        return np.asarray(stack.pop())

    def _apply(self, step: Apply, operands: list[Values | Number]) -> Values:
        if step.symbol in WHOLE_ONLY and any(o.dtype.kind == "f" for o in operands):
            hint = "Put comparisons in parentheses, or make the number whole with //."
            self.origin.fail(f"{step.symbol} takes whole numbers and comparisons only", step.position, hint)
        return _kernel(step)(*operands)


def compile_expression(
    text: str,
    *,
    key: str = "",
    frame: int | None = None,
    source: str = "",
    offset: int = 0,
    variables: Collection[str] = VARIABLES,
) -> Expression:
    """Compile ``text``.

    Args:
        text: the expression.
        key: settings key or field, for messages.
        frame: frame it belongs to, for messages.
        source: the longer text it was cut from, for messages; empty if ``text`` stands alone.
        offset: 0-based index of ``text`` in ``source``.
        variables: the names it may use.

    Raises:
        ScheduleError: the text is not an expression; carries key, frame, column, the text and a hint.
    """
    origin = Origin(text, key, frame, source, offset)
    return Expression(origin, parse(origin, variables))


def _kernel(step: Apply) -> Kernel:
    if step.symbol in FUNCTIONS:
        return FUNCTIONS[step.symbol][1]
    if step.symbol in FOLDS:
        return FOLDS[step.symbol]
    return OPERATORS[step.symbol] if step.arity == 2 else SIGNS[step.symbol]


def _integer(value: int) -> np.int64 | np.float64:
    return np.int64(value) if -_INT64_BOUND <= value < _INT64_BOUND else np.float64(value)
