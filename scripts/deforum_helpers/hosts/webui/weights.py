"""Checkpoint and VAE of the web UI: found by any of their names, changed for a run, given back after it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import EngineError
from .borrowed import ABSENT, put_back
from .host import Host, accepts
from .samplers import nearest

_CHECKPOINT, _VAE, _MODULES = "sd_model_checkpoint", "sd_vae", "forge_additional_modules"
_NO_CHECKPOINT = "The web UI has no checkpoint. Put one into its folder models/Stable-diffusion and refresh the list."
_WORDS = {"automatic": "Automatic", "auto": "Automatic", "none": "None"}


class Weights:
    """What the web UI has loaded, as long as a run lasts.

    The web UI's own choice is remembered before the first change; ``restore`` gives it back. Loading is left to the
    web UI, which loads what its options say before the next picture it makes.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._before: dict[str, object] = {}
        self._asked: dict[str, str] = {}

    def use(self, checkpoint: str, vae: str) -> None:
        """Have a checkpoint and a VAE loaded; an empty name leaves what there is.

        Args:
            checkpoint: title, name or hash, as the web UI knows them.
            vae: name of the file, with or without its ending, or hash; "Automatic" and "None" are the web UI's.

        Raises:
            EngineError: there is none of that name; says what comes near.
        """
        if not self._host.sd_models.checkpoints_list:
            raise EngineError(_NO_CHECKPOINT)
        # A name that was asked for and loaded costs nothing the next time.
        if checkpoint and self._asked.get(_CHECKPOINT) != checkpoint:
            self._use_checkpoint(find_checkpoint(self._host, checkpoint))
            self._asked[_CHECKPOINT] = checkpoint
        if vae and self._asked.get(_VAE) != vae:
            self._use_vae(vae)
            self._asked[_VAE] = vae

    def restore(self) -> None:
        """Give the web UI its own choice back. It loads it when it makes its next picture."""
        before, self._before, self._asked = self._before, {}, {}
        loader, data = self._host.loader, self._host.opts.data
        if loader is not None:
            if isinstance(before.get(_CHECKPOINT), str):
                _without_saving(loader.checkpoint_change, before[_CHECKPOINT])
            if _MODULES in before:
                _without_saving(loader.modules_change, before[_MODULES])
            return
        for key, value in before.items():
            put_back(data, key, value)
        if _VAE in before and self._host.shared.sd_model is not None:
            self._host.sd_vae.reload_vae_weights()

    def _use_checkpoint(self, info: Any) -> None:
        data = self._host.opts.data
        self._before.setdefault(_CHECKPOINT, data.get(_CHECKPOINT, ABSENT))
        if self._host.loader is not None:
            _without_saving(self._host.loader.checkpoint_change, info.title)
        elif self._host.sd_models.checkpoint_aliases.get(data.get(_CHECKPOINT)) is not info:
            data[_CHECKPOINT] = info.title
            self._host.sd_models.reload_model_weights(info=info)

    def _use_vae(self, name: str) -> None:
        data, loader = self._host.opts.data, self._host.loader
        if loader is None:
            known = self._host.sd_vae.vae_dict
            chosen = _WORDS.get(name.lower()) or find_file(name, known, "VAE")
            self._before.setdefault(_VAE, data.get(_VAE, ABSENT))
            data[_VAE] = chosen
            self._host.sd_vae.reload_vae_weights()
            return
        # One list holds the VAE and the text encoders; only the VAE is replaced.
        vaes = {file: path for file, path in loader.module_list.items() if "text_encoder" not in Path(path).parts}
        kept = [path for path in data.get(_MODULES) or [] if Path(path).name not in vaes]
        chosen_paths = [] if name.lower() in _WORDS else [vaes[find_file(name, vaes, "VAE")]]
        self._before.setdefault(_MODULES, list(data.get(_MODULES) or []))
        _without_saving(loader.modules_change, [*kept, *chosen_paths])


def find_checkpoint(host: Host, name: str) -> Any:
    """The web UI's entry of a checkpoint.

    Raises:
        EngineError: there is none of that title, name or hash; says what comes near.
    """
    aliases = host.sd_models.checkpoint_aliases
    lowered = {alias.lower(): info for alias, info in aliases.items() if alias}
    found = aliases.get(name) or lowered.get(name.strip().lower()) or host.sd_models.get_closet_checkpoint_match(name)
    if found is None:
        titles = {alias: info.title for alias, info in lowered.items()}
        raise EngineError(f"The checkpoint {name!r} is unknown. {nearest(name, titles)}")
    return found


def find_file(name: str, files: Mapping[str, str], what: str) -> str:
    """The key of ``files`` (file name → path) that ``name`` means.

    Args:
        name: of the file, with or without folder and ending, in any case; or the start of its SHA-256, as infotexts
            have it.
        files: to choose from.
        what: they are, for the message.

    Raises:
        EngineError: there is none; says what comes near.
    """
    wanted = name.strip().replace("\\", "/").rpartition("/")[2].lower()
    for file in files:
        if wanted in (file.lower(), file.lower().rpartition(".")[0]):
            return file
    if re.fullmatch(r"[0-9a-f]{10,64}", wanted):
        for file, path in files.items():
            if _sha256(Path(path)).startswith(wanted):
                return file
    raise EngineError(f"The {what} {name!r} is unknown. {nearest(wanted, list(files))}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _without_saving(change: Any, value: object) -> None:
    """Call Forge's function for a change of what to load; what it loads is not written into the user's settings."""
    if accepts(change, "save"):
        change(value, save=False)
    else:
        change(value)
