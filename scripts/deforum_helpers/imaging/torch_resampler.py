"""Warps on a graphics card, by PyTorch, which is loaded with the first resampler and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any

import numpy as np

from ..errors import Finding
from ..ports import Image
from .blend import FALLBACK
from .resampler import Fade
from .sampling import Border, Interpolation, border_flag, interpolation_flag
from .warp import Homography, Warp

Tensor = Any

_CUBIC = -0.75

_BYTES_PER_PIXEL = 300
"""Of a frame made of two pictures, at most: positions in double precision, weights and places of both."""


def import_torch() -> Any:
    """PyTorch, loaded now."""
    return import_module("torch")


class TorchResampler:
    """The same pictures as OpenCV's within one level.

    At most one value in a thousand may differ more, where a position is rounded to the other 1/32 pixel. Bicubic
    homographies are read at their true positions, which OpenCV rounds too.

    On CUDA the work runs on a stream of its own, beside a diffusion, and pictures travel through pinned memory. One
    call is at work at a time, so that memory does not depend on the number of threads.

    Args:
        device: "cuda", "mps" or "cpu".
        memory: bytes that one call may take, about; :meth:`frames_at_once` follows from it.
    """

    findings: tuple[Finding, ...] = ()

    def __init__(self, device: str, *, memory: int = 1 << 30) -> None:
        self._torch = torch = import_torch()
        self._device = torch.device(device)
        self._stream = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None
        # Apple's cards have no double precision.
        self._precise = torch.float32 if self._device.type == "mps" else torch.float64
        self._memory = memory
        self._lock = Lock()
        self.name = f"PyTorch {torch.__version__} on {device}"

    def frames_at_once(self, height: int, width: int) -> int:
        """As many as the memory bears, at least one."""
        return max(1, self._memory // (_BYTES_PER_PIXEL * height * width))

    def apply(
        self, warp: Warp, image: Image, *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> Image:
        """See :class:`.resampler.Resampler`."""
        return self.apply_batch([warp], [image], interpolation=interpolation, border=border)[0]

    def apply_batch(
        self,
        warps: Sequence[Warp],
        images: Sequence[Image],
        *,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> list[Image]:
        """See :class:`.resampler.Resampler`."""
        if len(warps) != len(images):
            raise ValueError(f"{len(warps)} warps for {len(images)} pictures")
        if not images:
            return []
        with self._working():
            values, _ = self._carried(images, warps, interpolation, border)
            return self._download(values)

    def fade_batch(
        self, fades: Sequence[Fade], *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> list[Image]:
        """See :class:`.resampler.Resampler`."""
        if not fades:
            return []
        with self._working():
            a, at_a = self._carried([f.a.image for f in fades], [f.warp_a for f in fades], interpolation, border)
            b, at_b = self._carried([f.b.image for f in fades], [f.warp_b for f in fades], interpolation, border)
            weight = self._upload(np.array([f.weight for f in fades], np.float32)).clamp(0, 1)[:, None, None]
            weight_a, weight_b = 1 - weight, weight.clone()
            hand_over = self._upload(np.array([f.hand_over and 0 < f.weight < 1 for f in fades]))[:, None, None]
            if border != "wrap":
                weight_a = (weight_a * (_coverage(at_a) + FALLBACK)).where(hand_over, weight_a)
                weight_b = (weight_b * (_coverage(at_b) + FALLBACK)).where(hand_over, weight_b)
            share = (weight_b / (weight_a + weight_b)).to(a.dtype)[..., None]
            return self._download(a.lerp(b, share))

    @contextmanager
    def _working(self) -> Iterator[None]:
        torch = self._torch
        with self._lock, torch.inference_mode(), torch.cuda.stream(self._stream):
            yield

    def _carried(
        self, images: Sequence[Image], warps: Sequence[Warp], interpolation: Interpolation, border: Border
    ) -> tuple[Tensor, Tensor]:
        """The warped pictures, n×H×W×C float32 of whole numbers, and where they look, n×H×W×2."""
        interpolation_flag(interpolation), border_flag(border)  # complain about unknown names
        height, width = images[0].shape[:2]
        at = self._torch.stack([self._positions(warp, height, width) for warp in warps])
        pictures = self._upload(np.stack(images))
        return _read(pictures, at, interpolation, border).round().clamp(0, 255), at

    def _positions(self, warp: Warp, height: int, width: int) -> Tensor:
        """Source position of each output pixel, height×width×2."""
        if not isinstance(warp, Homography):
            return self._upload(warp.to_dense(height, width).grid).to(self._precise)
        torch = self._torch
        back = warp.inverse().matrix.tolist()
        x, y = (torch.arange(size, dtype=self._precise, device=self._device) for size in (width, height))
        sums = [row[0] * x[None, :] + row[1] * y[:, None] + row[2] for row in back]
        return torch.stack(sums[:2], dim=2) / sums[2][..., None]

    def _upload(self, array: np.ndarray[Any, Any]) -> Tensor:
        tensor = self._torch.from_numpy(array if array.flags.writeable else array.copy())
        if self._stream is not None:
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)

    def _download(self, values: Tensor) -> list[Image]:
        torch = self._torch
        pictures = values.round().clamp(0, 255).to(torch.uint8)
        if self._stream is not None:
            pinned = torch.empty(pictures.shape, dtype=pictures.dtype, pin_memory=True)
            pinned.copy_(pictures, non_blocking=True)
            self._stream.synchronize()
            pictures = pinned
        return [picture.copy() for picture in pictures.cpu().numpy()]


def _read(pictures: Tensor, at: Tensor, interpolation: Interpolation, border: Border) -> Tensor:
    """Values between pixels: n×H×W×C of uint8 at n×h×w×2 positions, float32."""
    offsets, weigh = _TAPS[interpolation]
    if interpolation == "bilinear":
        at = (at * 32).round() / 32
    elif interpolation == "nearest":
        at = at.round()
    # Beyond this nothing changes any more, and whole numbers stay exact.
    base = at.clamp(-1e6, 1e6).floor()
    share = (at.clamp(-1e6, 1e6) - base).float()
    across, down = weigh(share[..., 0]), weigh(share[..., 1])
    base = base.long()
    batch = base.new_tensor(range(len(pictures)))[:, None, None]
    height, width = pictures.shape[1:3]
    total = share.new_zeros((*at.shape[:3], pictures.shape[3]))
    for j, weight_y in zip(offsets, down, strict=True):
        row = base[..., 1] + j
        for i, weight_x in zip(offsets, across, strict=True):
            column = base[..., 0] + i
            weight = weight_x * weight_y
            if border == "zeros":
                weight = weight * ((row >= 0) & (row < height) & (column >= 0) & (column < width))
            values = pictures[batch, _index(row, height, border), _index(column, width, border)]
            total += values * weight[..., None]
    return total


def _one_weight(share: Tensor) -> list[Tensor]:
    return [share.new_ones(share.shape)]


def _linear_weights(share: Tensor) -> list[Tensor]:
    return [1 - share, share]


def _cubic_weights(share: Tensor) -> list[Tensor]:
    """Of the pixels at -1, 0, 1 and 2: Keys' cubic with a = -0.75."""

    def near(t: Tensor) -> Tensor:
        return ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1

    def far(t: Tensor) -> Tensor:
        return ((_CUBIC * t - 5 * _CUBIC) * t + 8 * _CUBIC) * t - 4 * _CUBIC

    return [far(share + 1), near(share), near(1 - share), far(2 - share)]


