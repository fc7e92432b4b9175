"""Where a model computes, and how it is made to fit there."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from ...errors import EngineError, EngineMemoryError, EngineNaNError, Finding, first_line
from .options import Precision

Fit = Literal["whole", "by part", "by layer"]

_ROOM = 2.0 * 2**30
"""Bytes that a picture of usual size takes besides the weights, half precision."""
_GIB = 2**30
LONGEST_REASON = 300
"""Characters of what another library says of its failure; some say all they know."""


@dataclass(frozen=True)
class Placement:
    """Where and how.

    Attributes:
        device: as PyTorch spells it.
        dtype: of weights and numbers.
    """

    device: str
    dtype: Any


def choose_placement(device: str, precision: Precision) -> Placement:
    """The placement that a wish comes to.

    Raises:
        EngineError: the device is not there, or the precision cannot be had on it.
    """
    chosen = _best_device() if device == "auto" else device
    if not _is_there(chosen):
        raise EngineError(f"The device {device!r} is not there. Allowed here: auto, cpu{_others()}.")
    kind = chosen.partition(":")[0]
    if precision == "auto":
        precision = "fp16" if kind == "cuda" else "fp32"
    if precision == "fp16" and kind == "cpu":
        raise EngineError("fp16 needs a GPU; on the CPU use --dtype fp32 or bf16.")
    return Placement(chosen, {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[precision])


def fitting(total: float, largest: float, free: float) -> Fit:
    """How a model of ``total`` bytes, whose largest part has ``largest``, is placed into ``free`` bytes."""
    if total + _ROOM <= free:
        return "whole"
    return "by part" if largest + _ROOM <= free else "by layer"


def place(pipe: Any, placement: Placement) -> Finding | None:
    """Bring the parts of ``pipe`` to their device; says so where they have to take turns.

    Raises:
        EngineMemoryError: there is no room for it.
    """
    free = free_bytes(placement.device)
    sizes = [_bytes_of(part) for part in pipe.components.values()] or [0]
    fit = "whole" if free is None else fitting(sum(sizes), max(sizes), free)
    if fit == "whole":
        pipe.to(placement.device)
        return None
    pipe.enable_attention_slicing()
    pipe.vae.enable_slicing()
    pipe.vae.enable_tiling()
    if fit == "by part":
        pipe.enable_model_cpu_offload(device=placement.device)
    else:
        pipe.enable_sequential_cpu_offload(device=placement.device)
    message = (
        f"the model takes {sum(sizes) / _GIB:.1f} GiB, {placement.device} has {(free or 0) / _GIB:.1f} GiB free: it is "
        f"moved there {fit}, and attention is computed in slices."
    )
    return Finding("note", message, "engine", hint="Expect it to be slower.")


def free_bytes(device: str) -> float | None:
    """Free memory of a GPU, None where nobody counts it."""
    return float(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else None


def collect(device: str) -> None:
    """Give back what is no longer used."""
    gc.collect()
    kind = device.partition(":")[0]
    if kind in ("cuda", "mps"):
        getattr(torch, kind).empty_cache()


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Errors of PyTorch and diffusers become those of the engine.

    Args:
        doing: what is being done, as in "... failed: why".
    """
    try:
        yield
    except EngineError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _memory_error(doing, error) from error
    except Exception as error:
        if "out of memory" in str(error).lower() or "can't allocate memory" in str(error).lower():
            raise _memory_error(doing, error) from error
        raise EngineError(f"{doing} failed: {first_line(error, LONGEST_REASON)}") from error


def _memory_error(doing: str, error: BaseException) -> EngineMemoryError:
    what = "Make the picture smaller, close what else uses the GPU, or use --dtype fp16."
    return EngineMemoryError(f"{doing} ran out of memory ({first_line(error, LONGEST_REASON)}). {what}", retryable=True)


def check_finite(values: Any, what: str, remedy: str) -> None:
    """See that ``values`` are numbers.

    Raises:
        EngineNaNError: some are not.
    """
    if not bool(torch.isfinite(values).all()):
        raise EngineNaNError(f"{what} made values that are no numbers. {remedy}")


def _bytes_of(part: Any) -> float:
    if not isinstance(part, torch.nn.Module):
        return 0.0
    return float(sum(p.numel() * p.element_size() for p in (*part.parameters(), *part.buffers())))


def _best_device() -> str:
    return next((device for device in ("cuda", "mps") if _is_there(device)), "cpu")


def _is_there(device: str) -> bool:
    kind, _, index = device.partition(":")
    if kind == "cuda":
        wanted = int(index or 0) if index.isdecimal() or not index else -1
        return bool(torch.cuda.is_available()) and 0 <= wanted < torch.cuda.device_count()
    if kind == "mps":
        return bool(torch.backends.mps.is_available())
    return device == "cpu"


def _others() -> str:
    return "".join(f", {device}" for device in ("cuda", "mps") if _is_there(device))
