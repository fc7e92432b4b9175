"""Colours of a picture: every word of a prompt pulls the palette its way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]
"""RGB, shape (3,), float64 in 0..255."""

_ROLES = ("zenith", "middle", "horizon", "light", "far", "near", "accent")

# Moods: seven hand-picked colours in the order of _ROLES.
_MOODS: dict[str, str] = {
    "neutral": "2b4c7e 7fa3c7 f3dcc0 fff3d6 8d9fbe 22304d ffb86b",
    "night": "070b26 1c2a5e 53508f f4efcf 2c3469 080c22 ffd27a",
    "dawn": "4a6fa5 c7a6c1 ffd0a6 fff0c4 a78fb4 3a355e ff9e7d",
    "dusk": "2d1e5f a0447f ff9a62 ffdf9e 7c3f7e 211543 ff6f91",
    "day": "2f86d1 8cc8ee e8f4ee fffbe0 86b2c2 2f5d50 ffcf56",
    "neon": "0d0630 4b1d8f e0359b 6ff7ff 46208a 0b0526 23e6f2",
    "forest": "2f6f73 8fc3a0 eaf0bf fff6c2 6fa287 15382f f2b84b",
    "ocean": "0b4f8a 3fa7c4 c7f0e4 fff7d8 3688a8 062c52 ff8f6b",
    "desert": "3c7aa8 e9bf8f ffdfae fff4cf d08f5e 6b2f28 2fa59a",
    "winter": "5c84b8 a9c8e4 eff5fb ffffff 9fb9d6 2f4a75 f7b7c5",
    "fire": "25060c 8f1f1a ff7a2e ffe08a 7f241c 1c0508 ffb52e",
    "storm": "1c2733 4a5d6e a9b6b8 e7efe6 56677a 121a25 7fd1d9",
    "space": "05030f 21124a 6a2f86 fdf1ff 36205f 07040f 57c7ff",
    "pastel": "a8c5ea d9c9ee ffe1dc fffdf0 c0b4de 6f6a9e ffa9b8",
    "autumn": "51708c d8a878 f9d9a0 fff1cc b5704a 3f2228 e2572e",
}
_MOOD_WORDS: dict[str, str] = {
    "night": "night midnight moon moonlight moonlit dark darkness nocturnal starry stars",
    "dawn": "dawn sunrise morning mist misty fog foggy haze awakening",
    "dusk": "dusk sunset evening twilight dreamy romantic magic magical",
    "day": "day noon sunny bright sky clouds summer meadow spring",
    "neon": "neon cyberpunk synthwave vaporwave retrowave city street urban electric disco glowing",
    "forest": "forest jungle woods tree trees moss garden grass leaves fern nature",
    "ocean": "ocean sea water underwater lake river wave waves beach reef coral island rain",
    "desert": "desert dune dunes sand canyon sahara savanna egypt temple",
    "winter": "winter snow snowy ice icy frozen frost glacier arctic crystal",
    "fire": "fire flame flames lava volcano inferno ember embers hell explosion",
    "storm": "storm stormy thunder lightning rainy gloomy steel machine",
    "space": "space galaxy cosmos cosmic nebula planet planets universe alien astronaut",
    "pastel": "pastel soft candy cute kitten bunny blossom cherry flower flowers",
    "autumn": "autumn fall harvest rust copper vintage castle ancient village",
}
_HUES: dict[str, tuple[int, int]] = {
    # Hue in degrees, saturation in percent.
    "red": (2, 85), "crimson": (348, 85), "scarlet": (8, 90), "ruby": (345, 80), "pink": (335, 65),
    "rose": (345, 60), "magenta": (310, 85), "fuchsia": (320, 85), "purple": (280, 70), "violet": (268, 70),
    "lavender": (260, 45), "indigo": (245, 70), "blue": (218, 80), "azure": (205, 80), "navy": (225, 75),
    "cyan": (186, 80), "turquoise": (174, 70), "teal": (180, 75), "aqua": (182, 70), "mint": (155, 50),
    "emerald": (148, 75), "green": (125, 65), "lime": (85, 75), "olive": (68, 55), "yellow": (50, 90),
    "gold": (42, 85), "golden": (42, 85), "amber": (36, 90), "orange": (24, 90), "peach": (22, 60),
    "brown": (22, 55), "bronze": (28, 60), "sepia": (32, 35), "silver": (215, 10), "grey": (215, 6),
    "gray": (215, 6), "black": (230, 12), "white": (210, 8), "monochrome": (0, 0),
}  # fmt: skip
_ROLE_TONES = ((14, 72, 36), (6, 58, 66), (-10, 34, 96), (-22, 16, 100), (0, 52, 58), (12, 78, 20), (168, 70, 98))
"""Per role: hue offset in degrees, share of the saturation in percent, value in percent."""
_VALUE_SHIFT = {"black": -22, "navy": -10, "white": 14, "mint": 8, "lavender": 8}
_MOOD_OF = {word: mood for mood, words in _MOOD_WORDS.items() for word in words.split()}
_HUE_WEIGHT = 1.8
_UNKNOWN_WEIGHT = 0.12
_NEUTRAL_WEIGHT = 0.25
_NEGATIVE_PUSH = 0.3
_CHROMA_LIFT = 2.2


@dataclass(frozen=True, eq=False)
class Palette:
    """The seven colours of a picture, each RGB float64 in 0..255."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    light: Colour
    far: Colour
    near: Colour
    accent: Colour

    @property
    def darkness(self) -> float:
        """0 for a bright sky, 1 for a black one."""
        return 1.0 - _luma(self.zenith) / 255.0


