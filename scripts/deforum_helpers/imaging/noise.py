"""Noise added before diffusion, from a seed.

The numbers are those of torch's CPU generator (32-bit Mersenne twister, 24-bit uniforms, Box-Muller over blocks of 16),
so that a seed gives the picture it has always given; torch itself is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, InputError
from ..ports import Image, Mask
from .opencv import cv
from .sampling import Float32, row_strips

NoiseKind = Literal["uniform", "perlin"]

_CHUNK = 1 << 17
"""Random numbers made at a time: measured; a multiple of 16."""

_EIGHT = np.dtype("V32")
"""Eight float32 moved as one, much faster than an inner loop of eight."""

_GRAIN = 64
"""White noise under Perlin noise comes in whole multiples of so many pixels."""


@dataclass(frozen=True)
class PerlinOptions:
    """Shape of Perlin noise.

    Attributes:
        width: cells along the picture's HEIGHT in the first octave (the names are the settings', the axes too).
        height: cells along the picture's WIDTH in the first octave.
        octaves: layers, each with twice the cells of the one before.
        persistence: amplitude of a layer relative to the one before.
    """

    width: int = 8
    height: int = 8
    octaves: int = 4
    persistence: float = 0.5

    def __post_init__(self) -> None:
        counts = {"perlin_w": self.width, "perlin_h": self.height, "perlin_octaves": self.octaves}
        findings = [
            Finding("error", f"{value} is not a whole number above 0.", key)
            for key, value in counts.items()
            if not (value >= 1 and value == int(value))
        ]
        if findings:
            raise InputError(findings)


def add_noise(  # noqa: PLR0913
    image: Image,
    *,
    amount: float,
    seed: int,
    kind: NoiseKind,
    perlin: PerlinOptions | None = None,
    mask: Mask | None = None,
    invert_mask: bool = False,
) -> Image:
    """Mix noise into a picture: ``round((1 - amount)·v + amount·noise)``, saturated.

    The noise is white (each channel normal, mean 127.5, standard deviation 127.5, clipped to 0..255); Perlin noise is
    the same with its contrast modulated by :func:`perlin_field`. ("uniform" is the settings' name for white noise.)

    Args:
        image: H×W×3 uint8, of any size.
        amount: share of noise, usually 0..1, not clamped.
        seed: its lower 32 bits count.
        kind: "uniform" or "perlin".
        perlin: shape of Perlin noise, the defaults if None.
        mask: H×W uint8, noise only where it is 128 or more; the other pixels are untouched. Everywhere if None.
        invert_mask: noise where the mask is below 128 instead.

    Returns:
        A new H×W×3 uint8 array.

    Raises:
        InputError: unknown kind.
    """
    noise = make_noise(*image.shape[:2], seed=seed, kind=kind, perlin=perlin)
    noisy: Image = cv.addWeighted(image, 1 - amount, noise, amount, 0)
    if mask is not None:
        untouched = (mask >= 128) if invert_mask else (mask < 128)
        cv.copyTo(image, untouched.view(np.uint8), noisy)
    return noisy


def make_noise(height: int, width: int, *, seed: int, kind: str, perlin: PerlinOptions | None = None) -> Image:
    """Noise of a kind, height×width×3 uint8; the arguments are those of :func:`add_noise`.

    Raises:
        InputError: unknown kind.
    """
    if kind == "uniform":
        return white_noise(height, width, seed=seed)
    if kind == "perlin":
        return perlin_noise(height, width, seed=seed, options=perlin or PerlinOptions())
    raise InputError(f"There is no noise type {kind!r}.", key="noise_type", hint='Use "uniform" or "perlin".')


def white_noise(height: int, width: int, *, seed: int) -> Image:
    """Clipped normal noise ``trunc(255·clip(n/2 + 1/2, 0, 1))``, height×width×3 uint8; channels drawn one by one."""
    white = _normal(_generator(seed), 3 * height * width).reshape(3, height, width)
    return _to_image(white)


def perlin_noise(height: int, width: int, *, seed: int, options: PerlinOptions) -> Image:
    """White noise times ``(P + 1)/2`` with P from :func:`perlin_field`, height×width×3 uint8.

    It is drawn at the sides rounded down to multiples of 64 (sides below 64 as they are) and enlarged by repeating
    pixels. The gradients of the field come from the same generator, after the white noise.
    """
    rows, columns = (side - side % _GRAIN if side >= _GRAIN else side for side in (height, width))
    generator = _generator(seed)
    white = _normal(generator, 3 * rows * columns).reshape(3, rows, columns)
    field = perlin_field(rows, columns, options=options, generator=generator)
    image = _to_image(white, field)
    if (rows, columns) == (height, width):
        return image
    enlarged: Image = cv.resize(image, (width, height), interpolation=cv.INTER_NEAREST)
    return enlarged


def perlin_field(height: int, width: int, *, options: PerlinOptions, generator: np.random.RandomState) -> Float32:
    """Perlin noise: the sum over octaves o of ``√2 · persistence^o · perlin(cells·2^o)``.

    One octave has a unit gradient of random angle at each corner of its cells; a point's value is interpolated between
    the four scalar products of gradient and distance, with weights ``6t⁵ - 15t⁴ + 10t³``. The sum is not renormalised,
    so it may leave -1..1.

    Args:
        height: rows.
        width: columns.
        options: shape of the noise; cells need not divide the sides.
        generator: source of the angles, ``2π·uniform``, octave by octave, row by row.

    Returns:
        height×width float32.
    """
    downs, acrosses = [], []
    for octave in range(int(options.octaves)):
        cells = int(options.width) << octave, int(options.height) << octave
        angles = 2 * np.pi * _uniform(generator, (cells[0] + 1) * (cells[1] + 1)).astype(np.float64)
        amplitude = np.sqrt(2.0) * options.persistence**octave
        downs.append(_down(height, amplitude, angles.reshape(cells[0] + 1, cells[1] + 1)))
        acrosses.append(_across(width, cells[1]))
    return _contract(downs, np.vstack(acrosses), int(options.height))


def _down(height: int, amplitude: float, angles: NDArray[np.float64]) -> Float32:
    """Interpolated down the lines of corners, at each row: the product's part along y, and its slope along x.

    Returns:
        height×2·corners float32, the two values of a corner side by side.
    """
    cell, place, fade = (values[:, None] for values in _cells(height, angles.shape[0] - 1))
    gradient_y, gradient_x = amplitude * np.cos(angles), amplitude * np.sin(angles)
    top, bottom = cell[:, 0], cell[:, 0] + 1
    along_y = place * gradient_y[top] * (1 - fade) + (place - 1) * gradient_y[bottom] * fade
    slope_x = gradient_x[top] * (1 - fade) + gradient_x[bottom] * fade
    return np.stack([along_y, slope_x], axis=2).reshape(height, -1).astype(np.float32)


def _across(width: int, cells: int) -> Float32:
    """Weight of what :func:`_down` gives for the left and the right corner of the cell, at each column: 4×width."""
    _, place, fade = _cells(width, cells)
    return np.stack([1 - fade, (1 - fade) * place, fade, fade * (place - 1)]).astype(np.float32)


def _contract(downs: list[Float32], across: Float32, cells: int) -> Float32:
    """Sum the octaves: within one cell of the finest, the field is a product of two narrow matrices."""
    height, width = downs[0].shape[0], across.shape[1]
    finest = len(downs) - 1
    column_cell = np.arange(width) * (cells << finest) // width
    starts = np.flatnonzero(np.diff(column_cell, prepend=-1))
    field = np.empty((height, width), np.float32)
    for start, stop in zip(starts, [*starts[1:], width], strict=True):
        cell = int(column_cell[start])
        corners = (2 * (cell >> (finest - octave)) for octave in range(finest + 1))
        down = np.hstack([values[:, at : at + 4] for values, at in zip(downs, corners, strict=True)])
        field[:, start:stop] = down @ across[:, start:stop]
    return field


def _cells(length: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Cell, place in the cell and faded place of every pixel along one side."""
    pixels = np.arange(length, dtype=np.int64)
    cell = pixels * count // length
    t: NDArray[np.float64] = (pixels * (count / length) - cell).astype(np.float64)
    fade: NDArray[np.float64] = t**3 * (t * (t * 6 - 15) + 10)
    return cell, t, fade


def _to_image(white: Float32, field: Float32 | None = None) -> Image:
    """``trunc(255·clip(v/2 + 1/2, 0, 1))``: 3×H×W numbers, times ``(field + 1)/2``, to an H×W×3 picture."""
    image: Image = np.empty((*white.shape[1:], 3), np.uint8)
    for rows in row_strips(image.shape[0]):
        values = white[:, rows]
        if field is not None:
            values = values * (field[rows] * np.float32(0.5) + np.float32(0.5))
        # OpenCV rounds and saturates in one go; rounding 127.5·v + 127 truncates 127.5·v + 127.5.
        planes = [cv.addWeighted(plane, 127.5, plane, 0.0, 127.0, dtype=cv.CV_8U) for plane in values]
        cv.merge(planes, image[rows])
    return image


def _generator(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed & 0xFFFFFFFF)


def _fill_bits(generator: np.random.RandomState, out: Float32) -> Float32:
    """Fill ``out`` with random whole numbers below 2**24."""
    bits = generator.randint(0, 1 << 32, size=out.size, dtype=np.uint32)
    bits &= np.uint32(0xFFFFFF)
    np.copyto(out, bits.view(np.int32), casting="unsafe")  # signed numbers convert faster
    return out


def _uniform(generator: np.random.RandomState, count: int) -> Float32:
    """Numbers in [0, 1)."""
    return _fill_bits(generator, np.empty(count, np.float32)) * np.float32(2.0**-24)


def _normal(generator: np.random.RandomState, count: int) -> Float32:
    """Standard normal numbers: of each 16 uniforms, the first 8 give radii and the last 8 angles (Box-Muller)."""
    normal = np.empty(-(-count // 16) * 16, np.float32)
    size = min(_CHUNK, normal.size)
    # Memory that is asked for and given back in every turn costs more than the arithmetic on it.
    drawn, halves = np.empty(size, np.float32), np.empty((3, size // 2), np.float32)
    for start in range(0, normal.size, _CHUNK):
        part = normal[start : start + _CHUNK]
        pairs = _fill_bits(generator, drawn[: part.size]).view(_EIGHT).reshape(-1, 2)
        radius, angle, made = halves[:, : part.size // 2]
        np.copyto(radius.view(_EIGHT), pairs[:, 0])
        np.copyto(angle.view(_EIGHT), pairs[:, 1])
        radius *= np.float32(-(2.0**-24))
        radius += np.float32(1.0)
        np.log(radius, out=radius)
        radius *= np.float32(-2.0)
        np.sqrt(radius, out=radius)
        angle *= np.float32(2 * np.pi * 2.0**-24)
        out = part.view(_EIGHT).reshape(-1, 2)
        for column, function in enumerate((np.cos, np.sin)):
            function(angle, out=made)
            made *= radius
            np.copyto(out[:, column], made.view(_EIGHT))
    return normal[:count]
