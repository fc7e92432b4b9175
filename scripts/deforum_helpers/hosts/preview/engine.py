"""An engine without a model: it paints what the prompt suggests, at once and the same on every machine.

It exists to judge motion, timing and settings before a single GPU second is spent, and to test the whole program with
real pictures. What it keeps of a diffusion model's behaviour: the prompt steers colours and shapes, the seed the
composition, and img2img keeps ``strength`` of the image it starts from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from ...errors import EngineError
from ...ports import Diffused, DiffusionRequest, Image, Mask
from ..requests import check_request, set_fields
from .picture import Drawing, Subject, draw

IGNORED_FIELDS = (
    "sampler",
    "scheduler",
    "checkpoint",
    "vae",
    "clip_skip",
    "ddim_eta",
    "ancestral_eta",
    "noise_multiplier",
    "pix2pix_cfg_scale",
    "distilled_cfg_scale",
    "control_units",
    "tiling",
    "restore_faces",
    "seed_resize",
    "vae_full_precision",
    "frame",
)
"""Fields of DiffusionRequest that do not change the picture."""

_CRISPNESS = 1.0
"""Most sharpening, found by trial: 200 zoomed and rotated frames neither dissolve nor grow patterns."""

_Key = tuple[Subject, int, int]


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


class PreviewEngine:
    """Implements the port Diffuser with numpy and OpenCV only.

    The picture is a pure function of the request: same request, same bits. The engine holds the last picture it drew,
    which saves time for repeated requests and changes no result. Safe to share between threads.

    Args:
        latency: seconds a call takes at least, to imitate a real engine.
        sleep: waits the given seconds; for tests.
        clock: monotonic seconds; for tests.

    Raises:
        EngineError: latency is negative or not a number.
    """

    name = "preview"

    def __init__(
        self,
        latency: float = 0.0,
        *,
        sleep: Callable[[float], None] = _sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0.0 <= latency < float("inf"):
            raise EngineError(f"The preview engine's latency is {latency}, but must be a number of seconds from 0 up.")
        self._latency = latency
        self._sleep = sleep
        self._clock = clock
        self._last: tuple[_Key, Drawing] | None = None

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """Make the picture of ``request``; a new array, H×W×3, uint8, RGB, C-contiguous.

        Without ``init_image`` the picture that prompt, negative prompt and seeds stand for. With it, a mixture that
        moves from the init (``strength`` 1, bit for bit) to that picture (``strength`` 0, bit for bit). With
        ``inpainting``, pixels where its mask is 0 keep the init bit for bit, and values between 0 and 255 mix; how the
        mask is filled, blurred and enlarged makes no difference here.

        Raises:
            EngineError: the size is not positive, or init or mask are of another size or type.
        """
        started = self._clock()
        check_request(request)
        image = self._painted(request)
        left = self._latency - (self._clock() - started)
        if left > 0:
            self._sleep(left)
        return Diffused(image, {"Seed": request.seed})

    @staticmethod
    def ignored(request: DiffusionRequest) -> tuple[str, ...]:
        """Fields set in ``request`` that do not change the picture."""
        return set_fields(request, IGNORED_FIELDS)

    def _painted(self, request: DiffusionRequest) -> Image:
        init = request.init_image
        if init is None:
            return self._target(request).image.copy()
        denoising = min(max(1.0 - request.strength, 0.0), 1.0)
        if denoising == 0.0:
            return np.array(init, order="C")
        target = self._target(request)
        image = target.image.copy() if denoising == 1.0 else repaint(np.ascontiguousarray(init), target, denoising)
        return image if request.inpainting is None else _masked(init, image, request.inpainting.mask)

    def _target(self, request: DiffusionRequest) -> Drawing:
        """The txt2img picture; callers copy it before they hand it out."""
        key = (_subject(request), request.width, request.height)
        last = self._last
        if last is not None and last[0] == key:
            return last[1]
        drawing = draw(*key)
        self._last = (key, drawing)
        return drawing


def _subject(request: DiffusionRequest) -> Subject:
    return Subject(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        seed=request.seed,
        subseed=request.subseed,
        subseed_strength=request.subseed_strength,
        steps=request.steps,
        cfg_scale=request.cfg_scale,
    )


def repaint(init: Image, target: Drawing, denoising: float) -> Image:
    """Move ``init`` towards ``target`` by ``denoising``, in integers.

    Large shapes follow the init, whose colours are first brought nearer to the target's; the target itself comes in by
    d(1 + d)/2, its lights by d, where d is the denoising, so that a moving camera is not pinned to a standing picture.

    Args:
        init: picture to start from, C-contiguous.
        target: of the same size.
        denoising: above 0, below 1.

    Returns:
        A new picture.
    """
    pull = denoising * (1.0 + denoising) / 2.0
    tones = _toning(init, target.image, (denoising - pull) / (1.0 - pull))
    share = np.rint((pull + (denoising - pull) * np.arange(256) / 255.0) * 256.0).astype(np.uint16)
    mixed = cv2.LUT(init, tones)
    lit = np.flatnonzero(target.lights)
    alpha = share[target.lights.ravel()[lit]][:, None]
    far, near = (image.reshape(-1, 3).take(lit, axis=0) for image in (mixed, target.image))
    # Elsewhere ``(mixed·(256 - s) + target·s + 128) >> 8`` for one s. All terms are multiples of 1/256 and exact in
    # float32; a little more than nothing makes halves go up.
    cv2.addWeighted(mixed, 1 - share[0] / 256, target.image, share[0] / 256, 1 / 1024, mixed)
    mixed.reshape(-1, 3)[lit] = (far * (256 - alpha) + near * alpha + 128) >> 8
    return _focused(np.asarray(mixed, dtype=np.uint8), target.image, denoising)


def _toning(init: Image, target: Image, share: float) -> Image:
    """Look-up table 1×256×3 that moves mean and contrast of ``init`` towards ``target`` by ``share``."""
    mean, spread = cv2.meanStdDev(init)
    wanted_mean, wanted_spread = cv2.meanStdDev(target)
    gain = np.clip(wanted_spread / np.maximum(spread, 1.0), 0.8, 1.25)
    levels = np.arange(256.0)[None, :]
    toned = levels + ((levels - mean) * gain + wanted_mean - levels) * share
    return np.ascontiguousarray(np.clip(np.rint(toned), 0, 255).astype(np.uint8).T[None])


def _focused(image: Image, target: Image, denoising: float) -> Image:
    """Sharpen ``image``, or soften it, towards as much fine detail as ``target`` has.

    So repeated warps do not dissolve a picture, and noise and sharpening added between two calls do not pile up.
    Sharpening never leaves the range of each pixel's 3×3 neighbours.
    """
    blurred = _blurred(image)
    wanted, found = _detail(target, _blurred(target)) + 1, _detail(image, blurred) + 1
    if wanted > found:
        most = _CRISPNESS * denoising * (1.0 - denoising)
        amount = most * min(4.0 * (wanted / found - 1.0), 1.0)
    else:
        amount = (wanted / found - 1.0) * min(8.0 * denoising * (1.0 - denoising), 1.0)
    factor = min(max(round(256 * amount), -128), 128)
    # The picture and ``(factor·detail) >> 8``. All terms are multiples of 1/256, so this rounds down. Fresh memory
    # would cost more than the arithmetic.
    focused = cv2.addWeighted(image, 1 + factor / 256, blurred, -factor / 256, 1 / 512 - 1 / 2, blurred)
    block = np.ones((3, 3), np.uint8)
    limit = cv2.erode(image, block)
    cv2.max(focused, limit, focused)
    cv2.min(focused, cv2.dilate(image, block, limit), focused)
    return np.asarray(focused, dtype=np.uint8)


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (7, 7), 1.5), dtype=np.uint8)


def _detail(image: Image, blurred: Image) -> int:
    """How much a blur takes away, summed over every fourth row."""
    return int(cv2.norm(image[::4], blurred[::4], cv2.NORM_L1))


def _masked(init: Image, image: Image, mask: Mask) -> Image:
    alpha = cv2.merge([mask, mask, mask]).astype(np.uint16)
    mixed = (image * alpha + init * (255 - alpha) + 127) // 255
    return np.asarray(mixed, dtype=np.uint8)
