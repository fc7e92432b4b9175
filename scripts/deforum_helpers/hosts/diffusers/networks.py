"""LoRA files and textual inversions that prompts name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ...errors import EngineError, first_line
from .loading import Model
from .memory import engine_errors
from .names import find_weights, weights_in
from .options import EngineOptions
from .syntax import Network

_KEPT = 8
"""LoRA files kept when they are not in use."""


class Networks:
    """What is loaded into one model on top of its weights.

    Args:
        model: what it is loaded into.
        options: where the files lie.
    """

    def __init__(self, model: Model, options: EngineOptions) -> None:
        self._model = model
        self._options = options
        self._adapters: dict[Path, str] = {}
        self._active: tuple[Network, ...] = ()
        self._words: set[str] = set()
        folder = options.embeddings_folder
        self._embeddings = {p.stem: p for p in weights_in(folder).values()} if folder else {}

    @property
    def active(self) -> tuple[Network, ...]:
        """The LoRA files in use."""
        return self._active

    def use(self, networks: Sequence[Network]) -> None:
        """Have exactly these LoRA files work, each with its weights; a later mention of a name counts.

        Raises:
            EngineError: one is not there, or made for another architecture.
        """
        wanted = tuple({network.name: network for network in networks}.values())
        if wanted == self._active:
            return
        names = [self._adapter(network) for network in wanted]
        pipe = self._model.pipe
        if names:
            weights = [self._weights(network) for network in wanted]
            with engine_errors("Applying LoRA"):
                pipe.enable_lora()
                pipe.set_adapters(names, adapter_weights=weights)
        elif self._adapters:
            pipe.disable_lora()
        self._active = wanted
        if len(self._adapters) - len(names) > _KEPT:
            self.free()

    def learn(self, text: str) -> None:
        """Load the textual inversions whose names are words of ``text``.

        Raises:
            EngineError: one cannot be read, or is made for another architecture.
        """
        for name, path in self._embeddings.items():
            if name in self._words or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
                continue
            with torch.random.fork_rng(devices=[]), engine_errors(f"Loading the textual inversion {path}"):
                self._load_embedding(name, path)
            self._words.add(name)

    @property
    def knows_words(self) -> bool:
        """Whether textual inversions are loaded."""
        return bool(self._words)

    def free(self) -> None:
        """Unload the LoRA files that are not in use."""
        used = {self._adapter(network) for network in self._active}
        spare = [path for path, adapter in self._adapters.items() if adapter not in used]
        if spare:
            self._model.pipe.delete_adapters([self._adapters.pop(path) for path in spare])

    def _adapter(self, network: Network) -> str:
        path = find_weights(network.name, (self._options.lora_folder,), "LoRA", "--lora-dir")
        if path not in self._adapters:
            # Names of adapters become parts of names of modules, which have no points.
            adapter = "lora_" + re.sub(r"\W", "_", str(path.with_suffix("")))
            with torch.random.fork_rng(devices=[]):
                self._load_lora(path, adapter)
            self._adapters[path] = adapter
        return self._adapters[path]

    def _load_lora(self, path: Path, adapter: str) -> None:
        try:
            self._model.pipe.load_lora_weights(
                str(path.parent), weight_name=path.name, adapter_name=adapter, local_files_only=True
            )
        except (ValueError, RuntimeError, KeyError) as error:
            reason = first_line(error, 200)
            raise EngineError(
                f"The LoRA {path.name} does not fit {self._model.name} ({self._model.family}): {reason} "
                "It may be made for another architecture."
            ) from error

    def _weights(self, network: Network) -> Any:
        if network.text_weight == network.unet_weight:
            return network.unet_weight
        parts = {"transformer" if self._model.is_transformer else "unet": network.unet_weight}
        for name in ("text_encoder", "text_encoder_2"):
            if getattr(self._model.pipe, name, None) is not None:
                parts[name] = network.text_weight
        return parts

    def _load_embedding(self, name: str, path: Path) -> None:
        pipe = self._model.pipe
        if self._model.family != "SDXL":
            pipe.load_textual_inversion(str(path.parent), weight_name=path.name, token=name, local_files_only=True)
            return
        state = load_file(str(path)) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        if not {"clip_l", "clip_g"} <= set(state):
            raise EngineError(f"The textual inversion {path.name} is not made for SDXL: it has no clip_l and clip_g.")
        for key, encoder, tokenizer in (
            ("clip_l", pipe.text_encoder, pipe.tokenizer),
            ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2),
        ):
            pipe.load_textual_inversion(state[key], token=name, text_encoder=encoder, tokenizer=tokenizer)
