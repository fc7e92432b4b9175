"""The architectures that the engine drives, by the names of pipelines and of weights."""

from __future__ import annotations

from collections.abc import Collection

from ...errors import EngineError

FAMILIES = {
    "StableDiffusionXL": "SDXL",
    "StableDiffusion3": "SD3",
    "StableDiffusion": "SD",
    "Flux": "Flux",
}
"""How the class names of pipelines begin, and what we call them; the first that fits counts."""


def family_of(class_name: str) -> str:
    """What models of a pipeline class are called here.

    Raises:
        EngineError: they are not supported.
    """
    for beginning, family in FAMILIES.items():
        if class_name.startswith(beginning) and "Upscale" not in class_name and "Pix2Pix" not in class_name:
            return family
    raise EngineError(
        f"The model is made for {class_name}, which this engine does not drive. "
        "Supported are Stable Diffusion 1, 2, XL and 3, and Flux."
    )


def family_in(keys: Collection[str]) -> str:
    """The family whose weights have these names.

    Raises:
        EngineError: none has; it may be a LoRA or a VAE.
    """

    def has(part: str) -> bool:
        return any(part in key for key in keys)

    if has("joint_blocks."):
        return "SD3"
    if has("double_blocks."):
        return "Flux"
    if has("conditioner.embedders."):
        return "SDXL"
    if has("model.diffusion_model."):
        return "SD"
    what = "a LoRA" if has("lora_") else "a VAE or another part of a model" if keys else "empty"
    raise EngineError(f"The file is no checkpoint: it looks like {what}. Name a whole model with --model.")
