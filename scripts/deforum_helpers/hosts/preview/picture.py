"""The picture a prompt and a seed stand for: a sky, a sun, ribbons, layered ridges and floating lights.

Shapes come from two vectors in [0, 1): the *scene* (mostly the prompt's words, so related prompts give related
pictures) and the *details* (the seed alone). Both are blended before anything is drawn, so a subseed or a weight that
moves a little moves the picture a little. Everything random is PCG64 seeded with blake2; drawing is OpenCV's
fixed-point rasteriser on uint8, so that two machines draw the same.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ...imaging.sampling import row_strips
from ...ports import Image, Mask
from .palette import Colour, Palette, mix_palette
from .profiles import PROFILES, Vector, smooth
from .words import weighted_words

_RIDGES = 5
_SCENE_SIZE = 160
# Who reads which part of the detail vector.
_STARS = slice(0, 420)
_LIGHTS = slice(420, 524)
_CRESTS = 524
_CREST_SIZE = 36
_TINT, _GLOW = 704, 705
_DETAIL_SIZE = 706
_SEED_SHARE = 0.5
"""How much the seed moves the large shapes, next to the words."""
_KNOTS = 14
"""Control points of a ridge."""
_SHIFT = 4
"""Fixed-point bits of OpenCV coordinates: 1/16 pixel."""
_KIND_WORDS = {
    "city": "city street urban neon cyberpunk tokyo skyline tower towers building buildings downtown metropolis",
    "trees": "forest jungle woods tree trees pine moss garden autumn village",
    "peaks": "mountain mountains peak peaks winter snow glacier ice crystal castle canyon volcano space planet",
    "waves": "ocean sea water wave waves underwater beach river lake reef storm",
    "hills": "hill hills meadow desert dune dunes field valley flower flowers pastel grass sand",
}
_KIND_OF = {word: kind for kind, words in _KIND_WORDS.items() for word in words.split()}
_KINDS = ("hills", "peaks", "waves", "trees")


@dataclass(frozen=True)
class Subject:
    """What is drawn, apart from its size.

    Attributes:
        prompt, negative_prompt: texts with A1111 weights.
        seed, subseed, subseed_strength: as in a DiffusionRequest.
        steps: more steps draw more detail.
        cfg_scale: more guidance gives more vivid colours.
    """

    prompt: str
    negative_prompt: str
    seed: int
    subseed: int
    subseed_strength: float
    steps: int
    cfg_scale: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """A finished picture.

    Attributes:
        image: H×W×3, uint8, RGB, C-contiguous.
        lights: H×W, uint8, where the floating lights are and how bright.
    """

    image: Image
    lights: Mask


@dataclass(frozen=True, eq=False)
class _Scene:
    palette: Palette
    kind: str
    layout: Vector
    detail: Vector
    richness: float
    """1 at 25 steps."""


def draw(subject: Subject, width: int, height: int) -> Drawing:
    """Draw the picture.

    Returns:
        The picture, height×width; a pure function of the arguments.
    """
    scene = _scene(subject)
    canvas = _sky(scene.palette, width, height)
    _sun(canvas, scene)
    _stars(canvas, scene)
    _ribbons(canvas, scene)
    for index in range(_RIDGES):
        _ridge(canvas, scene, index)
    lights = _lights(canvas, scene)
    return Drawing(_brushed(canvas, subject.seed), lights)


# -- what to draw ----------------------------------------------------------------------------------------------------


def _scene(subject: Subject) -> _Scene:
    words, negative = weighted_words(subject.prompt), weighted_words(subject.negative_prompt)
    vividness = min(max(1.0 + 0.03 * (subject.cfg_scale - 7.0), 0.7), 1.4)
    details = [(1.0, _detail_of(subject.seed))]
    if subject.subseed >= 0 and subject.subseed_strength > 0:
        share = min(subject.subseed_strength, 1.0)
        details = [(1.0 - share, details[0][1]), (share, _detail_of(subject.subseed))]
    detail = _blend(details)
    terms = [(weight, _vector("word", word, _SCENE_SIZE)) for word, weight in words.items()]
    terms += [(-0.15 * weight, _vector("word", word, _SCENE_SIZE)) for word, weight in negative.items()]
    layout = _blend([*terms, (_SEED_SHARE * (_norm(terms) or 1.0), detail[:_SCENE_SIZE])])
    return _Scene(
        palette=_tinted(mix_palette(words, negative, vividness=vividness), float(detail[_SCENE_SIZE + _TINT])),
        kind=_kind(words),
        layout=layout,
        detail=detail[_SCENE_SIZE:],
        richness=min(max(subject.steps / 25.0, 0.3), 2.0),
    )


def _tinted(palette: Palette, share: float) -> Palette:
    """Let the seed colour the evening: more or less of the accent near the horizon."""
    return replace(palette, horizon=palette.horizon + (palette.accent - palette.horizon) * (0.45 * share))


def _detail_of(seed: int) -> Vector:
    return _vector("seed", str(seed), _SCENE_SIZE + _DETAIL_SIZE)


def _generator(space: str, text: str) -> np.random.Generator:
    digest = hashlib.blake2b(f"{space}:{text}".encode("utf-8", "replace"), digest_size=8).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def _vector(space: str, text: str, size: int) -> Vector:
    """Uniform numbers in [0, 1) that ``text`` stands for."""
    return _generator(space, text).random(size)


def _blend(terms: list[tuple[float, Vector]]) -> Vector:
    """Weighted sum of vectors that keeps their spread (as slerp does for noise), folded back into [0, 1]."""
    norm = _norm(terms) or 1.0
    offset = sum(((vector - 0.5) * weight for weight, vector in terms), np.zeros_like(terms[0][1]))
    folded = np.abs(offset / norm + 0.5)
    # Coarse steps hide last-bit differences between machines.
    blended: Vector = np.rint((1.0 - np.abs(1.0 - folded)) * 65536.0) / 65536.0
    return blended


def _norm(terms: list[tuple[float, Vector]]) -> float:
    return math.sqrt(sum(weight * weight for weight, _ in terms))


def _kind(words: Mapping[str, float]) -> str:
    """The landscape most words ask for; without any, one the first word stands for."""
    votes: dict[str, float] = {}
    for word, weight in words.items():
        if word in _KIND_OF:
            votes[_KIND_OF[word]] = votes.get(_KIND_OF[word], 0.0) + weight
    if votes:
        return max(votes, key=lambda kind: votes[kind])
    first = next(iter(words), "")
    return _KINDS[int(_vector("kind", first, 1)[0] * len(_KINDS))]


# -- how to draw it --------------------------------------------------------------------------------------------------


def _rgb(colour: Colour, other: Colour | None = None, share: float = 0.0) -> tuple[int, int, int]:
    mixed = colour if other is None else colour + (other - colour) * share
    r, g, b = (int(c) for c in np.rint(mixed))
    return r, g, b


def _points(x: Vector, y: Vector) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.rint(np.stack([x, y], axis=1) * (1 << _SHIFT)).astype(np.int32)
    return fixed


def _disc(
    canvas: Image, centre: tuple[float, float], radius: float, colour: tuple[int, int, int], thickness: int = -1
) -> None:
    x, y, r = (round(v * (1 << _SHIFT)) for v in (*centre, radius))
    cv2.circle(canvas, (x, y), r, colour, thickness, cv2.LINE_AA, _SHIFT)


def _sky(palette: Palette, width: int, height: int) -> Image:
    stops = np.stack([palette.zenith, palette.middle, palette.horizon, palette.horizon])
    at = np.arange(height) / max(height - 1, 1)
    column = np.stack([np.interp(at, (0.0, 0.42, 0.72, 1.0), stops[:, c]) for c in range(3)], axis=1)
    rows = np.rint(column).astype(np.uint8)
    return np.asarray(cv2.resize(rows[:, None, :], (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _sun(canvas: Image, scene: _Scene) -> None:
    height, width = canvas.shape[:2]
    unit = min(width, height)
    x, y, size = scene.layout[:3]
    centre = (width * (0.18 + 0.64 * float(x)), height * (0.2 + 0.26 * float(y)))
    radius = unit * (0.06 + 0.08 * float(size))
    palette = scene.palette
    _glow(canvas, centre, radius, palette, 0.6 + 0.8 * float(scene.detail[_GLOW]))
    for ring in (3.1, 2.3, 1.6):
        colour = _rgb(palette.middle, palette.light, 1.25 / (ring + 1))
        _disc(canvas, centre, radius * ring, colour, max(1, unit // 400))
    _disc(canvas, centre, radius, _rgb(palette.light))
    inner = centre[0] + radius * 0.16, centre[1] + radius * 0.12
    _disc(canvas, inner, radius * 0.8, _rgb(palette.light, palette.horizon, 0.25))


def _glow(canvas: Image, centre: tuple[float, float], radius: float, palette: Palette, strength: float) -> None:
    height, width = canvas.shape[:2]
    scale = 8
    small = np.zeros((max(height // scale, 1), max(width // scale, 1), 3), np.uint8)
    colour = _rgb(palette.light * (0.35 + 0.3 * palette.darkness) * strength)
    _disc(small, (centre[0] / scale, centre[1] / scale), radius * 1.7 / scale, colour)
    kernel = int(radius * 2.2 / scale) | 1
    soft = cv2.GaussianBlur(small, (kernel, kernel), 0)
    glow = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    cv2.add(canvas, glow, dst=canvas)


def _stars(canvas: Image, scene: _Scene) -> None:
    height, width = canvas.shape[:2]
    count = int(70 * scene.richness * scene.palette.darkness)
    unit = min(width, height)
    for x, y, brightness in scene.detail[_STARS].reshape(-1, 3)[:count]:
        colour = _rgb(scene.palette.zenith, scene.palette.light, 0.35 + 0.6 * float(brightness))
        _disc(canvas, (float(x) * width, float(y) * 0.62 * height), unit * (0.001 + 0.0022 * float(brightness)), colour)


def _ribbons(canvas: Image, scene: _Scene) -> None:
    """Bundles of thin lines across the sky, like clouds in a print."""
    height, width = canvas.shape[:2]
    strands = 4 + int(4 * scene.richness)
    x = np.linspace(0.0, width, 49)
    for index in range(2):
        knots = scene.layout[8 + 18 * index : 26 + 18 * index]
        top, drift = smooth(knots[:8], 49), smooth(knots[8:16], 49)
        base = height * (0.1 + 0.2 * index + 0.12 * float(knots[16]))
        for strand in range(strands):
            share = strand / strands
            y = base + height * (0.16 * (top - 0.5) + 0.02 * strand * (0.35 + drift))
            tone = scene.palette.accent if index else scene.palette.horizon
            colour = _rgb(scene.palette.middle, tone, 0.3 + 0.5 * (1.0 - share))
            cv2.polylines(canvas, [_points(x, y)], False, colour, max(1, height // 300), cv2.LINE_AA, _SHIFT)


def _ridge(canvas: Image, scene: _Scene, index: int) -> None:
    """One layer of the landscape: terraces of its profile, darker and larger the nearer it is."""
    height, width = canvas.shape[:2]
    near = index / (_RIDGES - 1)
    offset = 48 + index * (_KNOTS + 6)
    knots = scene.layout[offset : offset + _KNOTS]
    crest = _CRESTS + index * _CREST_SIZE
    x, profile = PROFILES[scene.kind](knots, scene.detail[crest : crest + _CREST_SIZE], near)
    base = height * (0.56 + 0.34 * near * (0.6 + 0.4 * near))
    y = base - height * (0.1 + 0.1 * near) * profile
    palette = scene.palette
    body = palette.far + (palette.near - palette.far) * near
    bands = 2 + int(2 * scene.richness)
    for band in range(bands):
        depth = band / bands
        colour = _rgb(body, palette.horizon if near < 0.5 else palette.far, (0.34 - 0.26 * near) * depth)
        edge = y + height * (0.02 + 0.035 * near) * band * (1.0 + 0.25 * band)
        corners = _points(np.array([width + 4.0, -4.0]), np.full(2, height + 4.0))
        shape = np.concatenate([_points(x * width, edge), corners])
        cv2.fillPoly(canvas, [shape], colour, cv2.LINE_AA, _SHIFT)
    rim = _rgb(body, palette.light, 0.45 - 0.25 * near)
    cv2.polylines(canvas, [_points(x * width, y)], False, rim, max(1, height // 360), cv2.LINE_AA, _SHIFT)
    if scene.kind == "city":
        _windows(canvas, scene, index, (x * width, y))


def _windows(canvas: Image, scene: _Scene, index: int, outline: tuple[Vector, Vector]) -> None:
    """Lit windows under a skyline."""
    pitch = max(3.0, min(canvas.shape[:2]) * (0.012 + 0.010 * index / _RIDGES))
    size = max(1, int(pitch * 0.45))
    lit = itertools.cycle(_vector("windows", str(float(scene.detail[index])), 512).tolist())
    x, y = outline
    for left, right, roof in zip(x[0::2].tolist(), x[1::2].tolist(), y[0::2].tolist(), strict=True):
        columns = range(int((right - left) / pitch) - 1)
        for column, row in itertools.product(columns, range(1, 8)):
            chance = next(lit)
            if chance < 0.62:
                continue
            tone = scene.palette.accent if chance > 0.86 else scene.palette.light
            x0, y0 = max(int(left + (column + 0.8) * pitch), 0), max(int(roof + row * pitch * 1.3), 0)
            canvas[y0 : y0 + size, x0 : x0 + size] = _rgb(scene.palette.near, tone, 0.85)


def _lights(canvas: Image, scene: _Scene) -> Mask:
    """Floating lights: translucent discs with a rim, the small ones bright. Returns where they are."""
    height, width = canvas.shape[:2]
    unit = min(width, height)
    layer = np.zeros_like(canvas)
    count = int(13 * scene.richness)
    for x, y, size, tone in scene.detail[_LIGHTS].reshape(-1, 4)[:count].tolist():
        colour = scene.palette.accent + (scene.palette.light - scene.palette.accent) * tone
        centre = (x * width, (0.12 + 0.8 * y) * height)
        radius = max(unit * (0.006 + 0.055 * size * size), 1.0)
        strength = 0.2 + 0.5 * (1.0 - size) * (1.0 - size)
        _disc(layer, centre, radius, _rgb(colour * strength))
        _disc(layer, centre, radius, _rgb(colour * (strength + 0.12)), max(1, unit // 360))
    cv2.add(canvas, layer, dst=canvas)
    return np.asarray(cv2.convertScaleAbs(cv2.cvtColor(layer, cv2.COLOR_RGB2GRAY), alpha=5.0), dtype=np.uint8)


def _brushed(canvas: Image, seed: int) -> Image:
    """Give the flat areas a fine painted grain."""
    height, width = canvas.shape[:2]
    rows, columns = (height + 1) // 2, (width + 11) // 12
    noise = np.frombuffer(_generator("grain", str(seed)).bytes(rows * columns), np.uint8) // np.uint8(18)
    grain = cv2.resize(noise.reshape(rows, columns), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    brushed = np.empty_like(canvas)
    for strip in row_strips(height):
        raised = cv2.add(canvas[strip], cv2.merge([grain[strip]] * 3))
        brushed[strip] = cv2.subtract(raised, np.full_like(raised, 7))
    return brushed
