"""A key step: one diffusion, with every value it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CompositeStep:
    """How a video frame is mixed in.

    Attributes:
        alpha: share of the mix in the result, 0..1.
        mask_alpha: share of the video in a mask of type Blend, 0..1.
        mask_contrast: factor on the mask's distance from its mean.
        cutoff_low, cutoff_high: percentiles of the mask that become black and white, 0..100.
    """

    alpha: float
    mask_alpha: float
    mask_contrast: float
    cutoff_low: float
    cutoff_high: float


@dataclass(frozen=True)
class GuideStep:
    """How a guide image pulls.

    Attributes:
        position: of the image, in the list of guides.
        weight: its share in the picture to be diffused, 0..1.
        colour_factor: its share in the picture whose colours the result takes, 0..1.
    """

    position: int
    weight: float
    colour_factor: float


@dataclass(frozen=True)
class ControlStep:
    """One ControlNet unit: its number from 1, its weight, and the share of the steps it takes part in, 0..1."""

    number: int
    weight: float
    guidance_start: float
    guidance_end: float


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
        mask, noise_mask: expressions that say where the picture is diffused and where noise is added; empty for
            everywhere.
        redo_seeds: seeds of the diffusions before the one that counts, in order.
        redo_flow_factor: how far the first of them follows the optical flow.
        composite: None where no video is mixed in.
        guide: None without guided images.
        control: the ControlNet units in use.
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
    mask: str = ""
    noise_mask: str = ""
    redo_seeds: tuple[int, ...] = ()
    redo_flow_factor: float = 0.0
    composite: CompositeStep | None = None
    guide: GuideStep | None = None
    control: tuple[ControlStep, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether nothing of the last picture survives this diffusion."""
        return self.strength <= 0.0
