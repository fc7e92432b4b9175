"""What all tools share: frames of a video or of pictures, a folder of their own, and the video that they write.

Frames go through one by one, so a video of an hour takes as much memory as one of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path

from ..errors import DeforumError, FfmpegError, Finding, InputError, Interrupted
from ..media.audio import add_soundtrack
from ..media.decode import Decoder, index_video
from ..media.encode import EncodeOptions, FfmpegVideoWriter
from ..media.ffmpeg import find_ffmpeg, probe
from ..media.naming import MAX_NAME_BYTES, clean_stem
from ..media.pictures import read_whole_picture
from ..media.png import encode_png
from ..media.store import ensure_folder, storage_error, write_bytes_atomic
from ..ports import Image

DEPTH, INTERPOLATION, UPSCALING = "frame-depth", "frame-interpolation", "frame-upscaling"
"""Folders of the tools below the output folder."""
_ROOM_FOR_NUMBER = 8
_STEM_BYTES = 200
_MAX_FRAMES = 2**31 - 1


def _nobody(_done: int, _count: int | None) -> None:
    """Nobody wants to know."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Who watches a tool at work.

    Attributes:
        progress: told after each frame how many are done, and of how many if that is known.
        should_stop: asked before the first frame and after each.
    """

    progress: Callable[[int, int | None], object] = _nobody
    should_stop: Callable[[], bool] = _never


UNWATCHED = Watch()


@dataclass(frozen=True)
class Clip:
    """Frames in the order they are shown, decoded when they are asked for.

    Attributes:
        name: of the file or folder without its ending, for the names of what is made of it.
        width, height: of all frames, pixels.
        fps: frames per second (NTSC rates exact).
        count: number of frames, None if unknown. A video's container tells it; what can be decoded may differ a little.
        every: a fresh pass over every so many-th frame from the first on; see :meth:`frames`.
        sound: file whose sound belongs to it; None without one.
    """

    name: str
    width: int
    height: int
    fps: Fraction
    count: int | None
    every: Callable[[int], Iterator[Image]]
    sound: Path | None = None

    @property
    def stem(self) -> str:
        """The name as a file's, with room for what follows in it."""
        return clean_stem(self.name, max_bytes=_STEM_BYTES)

    def frames(self) -> Iterator[Image]:
        """A fresh pass over all frames from the first on, each H×W×3 uint8 RGB and the reader's own.

        Raises:
            InputError, FfmpegError: a frame cannot be read.
        """
        return self.every(1)


@dataclass(frozen=True)
class Made:
    """What a tool made.

    Attributes:
        video: the video.
        frames: how many it holds.
        stopped: whether the tool was stopped before the last frame; the video then holds those that were done.
        findings: what went wrong besides.
        folder: of the frames as files, None if they were not kept.
    """

    video: Path
    frames: int
    stopped: bool = False
    findings: tuple[Finding, ...] = ()
    folder: Path | None = None


def open_video(path: Path, *, key: str, ffmpeg: Path | str | None = None) -> Clip:
    """The frames of the video ``path``: each decoded frame once, whatever the times of the file say.

    Args:
        path: the video.
        key: what names it, for messages.
        ffmpeg: program as for ``find_ffmpeg``.

    Raises:
        InputError: it is missing, no video, has no rate, or not one frame can be decoded.
        FfmpegError: ffmpeg is missing.
    """
    if not path.is_file():
        raise InputError(f"there is no such video: {path}.", key=key)
    find_ffmpeg(ffmpeg)
    try:
        info = probe(path, count_frames=True, ffmpeg=ffmpeg)
        if not info.has_video:
            raise InputError(f"{path} has no pictures, only sound.", key=key)
        first = index_video(path, 0, ffmpeg=ffmpeg)
    except FfmpegError as error:
        raise InputError(f"{path} cannot be read as a video. {error}", key=key) from error
    if info.fps is None:
        raise InputError(f"{path} does not tell how many frames per second it has.", key=key)

    def every(step: int) -> Iterator[Image]:
        with closing(Decoder(path, first, range(0, _MAX_FRAMES, step), size=first.size, ffmpeg=ffmpeg)) as decoder:
            yield from decoder.frames()

    sound = path if info.has_audio else None
    return Clip(path.stem, *first.size, info.fps, info.frames, every, sound)


def open_pictures(files: Sequence[Path], fps: Fraction, *, key: str, name: str = "") -> Clip:
    """The pictures ``files`` in the order given.

    Args:
        files: pictures, all of the size of the first.
        fps: frames per second.
        key: what names them, for messages.
        name: of the clip; empty for that of the first picture.

    Raises:
        InputError: there are none, or the first cannot be read. The others are read when their turn comes.
    """
    if not files:
        raise InputError("no picture is named.", key=key)
    height, width, _ = read_whole_picture(files[0], key=key).shape

    def every(step: int) -> Iterator[Image]:
        for file in files[::step]:
            image = read_whole_picture(file, key=key)
            if image.shape != (height, width, 3):
                size = f"{image.shape[1]}×{image.shape[0]}"
                text = f"all frames of a video have one size: {file} is {size}, the first {width}×{height}."
                raise InputError(text, key=key, hint="Leave it out, or make all pictures of one size first.")
            yield image

    return Clip(name or files[0].stem, width, height, fps, len(files), every)


