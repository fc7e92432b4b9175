"""The prompts in force: Parseq's where it manages them, else those of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...errors import Finding, PromptError
from ...parseq.fields import PROMPT_FIELD
from ...parseq.manifest import Manifest
from ...parseq.ownership import manages_prompts
from ...schedule.prompts import interpolated_prompts, prompt_series, split_prompt
from ...settings.schema import Settings


class PromptSource(Protocol):
    """Prompts by frame."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed while reading them."""
        ...

    def raw(self, frame: int) -> str:
        """The text in force at ``frame``, as written."""
        ...

    def at(self, frame: int) -> tuple[str, str]:
        """The effective prompt and negative prompt at ``frame``.

        Raises:
            PromptError: the text cannot be evaluated there.
        """
        ...


@dataclass(frozen=True)
class ParseqPrompts:
    """Prompts that Parseq wrote: complete texts, which the additions of the settings do not touch."""

    texts: tuple[str, ...]
    seed: int
    findings: tuple[Finding, ...] = ()

    def raw(self, frame: int) -> str:
        """See :class:`PromptSource`."""
        return self.texts[frame]

    def at(self, frame: int) -> tuple[str, str]:
        """See :class:`PromptSource`."""
        return split_prompt(
            self.texts[frame], frame, max_frames=len(self.texts), seed=self.seed, key=f"Parseq {PROMPT_FIELD}"
        )


@dataclass(frozen=True)
class NoPrompts:
    """Stands in where the prompts cannot be read, so that everything else can still be checked."""

    findings: tuple[Finding, ...]

    def raw(self, frame: int) -> str:
        """Nothing."""
        return ""

    def at(self, frame: int) -> tuple[str, str]:
        """Nothing."""
        return "", ""


def prompt_source(settings: Settings, manifest: Manifest | None, *, max_frames: int, seed: int) -> PromptSource:
    """The prompts of an animation; what is wrong with them is in the findings of the result."""
    if manifest is not None and manages_prompts(manifest):
        return ParseqPrompts(tuple(map(str, manifest.column(PROMPT_FIELD, max_frames))), seed)
    make = interpolated_prompts if settings.anim.animation_mode == "Interpolation" else prompt_series
    texts = settings.prompts
    try:
        return make(
            texts.prompts,
            max_frames=max_frames,
            seed=seed,
            positive=texts.animation_prompts_positive,
            negative=texts.animation_prompts_negative,
        )
    except PromptError as error:
        return NoPrompts(error.findings)
