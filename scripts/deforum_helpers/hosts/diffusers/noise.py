"""The noise a picture starts from: made on the CPU, so that it does not depend on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def generator(seed: int) -> Any:
    """Random numbers of their own; nobody else's state changes."""
    return torch.Generator("cpu").manual_seed(seed)


def starting_noise(
    shape: tuple[int, int, int],
    seed: int,
    subseed: int = -1,
    subseed_strength: float = 0.0,
    resize_from: Sequence[int] = (0, 0),
) -> tuple[Any, Any]:
    """Noise for one picture, as A1111 makes it with its CPU source, and the generator it came from.

    Args:
        shape: channels, height and width of the latents.
        seed: of the picture.
        subseed: -1 for none.
        subseed_strength: 0..1, how far the noise turns towards that of ``subseed`` (:func:`slerp`).
        resize_from: width and height in latents that the seed was found at, (0, 0) for off. The noise of that size
            lies in the middle of the noise of ``seed`` at this size, or shows its middle.

    Returns:
        float32 1×C×H×W on the CPU, and the generator, which goes on for the noise of the steps.
    """
    source = generator(seed)
    width, height = resize_from
    found = (shape[0], height, width) if width > 0 and height > 0 else shape
    noise = torch.randn(found, generator=source)
    if subseed >= 0 and subseed_strength > 0:
        noise = slerp(subseed_strength, noise, torch.randn(found, generator=generator(subseed)))
    if found != shape:
        noise = _centred(noise, torch.randn(shape, generator=generator(seed)))
    return noise[None], source


def slerp(share: float, low: Any, high: Any) -> Any:
    """From ``low`` to ``high`` along an arc, C×H×W; angles are those between columns, as in A1111."""
    low_unit = low / torch.norm(low, dim=1, keepdim=True)
    high_unit = high / torch.norm(high, dim=1, keepdim=True)
    cosine = (low_unit * high_unit).sum(1)
    if cosine.mean() > 0.9995:
        return low * share + high * (1 - share)
    angle = torch.acos(cosine)
    of_low, of_high = torch.sin((1.0 - share) * angle), torch.sin(share * angle)
    whole = torch.sin(angle)
    return (of_low / whole).unsqueeze(1) * low + (of_high / whole).unsqueeze(1) * high


def _centred(inner: Any, outer: Any) -> Any:
    """``outer`` with ``inner`` in its middle; what does not fit is left out."""
    (_, height, width), (_, rows, columns) = outer.shape, inner.shape
    dx, dy = (width - columns) // 2, (height - rows) // 2
    w, h = (columns if dx >= 0 else columns + 2 * dx), (rows if dy >= 0 else rows + 2 * dy)
    left, top, from_left, from_top = max(dx, 0), max(dy, 0), max(-dx, 0), max(-dy, 0)
    outer[:, top : top + h, left : left + w] = inner[:, from_top : from_top + h, from_left : from_left + w]
    return outer
