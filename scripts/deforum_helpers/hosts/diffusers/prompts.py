"""Prompts to what a model is conditioned on: the library compel reads texts of any length, and words of one's own.

Weights are A1111's: compel's own take a word with a weight below 1 out of the prompt by degrees, and a negative one
wholly, so that settings that were made for A1111 would give other pictures.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from compel.diffusers_textual_inversion_manager import DiffusersTextualInversionManager
from compel.embeddings_provider import EmbeddingsProvider, SplitLongTextMode

from .loading import Model
from .networks import Networks
from .pictures import device_of
from .syntax import Chunks, Fragment, Part, plain_text, read_prompt

_KEPT = 32
"""Texts whose encodings are kept."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A text as a model reads it: 1×tokens×values, and for SDXL 1×values for the whole."""

    words: Any
    whole: Any = None


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the steps of a picture are conditioned on.

    Attributes:
        positive: for each step the prompts between ``AND``, with their weights.
        negative: for each step.
    """

    positive: tuple[tuple[tuple[float, Encoded], ...], ...]
    negative: tuple[Encoded, ...]

    @property
    def is_plain(self) -> bool:
        """Whether there is one prompt of weight 1, the same in all steps, which a pipeline can do by itself."""
        first = self.positive[0]
        return (
            len(first) == 1
            and first[0][0] == 1.0
            and all(len(p) == 1 and p[0][1] is first[0][1] for p in self.positive)
            and all(negative is self.negative[0] for negative in self.negative)
        )


class PromptEncoder:
    """Encodes the prompts of one model and keeps the latest.

    Args:
        model: with one text encoder (SD) or two (SDXL).
        networks: what is loaded into it.
    """

    def __init__(self, model: Model, networks: Networks) -> None:
        self._model = model
        self._networks = networks
        self._kept: OrderedDict[Any, Encoded] = OrderedDict()

    def conditions(self, prompt: str, negative: str, steps: int, clip_skip: int | None) -> Conditions:
        """Conditions for ``steps`` steps; all encodings have one length."""
        parts, (opposite, *_) = read_prompt(prompt, steps), read_prompt(negative.replace(" AND ", " and "), steps)
        texts = {chunks for part in (*parts, opposite) for chunks in part.steps}
        encoded = {chunks: self._encoded(chunks, clip_skip) for chunks in texts}
        longest = max(item.words.shape[1] for item in encoded.values())
        if any(item.words.shape[1] < longest for item in encoded.values()):
            empty = self._encoded(((),), clip_skip).words
            encoded = {chunks: _lengthened(item, longest, empty) for chunks, item in encoded.items()}
        return Conditions(_by_step(parts, encoded), tuple(encoded[chunks] for chunks in opposite.steps))

    def forget(self) -> None:
        """Drop what is kept."""
        self._kept.clear()

    def _encoded(self, chunks: Chunks, clip_skip: int | None) -> Encoded:
        key = (chunks, clip_skip, self._networks.active, self._networks.knows_words)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        with torch.no_grad():
            encoded = self._encode(chunks, clip_skip)
        self._kept[key] = encoded
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return encoded

    def _encode(self, chunks: Chunks, clip_skip: int | None) -> Encoded:
        pipe, device = self._model.pipe, device_of(self._model)
        manager = DiffusersTextualInversionManager(pipe) if self._networks.knows_words else None
        if self._model.family == "SDXL":
            providers = [
                _Provider(tokenizer, encoder, 2, normalised=False, manager=manager)
                for tokenizer, encoder in (
                    (pipe.tokenizer, pipe.text_encoder),
                    (pipe.tokenizer_2, pipe.text_encoder_2),
                )
            ]
            words = torch.cat([_words(provider, chunks, device) for provider in providers], dim=-1)
            return Encoded(words, providers[1].whole(plain_text(chunks), device))
        provider = _Provider(pipe.tokenizer, pipe.text_encoder, clip_skip or 1, normalised=True, manager=manager)
        return Encoded(_words(provider, chunks, device))


class _Provider(EmbeddingsProvider):  # type: ignore[misc]
    """Encodes on the layer that is asked for.

    Args:
        tokenizer, encoder: of the model.
        last: the layer counted from the end, 1 for the last.
        normalised: whether the final layer norm is applied.
        manager: for textual inversions of several vectors, or None.
    """

    def __init__(self, tokenizer: Any, encoder: Any, last: int, *, normalised: bool, manager: Any) -> None:
        super().__init__(tokenizer, encoder, manager, truncate=False, split_long_text_mode=SplitLongTextMode.PHRASES)
        self._last = last
        self._normalised = normalised

    def weighted(self, fragments: Sequence[Fragment], device: Any) -> Any:
        """A text as the model reads it, each token's values times its weight: 1×tokens×values."""
        texts, weights = [f.text for f in fragments], [f.weight for f in fragments]
        tokens, by_token, mask = self.get_token_ids_and_expand_weights(texts, weights, device=device)
        plain = self.build_weighted_embedding_tensor(tokens, torch.ones_like(by_token), mask, device=device)
        plain = plain.reshape(1, tokens.shape[0], -1)
        pieces = zip(
            plain.split(self.max_token_count, dim=1), by_token.to(plain).split(self.max_token_count), strict=True
        )
        return torch.cat([_emphasised(piece, of_piece) for piece, of_piece in pieces], dim=1)

    def whole(self, text: str, device: Any) -> Any:
        """The one vector that stands for a text, as far as it fits: 1×values."""
        tokens, _, _ = self.get_token_ids_and_expand_weights([text], [1.0], device=device)
        return self.text_encoder(tokens[None, : self.max_token_count], return_dict=True).text_embeds

    def _encode_token_ids_to_embeddings(self, token_ids: Any, attention_mask: Any = None) -> Any:
        answer = self.text_encoder(token_ids, attention_mask, output_hidden_states=True, return_dict=True)
        if self._last == 1 and self._normalised:
            return answer.last_hidden_state
        states = answer.hidden_states[-min(self._last, len(answer.hidden_states))]
        return self.text_encoder.text_model.final_layer_norm(states) if self._normalised else states


def _words(provider: Any, chunks: Chunks, device: Any) -> Any:
    """Encodings of the chunks, one after the other."""
    pieces = []
    for chunk in chunks or ((),):
        fragments: Sequence[Fragment] = [f for f in chunk if f.text.strip()] or [Fragment("")]
        pieces.append(provider.weighted(fragments, device))
    return torch.cat(pieces, dim=1)


def _emphasised(words: Any, weights: Any) -> Any:
    """``words`` (1×tokens×values) times ``weights``, with the mean they had before (A1111's emphasis "Original")."""
    if bool((weights == 1.0).all()):
        return words
    exact = words.float()
    heavier = exact * weights.float().reshape(1, -1, 1)
    before, after = exact.mean(), heavier.mean()
    return (heavier * (before / after) if float(after) else heavier).to(words.dtype)


def _lengthened(item: Encoded, length: int, empty: Any) -> Encoded:
    words = item.words
    while words.shape[1] < length:
        words = torch.cat([words, empty], dim=1)
    return Encoded(words[:, :length], item.whole)


def _by_step(parts: Sequence[Part], encoded: dict[Chunks, Encoded]) -> tuple[tuple[tuple[float, Encoded], ...], ...]:
    steps = range(len(parts[0].steps))
    return tuple(tuple((part.weight, encoded[part.steps[step]]) for part in parts) for step in steps)
