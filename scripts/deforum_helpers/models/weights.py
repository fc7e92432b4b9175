"""Where weights come from: a folder of the installation, the Hugging Face cache, or the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RunError, first_line
from ..ports import SharedMemory
from .download import RemoteFile, fetch_file
from .torch_runtime import random_state_kept

Told = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much."""
_MEBIBYTE = 2**20


def _nobody(_what: str, _done: int, _count: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Opening:
    """How a network whose weights are one file is opened.

    Attributes:
        models_folder: ``models/Deforum`` of the installation.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        allow_download: whether missing weights may be fetched.
        memory: shared with a diffusion engine, if it is.
        told: of a download, in MiB.
    """

    models_folder: Path
    device: str = "auto"
    allow_download: bool = False
    memory: SharedMemory | None = None
    told: Told = _nobody


def weights_file(file: RemoteFile, folders: Sequence[Path], to: Opening) -> Path:
    """``file`` in the first of ``folders`` that has it, taken as it is; else it is downloaded into the first.

    Raises:
        RunError: it cannot be had; names the link, and the place to put it by hand.
        StorageError: it cannot be written.
    """
    if not to.allow_download or _present(file, folders) is not None:
        return find_weights(file, folders)
    # Whoever watches is told of whole MiB: steps are frames elsewhere, and nobody reads a number of nine digits.
    what = f"Fetching {file.name} (MiB)"
    return fetch_file(
        file,
        folders[0],
        progress=lambda done, total: to.told(what, done // _MEBIBYTE, max(1, (total or done) // _MEBIBYTE)),
    )


def find_weights(file: RemoteFile, folders: Sequence[Path]) -> Path:
    """``file`` in the first of ``folders`` that has it.

    Raises:
        RunError: none has; names the link, and the place to put it by hand.
    """
    found = _present(file, folders)
    return found if found is not None else fetch_file(file, folders[0], allow_download=False)


def unreadable(path: Path, error: Exception) -> RunError:
    """What to say of a file of weights that was fetched and is no network."""
    again = "Delete it to have it fetched again."
    return RunError(f"The network in {path} cannot be read: {first_line(error)} {again}")


def _present(file: RemoteFile, folders: Sequence[Path]) -> Path | None:
    return next((folder / file.name for folder in folders if (folder / file.name).is_file()), None)


def offline_folder(repo: str, models_folder: Path) -> Path:
    """The folder that holds the files of ``repo`` on a machine without a connection."""
    return models_folder / repo.rpartition("/")[2]


def load_pretrained(loader: Any, repo: str, *, models_folder: Path, allow_download: bool) -> Any:
    """``loader.from_pretrained`` on the offline folder, else the Hugging Face cache, else by download.

    Args:
        loader: a class of transformers.
        repo: ``owner/name`` on Hugging Face.
        models_folder: ``models/Deforum`` of the installation.
        allow_download: whether files may be fetched; they land in the Hugging Face cache.

    Raises:
        RunError: there are no weights, or they cannot be read; names the link and the folder to put them into.
    """
    folder = offline_folder(repo, models_folder)
    sources = [(str(folder), True)] if folder.is_dir() else [(repo, True)]
    if allow_download and not folder.is_dir():
        sources.append((repo, False))
    for place, local in sources:
        last = (place, local) == sources[-1]
        try:
            with random_state_kept():
                return loader.from_pretrained(place, local_files_only=local)
        except Exception as error:
            if last:
                raise _no_weights(repo, folder, error, allow_download=allow_download) from error
    raise AssertionError("there is always a source")


def _no_weights(repo: str, folder: Path, error: Exception, *, allow_download: bool) -> RunError:
    by_hand = f"put the files of https://huggingface.co/{repo}/tree/main into {folder}."
    if folder.is_dir() or not isinstance(error, OSError):
        return RunError(f"The network {repo} cannot be loaded: {first_line(error)} To replace it, {by_hand}")
    if allow_download:
        return RunError(f"The network {repo} cannot be downloaded. Check the connection, or {by_hand}")
    return RunError(f"The network {repo} is not on this machine. Allow downloads, or {by_hand}")