_TAPS: dict[Interpolation, tuple[tuple[int, ...], Callable[[Tensor], list[Tensor]]]] = {
    "nearest": ((0,), _one_weight),
    "bilinear": ((0, 1), _linear_weights),
    "bicubic": ((-1, 0, 1, 2), _cubic_weights),
}
"""Neighbours that are read, and what makes their weights from the place between the first two."""


def _index(place: Tensor, length: int, border: Border) -> Tensor:
    """The pixel that stands for a place on a line of ``length``."""
    if border == "wrap":
        place = place.remainder(length)
    elif border == "reflect":
        place = place.remainder(2 * length)
        place = place.minimum(2 * length - 1 - place)
    elif border == "reflect101" and length > 1:
        place = place.remainder(2 * length - 2)
        place = place.minimum(2 * length - 2 - place)
    return place.clamp(0, length - 1)


def _coverage(at: Tensor, feather: float = 4.0) -> Tensor:
    """:func:`.sampling.edge_confidence` of n×H×W×2 positions, n×H×W."""
    product = at.new_ones(at.shape[:3])
    for place, length in ((at[..., 0], at.shape[2]), (at[..., 1], at.shape[1])):
        for inward, margin in ((place, -place.amin((1, 2))), (length - 1 - place, place.amax((1, 2)) - (length - 1))):
            band = (feather * margin).clamp(max=length / 2)[:, None, None]
            ramp = ((inward + 1) / (1 + band)).clamp(0, 1)
            product = (product * ramp).where((margin > 0)[:, None, None], product)
    return product * product * (3 - 2 * product)
