"""Reading the values of a key step from the series, each at the key's own frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ....settings import uses
from ....settings.schema import Settings
from ..guides import Guide, guide_at, guide_weight
from ..schedule import SeriesTable
from ..seeding import KeySeeds
from .key_step import CompositeStep, ControlStep, GuideStep, KeyStep

_CONTROL_VALUES = ("weight", "guidance_start", "guidance_end")


@dataclass(frozen=True)
class KeyValues:
    """Turns frame indices into key steps."""

    settings: Settings
    table: SeriesTable
    guides: tuple[Guide, ...] = ()

    def at(self, frame: int, seeds: KeySeeds, prompt: tuple[str, str]) -> KeyStep:
        """The key step of ``frame``; scheduled values replace the fixed ones only where their switch is on."""
        anim, run = self.settings.anim, self.settings.run
        return KeyStep(
            index=frame,
            seed=seeds.seed,
            subseed=seeds.subseed,
            subseed_strength=seeds.subseed_strength,
            noise_seed=seeds.noise_seed,
            strength=self._strength(frame),
            cfg_scale=self._number("cfg_scale_schedule_series", frame),
            pix2pix_cfg_scale=self._number("pix2pix_img_cfg_scale_series", frame),
            steps=max(1, int(self._number("steps_schedule_series", frame)))
            if anim.enable_steps_scheduling
            else run.steps,
            sampler=self._text("sampler_schedule_series", frame) if anim.enable_sampler_scheduling else run.sampler,
            scheduler=run.scheduler,
            checkpoint=self._text("checkpoint_schedule_series", frame) if anim.enable_checkpoint_scheduling else "",
            clip_skip=int(self._number("clipskip_schedule_series", frame)) if anim.enable_clipskip_scheduling else None,
            noise_multiplier=self._if(
                anim.enable_noise_multiplier_scheduling, "noise_multiplier_schedule_series", frame
            ),
            ddim_eta=self._if(anim.enable_ddim_eta_scheduling, "ddim_eta_schedule_series", frame),
            ancestral_eta=self._if(anim.enable_ancestral_eta_scheduling, "ancestral_eta_schedule_series", frame),
            noise=self._number("noise_schedule_series", frame),
            contrast=self._number("contrast_schedule_series", frame),
            kernel=int(self._number("kernel_schedule_series", frame)),
            sigma=self._number("sigma_schedule_series", frame),
            amount=self._number("amount_schedule_series", frame),
            threshold=self._number("threshold_schedule_series", frame),
            prompt=prompt[0],
            negative_prompt=prompt[1],
            mask=self._text("mask_schedule_series", frame) if uses.uses_mask(self.settings) else "",
            noise_mask=self._noise_mask(frame),
            redo_seeds=seeds.redo,
            redo_flow_factor=self._number("redo_flow_factor_schedule_series", frame),
            composite=self._composite(frame) if uses.uses_composite(self.settings) else None,
            guide=self._guide(frame) if self.guides else None,
            control=tuple(self._control(frame)),
        )

    def _strength(self, frame: int) -> float:
        settings = self.settings
        if uses.uses_guides(settings):
            return _share(self._number("image_strength_schedule_series", frame))
        if self.settings.anim.animation_mode == "Interpolation":
            return _share(settings.run.strength) if settings.run.use_init else 0.0
        if frame == 0 and (uses.starts_from_init_image(settings) or uses.starts_from_video(settings)):
            return _share(settings.run.strength)
        return _share(self._number("strength_schedule_series", frame))

    def _noise_mask(self, frame: int) -> str:
        """Noise goes where the picture is diffused, unless it has a mask of its own."""
        if self.settings.anim.use_noise_mask:
            return self._text("noise_mask_schedule_series", frame)
        return self._text("mask_schedule_series", frame) if uses.uses_mask(self.settings) else ""

    def _composite(self, frame: int) -> CompositeStep:
        low, high = (f"hybrid_comp_mask_auto_contrast_cutoff_{end}_schedule_series" for end in ("low", "high"))
        return CompositeStep(
            alpha=_share(self._number("hybrid_comp_alpha_schedule_series", frame)),
            mask_alpha=_share(self._number("hybrid_comp_mask_blend_alpha_schedule_series", frame)),
            mask_contrast=self._number("hybrid_comp_mask_contrast_schedule_series", frame),
            cutoff_low=min(max(self._number(low, frame), 0.0), 100.0),
            cutoff_high=min(max(self._number(high, frame), 0.0), 100.0),
        )

    def _guide(self, frame: int) -> GuideStep:
        weight = guide_weight(
            self.guides,
            frame,
            middle=self._number("blendFactorMax_series", frame),
            slope=self._number("blendFactorSlope_series", frame),
            tweening_frames=self._number("tweening_frames_schedule_series", frame),
        )
        colours = _share(self._number("color_correction_factor_series", frame))
        return GuideStep(guide_at(self.guides, frame), weight, colours)

    def _control(self, frame: int) -> Iterator[ControlStep]:
        for number, unit in enumerate(self.settings.controlnet, start=1):
            if unit.enabled:
                names = (f"cn_{number}_{value}_schedule_series" for value in _CONTROL_VALUES)
                weight, start, end = (self._number(name, frame) for name in names)
                yield ControlStep(number, weight, _share(start), _share(end))

    def _number(self, name: str, frame: int) -> float:
        # A series that could not be read is absent only where it takes no part; its value then means nothing.
        return self.table.number(name, frame) if name in self.table else 0.0

    def _text(self, name: str, frame: int) -> str:
        return self.table.text(name, frame)

    def _if(self, switch: bool, name: str, frame: int) -> float | None:
        return self._number(name, frame) if switch else None


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
