"""The operators and functions of expressions, on whole arrays.

Typing follows numexpr with 64-bit integers: comparisons give booleans, whole numbers stay whole under
``+ - * // % **``, ``/`` gives floats, and so does nearly every function. Where numexpr would stop or return nonsense,
the mathematical value is taken instead: a whole number that outgrows 64 bits or is raised to a negative power becomes a
float, arithmetic on booleans counts them as 0 and 1, and ``where`` takes any non-zero number for true.

A kernel takes and returns arrays or numpy scalars of dtype bool, int64 or float64, which broadcast. Division by zero
gives inf or nan for floats and 0 for ``//`` and ``%`` of whole numbers, as numexpr does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Kernel = Callable[..., Values]

_INT64_BOUND = 2.0**63

WHOLE_ONLY = frozenset({"&", "|", "^", "~", "<<", ">>"})
"""Operators that refuse floats."""


def _number(values: Values) -> Values:
    return values.astype(np.int64) if values.dtype.kind == "b" else values


def _real(values: Values) -> Values:
    return values.astype(np.float64)


def _outgrows(values: Values) -> bool:
    return bool(np.any(np.abs(values) >= _INT64_BOUND))


def _arithmetic(function: Kernel) -> Kernel:
    def kernel(a: Values, b: Values) -> Values:
        result = function(_number(a), _number(b))
        if result.dtype.kind == "f":
            return result
        exact = function(_real(a), _real(b))
        return exact if _outgrows(exact) else result

    return kernel


def _power(a: Values, b: Values) -> Values:
    a, b = _number(a), _number(b)
    real = np.power(_real(a), _real(b))
    whole = a.dtype.kind == b.dtype.kind == "i"
    if not whole or np.any(b < 0) or _outgrows(real):
        return real
    return np.power(a, b)


def _numeric(function: Kernel) -> Kernel:
    """Keep whole numbers whole."""

    def kernel(*arguments: Values) -> Values:
        return function(*map(_number, arguments))

    return kernel


def _floating(function: Kernel) -> Kernel:
    """Compute in floats."""

    def kernel(*arguments: Values) -> Values:
        return function(*map(_real, arguments))

    return kernel


def _floor_divide(a: Values, b: Values) -> Values:
    a, b = _number(a), _number(b)
    if a.dtype.kind == b.dtype.kind == "i":
        return np.floor_divide(a, b)
    # As numexpr does. np.floor_divide corrects for rounding, so that 1//0.1 would be 9.
    quotient: Values = np.floor(np.true_divide(a, b))
    return quotient


def _modulo(a: Values, b: Values) -> Values:
    a, b = _number(a), _number(b)
    if a.dtype.kind == b.dtype.kind == "i":
        return np.mod(a, b)
    remainder: Values = a - _floor_divide(a, b) * b
    return remainder


def _round(values: Values) -> Values:
    return np.round(values) if values.dtype.kind == "f" else _number(values)


def _where(condition: Values, chosen: Values, other: Values) -> Values:
    return np.where(condition != 0, chosen, other)


_FLOAT_FUNCTIONS = (
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    *("log", "log10", "log1p", "exp", "expm1", "sqrt", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite"),
)

OPERATORS: Mapping[str, Kernel] = {
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _floating(np.true_divide),
    "//": _floor_divide,
    "%": _modulo,
    "**": _power,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "<<": _numeric(np.left_shift),
    ">>": _numeric(np.right_shift),
    "<": _numeric(np.less),
    "<=": _numeric(np.less_equal),
    "==": _numeric(np.equal),
    "!=": _numeric(np.not_equal),
    ">=": _numeric(np.greater_equal),
    ">": _numeric(np.greater),
}
"""Binary operators."""

SIGNS: Mapping[str, Kernel] = {"+": _number, "-": _numeric(np.negative), "~": np.invert}
"""Unary operators."""

FUNCTIONS: Mapping[str, tuple[int, Kernel]] = {
    **{name: (1, _floating(getattr(np, name))) for name in _FLOAT_FUNCTIONS},
    "abs": (1, _numeric(np.abs)),
    "sign": (1, _numeric(np.sign)),
    "round": (1, _round),
    "sum": (1, _number),
    "prod": (1, _number),
    "arctan2": (2, _floating(np.arctan2)),
    "fmod": (2, _floating(np.fmod)),
    "minimum": (2, _floating(np.minimum)),
    "maximum": (2, _floating(np.maximum)),
    "where": (3, _where),
}
"""Functions by name: how many arguments they take, and their kernel."""

FOLDS: Mapping[str, Kernel] = {"min": _numeric(np.minimum), "max": _numeric(np.maximum)}
"""Functions of one or more arguments, taken two by two."""
