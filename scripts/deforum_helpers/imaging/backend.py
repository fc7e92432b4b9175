"""Where warps are carried out: on the processor by OpenCV, or on a graphics card by PyTorch."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from ..errors import InputError
from .resampler import Fade, OpenCVResampler, Resampler
from .torch_resampler import TorchResampler, import_torch

__all__ = ["DEVICES", "Fade", "OpenCVResampler", "Resampler", "TorchResampler", "pick_resampler"]

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_resampler(device: str = "auto") -> Resampler:
    """The resampler for a device; pick it once for a run.

    Args:
        device: "cpu" for OpenCV, "cuda" or "mps" for PyTorch on that card, "auto" for a card if PyTorch finds one and
            OpenCV else. Only "cpu" leaves PyTorch unloaded where it is installed.

    Raises:
        InputError: unknown device, or one that is not there.
    """
    if device not in DEVICES:
        raise InputError(f"There is no device {device!r}.", hint=f"Use one of {', '.join(DEVICES)}.")
    if device == "cpu":
        return OpenCVResampler()
    found = _cards()
    if device == "auto":
        device = found[0] if found else "cpu"
        if device == "cpu":
            return OpenCVResampler()
    if device not in found:
        raise InputError(f"PyTorch finds no device {device!r} here.", hint='"auto" takes what is there.')
    return TorchResampler(device)


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
