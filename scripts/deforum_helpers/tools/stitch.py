"""Frames to Video: a video of numbered pictures, whichever way they are named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from ..errors import Finding, InputError
from ..media.encode import EncodeOptions, numbered_files
from ..media.store import storage_error
from ..settings.paths import resolve_path
from .clips import UNWATCHED, Made, Watch, fresh_file, open_pictures, write_clip

KEY = "image_path"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Endings of the names of pictures."""
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
"""What is before the last number in a name, the number, and what is behind."""
_SHOWN = 6


@dataclass(frozen=True)
class Series:
    """Numbered pictures in a folder.

    Attributes:
        pattern: their names, with the number as ffmpeg writes it: ``20240102030405_%09d.png``.
        files: those that are there, by number.
        numbers: their numbers.
    """

    pattern: Path
    files: tuple[Path, ...]
    numbers: tuple[int, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Which numbers are missing between the first and the last."""
        gaps = [(a + 1, b - 1) for a, b in pairwise(self.numbers) if b > a + 1]
        if not gaps:
            return ()
        shown = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in gaps[:_SHOWN])
        more = ", …" if len(gaps) > _SHOWN else ""
        text = f"frames are missing and left out: {shown}{more} of {self.pattern.name}."
        return (Finding("warning", text, KEY),)


def find_series(named: str, base_dirs: Sequence[Path] = ()) -> Series:
    """The series of pictures that ``named`` means.

    Args:
        named: a pattern with the number as ``%09d`` or ``%d``, the folder they are in, or any one of them.
        base_dirs: folders for relative paths.

    Raises:
        InputError: there is no such folder or series, there are several, or no two of its frames follow each other.
    """
    if not named.strip():
        hint = "Give their folder, one of them, or a pattern such as frames/frame_%09d.png."
        raise InputError("no frames are named.", key=KEY, hint=hint)
    path = resolve_path(named.strip().strip("\"'"), base_dirs).absolute()
    try:
        series = _by_folder(path) if path.is_dir() else _by_pattern(path) if "%" in path.name else _by_file(path)
    except OSError as error:
        raise storage_error(path, error, action="read") from error
    if not any(b == a + 1 for a, b in pairwise(series.numbers)):
        text = f"a video needs two frames that follow each other, and {series.pattern} has none."
        raise InputError(text, key=KEY)
    return series


def stitch(
    series: Series,
    *,
    fps: Fraction,
    encode: EncodeOptions | None = None,
    sound: str | Path | None = None,
    allow_private: bool = True,
    watch: Watch = UNWATCHED,
) -> Made:
    """Make ``{folder name}.mp4`` in the folder of the series, or ``{folder name}_1.mp4`` … where there is one.

    Args:
        series: the frames; the video begins with the lowest number, and missing ones are left out.
        fps: frames per second.
        encode: how to encode.
        sound: file or address of the sound to add.
        allow_private: as in ``web.open_url``, for the address of a sound.
        watch: as for ``write_clip``.

    Raises:
        InputError: a picture cannot be read, or is not of the size of the first.
        Interrupted: it was stopped before the first frame.
        FfmpegError, StorageError: the video could not be written.
    """
    folder = series.pattern.parent
    clip = open_pictures(series.files, fps, key=KEY, name=folder.name)
    target = fresh_file(folder / f"{folder.name or 'video'}.mp4")
    made = write_clip(
        clip.frames(),
        target,
        fps=fps,
        encode=encode,
        sound=sound,
        allow_private=allow_private,
        total=clip.count,
        watch=watch,
    )
    return replace(made, findings=(*series.findings, *made.findings))


def _by_pattern(pattern: Path) -> Series:
    try:
        files = [file for file in numbered_files(pattern) if file.is_file()]
    except InputError as error:
        raise InputError(error.findings[0].message, key=KEY) from error
    # The pattern has one number, and it is the one that differs.
    found = [(_number_in(file.name, pattern.name), file) for file in files]
    return Series(pattern, tuple(file for _, file in found), tuple(number for number, _ in found))


def _number_in(name: str, pattern: str) -> int:
    before = pattern.index("%")
    behind = len(pattern) - pattern.index("d", before) - 1
    return int(name[before : len(name) - behind])


def _by_folder(folder: Path) -> Series:
    found = sorted(_all_series(folder), key=lambda series: series.pattern.name)
    if not found:
        raise InputError(f"{folder} holds no numbered pictures.", key=KEY)
    if len(found) > 1:
        listed = ", ".join(f"{series.pattern.name} ({len(series.files)})" for series in found[:_SHOWN])
        more = ", …" if len(found) > _SHOWN else ""
        text = f"{folder} holds several series of frames: {listed}{more}."
        raise InputError(text, key=KEY, hint="Name the one you mean, or one frame of it.")
    return found[0]


def _by_file(path: Path) -> Series:
    if not path.is_file():
        raise InputError(f"there is no such folder or frame: {path}.", key=KEY)
    for series in _all_series(path.parent):
        if path in series.files:
            return series
    raise InputError(f"{path} is not one of several numbered pictures.", key=KEY)


def _all_series(folder: Path) -> Iterator[Series]:
    """All series of at least two pictures in ``folder``."""
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in folder.iterdir():
        matched = _NUMBERED.fullmatch(entry.stem)
        if entry.suffix.lower() in PICTURES and not entry.name.startswith(".") and matched:
            groups.setdefault((matched[1], matched[3] + entry.suffix), []).append(matched[2])
    for (before, behind), texts in groups.items():
        digits = min(map(len, texts))
        padding = f"0{digits}" if digits > 1 else ""
        # Whatever is written with other padding belongs to nothing.
        named = {number: f"{before}{text}{behind}" for text in texts if f"{(number := int(text)):0{digits}}" == text}
        if len(named) > 1:
            numbers = sorted(named)
            files = tuple(folder / named[number] for number in numbers)
            yield Series(folder / f"{before}%{padding}d{behind}", files, tuple(numbers))
