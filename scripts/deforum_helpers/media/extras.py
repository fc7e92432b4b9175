"""The folders beside the frames that users know: extracted frames, hybrid video's steps, depth maps, people's masks.

Each class is one folder, made on the first write; files are there whole or not at all.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import cv2 as cv
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from ..errors import Interrupted
from ..ports import FrameSource, Image, Mask
from .encode import EncodeOptions, FfmpegVideoWriter
from .frames import OpenFrames
from .png import encode_png
from .store import ensure_folder, storage_error, write_bytes_atomic, write_text_atomic

JPEG_QUALITY = 95
INPUT_FRAMES = "inputframes"
HybridKind = Literal["mask", "comp", "prev", "vid_depth"]
HumanMaskFiles = Literal["PNGs", "Video", "Both"]
Report = Callable[[int, int], None]
"""Told how many frames are done, and of how many."""
_USUAL_RATE = Fraction(24)


def _quiet(done: int, count: int) -> None:
    """The progress nobody watches."""


def _never() -> bool:
    return False


class InputFrames:
    """``inputframes/{video stem}{index:09}.jpg``: the selected frames of a video, at the size of the output.

    Args:
        run: folder of the run.
        source: the video.
        folder: name of the folder in ``run``; ``maskframes`` holds a mask video's.
    """

    def __init__(self, run: Path, source: OpenFrames, folder: str = INPUT_FRAMES) -> None:
        self.folder = run / folder
        self._source = source
        self._stem = source.path.stem
        self._stamp = self.folder / f".{self._stem}.txt"

    def path(self, index: int) -> Path:
        """Where frame ``index`` is or would be."""
        return self.folder / f"{self._stem}{index:09}.jpg"

    def is_complete(self) -> bool:
        """Whether all frames are there already, made of the same state of the file, selection and size."""
        try:
            same = self._stamp.read_text("utf-8") == self._source.identity
        except (OSError, UnicodeDecodeError):
            return False
        return same and all(self.path(index).is_file() for index in range(self._source.count))

    def write_all(
        self, *, overwrite: bool = False, progress: Report = _quiet, should_stop: Callable[[], bool] = _never
    ) -> bool:
        """Write all frames, unless they are there already. What an interrupted extraction left is written anew.

        Args:
            overwrite: write them in any case.
            progress: told after each frame.
            should_stop: asked before each frame.

        Returns:
            Whether anything was written.

        Raises:
            Interrupted: it was asked to stop.
            RunError: a frame cannot be decoded. StorageError: one cannot be written.
        """
        if not overwrite and self.is_complete():
            return False
        ensure_folder(self.folder)
        self._clear()
        for index in range(self._source.count):
            if should_stop():
                raise Interrupted(f"Stopped extracting frames to {self.folder}.")
            write_jpeg(self.path(index), self._source.frame(index))
            progress(index + 1, self._source.count)
        write_text_atomic(self._stamp, self._source.identity)
        return True

    def _clear(self) -> None:
        """Remove an earlier video's frames, which may be more, and what says that they are complete."""
        for path in (self._stamp, *self.folder.glob("*.jpg")):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(path, error, action="removed") from error


class HybridFrames:
    """``hybridframes``: what hybrid video makes on the way.

    Args:
        run: folder of the run.
        stem: name of the video without its ending.
    """

    def __init__(self, run: Path, stem: str) -> None:
        self.folder = run / "hybridframes"
        self._stem = stem

    def write(self, kind: HybridKind, index: int, image: Image | Mask) -> Path:
        """Write ``{stem}_{kind}{index:09}.jpg``.

        Raises:
            StorageError: it cannot be written.
        """
        return write_jpeg(self.folder / f"{self._stem}_{kind}{index:09}.jpg", image)

    def write_flow(self, index: int, flow: NDArray[np.float32]) -> Path:
        """Write ``flow{index:09}.jpg``, drawn by :func:`flow_picture`.

        Raises:
            StorageError: it cannot be written.
        """
        return write_jpeg(self.folder / f"flow{index:09}.jpg", flow_picture(flow))

    def write_flow_mask(self, index: int, mask: Mask) -> Path:
        """Write ``flow_mask{index:09}.jpg``, white where the flow can be relied on.

        Raises:
            StorageError: it cannot be written.
        """
        return write_jpeg(self.folder / f"flow_mask{index:09}.jpg", mask)


class DepthMaps:
    """``{timestring}_depth_{index:09}.png`` beside the frames.

    Args:
        run: folder of the run.
        timestring: of the run.
    """

    def __init__(self, run: Path, timestring: str) -> None:
        self.folder = run
        self._timestring = timestring

    def path(self, index: int) -> Path:
        """Where the map of frame ``index`` is or would be."""
        return self.folder / f"{self._timestring}_depth_{index:09}.png"

    def write(self, index: int, depth: NDArray[np.float32]) -> Path:
        """Write H×W float32, 0..1 (beyond is clipped), as 8-bit grey in RGB.

        Raises:
            StorageError: it cannot be written.
        """
        grey = np.rint(np.nan_to_num(depth).clip(0, 1) * 255).astype(np.uint8)
        return _write(self.path(index), encode_png(np.repeat(grey[..., np.newaxis], 3, axis=2)))


