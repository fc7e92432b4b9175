"""Opening all that a render needs besides its plan: pictures, videos and networks; closed when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import Finding, InputError, RunError
from .imaging.colour import ColourReference
from .imaging.masking import prepare_mask
from .imaging.masks import parse_mask
from .media.decode import VideoIndex
from .media.frames import ALL, FrameSources, OpenFrames, Selection, Told, nobody
from .media.pictures import load_mask, load_picture, load_picture_and_alpha
from .models.depth import DepthNetwork, open_depth_model
from .models.flow import open_flow_estimator
from .models.segmentation import open_word_masks
from .ports import FlowEstimator, FrameSource, Image, Mask, SharedMemory
from .rendering.data.inputs import Inputs
from .rendering.data.mask_texts import mask_texts
from .rendering.data.render_data import RenderData
from .settings import uses
from .settings.schema import Settings


@dataclass(frozen=True)
class Places:
    """Where things are found.

    Attributes:
        folder: where relative paths are looked up first.
        models: folder of the networks' weights.
        allow_download: whether missing weights may be fetched.
        allow_private: as in ``web.open_url``.
        ffmpeg: program as for ``find_ffmpeg``.
        indexes, told: as in ``FrameSources``.
        device: where networks compute, as for ``placements``.
        memory: graphics memory that networks share with the engine, if they do.
    """

    folder: Path
    models: Path
    allow_download: bool = False
    allow_private: bool = True
    ffmpeg: Path | str | None = None
    indexes: dict[str, VideoIndex] = field(default_factory=dict)
    told: Told = nobody
    device: str = "auto"
    memory: SharedMemory | None = None

    @property
    def networks(self) -> dict[str, Any]:
        """How networks are opened, as arguments of the functions in ``models``."""
        return {
            "models_folder": self.models,
            "allow_download": self.allow_download,
            "device": self.device,
            "memory": self.memory,
        }


@dataclass(frozen=True)
class Opened:
    """Inputs that are ready.

    Attributes:
        inputs: for the render.
        video, mask_video: the same videos as in there, where there are some, as the files they are.
        findings: asked for when the render is over: what had to be done without, and why.
    """

    inputs: Inputs
    video: OpenFrames | None
    mask_video: OpenFrames | None
    findings: Callable[[], tuple[Finding, ...]]


def video_selection(settings: Settings) -> Selection:
    """The frames of the init video that count."""
    anim = settings.anim
    return Selection(anim.extract_from_frame, anim.extract_to_frame, max(1, anim.extract_nth_frame))


@contextmanager
def open_inputs(data: RenderData, places: Places) -> Iterator[Opened]:
    """Open everything that the plan needs.

    Args:
        data: the plan.
        places: where things are.

    Raises:
        InputError: something the user named cannot be used.
    """
    with ExitStack() as stack:
        opener = _Opener(data, places, stack)
        inputs = opener.inputs()
        yield Opened(inputs, opener.video, opener.mask_video, opener.findings)


def check_files(data: RenderData, places: Places) -> tuple[Finding, ...]:
    """Open every picture and video that the plan needs, and close it again; networks are left alone.

    Args:
        data: the plan.
        places: where things are.

    Returns:
        What would have to be done without.

    Raises:
        InputError: something the user named cannot be used.
    """
    with ExitStack() as stack:
        opener = _Opener(data, places, stack)
        opener.files()
        return opener.findings()


class _Opener:
    """Opens what is in use; what it opens is closed with the stack."""

    def __init__(self, data: RenderData, places: Places, stack: ExitStack) -> None:
        self._data = data
        self._settings = data.settings
        self._places = places
        self._stack = stack
        self._size: dict[str, Any] = {"width": data.width, "height": data.height}
        self._reach: dict[str, Any] = {"base_dirs": (places.folder,), "allow_private": places.allow_private}
        counted: dict[str, Any] = {"indexes": places.indexes, "told": places.told}
        self._videos = stack.enter_context(FrameSources(**self._size, ffmpeg=places.ffmpeg, **self._reach, **counted))
        self.video = self._video() if uses.uses_video(data.settings) else None
        self.mask_video = self._source("video_mask_path", ALL) if uses.uses_mask_video(data.settings) else None
        self._missing: list[Finding] = []
        self._networks: list[Any] = []
        self._flows: dict[str, _Flow] = {}

    def findings(self) -> tuple[Finding, ...]:
        """What had to be done without, and what the networks have to say."""
        said = (finding for network in self._networks for finding in network.findings)
        return (*self._missing, *dict.fromkeys(said))

    def inputs(self) -> Inputs:
        """All of them."""
        settings, anim = self._settings, self._settings.anim
        return replace(
            self.files(),
            words=self._words(),
            depth=self._depth() if uses.uses_depth(settings) else None,
            hybrid_flow=self._flow(anim.hybrid_flow_method) if uses.follows_flow(settings) else None,
            cadence_flow=self._flow(anim.optical_flow_cadence) if uses.uses_flow_cadence(settings) else None,
            redo_flow=self._flow(anim.optical_flow_redo_generation) if uses.uses_flow_redo(settings) else None,
        )

    def files(self) -> Inputs:
        """The pictures and videos among them."""
        init, alpha = self._init_image()
        return Inputs(
            init_image=init,
            reference=self._reference(),
            video=self.video,
            hybrid=self._hybrid(init),
            mask=self._mask(alpha),
            mask_video=self.mask_video,
            mask_files=self._mask_files(),
            guides=_Pictures(self._load, [g.picture for g in self._data.guides]) if self._data.guides else None,
            control=dict(self._control()),
            control_masks=dict(self._control_masks()),
        )

    def _load(self, named: str, key: str) -> Image:
        return load_picture(named, key=key, **self._size, **self._reach)

    def _source(self, key: str, chosen: Selection) -> OpenFrames:
        return self._videos.open(str(self._settings.value(key)), key=key, selection=chosen)

    def _video(self) -> OpenFrames:
        return self._source("video_init_path", video_selection(self._settings))

    def _hybrid(self, init: Image | None) -> FrameSource | None:
        if not uses.uses_hybrid(self._settings):
            return None
        if uses.uses_hybrid_video(self._settings):
            return self.video
        return _Still(init if init is not None else self._load(self._settings.run.init_image, "init_image"))

    def _init_image(self) -> tuple[Image | None, Mask | None]:
        if uses.starts_from_video(self._settings) and self.video is not None:
            return self.video.frame(0), None
        if not uses.starts_from_init_image(self._settings):
            return None, None
        run = self._settings.run
        named = run.init_image_box if isinstance(run.init_image_box, str) else run.init_image
        return load_picture_and_alpha(named, key="init_image", **self._size, **self._reach)

    def _reference(self) -> ColourReference | None:
        space = self._data.coherence
        if space is None or self._settings.anim.color_coherence != "Image":
            return None
        path = self._settings.anim.color_coherence_image_path
        return ColourReference.of(self._load(path, "color_coherence_image_path"), space)

    def _mask(self, alpha: Mask | None) -> Mask | None:
        if uses.uses_alpha(self._settings):
            if alpha is None:
                text = "the init image has no transparent parts, so its alpha masks nothing."
                self._missing.append(Finding("warning", text, "use_alpha_as_mask"))
            return alpha
        if not uses.uses_mask_file(self._settings):
            return None
        return self._load_mask(self._settings.run.mask_file, "mask_file")

    def _load_mask(self, named: str, key: str) -> Mask:
        run = self._settings.run
        mask = load_mask(named, key=key, **self._size, **self._reach)
        brightness, contrast = run.mask_brightness_adjust, run.mask_contrast_adjust
        return prepare_mask(mask, **self._size, brightness=brightness, contrast=contrast)

    def _mask_files(self) -> Mapping[str, Mask]:
        return {named: self._load_mask(named, key) for key, named in self._named("file")}

    def _words(self) -> Callable[[Image, str], Mask] | None:
        wanted = list(self._named("words"))
        if not wanted:
            return None
        opening = open_word_masks(**self._places.networks)
        try:
            network = self._stack.enter_context(opening)
        except RunError as error:
            raise InputError(f"words cannot be looked for. {error}", key=wanted[0][0]) from error
        self._networks.append(network)
        return _OneAtATime(network.mask)

    def _named(self, kind: str) -> Iterator[tuple[str, str]]:
        """Settings key and text of each operand of ``kind`` in the mask expressions in use, each once."""
        seen = set()
        for found in mask_texts(self._data.series, self._settings):
            for operand in parse_mask(found.text, key=found.key).operands():
                if operand.kind == kind and operand.text not in seen:
                    seen.add(operand.text)
                    yield found.key, operand.text

    def _control(self) -> Iterator[tuple[int, FrameSource]]:
        for number, unit in enumerate(self._settings.controlnet, start=1):
            if unit.enabled and not unit.loopback_mode and unit.vid_path.strip():
                yield number, self._videos.open(unit.vid_path, key=f"cn_{number}_vid_path")

    def _control_masks(self) -> Iterator[tuple[int, FrameSource]]:
        for number, unit in enumerate(self._settings.controlnet, start=1):
            if unit.enabled and unit.mask_vid_path.strip():
                yield number, self._videos.open(unit.mask_vid_path, key=f"cn_{number}_mask_vid_path")

    def _depth(self) -> _Depth | None:
        opening = open_depth_model(self._settings.anim.depth_algorithm, **self._places.networks)
        try:
            network = self._stack.enter_context(opening)
        except RunError as error:
            key = next((k for k, used in self._depth_uses() if used), "use_depth_warping")
            text = f"3D moves through a flat scene, without depth. {error}"
            if key != "use_depth_warping":
                text = f"there is no depth. {error}"
            self._missing.append(Finding("warning", text, key))
            return None
        self._networks.append(network)
        return _Depth(network)

    def _depth_uses(self) -> Iterator[tuple[str, bool]]:
        anim = self._settings.anim
        yield "use_depth_warping", uses.uses_depth_warping(self._settings)
        yield "hybrid_comp_mask_type", anim.hybrid_comp_mask_type in ("Depth", "Video Depth")
        yield "save_depth_maps", anim.save_depth_maps

    def _flow(self, method: str) -> FlowEstimator:
        """The estimator of a method, one for all its uses."""
        if method not in self._flows:
            network = self._stack.enter_context(open_flow_estimator(method, **self._places.networks))
            self._networks.append(network)
            self._flows[method] = _Flow(network)
        return self._flows[method]


class _OneAtATime:
    """A function that is not for several threads, made so."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._lock = Lock()

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:
            return self._function(*arguments)


