"""What a diffusers engine is told once, before the first picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...ports import ControlUnit

Precision = Literal["auto", "fp16", "bf16", "fp32"]


@dataclass(frozen=True)
class EngineOptions:
    """Where things lie and where they compute.

    Attributes:
        model: a diffusers folder, a ``.safetensors`` or ``.ckpt`` file, or ``owner/name`` on Hugging Face.
        config: a diffusers folder whose configuration and tokenizer fit the single file ``model``; None looks for a
            folder beside the file with its name, then in the cache of Hugging Face.
        vae: file or folder of a VAE that takes the place of the model's own, or None.
        models_folder: where other checkpoints are looked up by name; None: beside ``model``.
        lora_folder, embeddings_folder, controlnet_folder: where LoRA files, textual inversions and ControlNet models
            are looked up by name, or None.
        precision: of the numbers; "auto" is fp16 on CUDA and fp32 elsewhere.
        device: as PyTorch spells it, or "auto" for the best there is.
        download: whether files that are missing may be fetched from Hugging Face.
    """

    model: str
    config: Path | None = None
    vae: Path | None = None
    models_folder: Path | None = None
    lora_folder: Path | None = None
    embeddings_folder: Path | None = None
    controlnet_folder: Path | None = None
    precision: Precision = "auto"
    device: str = "auto"
    download: bool = False


_IGNORED = ("pix2pix_cfg_scale", "restore_faces", "frame")
_IGNORED_BY: Mapping[str, tuple[str, ...]] = {
    "SD": ("distilled_cfg_scale",),
    "SDXL": ("distilled_cfg_scale", "clip_skip"),
    "SD3": ("distilled_cfg_scale", "clip_skip", "ddim_eta", "ancestral_eta"),
    "Flux": ("cfg_scale", "negative_prompt", "clip_skip", "ddim_eta", "ancestral_eta"),
}
_IGNORED_OF_CONTROL = ("processor_res", "control_mode", "low_vram", "pixel_perfect")


def ignored_fields(family: str = "") -> tuple[str, ...]:
    """Fields of DiffusionRequest that models of ``family`` do not heed; those of every family without one."""
    return _IGNORED + _IGNORED_BY.get(family, ())


def ignored_of_control(unit: ControlUnit) -> tuple[str, ...]:
    """Fields set in ``unit`` that are not heeded, as they are called in messages."""
    plain = ControlUnit(unit.number, unit.module, unit.model)
    return tuple(f"{name} of ControlNet" for name in _IGNORED_OF_CONTROL if getattr(unit, name) != getattr(plain, name))
