"""Where the files that settings name are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def resolve_path(text: str, base_dirs: Sequence[Path | None] = ()) -> Path:
    """Return the local path that ``text`` means; it need not exist.

    Quotes and blanks around the path are dropped and ``~`` is the home folder. A relative path is looked up in each of
    ``base_dirs`` (the folder of the settings file comes first; None is skipped), then in the working directory; where
    it is nowhere, the first of these places is returned, so that a message names where it should have been.
    """
    named = Path(text.strip().strip("\"'"))
    named = named.expanduser() if named.parts[:1] == ("~",) else named
    if named.is_absolute():
        return named
    places = [*(folder / named for folder in base_dirs if folder is not None), Path.cwd() / named]
    return next((place for place in places if place.exists()), places[0])


def find_path(text: str, base_dirs: Sequence[Path | None] = ()) -> Path | None:
    """As :func:`resolve_path`, or None if there is nothing, or ``text`` cannot be a path."""
    try:
        path = resolve_path(text, base_dirs)
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null character, no home folder
        return None
