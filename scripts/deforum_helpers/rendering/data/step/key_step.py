"""A key step: one diffusion, with every value it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyStep:
    """What frame ``index`` is diffused with; every value was read from its series at ``index``.

    Attributes:
        index: 0-based output frame.
        seed: in [0, 2**32).
        subseed: in [0, 2**32), or -1 for none.
        subseed_strength: 0..1.
        noise_seed: seed of the noise added before this diffusion.
        strength: 0..1; denoising is ``1 - strength``. 0 is a cut: nothing of the last picture stays.
        cfg_scale, pix2pix_cfg_scale: guidance, on the text and on the image.
        steps: sampling steps as set, before any scaling by denoising.
        sampler, scheduler, checkpoint: names as the host spells them; an empty checkpoint keeps the current one.
        clip_skip, noise_multiplier, ddim_eta, ancestral_eta: None where they are not scheduled.
        noise: how much noise is blended in before diffusion, 0..1.
        contrast: factor applied before diffusion.
        kernel, sigma, amount, threshold: anti-blur.
        prompt, negative_prompt: effective texts.
    """

    index: int
    seed: int
    subseed: int
    subseed_strength: float
    noise_seed: int
    strength: float
    cfg_scale: float
    pix2pix_cfg_scale: float
    steps: int
    sampler: str
    scheduler: str
    checkpoint: str
    clip_skip: int | None
    noise_multiplier: float | None
    ddim_eta: float | None
    ancestral_eta: float | None
    noise: float
    contrast: float
    kernel: int
    sigma: float
    amount: float
    threshold: float
    prompt: str
    negative_prompt: str

    @property
    def is_cut(self) -> bool:
        """Whether nothing of the last picture survives this diffusion."""
        return self.strength <= 0.0
