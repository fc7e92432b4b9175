"""Where warps are carried out: on the processor by OpenCV, or on a graphics card by PyTorch."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from ..errors import DeforumError, Finding, InputError, RunError
from ..ports import Image
from .resampler import Fade, OpenCVResampler, Resampler
from .sampling import Border, Interpolation
from .torch_resampler import TorchResampler, import_torch
from .warp import Warp

__all__ = ["DEVICES", "Fade", "OpenCVResampler", "ReliableResampler", "Resampler", "TorchResampler", "pick_resampler"]

Result = TypeVar("Result")

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_resampler(device: str = "auto") -> Resampler:
    """The resampler for a device; pick it once for a run.

    Args:
        device: "cpu" for OpenCV, "cuda", "cuda:1" or "mps" for PyTorch on that card, "auto" for CUDA if PyTorch finds
            it and OpenCV else. PyTorch takes seconds to load; "cpu" leaves it alone, and so does "auto" where there is
            no driver of a card.

    Raises:
        InputError: unknown device, or one that is not there.
    """
    if device.partition(":")[0] not in DEVICES:
        raise InputError(f"There is no device {device!r}.", hint=f"Use one of {', '.join(DEVICES)}.")
    if device == "cpu":
        return OpenCVResampler()
    found = _cards() if device != "auto" or _has_driver() else []
    if device == "auto":
        if "cuda" not in found:
            return OpenCVResampler()
        device = "cuda"
    if device.partition(":")[0] not in found:
        raise InputError(f"PyTorch finds no device {device!r} here.", hint='"auto" takes what is there.')
    return ReliableResampler(TorchResampler(device), OpenCVResampler())


class ReliableResampler:
    """Another resampler, until it runs out of memory; from then on a second one. A ``Resampler``.

    Args:
        first: does the work as long as it can.
        second: does it after that.
    """

    def __init__(self, first: Resampler, second: Resampler) -> None:
        self._used = first
        self._second = second
        self._lock = Lock()
        self.findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """Of the one in use."""
        return self._used.name

    def frames_at_once(self, height: int, width: int) -> int:
        """See :class:`.resampler.Resampler`."""
        return self._used.frames_at_once(height, width)

    def apply(
        self, warp: Warp, image: Image, *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> Image:
        """See :class:`.resampler.Resampler`."""
        return self._done(lambda by: by.apply(warp, image, interpolation=interpolation, border=border))

    def apply_batch(
        self,
        warps: Sequence[Warp],
        images: Sequence[Image],
        *,
        interpolation: Interpolation = "bilinear",
        border: Border = "replicate",
    ) -> list[Image]:
        """See :class:`.resampler.Resampler`."""
        return self._done(lambda by: by.apply_batch(warps, images, interpolation=interpolation, border=border))

    def fade_batch(
        self, fades: Sequence[Fade], *, interpolation: Interpolation = "bilinear", border: Border = "replicate"
    ) -> list[Image]:
        """See :class:`.resampler.Resampler`.

        Raises:
            RunError: the card failed, for another reason than memory.
        """
        return self._done(lambda by: by.fade_batch(fades, interpolation=interpolation, border=border))

    def _done(self, work: Callable[[Resampler], Result]) -> Result:
        used = self._used
        try:
            return work(used)
        except (DeforumError, ValueError):
            raise
        except Exception as error:
            if not _is_out_of_memory(error):
                raise RunError(f"Frames could not be warped by {used.name}: {error}") from error
            self._give_up(used, error)
        # Only here, so that what the error holds on to is free.
        return work(self._second)

    def _give_up(self, used: Resampler, error: Exception) -> None:
        with self._lock:
            if self._used is self._second:
                return
            self._used = self._second
            text = f"{used.name} ran out of memory ({error}); frames are warped by {self._second.name} from then on."
            self.findings = (Finding("warning", " ".join(text.split()), "--device"),)


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


_DRIVERS = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")


def _has_driver() -> bool:
    """Whether this machine has a driver for a card that PyTorch calls CUDA: NVIDIA's, or AMD's (ROCm)."""
    if Path("/dev/kfd").exists():
        return True
    for library in _DRIVERS:
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return False


def _cards() -> list[str]:
    """The cards PyTorch can use, the best first."""
    if find_spec("torch") is None:
        return []
    try:
        torch = import_torch()
    except (ImportError, OSError):  # installed, but for another system
        return []
    cards: dict[str, Any] = {"cuda": torch.cuda, "mps": torch.backends.mps}
    return [name for name, card in cards.items() if card.is_available()]
