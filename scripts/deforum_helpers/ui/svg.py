"""Small drawings as SVG text: curves with a few hundred points however long a series is, and rows of ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST_POINTS = 1200


@dataclass(frozen=True)
class Frame:
    """A rectangle of a drawing onto which frames and values are mapped.

    Attributes:
        left, top, width, height: of the rectangle, in units of the drawing.
        frames: number of frames; the first is at the left edge, the last one at the right.
        low, high: values at the bottom and at the top.
        first: the frame at the left edge.
    """

    left: float
    top: float
    width: float
    height: float
    frames: int
    low: float = 0.0
    high: float = 1.0
    first: int = 0

    def x(self, frames: ArrayLike) -> NDArray[np.float64]:
        """Horizontal place of frames."""
        return self.left + (np.asarray(frames, np.float64) - self.first) / max(self.frames - 1, 1) * self.width

    def y(self, values: ArrayLike) -> NDArray[np.float64]:
        """Vertical place of values."""
        span = (self.high - self.low) or 1.0
        return self.top + self.height - (np.asarray(values, np.float64) - self.low) / span * self.height


def curve(frame: Frame, values: NDArray[np.float64], style: str) -> str:
    """A series, a value per frame of the rectangle, as a line that is broken where it is not finite.

    Every peak is kept, however many values share a pixel.
    """
    at = _peaks(values)
    pieces, pen = [], "M"
    for x, y in zip(frame.x(at + frame.first), frame.y(values[at]), strict=True):
        if np.isfinite(y):
            pieces.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L" if np.isfinite(y) else "M"
    return f'<path class="{style}" d="{"".join(pieces)}"/>'


def ticks(frame: Frame, at: Sequence[int], style: str) -> str:
    """A vertical line per frame of ``at``, from top to bottom of the rectangle; ones on the same spot are one."""
    places = dict.fromkeys(f"{x:.1f}" for x in frame.x(at))
    lines = "".join(f"M{x} {frame.top:.1f}v{frame.height:.1f}" for x in places)
    return f'<path class="{style}" d="{lines}"/>'


def dots(frame: Frame, at: NDArray[np.int64], values: NDArray[np.float64], style: str) -> str:
    """A dot per value; lines of no length with round ends, which is one element for all of them."""
    places = zip(frame.x(at), frame.y(values), strict=True)
    spots = dict.fromkeys(f"M{x:.1f} {y:.1f}h0" for x, y in places if np.isfinite(y))
    return f'<path class="{style}" d="{"".join(spots)}"/>'


def text(x: float, y: float, words: str, style: str = "deforum-axis", anchor: str = "start") -> str:
    """A line of text, its baseline at ``y``."""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def drawing(
    width: float, height: float, parts: Sequence[str], *, label: str, style: str, stretched: bool = False
) -> str:
    """The whole drawing, as wide as its place.

    Args:
        width: of the coordinates.
        height: of the coordinates.
        parts: what is in it.
        label: what people hear who cannot see it.
        style: CSS class.
        stretched: whether it fills any shape of place.
    """
    shape = ' preserveAspectRatio="none"' if stretched else ""
    facts = f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label, quote=True)}"'
    return f'<svg class="{style}"{shape} {facts}>{"".join(parts)}</svg>'


def limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest finite value; 0 and 1 if there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _peaks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices to draw: all, or the lowest and the highest of each of as many stretches as there are pixels."""
    count = len(values)
    if count <= _MOST_POINTS:
        return np.arange(count, dtype=np.int64)
    edges = np.linspace(0, count, _MOST_POINTS // 2 + 1).astype(np.int64)
    found = {0, count - 1}
    for start, end in pairwise(edges.tolist()):
        part = values[start:end]
        if part.size:
            found |= {int(start + np.argmin(part)), int(start + np.argmax(part))}
    return np.array(sorted(found), dtype=np.int64)
