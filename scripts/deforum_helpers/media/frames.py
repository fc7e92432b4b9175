"""Frames that the user brings: of a video, a folder of pictures or a single picture, decoded when they are asked for.

Frame ``i`` of a source is the ``i``-th frame of the video that is selected, each decoded frame counting once, in the
order they are shown. Rates play no part: output frame ``i`` shows selected frame ``i``, whatever the two rates are.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import TracebackType
from urllib.parse import unquote, urlsplit

from PIL import Image as Pillow

from ..errors import FfmpegError, InputError, RunError, StorageError
from ..ports import Image
from ..settings.paths import resolve_path
from ..web import is_url
from .decode import Decoder, SeekMissedError, VideoIndex, index_video
from .fetch import VIDEO_LIMITS, download
from .ffmpeg import MediaInfo, find_ffmpeg, probe
from .naming import substitute_placeholders
from .pictures import read_picture

_PICTURES = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "TIFF")
"""Formats that Pillow reads; all else, and what moves, is ffmpeg's."""
_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Of the pictures in a folder."""
_KEPT_BYTES = 96 << 20
_KEPT_FRAMES = (4, 64)
"""At least and at most so many frames of a source are kept."""
_FAR = 48
"""Video frames ahead from which on a fresh start is tried rather than reading through."""


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are used: those from ``first`` to ``last`` whose number is a multiple of ``every``.

    Attributes:
        first: ``extract_from_frame``, from 0.
        last: ``extract_to_frame``, itself included; -1 is the end.
        every: ``extract_nth_frame``; numbers count from the beginning of the video, so from 3 on every second frame is
            4, 6, 8. Below 1 it is 1.
    """

    first: int = 0
    last: int = -1
    every: int = 1

    def numbers(self, count: int) -> range:
        """The numbers of the selected frames among ``count``."""
        step = max(self.every, 1)
        stop = count if self.last == -1 else min(count, self.last + 1)
        return range(-(-max(self.first, 0) // step) * step, stop, step)


ALL = Selection()


Told = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much."""


def nobody(_what: str, _done: int, _count: int) -> None:
    """Nobody wants to know."""


class FrameSources:
    """The frame sources of one run, a context manager; at its end all decoders are gone.

    Args:
        width, height: size of all frames, pixels.
        ffmpeg: program as for ``find_ffmpeg``.
        base_dirs: folders for relative paths.
        max_open: decoders that run at a time; more sources take turns, which costs time only.
        allow_private: as in ``web.open_url``.
        indexes: what is known of videos by now. Looked up, and added to, so that nobody counts their frames twice.
        told: of counting: what is being done, how much of it is done, and of how much.
    """

    def __init__(  # noqa: PLR0913
        self,
        width: int,
        height: int,
        ffmpeg: Path | str | None = None,
        base_dirs: Sequence[Path] = (),
        max_open: int = 4,
        *,
        allow_private: bool = True,
        indexes: dict[str, VideoIndex] | None = None,
        told: Told = nobody,
    ) -> None:
        self.width = width
        self.height = height
        self._ffmpeg = ffmpeg
        self._base_dirs = tuple(base_dirs)
        self._allow_private = allow_private
        self._indexes = {} if indexes is None else indexes
        self._told = told
        self._lock = Lock()
        self._turns = _Turns(max_open)
        self._opened: dict[str, OpenFrames] = {}
        self._fetched: dict[str, Path] = {}
        self._folder: TemporaryDirectory[str] | None = None

    def __enter__(self) -> FrameSources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all decoders and remove what was fetched. Never raises."""
        with self._lock:
            for source in self._opened.values():
                source.close()
            self._opened.clear()
            self._fetched.clear()
            if self._folder:
                with contextlib.suppress(OSError):
                    self._folder.cleanup()
                self._folder = None

    def open(self, named: str, *, key: str, selection: Selection = ALL) -> OpenFrames:
        """The frames of ``named``; the same object again for the same file and selection. Counts a video's frames.

        Args:
            named: path of a video, a folder of pictures (sorted by name) or a picture, or an http(s) address of a
                video or picture, which is fetched once.
            key: setting that names it, for messages.
            selection: which frames; a single picture is always selected.

        Raises:
            InputError: it is missing, cannot be fetched, has no frames, or none is selected.
            FfmpegError: ffmpeg is missing.
        """
        if not named.strip():
            raise InputError("no video is named.", key=key, hint="Give a path or an http(s) address.")
        if selection.last != -1 and selection.last <= selection.first:
            message = f"the last frame to extract, {selection.last}, is not after the first, {selection.first}."
            raise InputError(message, key=key, hint="Use -1 for the end of the video.")
        with self._lock:
            path = self._fetch(named.strip(), key) if is_url(named) else resolve_path(named, self._base_dirs).absolute()
            try:
                state = path.stat()
            except OSError as error:
                raise InputError(f"there is no such video, folder or picture: {path}.", key=key) from error
            # What is fetched has no age.
            where = named.strip() if is_url(named) else f"{path} {state.st_mtime_ns}"
            identity = f"{where} {state.st_size} {selection} {self.width}x{self.height}"
            if identity not in self._opened:
                source = self._open(path, selection, key, f"{where} {state.st_size} {selection.last}")
                source.identity = identity
                self._opened[identity] = source
            return self._opened[identity]

    def _open(self, path: Path, selection: Selection, key: str, content: str) -> OpenFrames:
        size = (self.height, self.width)
        if path.is_dir():
            pictures = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in _ENDINGS)
            if not pictures:
                raise InputError(f"the folder {path} holds no pictures.", key=key)
            return _Pictures(path, [pictures[at] for at in _selected(selection, len(pictures), path, key)], size, key)
        if _is_picture(path):
            return _Pictures(path, [path], size, key)
        return self._open_video(path, selection, key, content)

    def _open_video(self, path: Path, selection: Selection, key: str, content: str) -> OpenFrames:
        find_ffmpeg(self._ffmpeg)
        try:
            info = probe(path, ffmpeg=self._ffmpeg)
        except FfmpegError as error:
            raise InputError(f"{path} cannot be read as a video or picture. {error}", key=key) from error
        if not info.has_video:
            raise InputError(f"{path} has no pictures, only sound.", key=key)
        if content not in self._indexes:
            self._indexes[content] = self._counted(path, selection, key, info)
        index = self._indexes[content]
        if index.changes:
            hint = "Convert it to one size first, for example with ffmpeg."
            raise InputError(f"{path} changes its picture format on the way.", key=key, hint=hint)
        numbers = _selected(selection, len(index.pts), path, key)
        index = replace(index, fps=info.fps)
        return _Video(path, numbers, index, (self.height, self.width), self._ffmpeg, self._turns)

    def _counted(self, path: Path, selection: Selection, key: str, info: MediaInfo) -> VideoIndex:
        # What the file claims will do for a progress bar; it ends when counting does.
        claimed = max(1, round((info.duration or 0) * (info.fps or 0)))
        count = claimed if selection.last == -1 else min(claimed, selection.last + 1)
        what = f"Counting frames of {path.name}"
        try:
            index = index_video(
                path,
                selection.last,
                ffmpeg=self._ffmpeg,
                counted=lambda done: self._told(what, min(done, count - 1), count),
            )
        except FfmpegError as error:
            raise InputError(f"no frame of {path} can be decoded. {error}", key=key) from error
        self._told(what, count, count)
        return index

    def _fetch(self, url: str, key: str) -> Path:
        if url not in self._fetched:
            self._folder = self._folder or TemporaryDirectory(prefix="deforum_")
            folder = Path(self._folder.name) / str(len(self._fetched))
            try:
                folder.mkdir(exist_ok=True)
                name = substitute_placeholders(unquote(Path(urlsplit(url).path).name), {}, max_bytes=100)
                target = folder / name
                self._fetched[url] = download(url, target, limits=VIDEO_LIMITS, allow_private=self._allow_private)
            except (StorageError, OSError) as error:
                raise InputError(str(error), key=key) from error
        return self._fetched[url]


def _selected(selection: Selection, count: int, path: Path, key: str) -> range:
    numbers = selection.numbers(count)
    if not numbers:
        wanted = f"first {selection.first}, last {selection.last}, every {max(selection.every, 1)}"
        hint = "Correct extract_from_frame, extract_to_frame or extract_nth_frame."
        raise InputError(f"no frame of {path} is selected ({wanted}); it has {count}.", key=key, hint=hint)
    return numbers


def _is_picture(path: Path) -> bool:
    try:
        with Pillow.open(path) as picture:
            moves = getattr(picture, "is_animated", False) and picture.format != "MPO"
            return picture.format in _PICTURES and not moves
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError):
        return False


