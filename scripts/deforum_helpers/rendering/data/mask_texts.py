"""The mask expressions that a render evaluates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...settings import uses
from ...settings.schema import Settings
from .schedule import SeriesTable


@dataclass(frozen=True)
class MaskText:
    """A mask expression, the settings key of its schedule, and the first frame it is for."""

    key: str
    text: str
    frame: int


def mask_texts(table: SeriesTable, settings: Settings) -> Iterator[MaskText]:
    """Each expression in use once, without empty ones."""
    used = {"mask_schedule": uses.uses_mask(settings), "noise_mask_schedule": settings.anim.use_noise_mask}
    for key in (key for key, is_on in used.items() if is_on and f"{key}_series" in table):
        texts = [str(text) for text in table[f"{key}_series"]]
        for text in dict.fromkeys(texts):
            if text.strip():
                yield MaskText(key, text, texts.index(text))
