"""The ports: what the core asks of its neighbours, in plain values only.

Adapters live in ``hosts/`` (engines), ``media/`` (files) and ``models/`` (networks); the core never imports them, it is
handed them. Each port has one conformance test class that runs over every adapter.

Convention: an image is an H×W×3 array, uint8, RGB, C-contiguous; a mask is H×W, uint8, 255 where it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""H×W×3, uint8, RGB."""
Mask = NDArray[np.uint8]
"""H×W, uint8, 255 where the mask applies."""
DepthKind = Literal["relative", "metric"]
"""What nearness means: ``metric`` is 1/metres, ``relative`` the same up to an unknown scale and offset."""


Fill = Literal["fill", "original", "latent noise", "latent nothing"]
"""What the area to repaint holds before it is diffused: smeared surroundings, itself, noise or nothing."""


@dataclass(frozen=True, eq=False)
class Inpainting:
    """A part of a picture to repaint.

    Attributes:
        mask: 255 where the picture is repainted, 0 where it stays bit for bit; of the size of the picture.
        blur: radius in pixels by which the edge of the mask is softened.
        fill: what the repainted area holds before.
        full_res: whether only the masked area is diffused, enlarged to the size of the picture.
        padding: pixels of surroundings that ``full_res`` takes in.
    """

    mask: Mask
    blur: int = 4
    fill: Fill = "original"
    full_res: bool = True
    padding: int = 4


@dataclass(frozen=True, eq=False)
class ControlUnit:
    """One ControlNet unit for one picture; names and units are those of the web UI's ControlNet.

    Attributes:
        number: of the unit, from 1.
        module: preprocessor, "none" for none.
        model: name of the model.
        image: H×W×3 picture that guides, of any size; None for the picture to be diffused (loopback).
        mask: H×W, white where the unit takes part, or what preprocessors for inpainting make anew; None for everywhere.
        weight: 0..2.
        guidance_start, guidance_end: share of the steps, 0..1, between which it takes part.
        processor_res: resolution of the preprocessor, pixels.
        threshold_a, threshold_b: of the preprocessor.
        resize_mode: "Outer Fit (Shrink to Fit)", "Inner Fit (Scale to Fit)" or "Just Resize".
        control_mode: "Balanced", "My prompt is more important" or "ControlNet is more important".
        low_vram, pixel_perfect: switches of the web UI.
    """

    number: int
    module: str
    model: str
    image: Image | None = None
    weight: float = 1.0
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    processor_res: int = 64
    threshold_a: float = 64
    threshold_b: float = 64
    resize_mode: str = "Inner Fit (Scale to Fit)"
    control_mode: str = "Balanced"
    low_vram: bool = False
    pixel_perfect: bool = False
    mask: Mask | None = None


@dataclass(frozen=True, eq=False)
class DiffusionRequest:
    """Everything an engine needs to make one picture. No engine reads settings or the plan.

    Attributes:
        width, height: size of the picture, pixels.
        prompt, negative_prompt: effective texts, with weights and LoRA tags untouched.
        seed, subseed: in [0, 2**32); ``subseed`` -1 means none.
        subseed_strength: 0..1.
        steps: as set; engines multiply by ``1 - strength`` for img2img themselves.
        cfg_scale: guidance.
        sampler, scheduler: names as A1111 spells them.
        strength: 0..1, how much of ``init_image`` stays; denoising is ``1 - strength``. Ignored without ``init_image``.
        init_image: picture to start from, of size ``height``×``width``, or None for txt2img.
        inpainting: the part to repaint, or None for all; ignored without ``init_image``.
        checkpoint, vae: name, or empty for the engine's current one.
        clip_skip, ddim_eta, ancestral_eta, noise_multiplier, pix2pix_cfg_scale: None leaves the engine's own value.
        distilled_cfg_scale: guidance that a distilled model (Flux) takes as an input; None leaves the engine's own.
        control_units: the ControlNet units in use.
        tiling, restore_faces: switches of the web UI.
        seed_resize: (width, height) the noise was made for, (0, 0) for off.
        vae_full_precision: whether the VAE has to compute in 32 bits this time; engines without one ignore it.
        frame: index of the output frame this is for; informative (progress, previews), never used for values.
    """

    width: int
    height: int
    prompt: str
    negative_prompt: str = ""
    seed: int = 0
    subseed: int = -1
    subseed_strength: float = 0.0
    steps: int = 25
    cfg_scale: float = 7.0
    sampler: str = "Euler a"
    scheduler: str = "Automatic"
    strength: float = 0.0
    init_image: Image | None = None
    inpainting: Inpainting | None = None
    checkpoint: str = ""
    vae: str = ""
    clip_skip: int | None = None
    ddim_eta: float | None = None
    ancestral_eta: float | None = None
    noise_multiplier: float | None = None
    pix2pix_cfg_scale: float | None = None
    distilled_cfg_scale: float | None = None
    control_units: tuple[ControlUnit, ...] = ()
    tiling: bool = False
    restore_faces: bool = False
    seed_resize: tuple[int, int] = (0, 0)
    vae_full_precision: bool = False
    frame: int = 0


