"""The depth networks there are, by the names of the setting ``depth_algorithm``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Finding, RunError, SettingsError
from ..ports import DepthKind
from .inputs import IMAGENET_MEAN, IMAGENET_STD, NetworkInput
from .torch_runtime import offered

_KEY = "depth_algorithm"


@dataclass(frozen=True)
class DepthModel:
    """A depth network.

    Attributes:
        name: as in the settings; matched without regard to case.
        repo: on Hugging Face; the last part is also the name of its folder in ``models/Deforum``.
        network: class in transformers. What it returns has ``predicted_depth``: 1×h×w, nearness or metres.
        kind: ``metric`` if the network says metres, which are turned into nearness; else it says nearness itself.
        inputs: how it wants its pictures.
        since: least transformers (major, minor) it works with; the class must exist as well.
        instead: name of the network that stands in where transformers is too old; empty if none.
        half: whether float16 is accurate enough.
    """

    name: str
    repo: str
    network: str
    kind: DepthKind
    inputs: NetworkInput
    since: tuple[int, int] = (4, 30)
    instead: str = ""
    half: bool = True


def _depth_anything(size: str) -> DepthModel:
    return DepthModel(
        f"Depth-Anything-V2-{size.lower()}",
        f"depth-anything/Depth-Anything-V2-{size}-hf",
        "DepthAnythingForDepthEstimation",
        "relative",
        NetworkInput(518, 518, 14, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        instead="Midas-3-Hybrid",
    )


# The plain DPT networks of transformers take square pictures only.
_DPT = NetworkInput(384, 384, keep_aspect=False)

DEPTH_MODELS: tuple[DepthModel, ...] = (
    DepthModel("Midas-3-Hybrid", "Intel/dpt-hybrid-midas", "DPTForDepthEstimation", "relative", _DPT),
    DepthModel("Midas-3-Large", "Intel/dpt-large", "DPTForDepthEstimation", "relative", _DPT),
    DepthModel(
        "Midas-3.1-BeiTLarge",
        "Intel/dpt-beit-large-512",
        "DPTForDepthEstimation",
        "relative",
        NetworkInput(512, 512),
        since=(4, 46),
        instead="Midas-3-Large",
    ),
    DepthModel(
        "Zoe",
        "Intel/zoedepth-nyu-kitti",
        "ZoeDepthForDepthEstimation",
        "metric",
        NetworkInput(384, 512, margin=True),
        instead="Midas-3-Hybrid",
        half=False,
    ),
    _depth_anything("Small"),
    _depth_anything("Base"),
    _depth_anything("Large"),
)

NEAREST: Mapping[str, tuple[str, str]] = {
    "AdaBins": ("Zoe", "it is no longer maintained"),
    "Leres": ("Midas-3-Large", "it is not for commercial use and no longer maintained"),
    "Midas+AdaBins (old)": ("Zoe", "AdaBins is no longer maintained; midas_weight has no effect"),
    "Zoe+AdaBins (old)": ("Zoe", "AdaBins is no longer maintained; midas_weight has no effect"),
}
"""Names of old settings files -> the network used for them, and why."""


@dataclass(frozen=True)
class Choice:
    """The network for a name, and what has to be said about it."""

    model: DepthModel
    findings: tuple[Finding, ...]


def depth_model_names() -> tuple[str, ...]:
    """Every name that can be chosen."""
    return (*(model.name for model in DEPTH_MODELS), *NEAREST)


def choose_depth_model(name: str, works: Callable[[DepthModel], bool] = lambda _: True) -> Choice:
    """The network for ``name``, or the nearest one that works here.

    Args:
        name: value of ``depth_algorithm``, in any case.
        works: whether this machine can run a network, see :func:`works_with`.

    Raises:
        SettingsError: there is no such name.
        RunError: neither the network nor one that could stand in for it works.
    """
    findings: list[Finding] = []
    wanted = {known.casefold(): known for known in depth_model_names()}.get(name.strip().casefold())
    if wanted is None:
        message = f"{name!r} is no depth algorithm; there are {', '.join(depth_model_names())}."
        raise SettingsError(message, key=_KEY)
    if wanted in NEAREST:
        stand_in, why = NEAREST[wanted]
        findings.append(_notice(f"{wanted} is replaced by {stand_in}: {why}."))
        wanted = stand_in
    model = _named(wanted)
    while not works(model):
        if not model.instead:
            raise RunError(f"{model.name} does not work with this transformers. Update it: pip install -U transformers")
        findings.append(_notice(f"{model.name} needs a newer transformers and is replaced by {model.instead}."))
        model = _named(model.instead)
    return Choice(model, tuple(findings))


def works_with(transformers: Any) -> Callable[[DepthModel], bool]:
    """Whether the imported ``transformers`` can run a network."""
    numbers = re.match(r"(\d+)\.(\d+)", str(transformers.__version__))
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    return lambda model: version >= model.since and offered(transformers, model.network) is not None


def _named(name: str) -> DepthModel:
    return next(model for model in DEPTH_MODELS if model.name == name)


def _notice(message: str) -> Finding:
    return Finding("warning", message, _KEY)