class OpenFrames(ABC):
    """A ``ports.FrameSource``. Frames that were lately asked for are kept; they are read-only.

    Attributes:
        path: the file or folder.
        identity: names the content: the same text for the same file, state of it, selection and size of frames.
        count: how many frames are selected, exact.
        fps: frames per second of the file; None if it has no rate.
    """

    def __init__(self, path: Path, count: int, fps: Fraction | None, size: tuple[int, int]) -> None:
        self.path = path
        self.identity = str(path)
        self.count = count
        self.fps = fps
        self._shape = (*size, 3)
        least, most = _KEPT_FRAMES
        self._room = min(max(_KEPT_BYTES // (size[0] * size[1] * 3), least), most)
        self._kept: OrderedDict[int, Image] = OrderedDict()
        self._lock = Lock()
        self._closed = False

    def frame(self, index: int) -> Image:
        """Frame ``index``, height×width×3 uint8 RGB, read-only; beyond an end the frame there. From any thread.

        Raises:
            RunError: it cannot be decoded, or the source is closed.
        """
        at = min(max(index, 0), self.count - 1)
        with self._lock:
            if self._closed:
                raise RunError(f"{self.path} is closed.")
            if at not in self._kept:
                for read, image in self._read(at):
                    image.flags.writeable = False
                    self._kept[read] = image
                    if len(self._kept) > self._room:
                        self._kept.popitem(last=False)
            self._kept.move_to_end(at)
            return self._kept[at]

    def close(self) -> None:
        """Stop decoding, at once even for somebody who waits for a frame. Never raises."""
        self._closed = True
        self._hurry()
        with self._lock:
            self._kept.clear()
            self._stop()

    def pause(self) -> bool:
        """Stop the decoder until it is needed again, unless it is at work; whether it was stopped."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._stop()
        finally:
            self._lock.release()
        return True

    @abstractmethod
    def _read(self, at: int) -> Iterator[tuple[int, Image]]:
        """Frame ``at`` as the last of the frames that come along."""

    def _hurry(self) -> None:  # noqa: B027 - nobody waits long for a picture
        """Make a read in another thread fail soon."""

    def _stop(self) -> None:  # noqa: B027 - pictures have nothing to stop
        """Let go of the decoder."""


class _Pictures(OpenFrames):
    """Picture files, stretched by Lanczos."""

    def __init__(self, path: Path, files: Sequence[Path], size: tuple[int, int], key: str) -> None:
        super().__init__(path, len(files), None, size)
        self._files = files
        self._key = key

    def _read(self, at: int) -> Iterator[tuple[int, Image]]:
        height, width, _ = self._shape
        try:
            yield at, read_picture(self._files[at], width=width, height=height, key=self._key)
        except InputError as error:
            raise RunError(str(error)) from error


class _Turns:
    """Lets a number of decoders run: whoever starts one more has the one paused that has waited longest."""

    def __init__(self, most: int) -> None:
        self._most = max(most, 1)
        self._lock = Lock()
        self._running: OrderedDict[int, OpenFrames] = OrderedDict()

    def take(self, source: OpenFrames) -> None:
        with self._lock:
            self._running[id(source)] = source
            self._running.move_to_end(id(source))
            for name, other in list(self._running.items()):
                # One that is at work is not waited for: that could be for each other.
                if len(self._running) > self._most and other is not source and other.pause():
                    del self._running[name]


class _Video(OpenFrames):
    """A video, decoded by one ffmpeg as long as it is read forward."""

    def __init__(
        self,
        path: Path,
        numbers: range,
        index: VideoIndex,
        size: tuple[int, int],
        ffmpeg: Path | str | None,
        turns: _Turns,
    ) -> None:
        super().__init__(path, len(numbers), index.fps, size)
        self._numbers = numbers
        self._index = index
        self._may_seek = index.seekable
        self._ffmpeg = ffmpeg
        self._turns = turns
        self._decoder: Decoder | None = None
        self._next = 0

    def _read(self, at: int) -> Iterator[tuple[int, Image]]:
        self._turns.take(self)
        ahead = (at - self._next) * self._numbers.step
        if self._decoder is None or ahead < 0 or (self._may_seek and ahead > _FAR):
            self._decoder = self._start(at)
        while self._next <= at:
            try:
                image = self._decoder.read()
                self._next += 1
            except SeekMissedError:
                # Some files cannot be entered in the middle, or not with the same pixels.
                self._may_seek = False
                self._decoder = self._start(at)
                continue
            except BaseException:
                self._stop()
                raise
            yield self._next - 1, image

    def _start(self, at: int) -> Decoder:
        self._stop()
        if self._closed:
            raise RunError(f"{self.path} is closed.")
        self._next = at
        number = self._numbers[at]
        seek = self._may_seek and number > _FAR
        height, width, _ = self._shape
        return Decoder(
            self.path,
            self._index,
            range(number, len(self._index.pts), self._numbers.step),
            size=(width, height),
            seek=seek,
            ffmpeg=self._ffmpeg,
        )

    def _hurry(self) -> None:
        decoder = self._decoder
        if decoder:
            decoder.kill()

    def _stop(self) -> None:
        if self._decoder:
            self._decoder.close()
            self._decoder = None