@dataclass(frozen=True, eq=False)
class Diffused:
    """A picture that an engine made.

    Attributes:
        image: of the size asked for, C-contiguous, not shared with anything else.
        used: what it was really made with, by the names of an infotext ("Seed", "Sampler", "Model" …); empty if the
            engine has nothing to tell.
    """

    image: Image
    used: Mapping[str, str | int | float] = field(default_factory=dict)


class Diffuser(Protocol):
    """A diffusion engine.

    An engine may also have a method ``free_memory() -> None`` that gives back what memory it can spare; it is called
    before a diffusion that ran out of memory is tried again.
    """

    name: str

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """Make one picture of ``request.height``×``request.width``.

        Raises:
            EngineError: the engine could not make it; the message says what to do. EngineMemoryError: it ran out of
                memory. EngineNaNError: what it made are no numbers.
        """
        ...


class FrameStore(Protocol):
    """Output frames on disk.

    Attributes:
        lossless: whether a frame that is read equals the one that was written, bit for bit.
    """

    lossless: bool

    def path(self, index: int) -> Path:
        """Where frame ``index`` is or would be."""
        ...

    def write(self, index: int, image: Image, text: str = "", png: bytes = b"") -> Path:
        """Write frame ``index`` atomically: the file is there whole or not at all.

        Args:
            index: from 0.
            image: H×W×3 uint8 RGB.
            text: what it was made with, where the format can hold one.
            png: the picture as a PNG without text, if it has been encoded before at the default level.

        Raises:
            StorageError: disk full, no permission, folder gone.
        """
        ...

    def read(self, index: int) -> Image:
        """Read frame ``index`` back.

        Raises:
            StorageError: missing or damaged.
        """
        ...


class VideoWriter(Protocol):
    """A video being encoded, fed frame by frame in order."""

    def write(self, image: Image) -> None:
        """Append a frame.

        Raises:
            FfmpegError: the encoder died.
        """
        ...

    def close(self) -> Path:
        """Finish and return the path of the playable video.

        Raises:
            FfmpegError: the encoder failed.
        """
        ...

    def abort(self) -> None:
        """Give up: stop the encoder and remove the partial file. Never raises."""
        ...


class Progress(Protocol):
    """Somebody watching a run."""

    def start(self, frames: int, key_frames: int) -> None:
        """The run begins."""
        ...

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        """Frame ``index`` is done."""
        ...

    def finish(self) -> None:
        """The run is over, however it ended."""
        ...


class Control(Protocol):
    """Somebody who may stop or pause a run."""

    @property
    def wants_video(self) -> bool:
        """Whether a stopped run makes a video of its frames."""
        ...

    def should_stop(self) -> bool:
        """Asked between frames and before each diffusion, from any thread; returns after a pause only."""
        ...


class DepthEstimator(Protocol):
    """A monocular depth network.

    Attributes:
        kind: what its numbers mean, "relative" (any scale and offset) or "metric" (1/metres).
    """

    name: str
    kind: DepthKind

    def predict(self, image: Image) -> NDArray[np.float32]:
        """Depth of ``image``, H×W float32, larger is nearer, any scale and offset (see the adapter)."""
        ...


class FrameSource(Protocol):
    """The frames of a video, a folder of pictures or a single picture, all fitted to one size.

    Attributes:
        count: how many there are, at least one.
    """

    count: int

    def frame(self, index: int) -> Image:
        """Frame ``index``; before the first it is the first, after the last the last. From any thread.

        Raises:
            RunError: it cannot be decoded.
        """
        ...


class SharedMemory(Protocol):
    """Graphics memory that networks (depth, flow, masks) share with an engine. Any thread may ask."""

    def room(self, device: str, needed: float) -> AbstractContextManager[None]:
        """Room for a network on ``device`` while it is used.

        Args:
            device: as PyTorch spells it.
            needed: bytes it takes there, besides those it has there already; infinity for all there is.
        """
        ...

    def may_stay(self, device: str, leave: Callable[[], None]) -> bool:
        """Whether a network that was used may stay on ``device`` until it is used again.

        Args:
            device: as PyTorch spells it.
            leave: moves the network away unless it is in use; called, from any thread, when memory runs short.
        """
        ...


class FlowEstimator(Protocol):
    """An optical flow method."""

    name: str

    def flow(self, source: Image, target: Image) -> NDArray[np.float32]:
        """Motion from ``source`` to ``target``, H×W×2 float32, pixels (dx, dy) of each source pixel."""
        ...
