"""Pictures to latents and back, the same for every family."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...ports import Image
from .loading import Model
from .memory import check_finite


def grain(model: Model) -> int:
    """Pixels that width and height must be multiples of."""
    return int(model.pipe.vae_scale_factor) * (2 if model.is_transformer else 1)


def latent_shape(model: Model, width: int, height: int) -> tuple[int, int, int]:
    """Channels, height and width of the latents of a picture."""
    scale = int(model.pipe.vae_scale_factor)
    return int(model.pipe.vae.config.latent_channels), height // scale, width // scale


@contextmanager
def vae_precision(model: Model, *, full: bool) -> Iterator[None]:
    """The VAE in 32 bits meanwhile, if ``full`` or if it says that it cannot do with 16."""
    vae = model.pipe.vae
    before = vae.dtype
    upcast = before != torch.float32 and (full or (before == torch.float16 and vae.config.get("force_upcast", False)))
    if upcast:
        vae.to(dtype=torch.float32)
    try:
        yield
    finally:
        if upcast:
            vae.to(dtype=before)


def encode(model: Model, image: Image) -> Any:
    """Latents 1×C×h×w, float32 on the CPU, of a picture whose sides are multiples of :func:`grain`.

    They are the mean of what the VAE answers, so no chance is in them.
    """
    vae = model.pipe.vae
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 127.5 - 1.0
    answer = vae.encode(pixels.to(device=model.device, dtype=vae.dtype)).latent_dist.mode().float().cpu()
    check_finite(answer, "The VAE", "Render with --dtype fp32, or use another VAE.")
    shift, scale = _shift_and_scale(vae)
    return (answer - shift) * scale


def decode(model: Model, latents: Any) -> Image:
    """The picture of latents 1×C×h×w.

    Raises:
        EngineNaNError: latents or picture are no numbers.
    """
    check_finite(latents, "The model", "Render with --dtype fp32 or bf16.")
    vae = model.pipe.vae
    shift, scale = _shift_and_scale(vae)
    clean = latents.float() / scale + shift
    answer = vae.decode(clean.to(device=model.device, dtype=vae.dtype), return_dict=False)[0].float()
    check_finite(answer, "The VAE", "In full precision it may not: use --dtype fp32, or another VAE.")
    pixels = ((answer[0].clamp(-1, 1) + 1.0) * 127.5).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())


def packed(model: Model, latents: Any) -> Any:
    """Latents in the form the denoiser takes: Flux reads them in patches of 2×2."""
    if model.family != "Flux":
        return latents
    batch, channels, height, width = latents.shape
    return model.pipe._pack_latents(latents, batch, channels, height, width)


def unpacked(model: Model, latents: Any, width: int, height: int) -> Any:
    """The opposite of :func:`packed`, for a picture of that size."""
    if model.family != "Flux":
        return latents
    return model.pipe._unpack_latents(latents, height, width, model.pipe.vae_scale_factor)


def _shift_and_scale(vae: Any) -> tuple[float, float]:
    return float(vae.config.get("shift_factor", None) or 0.0), float(vae.config.scaling_factor)


def padded(array: Any, multiple: int) -> Any:
    """Picture or mask with its right and lower edge repeated until its sides are multiples of ``multiple``."""
    height, width = array.shape[:2]
    more = [(0, -height % multiple), (0, -width % multiple)] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, more, mode="edge") if any(after for _, after in more) else array
