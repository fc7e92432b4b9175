"""Optical flow behind the port ``FlowEstimator``: RAFT, a network, beside the methods that need none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, RunError, SettingsError
from ..imaging.flow import METHODS, OpenCVFlow
from ..imaging.opencv import cv
from ..ports import Image, SharedMemory
from .download import RemoteFile, fetch_file
from .inputs import check_image
from .torch_runtime import Network, NetworkUser, import_optional, opened, placements, random_state_kept, read_tensors

RAFT = "RAFT"
STAND_IN = "DIS Fine"
"""What is used where RAFT cannot be."""

RAFT_WEIGHTS = RemoteFile(
    url="https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    sha256="ff5fadd5",
)

_UPDATES = 50
"""Refinements of the flow, as many as the original makes."""

_MULTIPLE = 8
_LEAST = 128
"""RAFT compares pictures down to 1/64 of their size."""


class RaftFlow(NetworkUser):
    """RAFT (Teed, Deng 2020), the large network of torchvision. Not for several threads at a time.

    Args:
        network: takes two 1×3×h×w float32 pictures in -1..1, RGB, sides multiples of 8 and 128 or more, and answers
            with 1×2×h×w.
        findings: what has to be said before it is used.
    """

    name = RAFT

    def flow(self, source: Image, target: Image) -> NDArray[np.float32]:
        """Motion from ``source`` to ``target``, both H×W×3 uint8 RGB of one size; H×W×2 float32, pixels.

        Raises:
            RunError: the network fails even on the CPU.
            ValueError: they are no such images.
        """
        for image in (source, target):
            check_image(image)
        if source.shape != target.shape:
            raise ValueError(f"flow between pictures of {source.shape[:2]} and {target.shape[:2]}")
        height, width = source.shape[:2]
        found = self._network(_padded(source), _padded(target), num_flow_updates=_UPDATES)
        return np.ascontiguousarray(found[0, :, :height, :width].transpose(1, 2, 0))


class ClassicFlow(OpenCVFlow):
    """A method without a network, and what has to be said about its choice."""

    def __init__(self, name: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(name)
        self.findings = findings


AnyFlow: TypeAlias = RaftFlow | ClassicFlow


@contextmanager
def open_flow_estimator(
    name: str,
    *,
    models_folder: Path,
    device: str = "auto",
    allow_download: bool = False,
    memory: SharedMemory | None = None,
) -> Iterator[AnyFlow]:
    """The flow method ``name`` of the settings; memory is freed at the end, also after an error.

    Where RAFT cannot be loaded, "DIS Fine" takes its place and a finding says why.

    Args:
        name: ``RAFT``, ``DIS Medium``, ``DIS Fine`` or ``Farneback``.
        models_folder: ``models/Deforum`` of the installation, which holds the weights of RAFT.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        allow_download: whether missing weights may be fetched.
        memory: shared with an engine, if it is.

    Raises:
        SettingsError: there is no such method.
    """
    if name in METHODS:
        yield ClassicFlow(name)
        return
    if name != RAFT:
        raise SettingsError(f"{name!r} is no optical flow method; there are {', '.join((RAFT, *METHODS))}.")
    try:
        network, findings = _load_raft(models_folder, device, memory, allow_download=allow_download)
    except RunError as error:
        why = " ".join(str(error).split())
        yield ClassicFlow(STAND_IN, (Finding("warning", f"RAFT is replaced by {STAND_IN}: {why}"),))
        return
    with opened(network):
        yield RaftFlow(network, findings)


def _load_raft(
    models_folder: Path, device: str, memory: SharedMemory | None, *, allow_download: bool
) -> tuple[Network, tuple[Finding, ...]]:
    torch = import_optional("torch", RAFT)
    networks = import_optional("torchvision.models.optical_flow", RAFT)
    ladder, findings = placements(device, half=False)
    path = _raft_weights(torch, models_folder, allow_download=allow_download)
    with random_state_kept():
        module = networks.raft_large(weights=None, progress=False)
    try:
        module.load_state_dict(read_tensors(torch, path))
    except Exception as error:
        raise RunError(f"The weights in {path} cannot be read: {error}") from error
    return Network(RAFT, module, ladder, lambda flows: flows[-1], memory), findings


def _raft_weights(torch: Any, models_folder: Path, *, allow_download: bool) -> Path:
    """The file in the offline folder, else the one other programs left in the cache of PyTorch, else a download."""
    cached = Path(torch.hub.get_dir()) / "checkpoints" / RAFT_WEIGHTS.name
    if cached.is_file() and not (models_folder / RAFT_WEIGHTS.name).exists():
        return cached
    return fetch_file(RAFT_WEIGHTS, models_folder, allow_download=allow_download)


def _padded(image: Image) -> NDArray[np.float32]:
    """1×3×h×w in -1..1, continued to the right and below by its last pixels."""
    height, width = image.shape[:2]
    below, right = (max(_LEAST, -(-side // _MULTIPLE) * _MULTIPLE) - side for side in (height, width))
    grown = cv.copyMakeBorder(image, 0, below, 0, right, cv.BORDER_REPLICATE)
    scaled = grown.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
