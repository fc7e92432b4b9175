"""Where the weights of transformers' networks come from: the offline folder, the Hugging Face cache, or the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import RunError
from .torch_runtime import random_state_kept


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
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return RunError(f"The network {repo} cannot be loaded: {reason} To replace it, {by_hand}")
    if allow_download:
        return RunError(f"The network {repo} cannot be downloaded. Check the connection, or {by_hand}")
    return RunError(f"The network {repo} is not on this machine. Allow downloads, or {by_hand}")
