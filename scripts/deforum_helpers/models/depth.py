"""Depth networks behind the port ``DepthEstimator``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding
from ..imaging.depth_maps import nearness
from ..ports import DepthKind, Image, SharedMemory
from .registry import Choice, choose_depth_model, works_with
from .torch_runtime import Network, NetworkUser, import_optional, opened, placements
from .weights import load_pretrained


class DepthNetwork(NetworkUser):
    """A depth network, loaded. Implements ``DepthEstimator``; not for several threads at a time.

    Attributes:
        name: of the network in use, which may stand in for the one asked for.
        kind: ``relative`` or ``metric``, what the numbers mean.
    """

    def __init__(self, choice: Choice, network: Network, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(network, (*choice.findings, *findings))
        self.name = choice.model.name
        self.kind: DepthKind = choice.model.kind
        self._inputs = choice.model.inputs

    def predict(self, image: Image) -> NDArray[np.float32]:
        """How near each pixel is.

        Args:
            image: H×W×3 uint8 RGB, any size.

        Returns:
            H×W float32, finite, larger is nearer: 1/metres for a metric network, in (0, 1000]; any scale otherwise.
            The same picture gives the same numbers.

        Raises:
            RunError: the network fails even on the CPU.
            ValueError: ``image`` is no such image.
        """
        height, width = image.shape[:2]
        plane = self._inputs.restore(self._network(self._inputs.pixels(image)), height, width)
        return nearness(plane) if self.kind == "metric" else plane


@contextmanager
def open_depth_model(
    name: str,
    *,
    models_folder: Path,
    device: str = "auto",
    allow_download: bool = False,
    memory: SharedMemory | None = None,
) -> Iterator[DepthNetwork]:
    """Load the depth network for ``name``; its memory is freed at the end, also after an error.

    Args:
        name: value of the setting ``depth_algorithm``, in any case.
        models_folder: ``models/Deforum`` of the installation; weights are in its subfolder named like their repository.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        allow_download: whether missing weights may be fetched from Hugging Face.
        memory: shared with an engine, if it is.

    Raises:
        SettingsError: there is no such algorithm.
        RunError: PyTorch or transformers is missing, or the weights are.
    """
    choose_depth_model(name)  # A wrong name is told before heavy imports, and without PyTorch.
    import_optional("torch", "A depth network")
    transformers = import_optional("transformers", "A depth network")
    choice = choose_depth_model(name, works_with(transformers))
    ladder, findings = placements(device, half=choice.model.half)
    module = load_pretrained(
        getattr(transformers, choice.model.network),
        choice.model.repo,
        models_folder=models_folder,
        allow_download=allow_download,
    )
    network = Network(choice.model.name, module, ladder, lambda output: output.predicted_depth, memory)
    with opened(network):
        yield DepthNetwork(choice, network, findings)
