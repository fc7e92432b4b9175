"""Frame rates as exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

from ..errors import InputError

MAX_FPS = 1000
_NTSC_NOMINAL = (24, 30, 48, 60, 120, 240)
_NTSC_TOLERANCE = Fraction(7, 1000)
"""Wide enough for the usual spellings 23.97, 23.976 and 23.98, narrow enough to meet no other rate in use."""


def parse_fps(value: object, *, key: str = "fps") -> Fraction:
    """Read a frame rate.

    Args:
        value: an int, float or Fraction, or a text such as ``"30"``, ``"29.97"`` or ``"30000/1001"``.
        key: what the value is for, named in the error.

    Returns:
        Frames per second, in (0, ``MAX_FPS``]. Decimals near ``n * 1000 / 1001`` (23.976, 29.97, 59.94 …) are taken for
        the NTSC rate they abbreviate; any other decimal is taken exactly as written (12.5 is 25/2).

    Raises:
        InputError: not a number, or out of range.
    """
    rate = _fraction(value)
    if rate is None or not 0 < rate <= MAX_FPS:
        raise InputError(
            f"{str(value)[:40]!r} is not a frame rate; allowed is a number above 0 and up to {MAX_FPS}.",
            key=key,
            hint="Write it like 24, 29.97 or 30000/1001.",
        )
    return _snap_to_ntsc(rate)


def _fraction(value: object) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    if isinstance(value, float):
        # repr() is the shortest decimal that means this float, which is what was written.
        return Fraction(repr(value)) if math.isfinite(value) else None
    return _fraction_of_text(value) if isinstance(value, str) else None


def _fraction_of_text(text: str) -> Fraction | None:
    # Short and without an exponent: Fraction("1e999999999") would be computed in full.
    if len(text) > 40 or "e" in text.lower():
        return None
    try:
        return Fraction("/".join(part.strip() for part in text.split("/")))
    except (ValueError, ZeroDivisionError):
        return None


def _snap_to_ntsc(rate: Fraction) -> Fraction:
    if rate.denominator == 1:
        return rate
    exact = (Fraction(nominal * 1000, 1001) for nominal in _NTSC_NOMINAL)
    return next((candidate for candidate in exact if abs(candidate - rate) < _NTSC_TOLERANCE), rate)
