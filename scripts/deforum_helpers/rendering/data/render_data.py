"""The plan of a render: built once, frozen, the same for the same input, and complete before anything is diffused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ...errors import Finding
from ...imaging.colour import ColourSpace, colour_space
from ...imaging.sampling import Border, Interpolation
from ...parseq.ownership import Row as OwnershipRow
from ...settings import uses
from ...settings.schema import Settings
from .guides import Guide
from .schedule import SeriesTable
from .step.key_index_distribution import KeyIndexDistribution
from .step.key_step import KeyStep
from .step.tween import Tween, TweenAlignment

_PADDING: Mapping[str, Border] = {"border": "replicate", "reflection": "reflect", "zeros": "zeros"}
_SAMPLING: Mapping[str, Interpolation] = {"bicubic": "bicubic", "bilinear": "bilinear", "nearest": "nearest"}


@dataclass(frozen=True)
class ParseqUse:
    """What a manifest brought to the plan.

    Attributes:
        title, source: for the report; empty if unknown.
        fps, bpm: as the manifest states them.
        frames: number of frames the manifest covers.
        key_frames: its key frames, as given.
        ownership: who manages which parameter.
    """

    title: str
    source: str
    fps: Fraction | None
    bpm: float | None
    frames: int
    key_frames: tuple[int, ...]
    ownership: tuple[OwnershipRow, ...]


@dataclass(frozen=True)
class RenderData:
    """Everything a render needs to know.

    Attributes:
        settings: as loaded; values that a manifest overrides are found below, not in here.
        width, height: frame size in pixels.
        max_frames: number of output frames; frame, series and file index are one number, from 0.
        fps: frames per second of the video.
        cadence: distance of the uniform grid.
        distribution: the key index distribution in effect.
        alignment: when diffused pictures are seen.
        seed: start seed, never -1.
        keys: the key steps, ascending by index.
        tweens: how each output frame is made, one per frame from 0.
        guides: the guide images, ascending by frame; empty where they are off.
        series: every series, one value per frame.
        raw_prompts: the prompt text in force at each frame, before it is split and its expressions are evaluated.
        parseq: what the manifest brought, None without one.
        findings: warnings and notes; a plan never holds errors.
    """

    settings: Settings
    width: int
    height: int
    max_frames: int
    fps: Fraction
    cadence: int
    distribution: KeyIndexDistribution
    alignment: TweenAlignment
    seed: int
    keys: tuple[KeyStep, ...]
    tweens: tuple[Tween, ...]
    guides: tuple[Guide, ...]
    series: SeriesTable
    raw_prompts: tuple[str, ...]
    parseq: ParseqUse | None
    findings: tuple[Finding, ...]

    @property
    def key_frames(self) -> tuple[int, ...]:
        """Indices of the diffused frames."""
        return tuple(key.index for key in self.keys)

    @property
    def cuts(self) -> frozenset[int]:
        """Frames that show nothing of the picture before, and that no frame leads up to."""
        if self.alignment is not TweenAlignment.EXACT or not uses.uses_camera(self.settings):
            return frozenset()
        return frozenset(key.index for key in self.keys if key.is_cut)

    @property
    def pseudo_cadence(self) -> float:
        """Output frames per diffusion, on average."""
        return self.max_frames / len(self.keys)

    @property
    def border(self) -> Border:
        """What lies outside a picture that is warped: ``border`` in 2D, ``padding_mode`` in 3D."""
        anim = self.settings.anim
        if anim.animation_mode == "3D":
            return _PADDING.get(anim.padding_mode, "replicate")
        if anim.animation_mode == "Video Input":
            return "reflect101"
        return "wrap" if anim.border == "wrap" else "replicate"

    @property
    def interpolation(self) -> Interpolation:
        """How a picture is read between its pixels: bilinear in 2D, ``sampling_mode`` in 3D."""
        anim = self.settings.anim
        return _SAMPLING.get(anim.sampling_mode, "bilinear") if anim.animation_mode == "3D" else "bilinear"

    @property
    def coherence(self) -> ColourSpace | None:
        """The colour space in which pictures hold on to a reference, None if they do not."""
        anim = self.settings.anim
        without_video = anim.color_coherence == "Video Input" and not uses.uses_video_colours(self.settings)
        if anim.animation_mode == "Interpolation" or without_video:
            return None
        return colour_space(self.settings.anim.color_coherence)

    @property
    def duration(self) -> Fraction:
        """Length of the video in seconds."""
        return self.max_frames / self.fps