def mix_palette(words: Mapping[str, float], negative: Mapping[str, float], *, vividness: float = 1.0) -> Palette:
    """Blend the colours that the words stand for; a word in the negative prompt pushes the other way.

    Args:
        words: word → weight of the prompt.
        negative: word → weight of the negative prompt.
        vividness: factor on the distance from grey, 1 leaves the colours alone.

    Returns:
        The palette; a continuous function of the weights.
    """
    table = _weighted_mean(words)
    if any(_known(word) for word in negative):
        table = table + (table - _weighted_mean(negative)) * _NEGATIVE_PUSH
    luma = (table @ _LUMA)[:, None]
    table = np.clip(luma + (table - luma) * vividness, 0.0, 255.0)
    return Palette(**{role: table[i] for i, role in enumerate(_ROLES)})


def _weighted_mean(words: Mapping[str, float]) -> Colour:
    terms = [(_NEUTRAL_WEIGHT, _colours_of_mood("neutral"))]
    terms += [(weight * _pull(word), _colours_of(word)) for word, weight in words.items()]
    total = sum(weight for weight, _ in terms)
    mean = sum((table * (weight / total) for weight, table in terms), np.zeros_like(terms[0][1]))
    # A mean of opposite hues is mud: give the mean as much chroma as its parts have on average.
    chroma = sum((_chroma(table) * (weight / total) for weight, table in terms), np.zeros((len(_ROLES), 1)))
    luma = (mean @ _LUMA)[:, None]
    lift = np.minimum(chroma / np.maximum(_chroma(mean), 1.0), _CHROMA_LIFT)
    lifted: Colour = np.clip(luma + (mean - luma) * lift, 0.0, 255.0)
    return lifted


def _chroma(table: Colour) -> Colour:
    spread: Colour = np.max(table, axis=1, keepdims=True) - np.min(table, axis=1, keepdims=True)
    return spread


def _pull(word: str) -> float:
    if word in _HUES:
        return _HUE_WEIGHT
    return 1.0 if word in _MOOD_OF else _UNKNOWN_WEIGHT


def _known(word: str) -> bool:
    return word in _HUES or word in _MOOD_OF


def _colours_of(word: str) -> Colour:
    if word in _HUES:
        hue, saturation = _HUES[word]
        return _colours_of_hue(hue, saturation, _VALUE_SHIFT.get(word, 0))
    if word in _MOOD_OF:
        return _colours_of_mood(_MOOD_OF[word])
    return _colours_of_hue(int.from_bytes(hashlib.blake2b(word.encode(), digest_size=2).digest(), "big") % 360, 65, 0)


def _colours_of_mood(mood: str) -> Colour:
    return np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in _MOODS[mood].split()], np.float64)


def _colours_of_hue(hue: int, saturation: int, value_shift: int) -> Colour:
    rows = [
        _hsv_to_rgb((hue + offset) % 360, saturation * share // 100, min(max(value + value_shift, 4), 100))
        for offset, share, value in _ROLE_TONES
    ]
    return np.array(rows, np.float64)


def _hsv_to_rgb(hue: int, saturation: int, value: int) -> tuple[int, int, int]:
    """HSV (degrees, percent, percent) to RGB 0..255, in integers."""

    def channel(n: int) -> int:
        k = (n * 60 + hue) % 360
        ramp = max(0, min(k, 240 - k, 60))  # 0..60
        return value * (6000 - saturation * ramp) * 255 // 600_000

    return channel(5), channel(3), channel(1)


_LUMA = np.array([0.299, 0.587, 0.114])


def _luma(colour: Colour) -> float:
    return float(colour @ _LUMA)
