"""Reading the values of a key step from the series, each at the key's own frame."""

from __future__ import annotations

from dataclasses import dataclass

from ....settings.schema import Settings
from ..schedule import SeriesTable
from ..seeding import KeySeeds
from .key_step import KeyStep


@dataclass(frozen=True)
class KeyValues:
    """Turns frame indices into key steps."""

    settings: Settings
    table: SeriesTable

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
        )

    def _strength(self, frame: int) -> float:
        if frame == 0 and self.settings.run.use_init:
            return min(max(self.settings.run.strength, 0.0), 1.0)
        return min(max(self._number("strength_schedule_series", frame), 0.0), 1.0)

    def _number(self, name: str, frame: int) -> float:
        # A series that could not be read is absent only where it takes no part; its value then means nothing.
        return self.table.number(name, frame) if name in self.table else 0.0

    def _text(self, name: str, frame: int) -> str:
        return self.table.text(name, frame)

    def _if(self, switch: bool, name: str, frame: int) -> float | None:
        return self._number(name, frame) if switch else None
