"""Frame interpolation: the engines that make pictures between two pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, SettingsError
from ..imaging.flow import OpenCVFlow
from ..imaging.in_between import InBetween, similarity
from ..imaging.opencv import cv
from ..ports import Image
from .download import RemoteFile
from .inputs import check_image
from .rife import MULTIPLE, load_rife
from .torch_runtime import Network, NetworkUser, check_packages, import_optional, opened, placements
from .weights import Opening, find_weights, unreadable, weights_file

_KEY = "frame_interpolation_engine"

RIFE_WEIGHTS = RemoteFile(
    url="https://github.com/HolyWu/vs-rife/releases/download/model/flownet_v4.6.pkl",
    sha256="008646e761f0e67cb77f0c6c44cfe3c3e5a05d9d9465311b9681ca650ce030db",
    size=21273159,
)
FILM_WEIGHTS = RemoteFile(
    url="https://github.com/dajes/frame-interpolation-pytorch/releases/download/v1.0.2/film_net_fp16.pt",
    sha256="",  # Its makers name none.
)
_FILM_FOLDER = "film_interpolation"
"""Of ``models/Deforum``, where the original keeps its weights."""
_FILM_MULTIPLE = 64
_ULTRA = 2048
"""Pixels of both sides from which on RIFE looks at half the size, or motion would be too far for it."""
_CUT = 0.2
"""Pictures less similar than this are on the two sides of a cut."""
_MOST = 300
"""Times as many frames, where the engine itself sets no limit."""
_LEAST_TRUST = 0.25
"""Share of the pixels whose flow can be believed; below it flow knows of no motion, only of another picture."""
_FLOW_METHOD = "DIS Fine"
_LEAST_FOR_FLOW = 16
"""Pixels of a side below which the method finds nothing to compare."""


class Interpolator(Protocol):
    """What makes pictures between two; not for several threads at a time.

    Attributes:
        name: of the engine.
    """

    name: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has to be said so far, e.g. that the CPU had to help."""
        ...

    def between(self, first: Image, second: Image, count: int) -> Iterator[Image]:
        """The ``count`` pictures evenly spaced in time between two, in order, made as they are asked for.

        ``first`` and ``second`` are H×W×3 uint8 RGB of one size.

        Raises:
            RunError: the engine failed.
            ValueError: they are no such pictures.
        """
        ...


class RifeInterpolator(NetworkUser):
    """RIFE 4.6: looks at every moment by itself. Across a cut the picture before it is repeated."""

    name = "RIFE v4.6"

    def between(self, first: Image, second: Image, count: int) -> Iterator[Image]:
        """As in the protocol."""
        height, width = _check(first, second)
        if count and similarity(first, second) < _CUT:
            yield from [first] * count
            return
        scale = 0.5 if min(height, width) >= _ULTRA else 1.0
        pair = [_padded(image, round(MULTIPLE / scale)) for image in (first, second)]
        for index in range(1, count + 1):
            made = self._network(*pair, time=index / (count + 1), scale=scale)
            yield _picture(made, height, width)


class FilmInterpolator(NetworkUser):
    """FILM (Reda et al. 2022): made for the middle of two pictures, so it halves the way again and again."""

    name = "FILM"

    def between(self, first: Image, second: Image, count: int) -> Iterator[Image]:
        """As in the protocol."""
        _check(first, second)
        if count < 1:
            return
        # Depth first, so that only as many pictures wait as the way was halved.
        middle = (count + 1) // 2
        made = self._at(first, second, middle / (count + 1))
        yield from self.between(first, made, middle - 1)
        yield made
        yield from self.between(made, second, count - middle)

    def _at(self, first: Image, second: Image, time: float) -> Image:
        height, width = first.shape[:2]
        pair = [_padded(image, _FILM_MULTIPLE) for image in (first, second)]
        return _picture(self._network(*pair, np.array([[time]], np.float32)), height, width)


class FlowInterpolator:
    """Optical flow, without a network. Across a cut the picture before it is repeated."""

    name = "Optical Flow"
    findings: tuple[Finding, ...] = ()

    def between(self, first: Image, second: Image, count: int) -> Iterator[Image]:
        """As in the protocol."""
        height, width = _check(first, second)
        if count < 1:
            return
        below, right = (max(0, _LEAST_FOR_FLOW - side) for side in (height, width))
        pair = [cv.copyMakeBorder(image, 0, below, 0, right, cv.BORDER_REPLICATE) for image in (first, second)]
        pictures = InBetween(pair[0], pair[1], OpenCVFlow(_FLOW_METHOD))
        if pictures.trust < _LEAST_TRUST or similarity(first, second) < _CUT:
            yield from [first] * count
            return
        for index in range(1, count + 1):
            yield np.ascontiguousarray(pictures.at(index / (count + 1))[:height, :width])


