"""PyTorch and transformers at arm's length: imported only when a network is used, untyped only here.

A network is moved down a ladder of placements (half precision on the GPU, full precision on the GPU, the CPU) when the
one it is on cannot do the work, and each step is told as a finding.
"""

from __future__ import annotations

import gc
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, RunError, first_line
from ..ports import SharedMemory

Float32 = NDArray[np.float32]

_INSTALL = "Install it with: pip install -r requirements-models.txt"
_WORKSPACE = 1.0 * 2**30
"""Bytes that a network takes besides its weights, for pictures of usual size."""


def import_optional(name: str, needed_for: str, install: str = _INSTALL) -> Any:
    """Import ``name``, which not every installation has.

    Args:
        name: of the module.
        needed_for: what needs it.
        install: how to get it, one sentence.

    Raises:
        RunError: it is missing or broken; says what needs it and how to get it.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # a library it is linked to is missing, or of another make
        message = f"{needed_for} needs the Python package {name!r}, which cannot be used: {error}. {install}"
        raise RunError(message) from error


def check_packages(needed_for: str, names: Sequence[str], install: str = _INSTALL) -> None:
    """See that Python packages are there, without importing them.

    Args:
        needed_for: what needs them.
        names: of the packages.
        install: how to get them, one sentence.

    Raises:
        RunError: some are missing; says which.
    """
    missing = [repr(name) for name in names if not _is_installed(name)]
    if missing:
        packages = f"the Python package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
        raise RunError(f"{needed_for} needs {packages}. {install}")


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # it is there, and broken
        return False


def offered(module: Any, name: str) -> Any | None:
    """``module.name``, or None where this version of the module lacks it or cannot load it."""
    try:
        return getattr(module, name)
    except (AttributeError, ImportError, RuntimeError):
        return None


def read_tensors(torch: Any, path: Path) -> Any:
    """What a file of weights holds, on the CPU; a file that would run code is refused.

    Raises:
        Exception: whatever PyTorch says of a file that it cannot read.
    """
    # Not ``torch.load``: AUTOMATIC1111 has put a function there that prints what it refuses and returns None.
    return torch.serialization.load(path, map_location="cpu", weights_only=True)


@dataclass(frozen=True)
class Placement:
    """Where and how a network computes.

    Attributes:
        device: as PyTorch spells it: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        half: float16 instead of float32.
    """

    device: str
    half: bool = False

    def __str__(self) -> str:
        return f"{self.device} with {16 if self.half else 32}-bit numbers"


def placements(device: str, *, half: bool = True) -> tuple[tuple[Placement, ...], tuple[Finding, ...]]:
    """The ladder for a wish, best first, always ending on the CPU, and what could not be granted.

    Args:
        device: ``auto`` for the best there is, else a device of PyTorch.
        half: whether the network keeps its accuracy in float16; it is used on CUDA only.
    """
    torch = import_optional("torch", "A neural network")
    wish = _best_device(torch) if device == "auto" else device
    findings: tuple[Finding, ...] = ()
    if not _is_there(torch, wish):
        message = f"the device {wish!r} is not there, the networks compute on the CPU."
        findings, wish = (Finding("warning", message, hint="Expect them to be slow."),), "cpu"
    if wish == "cpu":
        return (Placement("cpu"),), findings
    first = (Placement(wish, half=True),) if half and wish.startswith("cuda") else ()
    return (*first, Placement(wish), Placement("cpu")), findings


def _best_device(torch: Any) -> str:
    return next((device for device in ("cuda", "mps") if _is_there(torch, device)), "cpu")


def _is_there(torch: Any, device: str) -> bool:
    kind, _, index = device.partition(":")
    if kind == "cuda":
        wanted = int(index or 0) if index.isdecimal() or not index else -1
        return bool(torch.cuda.is_available()) and 0 <= wanted < torch.cuda.device_count()
    if kind == "mps":
        mps = getattr(torch.backends, "mps", None)
        return mps is not None and bool(mps.is_available())
    return kind == "cpu"


class Network:
    """A PyTorch module that takes and gives NumPy arrays, and comes down its ladder where it has to.

    Args:
        name: for messages.
        module: the ``torch.nn.Module``, on the CPU, in float32. It belongs to the network from now on.
        ladder: placements to try, best first.
        read: takes the one tensor that is wanted out of what the module returns.
        memory: shared with an engine; None where the network may take what it finds, and keep it.
    """

    def __init__(
        self,
        name: str,
        module: Any,
        ladder: tuple[Placement, ...],
        read: Callable[[Any], Any],
        memory: SharedMemory | None = None,
    ) -> None:
        self.name = name
        self.findings: tuple[Finding, ...] = ()
        self._torch = import_optional("torch", name)
        self._module = module.eval()
        self._ladder = ladder
        self._read = read
        self._memory = memory
        self._placed: Placement | None = None
        self._left = "cpu"
        self._in_use = Lock()

    @property
    def placement(self) -> Placement:
        """Where it computes now."""
        return self._ladder[0]

    @property
    def _shared(self) -> SharedMemory | None:
        """The memory that it shares where it computes now; none on the CPU."""
        return self._memory if self.placement.device != "cpu" else None

    def __call__(self, *inputs: NDArray[Any], **options: Any) -> Float32:
        """Run the module on ``inputs``; ``options`` are handed to it as they are.

        Args:
            inputs: arrays; floating ones are given in the precision of the placement.
            options: keyword arguments of the module; arrays among them become tensors.

        Raises:
            RunError: it fails even on the CPU, or its result is not finite in full precision.
        """
        with self._in_use:
            return self._answer(inputs, options)

    def _answer(self, inputs: tuple[NDArray[Any], ...], options: dict[str, Any]) -> Float32:
        crowded = False
        while True:
            try:
                result = self._run(inputs, options, math.inf if crowded else self._bytes())
            except Exception as error:
                if self._shared is not None and not crowded and _is_out_of_memory(error):
                    crowded = True
                    continue
                rest = tuple(rung for rung in self._ladder if rung.device != self.placement.device)
                if not rest or not isinstance(error, (RuntimeError, TypeError)):
                    raise RunError(f"{self.name} failed on {self.placement}: {error}") from error
                why = first_line(error)
            else:
                if np.isfinite(result).all():
                    return result
                rest = self._ladder[1:]
                if not rest:
                    hint = "Its weights may be damaged: get them again."
                    raise RunError(f"{self.name} answered with numbers that are not finite. {hint}")
                why = "its numbers are not finite"
            # Out of the except block, so that the failed attempt's tensors can be freed before the next one.
            self._step_down(rest, why)

    def leave(self) -> None:
        """Move to the CPU until it is used again, unless it is in use just now."""
        if not self._in_use.acquire(blocking=False):
            return
        try:
            self._park()
        finally:
            self._in_use.release()

    def _park(self) -> None:
        if self._module is not None and self._placed is not None:
            self._module.to("cpu")
            self._placed = None
            _free(self._torch, self.placement.device)

    def close(self) -> None:
        """Free its memory. It cannot be used any more."""
        if self._module is not None:
            # A traceback may still hold the module or parts of it; without their numbers that costs nothing.
            for weights in (*self._module.parameters(), *self._module.buffers()):
                weights.data = weights.data.new_empty(0)
            self._module = None
            _free(self._torch, self.placement.device)

    def _run(self, inputs: tuple[NDArray[Any], ...], options: dict[str, Any], needed: float) -> Float32:
        memory, device = self._shared, self.placement.device
        if memory is None:
            return self._computed(inputs, options)
        with memory.room(device, needed):
            result = self._computed(inputs, options)
            if not memory.may_stay(device, self.leave):
                self._park()
        return result

    def _computed(self, inputs: tuple[NDArray[Any], ...], options: dict[str, Any]) -> Float32:
        torch, placement = self._torch, self.placement
        if self._placed != placement:
            self._module.to(device=placement.device, dtype=torch.float16 if placement.half else torch.float32)
            self._placed = placement
            _free(torch, self._left)
        with torch.inference_mode(), torch.backends.cudnn.flags(deterministic=True, benchmark=False):
            tensors = [self._tensor(array) for array in inputs]
            named = {key: self._tensor(o) if isinstance(o, np.ndarray) else o for key, o in options.items()}
            wanted = self._read(self._module(*tensors, **named))
            result: Float32 = wanted.float().cpu().numpy()
        return result

    def _bytes(self) -> float:
        """What it takes where it computes, besides what it has there already."""
        if self._placed == self.placement:
            return _WORKSPACE
        numbers: int = sum(weights.numel() for weights in (*self._module.parameters(), *self._module.buffers()))
        return _WORKSPACE + numbers * (2 if self.placement.half else 4)

    def _tensor(self, array: NDArray[Any]) -> Any:
        tensor = self._torch.from_numpy(np.ascontiguousarray(array)).to(self.placement.device)
        return tensor.half() if self.placement.half and tensor.is_floating_point() else tensor

    def _step_down(self, rest: tuple[Placement, ...], why: str) -> None:
        message = f"{self.name} could not compute on {self.placement} ({why}); it goes on with {rest[0]}."
        self.findings += (Finding("warning", message),)
        self._left = self.placement.device
        self._ladder = rest


def _free(torch: Any, device: str) -> None:
    gc.collect()
    kind = device.partition(":")[0]
    if kind in ("cuda", "mps"):
        getattr(torch, kind).empty_cache()


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


class NetworkUser:
    """What works with a network.

    Args:
        network: the network.
        findings: what has to be said before it is used.
    """

    def __init__(self, network: Network, findings: tuple[Finding, ...] = ()) -> None:
        self._network = network
        self._before = findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has to be said so far, e.g. that the CPU had to help."""
        return (*self._before, *self._network.findings)


@contextmanager
def opened(network: Network) -> Iterator[Network]:
    """``network``, freed at the end, however that comes."""
    try:
        yield network
    finally:
        network.close()


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Loading a network draws random numbers; the host's next picture must not depend on that."""
    torch = import_optional("torch", "A neural network")
    with torch.random.fork_rng(devices=[]):
        yield
