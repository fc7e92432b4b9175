"""Files by name: how a checkpoint, a LoRA or a ControlNet model is found in its folder."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import EngineError

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""What files of weights end in."""

_HASH = re.compile(r"\s*\[[0-9a-fA-F]+\]$")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names most like ``name``, as the end of a message."""
    all_names = sorted(set(known))
    folded = {n.casefold(): n for n in all_names}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
    shown = [folded[n] for n in found] or all_names[:8]
    return (
        f"Nearest: {', '.join(shown)}." if found else f"There are: {', '.join(shown)}." if shown else "There is none."
    )


def weights_in(folder: Path) -> dict[str, Path]:
    """Files of weights and diffusers folders below ``folder``, by their path in it without suffix.

    A folder beside a file of its name holds the file's configuration and does not count.
    """
    if not folder.is_dir():
        return {}
    inside = [path for path in sorted(folder.rglob("*")) if not _in_model_folder(path, folder)]
    found: dict[str, Path] = {}
    for path in inside:
        if path.is_file() and path.suffix in SUFFIXES:
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    for path in inside:
        if _is_model_folder(path):
            found.setdefault(path.relative_to(folder).as_posix(), path)
    return found


def find_weights(name: str, folders: Sequence[Path | None], what: str, option: str) -> Path:
    """The file or folder that ``name`` means, as web UIs name models: with or without suffix, folder and ``[hash]``.

    Args:
        name: a name, or a path.
        folders: where to look, in this order.
        what: what it is, for the message.
        option: the option that names the folder, for the message.

    Raises:
        EngineError: there is none; names where it was looked for and the nearest names.
    """
    plain = _HASH.sub("", name.strip())
    if Path(plain).exists() and plain:
        return Path(plain)
    known: dict[str, Path] = {}
    for folder in folders:
        if folder is not None:
            known |= {key: path for key, path in weights_in(folder).items() if key not in known}
    wanted = {plain.casefold(), _without_suffix(plain).casefold()}
    folded = {key.rpartition("/")[2].casefold(): path for key, path in reversed(known.items())}
    folded |= {key.casefold(): path for key, path in known.items()}
    for name_wanted in wanted:
        if name_wanted in folded:
            return folded[name_wanted]
    places = ", ".join(str(folder) for folder in folders if folder is not None)
    looked = f"looked in {places}" if places else f"no folder is set; name it with {option} DIR"
    raise EngineError(f"There is no {what} {name!r} ({looked}). {nearest(plain, known) if places else ''}".rstrip())


def _without_suffix(name: str) -> str:
    return name[: -len(Path(name).suffix)] if Path(name).suffix in SUFFIXES else name


def _is_model_folder(path: Path) -> bool:
    return path.is_dir() and ((path / "model_index.json").is_file() or (path / "config.json").is_file())


def _in_model_folder(path: Path, top: Path) -> bool:
    return any(_is_model_folder(parent) for parent in path.parents if parent != top and top in parent.parents)