class HumanMasks:
    """``human_masks/{index:09}.png`` and ``human_masks/human_masked_video.mp4``: where people are is white.

    Args:
        run: folder of the run.
        files: what is written.
        options: how the video is encoded.
    """

    def __init__(self, run: Path, files: HumanMaskFiles, options: EncodeOptions | None = None) -> None:
        self.folder = run / "human_masks"
        self.video = self.folder / "human_masked_video.mp4"
        self._files = files
        self._options = options

    def path(self, index: int) -> Path:
        """Where the mask of frame ``index`` is or would be."""
        return self.folder / f"{index:09}.png"

    def write_all(
        self,
        source: FrameSource,
        matte: Callable[[Image], Mask],
        *,
        fps: Fraction | None = None,
        progress: Report = _quiet,
        should_stop: Callable[[], bool] = _never,
    ) -> None:
        """Find the people in all frames and write their masks.

        Args:
            source: the frames.
            matte: where an H×W×3 picture shows people, H×W uint8 (``models.segmentation.HumanMatte.matte``).
            fps: of the video; None is 24.
            progress: told after each frame.
            should_stop: asked before each frame.

        Raises:
            Interrupted: it was asked to stop; there is no video then.
            RunError: a frame cannot be decoded, looked at or encoded. StorageError: a file cannot be written.
        """
        writer: FfmpegVideoWriter | None = None
        try:
            for index in range(source.count):
                if should_stop():
                    raise Interrupted(f"Stopped finding people for {self.folder}.")
                mask = matte(source.frame(index))
                white = np.repeat(mask[..., np.newaxis], 3, axis=2)
                if self._files != "Video":
                    _write(self.path(index), encode_png(white))
                if self._files != "PNGs":
                    writer = writer or self._writer(mask, fps)
                    writer.write(white)
                progress(index + 1, source.count)
            if writer:
                writer.close()
        finally:
            if writer:
                writer.abort()

    def _writer(self, mask: Mask, fps: Fraction | None) -> FfmpegVideoWriter:
        height, width = mask.shape
        return FfmpegVideoWriter(self.video, width=width, height=height, fps=fps or _USUAL_RATE, options=self._options)


def flow_picture(flow: NDArray[np.float32], longest: float | None = None) -> Image:
    """Draw a flow in colours: the hue is the direction, the brightness the length.

    Args:
        flow: H×W×2 float32, pixels (dx, dy).
        longest: length in pixels that is brightest; None takes the longest there is, 1 at least.

    Returns:
        H×W×3 uint8 RGB; to the right is red, down is yellow-green, to the left cyan, up violet.
    """
    length, angle = cv.cartToPolar(
        np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1]), angleInDegrees=True
    )
    brightest = max(float(length.max()), 1.0) if longest is None else longest
    colours = np.full((*flow.shape[:2], 3), 255, np.uint8)
    # OpenCV counts hues in steps of two degrees.
    colours[..., 0] = np.rint(angle / 2).astype(np.int64) % 180
    colours[..., 2] = np.rint((length * (255 / brightest)).clip(0, 255)).astype(np.uint8)
    return cv.cvtColor(colours, cv.COLOR_HSV2RGB).astype(np.uint8, copy=False)


def write_jpeg(path: Path, image: Image | Mask) -> Path:
    """Write a picture (H×W×3 RGB or H×W grey, uint8) as JPEG, quality 95; its folder is made. Returns ``path``.

    Raises:
        StorageError: it cannot be written.
    """
    data = io.BytesIO()
    Pillow.fromarray(image).save(data, "JPEG", quality=JPEG_QUALITY)
    return _write(path, data.getvalue())


def delete_input_frames(run: Path) -> tuple[Path, ...]:
    """Remove ``inputframes`` and every ``controlnet_*_inputframes`` of a run. Returns the folders removed.

    A link to a folder elsewhere is removed, what it leads to stays.

    Raises:
        StorageError: one cannot be removed.
    """
    removed = []
    for folder in (run / INPUT_FRAMES, *sorted(run.glob(f"controlnet_*_{INPUT_FRAMES}"))):
        try:
            if folder.is_symlink():
                folder.unlink()
            elif folder.is_dir():
                shutil.rmtree(folder)
            else:
                continue
        except OSError as error:
            raise storage_error(folder, error, action="removed") from error
        removed.append(folder)
    return tuple(removed)


def _write(path: Path, data: bytes) -> Path:
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return write_bytes_atomic(path, data)