class _Depth:
    """A depth network for several threads; a ``ports.DepthEstimator``."""

    def __init__(self, network: DepthNetwork) -> None:
        self.name = network.name
        self.kind = network.kind
        self._predict = _OneAtATime(network.predict)

    def predict(self, image: Image) -> NDArray[np.float32]:
        """As the network's own."""
        depth: NDArray[np.float32] = self._predict(image)
        return depth


class _Flow:
    """An optical flow for several threads; a ``ports.FlowEstimator``."""

    def __init__(self, estimator: FlowEstimator) -> None:
        self.name = estimator.name
        self._flow = _OneAtATime(estimator.flow)

    def flow(self, source: Image, target: Image) -> NDArray[np.float32]:
        """As the method's own."""
        flow: NDArray[np.float32] = self._flow(source, target)
        return flow


class _Still:
    """One picture as a ``ports.FrameSource``."""

    count = 1

    def __init__(self, picture: Image) -> None:
        self._picture = picture

    def frame(self, _index: int) -> Image:
        """The picture."""
        return self._picture


class _Pictures:
    """Guide images as a ``ports.FrameSource``: all are checked at once, and few are kept in memory."""

    def __init__(self, load: Callable[[str, str], Image], named: Sequence[str]) -> None:
        self.count = len(named)
        self._load = load
        self._named = named
        self._lock = Lock()
        self._last: tuple[int, Image] | None = None
        for index in range(self.count):
            self.frame(index)

    def frame(self, index: int) -> Image:
        """Picture ``index``."""
        index = min(max(index, 0), self.count - 1)
        with self._lock:
            if self._last is None or self._last[0] != index:
                self._last = (index, self._load(self._named[index], "init_images"))
            return self._last[1]
