"""Vid2depth: how near everything in a video is, or where its anime characters are, as a video.

All frames share one range from black to white: it is found on pictures from all over the clip before the first frame is
written. So a grey means the same everywhere, and nothing pumps when something comes near or leaves. Networks of the
relative kind still shift a little from frame to frame by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import Interrupted
from ..imaging.depth_maps import depth_range_of, depth_to_grey
from ..media.encode import EncodeOptions
from ..media.naming import clean_stem
from ..models.anime import open_anime_matte
from ..models.depth import open_depth_model
from ..models.weights import Opening
from ..ports import DepthEstimator, Image
from .clips import DEPTH, UNWATCHED, Clip, Made, Watch, fresh_folder, open_video, working_in, write_clip
from .depth_look import DepthLook

KEY = "video"
_ADAPTIVE: Mapping[str, int] = {
    "Adaptive (Mean)": cv2.ADAPTIVE_THRESH_MEAN_C,
    "Adaptive (Gaussian)": cv2.ADAPTIVE_THRESH_GAUSSIAN_C,
}
_SAMPLES = 16
"""Pictures that the range of a clip is found on, about."""

Grey = NDArray[np.uint8]
"""H×W, uint8."""

View = Callable[[Image], Grey]
"""What turns a frame into greys."""


def make_depth_video(  # noqa: PLR0913
    video: Path,
    out: Path,
    look: DepthLook,
    *,
    networks: Mapping[str, Any],
    encode: EncodeOptions | None = None,
    keep_frames: bool = True,
    watch: Watch = UNWATCHED,
) -> Made:
    """Make ``{out}/frame-depth/{stem}/{stem}_depth_{thresholding}.mp4``, and ``depth_frames_{stem}/`` with its frames.

    Args:
        video: the video.
        out: the output folder.
        look: what to show.
        networks: how networks are opened, the attributes of ``Opening``.
        encode: how to encode.
        keep_frames: whether the frames are kept as PNG, too.
        watch: as for ``write_clip``.

    Raises:
        InputError: the video cannot be read.
        RunError: a package or the weights of a network are missing, or it fails.
        Interrupted: it was stopped before the first frame.
        FfmpegError, StorageError: the depth video could not be written.
    """
    clip = open_video(video, key=KEY, ffmpeg=encode.ffmpeg if encode else None)
    watch.progress(0, clip.count)
    with ExitStack() as stack:
        views: list[View] = []
        used: list[Any] = []
        if look.cuts_out:
            anime = stack.enter_context(open_anime_matte(Opening(**networks)))
            views.append(anime.matte)
            used.append(anime)
        if look.shows_depth:
            network = stack.enter_context(open_depth_model(look.network, **networks))
            views.append(_depth_view(clip, network, look, watch))
            used.append(network)
        see = _together(views or [_luma])
        folder = stack.enter_context(working_in(fresh_folder(out, DEPTH, clip.name)))
        made = write_clip(
            (finished(see(image), look) for image in clip.frames()),
            folder / f"{clip.stem}_depth_{clean_stem(look.thresholding)}.mp4",
            fps=clip.fps,
            encode=encode,
            pictures=folder / f"depth_frames_{clip.stem}" if keep_frames else None,
            total=clip.count,
            watch=watch,
        )
        said = tuple(finding for network in used for finding in network.findings)
    return replace(made, findings=(*said, *made.findings))


def finished(grey: Grey, look: DepthLook) -> Image:
    """The frame, H×W×3, that a grey picture becomes: thresholds, then blur."""
    done = _softened(_parted(grey, look), look.blur)
    return np.repeat(done[:, :, np.newaxis], 3, axis=2)


def _parted(grey: Grey, look: DepthLook) -> Grey:
    if look.thresholding in _ADAPTIVE:
        method = _ADAPTIVE[look.thresholding]
        parted = cv2.adaptiveThreshold(grey, look.upper, method, cv2.THRESH_BINARY, look.block_size, look.c)
    elif look.thresholding != "None":
        automatic = cv2.THRESH_OTSU if "Auto" in look.thresholding else 0
        _, parted = cv2.threshold(grey, look.lower, look.upper, cv2.THRESH_BINARY | automatic)
    else:
        return grey
    return parted.astype(np.uint8, copy=False)


def _together(views: list[View]) -> View:
    """White only where all of them see white: their product."""

    def see(image: Image) -> Grey:
        first, *others = (view(image) for view in views)
        for other in others:
            first = cv2.multiply(first, other, scale=1 / 255).astype(np.uint8, copy=False)
        return first

    return see


def _depth_view(clip: Clip, network: DepthEstimator, look: DepthLook, watch: Watch) -> View:
    """Depth in one range of greys for the whole clip."""
    step = max(1, (clip.count or 1) // _SAMPLES)
    shown = depth_range_of(map(network.predict, _until_stopped(clip.every(step), watch)))

    def see(image: Image) -> Grey:
        grey = depth_to_grey(network.predict(image), shown.low, shown.high)
        return grey if look.closer_is_brighter else np.subtract(255, grey, dtype=np.uint8)

    return see


def _until_stopped(frames: Iterator[Image], watch: Watch) -> Iterator[Image]:
    for image in frames:
        if watch.should_stop():
            raise Interrupted("Stopped before the first frame.")
        yield image


def _luma(image: Image) -> Grey:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _softened(grey: Grey, width: int) -> Grey:
    if not width:
        return grey
    side = width | 1
    return cv2.GaussianBlur(grey, (side, side), 0).astype(np.uint8, copy=False)