def fresh_folder(root: Path, kind: str, name: str) -> Path:
    """Make the folder ``{root}/{kind}/{name}``, or ``…/{name}_1``, ``_2`` … if there is one; nobody else gets the same.

    Args:
        root: the output folder.
        kind: ``DEPTH``, ``INTERPOLATION`` or ``UPSCALING``.
        name: of the clip; what a folder's name may not hold becomes ``_``.

    Raises:
        StorageError: it cannot be made.
    """
    parent = ensure_folder(root / kind)
    stem = clean_stem(name, max_bytes=MAX_NAME_BYTES - _ROOM_FOR_NUMBER)
    for folder in (parent / numbered for numbered in _numbered(stem)):
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise storage_error(folder, error, action="created") from error
        return folder
    raise AssertionError("numbers do not end")


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Work in a folder that was just made: if nothing comes of it, it is gone again."""
    try:
        yield folder
    finally:
        with suppress(OSError):  # something is in it
            folder.rmdir()


def fresh_file(path: Path) -> Path:
    """``path``, or ``{stem}_1``, ``_2`` … with its ending if there is such a file. Nothing is created."""
    return next(free for name in _numbered(path.stem) if not (free := path.with_name(f"{name}{path.suffix}")).exists())


def write_clip(  # noqa: PLR0913
    frames: Iterable[Image],
    path: Path,
    *,
    fps: Fraction,
    encode: EncodeOptions | None = None,
    pictures: Path | None = None,
    sound: str | Path | None = None,
    allow_private: bool = True,
    total: int | None = None,
    watch: Watch = UNWATCHED,
) -> Made:
    """Encode ``frames`` as they come. The video takes its name when it is finished, so none under it is half written.

    Args:
        frames: H×W×3 uint8 RGB, all of one size; usually a generator, which is closed at the end.
        path: the video, MP4; replaced if it exists, its folder is made.
        fps: frames per second.
        encode: how to encode.
        pictures: folder for the frames as files, too: ``000000000.png`` and so on; None for no files.
        sound: file or address of the sound to add; where it fails, the silent video stays and a finding says why.
        allow_private: as in ``web.open_url``, for the address of a sound.
        total: how many frames there will be, for ``watch``.
        watch: told of each frame; asked whether to stop, and then the video holds what there is.

    Raises:
        InputError: there is no frame, or a size or rate no video can have.
        Interrupted: it was stopped before the first frame; there is no video.
        FfmpegError, StorageError: it could not be written. What ``frames`` raises is passed on; there is no video then,
            the files in ``pictures`` stay.
    """
    if watch.should_stop():
        raise Interrupted(f"Stopped before the first frame of {path}.")
    stopped = False
    with ExitStack() as stack:
        if isinstance(frames, Generator):
            stack.enter_context(closing(frames))
        output = stack.enter_context(closing(_Output(path, fps, encode, pictures)))
        for image in frames:
            output.write(image)
            watch.progress(output.frames, total)
            stopped = watch.should_stop()
            if stopped:
                break
        output.finish()
    findings: tuple[Finding, ...] = ()
    if sound is not None:
        ffmpeg = encode.ffmpeg if encode else None
        findings = _with_sound(path, sound, output.frames / fps, ffmpeg, allow_private=allow_private)
    return Made(path, output.frames, stopped, findings, pictures)


class _Output:
    """A video, and files if wanted, of frames whose size is known when the first one comes."""

    def __init__(self, path: Path, fps: Fraction, encode: EncodeOptions | None, pictures: Path | None) -> None:
        self._path, self._fps, self._encode = path, fps, encode
        self._pictures = pictures if pictures is None else ensure_folder(pictures)
        self._writer: FfmpegVideoWriter | None = None
        self.frames = 0

    def write(self, image: Image) -> None:
        if self._writer is None:
            height, width, _ = image.shape
            self._writer = FfmpegVideoWriter(
                self._path, width=width, height=height, fps=self._fps, options=self._encode
            )
        if self._pictures is not None:
            write_bytes_atomic(self._pictures / f"{self.frames:09}.png", encode_png(image))
        self._writer.write(image)
        self.frames += 1

    def finish(self) -> None:
        if self._writer is None:
            raise InputError(f"{self._path} cannot be made: there are no frames.")
        self._writer.close()

    def close(self) -> None:
        """Give up what is not finished."""
        if self._writer is not None:
            self._writer.abort()


def _with_sound(
    video: Path, sound: str | Path, duration: Fraction, ffmpeg: Path | str | None, *, allow_private: bool
) -> tuple[Finding, ...]:
    try:
        add_soundtrack(video, sound, duration=duration, ffmpeg=ffmpeg, allow_private=allow_private)
    except DeforumError as error:
        return (Finding("warning", f"the video has no sound. {error}"),)
    return ()


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}_{number}" for number in count(1))
