"""Where finished frames go: to the folder, written by workers, and to the video, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

from ..errors import FfmpegError, StorageError
from ..ports import FrameStore, Image, VideoWriter
from .report import Stopwatch

_WRITES_AHEAD = 6
"""Frames being written at a time; bounds memory where the disk is slower than the render."""


class FrameSink:
    """Takes frames in order; keeps every one it took, whatever happens to the video.

    Args:
        store: writes the frames; None to keep no images.
        video: encodes them meanwhile, None for no video.
        rebuild: makes the video of the first so many frames again; called if the encoder died.
        workers: where frames are written.
        watch: measures ``writing`` and ``encoding``.
    """

    def __init__(
        self,
        store: FrameStore | None,
        video: VideoWriter | None,
        rebuild: Callable[[int], Path],
        workers: Executor,
        watch: Stopwatch,
    ) -> None:
        self._watch = watch
        self._store = store
        self._video = video
        self._rebuild = rebuild
        self._workers = workers
        self._writing: deque[Future[Path]] = deque()
        self._written: list[Path] = []
        self._spares_whole_frames = False
        self.frames = 0
        """Frames taken so far."""
        self.encoder_failure: FfmpegError | None = None
        """Why the encoder died in the middle, if it did."""

    @property
    def written(self) -> Sequence[Path]:
        """Files of the first frames, complete and in order."""
        return self._written

    def adopt(self, path: Path, image: Image) -> None:
        """Take a frame that is already in the folder: only the video needs it."""
        self.frames += 1
        self._written.append(path)
        self._encode(image)

    def spare_whole_frames(self) -> None:
        """From now on, leave files alone that are there and whole: their frames are made for the video only."""
        self._spares_whole_frames = True

    def emit(self, index: int, image: Image, text: str = "", png: bytes = b"") -> None:
        """Take frame ``index``; the arguments are those of ``ports.FrameStore.write``.

        Raises:
            StorageError: this frame or one of the last few could not be written.
        """
        self.frames += 1
        if self._store is not None:
            self._writing.append(self._workers.submit(self._write, self._store, index, image, text, png))
        if len(self._writing) > _WRITES_AHEAD:
            self._written.append(self._writing.popleft().result())
        self._encode(image)

    def _write(self, store: FrameStore, index: int, image: Image, text: str, png: bytes) -> Path:
        with self._watch.measure("writing"):
            if self._spares_whole_frames and _holds(store, index, image.shape):
                return store.path(index)
            return store.write(index, image, text, png)

    def _encode(self, image: Image) -> None:
        if self._video is not None and self.encoder_failure is None:
            try:
                with self._watch.measure("encoding"):
                    self._video.write(image)
            except FfmpegError as error:
                self.encoder_failure = error

    def finish(self) -> Path | None:
        """Wait for all frames, end the video and return its path, None without one or without frames.

        After an error the video is still open; the caller gives it up.

        Raises:
            StorageError: a frame could not be written.
            FfmpegError: the video could not be made, the second time neither.
        """
        while self._writing:
            self._written.append(self._writing.popleft().result())
        if self._video is None or not self.frames:
            self.give_up()
            return None
        if self.encoder_failure is None:
            try:
                with self._watch.measure("encoding"):
                    return self._video.close()
            except FfmpegError as error:
                self.encoder_failure = error
        return self._rebuild(self.frames)

    def drop_video(self) -> None:
        """Make no video after all; frames are written as before."""
        self.give_up()
        self._video = None

    def give_up(self) -> None:
        """Let go of the video; frames already taken are still written. Never raises."""
        if self._video is not None:
            self._video.abort()


def _holds(store: FrameStore, index: int, shape: tuple[int, ...]) -> bool:
    """Whether frame ``index`` is there and whole."""
    try:
        return store.read(index).shape == shape
    except StorageError:
        return False
