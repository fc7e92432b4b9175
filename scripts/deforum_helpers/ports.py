"""The ports: what the core asks of its neighbours, in plain values only.

Adapters live in ``hosts/`` (engines), ``media/`` (files) and ``models/`` (networks); the core never imports them, it is
handed them. Each port has one conformance test class that runs over every adapter.

Convention: an image is an H×W×3 array, uint8, RGB, C-contiguous; a mask is H×W, uint8, 255 where it applies.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        mask: area to repaint, or None for all.
        checkpoint: name, or empty for the engine's current one.
        clip_skip, ddim_eta, ancestral_eta, noise_multiplier, pix2pix_cfg_scale: None leaves the engine's own value.
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
    mask: Mask | None = None
    checkpoint: str = ""
    clip_skip: int | None = None
    ddim_eta: float | None = None
    ancestral_eta: float | None = None
    noise_multiplier: float | None = None
    pix2pix_cfg_scale: float | None = None
    tiling: bool = False
    restore_faces: bool = False
    seed_resize: tuple[int, int] = (0, 0)
    vae_full_precision: bool = False
    frame: int = 0


class Diffuser(Protocol):
    """A diffusion engine.

    An engine may also have a method ``free_memory() -> None`` that gives back what memory it can spare; it is called
    before a diffusion that ran out of memory is tried again.
    """

    name: str

    def diffuse(self, request: DiffusionRequest) -> Image:
        """Make one picture of ``request.height``×``request.width``.

        Raises:
            EngineError: the engine could not make it; the message says what to do. EngineMemoryError: it ran out of
                memory. EngineNaNError: what it made are no numbers.
        """
        ...


class FrameStore(Protocol):
    """Output frames on disk."""

    def write(self, index: int, image: Image) -> Path:
        """Write frame ``index`` atomically: the file is there whole or not at all.

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


class FlowEstimator(Protocol):
    """An optical flow method."""

    name: str

    def flow(self, source: Image, target: Image) -> NDArray[np.float32]:
        """Motion from ``source`` to ``target``, H×W×2 float32, pixels (dx, dy) of each source pixel."""
        ...
