"""A prompt as weighted words: all that the preview engine understands of language."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"<[^<>]*>|:\s*(?P<number>\d*\.?\d+)|(?P<bracket>[()\[\]])|(?P<word>[^\W_]+(?:['’][^\W_]+)*)")
_PART = re.compile(r"\bAND\b")
_PART_WEIGHT = re.compile(r":\s*(\d*\.?\d+)\s*$")
_EMPHASIS = 1.1
_FADING = 0.95
"""Earlier words count more, as they do in diffusion models."""
_FILLERS = frozenset(
    {"a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "into", "is", "its", "of"}
    | {"on", "or", "over", "the", "to", "under", "with"}
)
_MOST = 10.0
"""Upper limit of any single weight, so that sums stay finite."""


def weighted_words(prompt: str) -> dict[str, float]:
    """Split a prompt into lower-case words with weights.

    Understood: ``(word)`` ×1.1, ``[word]`` ÷1.1, ``(word:1.3)``, ``part AND part:0.5``; ``<lora:…>`` tags and filler
    words are skipped. Each further word of a part counts 5 % less. Never fails: unbalanced brackets are ignored.

    Args:
        prompt: any text.

    Returns:
        word → weight ≥ 0, in order of appearance; a repeated word adds up. Empty for an empty prompt.
    """
    words: dict[str, float] = {}
    for part in _PART.split(prompt):
        end = _PART_WEIGHT.search(part) if part.count("(") == part.count(")") else None
        weight = min(float(end[1]), _MOST) if end else 1.0
        for position, (word, emphasis) in enumerate(_emphasised(part[: end.start()] if end else part)):
            words[word] = words.get(word, 0.0) + weight * emphasis * _FADING**position
    return words


def _emphasised(part: str) -> Iterator[tuple[str, float]]:
    """Words of one part with the emphasis of the brackets around them."""
    found: list[tuple[str, float]] = []
    opened: list[int] = []
    for token in _TOKEN.finditer(part):
        word, bracket, number = token["word"], token["bracket"], token["number"]
        if word and word.lower() not in _FILLERS:
            found.append((word.lower(), 1.0))
        elif bracket and bracket in "([":
            opened.append(len(found))
        elif opened and (bracket or number):
            factor = min(float(number), _MOST) if number else (_EMPHASIS if bracket == ")" else 1 / _EMPHASIS)
            # An explicit number replaces the bracket's own emphasis, which the closing bracket would apply again.
            start = opened.pop() if bracket else opened[-1]
            if number:
                factor /= _EMPHASIS
            found[start:] = [(w, min(e * factor, _MOST)) for w, e in found[start:]]
    return iter(found)