@contextmanager
def _open_rife(to: Opening) -> Iterator[RifeInterpolator]:
    torch = import_optional("torch", RifeInterpolator.name)
    ladder, findings = placements(to.device)
    path = weights_file(RIFE_WEIGHTS, (to.models_folder,), to)
    network = Network(RifeInterpolator.name, load_rife(torch, path), ladder, lambda made: made, to.memory)
    with opened(network):
        yield RifeInterpolator(network, findings)


@contextmanager
def _open_film(to: Opening) -> Iterator[FilmInterpolator]:
    torch = import_optional("torch", FilmInterpolator.name)
    ladder, findings = placements(to.device)
    path = weights_file(FILM_WEIGHTS, _film_folders(to.models_folder), to)
    network = Network(FilmInterpolator.name, _load_script(torch, path), ladder, lambda made: made, to.memory)
    with opened(network):
        yield FilmInterpolator(network, findings)


def _film_folders(models: Path) -> tuple[Path, ...]:
    return (models / _FILM_FOLDER, models)


@contextmanager
def _open_flow(_: Opening) -> Iterator[FlowInterpolator]:
    yield FlowInterpolator()


def _load_script(torch: Any, path: Path) -> Any:
    """A TorchScript network, on the CPU, in 32 bits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch would rather have other formats; there is none of these weights.
            return torch.jit.load(str(path), map_location="cpu").float()
    except Exception as error:
        raise unreadable(path, error) from error


def _check(first: Image, second: Image) -> tuple[int, int]:
    for image in (first, second):
        check_image(image)
    if first.shape != second.shape:
        raise ValueError(f"there is nothing between pictures of {first.shape[:2]} and {second.shape[:2]}")
    return first.shape[0], first.shape[1]


def _padded(image: Image, multiple: int) -> NDArray[np.float32]:
    """1×3×h×w in 0..1, continued to the right and below by its last pixels until ``multiple`` divides its sides."""
    below, right = (-side % multiple for side in image.shape[:2])
    grown = cv.copyMakeBorder(image, 0, below, 0, right, cv.BORDER_REPLICATE)
    scaled = grown.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _picture(made: NDArray[np.float32], height: int, width: int) -> Image:
    """What a network made, 1×3×h×w in 0..1, as picture without its padding."""
    levels = np.clip(made[0, :, :height, :width] * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


@dataclass(frozen=True)
class InterpolationEngine:
    """An engine that can be chosen.

    Attributes:
        name: as in the settings.
        label: in names of files.
        open: loads it, and frees its memory at the end.
        packages: Python packages it needs.
        most: times as many frames as it may be asked for.
        weights: file it needs, None for none.
        folders: where that file may be, given ``models/Deforum``; it is fetched into the first.
        whole: whether the pictures made fill the time that the last frame is shown as well, as the original's FILM
            does, so that frames move a little; else every frame keeps its moment.
    """

    name: str
    label: str
    open: Callable[[Opening], AbstractContextManager[Interpolator]]
    most: int
    packages: tuple[str, ...] = ()
    weights: RemoteFile | None = None
    folders: Callable[[Path], tuple[Path, ...]] = lambda models: (models,)
    whole: bool = False

    def count_between(self, frames: int, factor: int) -> int:
        """How many pictures come between two frames, of ``frames`` in all, to have ``factor`` times as many."""
        if frames < 2:
            return 0
        return round((frames * factor - frames) / (frames - 1)) if self.whole else factor - 1


ENGINES: tuple[InterpolationEngine, ...] = (
    InterpolationEngine(RifeInterpolator.name, "RIFE", _open_rife, 10, ("torch",), RIFE_WEIGHTS),
    InterpolationEngine(
        FilmInterpolator.name, "FILM", _open_film, _MOST, ("torch",), FILM_WEIGHTS, _film_folders, whole=True
    ),
    InterpolationEngine(FlowInterpolator.name, "Flow", _open_flow, _MOST),
)


def interpolation_engine(name: str) -> InterpolationEngine:
    """The engine of that name, in any case.

    Raises:
        SettingsError: there is none.
    """
    for engine in ENGINES:
        if engine.name.casefold() == name.strip().casefold():
            return engine
    names = ", ".join(engine.name for engine in ENGINES)
    raise SettingsError(f"{name!r} is no engine for frame interpolation; there are {names}.", key=_KEY)


def open_interpolator(name: str, to: Opening) -> AbstractContextManager[Interpolator]:
    """Load the engine ``name``; its memory is freed at the end, also after an error.

    Raises:
        SettingsError: there is no such engine.
        RunError: a package or its weights are missing or damaged; when the context is entered.
    """
    return interpolation_engine(name).open(to)


def check_interpolation(name: str, models_folder: Path | None = None) -> None:
    """See whether an engine could be loaded, without loading anything.

    Args:
        name: of the engine.
        models_folder: ``models/Deforum`` where the weights have to be; None if they may be fetched.

    Raises:
        SettingsError: there is no such engine.
        RunError: a package or file is missing; says how to get it.
    """
    engine = interpolation_engine(name)
    check_packages(engine.name, engine.packages)
    if engine.weights is not None and models_folder is not None:
        find_weights(engine.weights, engine.folders(models_folder))
