"""The journal of a run: what it takes to go on after anything, kept beside the frames until the run is done."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StorageError
from ..imaging.colour import ColourReference
from ..ports import Image
from .png import encode_png
from .store import decode_image, ensure_folder, storage_error, write_bytes_atomic, write_text_atomic

_FORMAT = 1
_HEADER = "run.json"
_INFOTEXT = "infotext.txt"
_KEPT = 8
"""Key frames kept besides those that unfinished frames need: files written last may be damaged by a power cut."""


@dataclass(frozen=True)
class JournalHeader:
    """Which run the journal belongs to.

    Attributes:
        plan: digest of the plan.
        engine: name of the engine.
        seed: start seed.
        images: how frames are kept: the extension of their files, "none" for no images.
    """

    plan: str
    engine: str
    seed: int
    images: str = "png"


@dataclass(frozen=True, eq=False)
class JournalEntry:
    """A key frame that is done.

    Attributes:
        position: of its key step in the plan.
        picture: what it became, H×W×3 uint8 RGB.
        reference: the colours held on to after it.
        infotext: what it was made with.
    """

    position: int
    picture: Image
    reference: ColourReference | None
    infotext: str = ""

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG without text; encoded once, for whoever keeps it."""
        return encode_png(self.picture)


class Journal:
    """Entries in a folder, one file each, written whole or not at all.

    Args:
        folder: ``{timestring}_journal``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, header: JournalHeader) -> None:
        """Begin, or begin again for a run that goes on.

        Raises:
            StorageError: the folder cannot be written.
        """
        ensure_folder(self.folder)
        write_text_atomic(self.folder / _HEADER, json.dumps({"format": _FORMAT, **header.__dict__}, indent=4))

    def header(self) -> JournalHeader | None:
        """Which run this is; None without a readable journal."""
        try:
            known: Mapping[str, Any] = json.loads((self.folder / _HEADER).read_text("utf-8"))
            if known.get("format") != _FORMAT:
                return None
            images = str(known.get("images", "png"))
            return JournalHeader(str(known["plan"]), str(known["engine"]), int(known["seed"]), images)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, entry: JournalEntry) -> None:
        """Keep ``entry``.

        Raises:
            StorageError: it cannot be written.
        """
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("picture.png", entry.png)
            if entry.reference is not None:
                archive.writestr("reference.json", json.dumps(_reference_data(entry.reference)))
            archive.writestr(_INFOTEXT, entry.infotext.encode("utf-8", "replace"))
        write_bytes_atomic(self._path(entry.position), buffer.getvalue(), durable=True)

    def forget_before(self, position: int) -> None:
        """Drop entries that no unfinished frame needs, except a few."""
        for other in self.positions():
            if other < position - _KEPT:
                self._path(other).unlink(missing_ok=True)

    def positions(self) -> tuple[int, ...]:
        """Positions of the entries, ascending; whether they can be read shows when they are."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(int(path.stem[4:]) for path in self.folder.glob("key_*.zip") if path.stem[4:].isdigit()))

    def holds(self, position: int) -> bool:
        """Whether the entry of ``position`` is there and undamaged; cheaper than reading it."""
        try:
            with zipfile.ZipFile(self._path(position)) as archive:
                return archive.testzip() is None and "picture.png" in archive.namelist()
        except (OSError, zipfile.BadZipFile, ValueError):
            return False

    def read(self, position: int) -> JournalEntry | None:
        """The entry of ``position``, None if it is missing or damaged."""
        try:
            with zipfile.ZipFile(self._path(position)) as archive:
                picture = decode_image(archive.read("picture.png"), self._path(position))
                held = archive.read("reference.json") if "reference.json" in archive.namelist() else None
                reference = _reference(json.loads(held)) if held else None
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, StorageError):
            return None
        return JournalEntry(position, picture, reference, self.infotext(position))

    def infotext(self, position: int) -> str:
        """What the picture of ``position`` was made with; empty if that is not known."""
        try:
            with zipfile.ZipFile(self._path(position)) as archive:
                return archive.read(_INFOTEXT).decode("utf-8")
        except (OSError, zipfile.BadZipFile, KeyError, ValueError):
            return ""

    def require(self, position: int) -> JournalEntry:
        """The entry of ``position``.

        Raises:
            StorageError: it is missing or damaged.
        """
        entry = self.read(position)
        if entry is None:
            raise StorageError(f"{self._path(position)} is missing or damaged.")
        return entry

    def remove(self) -> None:
        """The run is done: drop the journal.

        Raises:
            StorageError: it cannot be removed.
        """
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error(self.folder, error, action="removed") from error

    def _path(self, position: int) -> Path:
        return self.folder / f"key_{position:06}.zip"


def _reference_data(reference: ColourReference) -> dict[str, Any]:
    return {
        "space": reference.space,
        "values": [channel.tolist() for channel in reference.values],
        "shares": [channel.tolist() for channel in reference.shares],
    }


def _reference(data: Mapping[str, Any]) -> ColourReference:
    return ColourReference(
        data["space"],
        tuple(np.array(channel, np.int64) for channel in data["values"]),
        tuple(np.array(channel, np.float64) for channel in data["shares"]),
    )
