"""Prompts by frame, and the texts put before and after all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .setting import Setting, mapping, text

_PROMPTS = ("Prompts",)

EXAMPLE_PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "0": "a lighthouse on a rocky coast at dawn, soft light, oil painting",
        "30": "a lighthouse above breaking waves, storm clouds, oil painting --neg calm water",
        "60": "a lighthouse on a cliff under the milky way, long exposure",
        "90": "a lighthouse seen from far above, winter, snow on the rocks, watercolour",
    }
)


@dataclass(frozen=True)
class PromptArgs:
    """Raw texts, as typed: what is effective in a frame is derived in the plan. ``prompts`` keeps its order."""

    prompts: Mapping[str, str] = mapping(
        Setting(
            "prompts",
            EXAMPLE_PROMPTS,
            label="Prompts",
            help='JSON object of frame and prompt, such as {"0": "a house", "max_f/2": "a ship --neg people"}. '
            "A prompt holds until the next frame named.",
            tab=_PROMPTS,
            lines=8,
        )
    )
    animation_prompts_positive: str = text(
        label="Prompts positive",
        help="Text put before every prompt.",
        tab=_PROMPTS,
        optional=True,
    )
    animation_prompts_negative: str = text(
        "nsfw, nude",
        label="Prompts negative",
        help="Text added to the negative part of every prompt.",
        tab=_PROMPTS,
        optional=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", MappingProxyType(dict(self.prompts)))
