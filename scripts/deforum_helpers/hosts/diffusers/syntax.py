r"""The prompt syntax of A1111, read into values.

``(word)`` ×1.1, ``(word:1.3)`` ×1.3, ``[word]`` ÷1.1, ``\(`` for the character; ``[from:to:when]`` and ``[a|b]`` change
the text between steps; ``BREAK`` starts a new chunk, ``AND`` a prompt of its own with a weight after a colon;
``<lora:name:weight>`` names a network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_STEP_UP = 1.1
_AND = re.compile(r"\bAND\b")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_NUMBER = re.compile(r":\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*$")
_NETWORK = re.compile(r"<(lora|lyco):([^:<>]+)((?::[^:<>]*)*)>", re.IGNORECASE)


@dataclass(frozen=True)
class Network:
    """A LoRA that a prompt names: weight in the text encoders, weight in the denoiser."""

    name: str
    text_weight: float
    unet_weight: float


@dataclass(frozen=True)
class Fragment:
    """A piece of text with one weight."""

    text: str
    weight: float = 1.0


Chunks = tuple[tuple[Fragment, ...], ...]
"""A prompt at one step: chunks between ``BREAK``, each of fragments."""


@dataclass(frozen=True)
class Part:
    """One of the prompts between ``AND``: its weight, and the text at each step, equal ones the same object."""

    weight: float
    steps: tuple[Chunks, ...]


@dataclass(frozen=True)
class _Text:
    text: str


@dataclass(frozen=True)
class _Weighted:
    inner: tuple[_Node, ...]
    factor: float


@dataclass(frozen=True)
class _Edit:
    before: tuple[_Node, ...]
    after: tuple[_Node, ...]
    when: str


@dataclass(frozen=True)
class _Alternate:
    options: tuple[tuple[_Node, ...], ...]


_Node = _Text | _Weighted | _Edit | _Alternate


def split_networks(text: str) -> tuple[str, tuple[Network, ...]]:
    """The text without its LoRA tags, and what they name; a weight that is no number is 1."""
    networks = []
    for match in _NETWORK.finditer(text):
        weights = [_number(value) for value in match.group(3).split(":")[1:] if value.strip()] or [1.0]
        networks.append(Network(match.group(2).strip(), weights[0], weights[1] if len(weights) > 1 else weights[0]))
    return _NETWORK.sub("", text), tuple(networks)


def read_prompt(text: str, steps: int) -> tuple[Part, ...]:
    """The prompts between ``AND`` at each of ``steps``. Never fails: what is no syntax is text."""
    pieces = _AND.split(text)
    parts = []
    for piece in pieces:
        weight, body = 1.0, piece
        match = _NUMBER.search(piece) if len(pieces) > 1 else None
        if match:
            weight, body = float(match.group(1)), piece[: match.start()]
        nodes = _Reader(body.strip()).read()
        seen: dict[Chunks, Chunks] = {}
        at_steps = [_chunks(nodes, step, steps) for step in range(max(steps, 1))]
        parts.append(Part(weight, tuple(seen.setdefault(chunks, chunks) for chunks in at_steps)))
    return tuple(parts)


def plain_text(chunks: Chunks) -> str:
    """The text without weights."""
    return " ".join("".join(fragment.text for fragment in chunk).strip() for chunk in chunks).strip()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _chunks(nodes: tuple[_Node, ...], step: int, steps: int) -> Chunks:
    chunks: list[list[Fragment]] = [[]]
    for text, weight in _flat(nodes, 1.0, step, steps):
        for index, piece in enumerate(_BREAK.split(text)):
            if index:
                chunks.append([])
            joins = bool(chunks[-1]) and chunks[-1][-1].weight == weight
            before = chunks[-1].pop().text if joins else ""
            if before + piece:
                chunks[-1].append(Fragment(before + piece, weight))
    return tuple(tuple(chunk) for chunk in chunks)


def _flat(nodes: tuple[_Node, ...], weight: float, step: int, steps: int) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for node in nodes:
        if isinstance(node, _Text):
            found.append((node.text, weight))
        elif isinstance(node, _Weighted):
            found += _flat(node.inner, round(weight * node.factor, 6), step, steps)
        elif isinstance(node, _Alternate):
            found += _flat(node.options[step % len(node.options)], weight, step, steps)
        else:
            found += _flat(node.before if step < _boundary(node.when, steps) else node.after, weight, step, steps)
    return found


def _boundary(when: str, steps: int) -> int:
    """The step from which the second text holds: a number with a point is a share of the steps."""
    return int(min(float(when) * steps if "." in when else float(when), steps))


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> tuple[_Node, ...]:
        nodes = self._sequence("")
        while self._at < len(self._text):  # a bracket that closes nothing is text
            nodes += (_Text(self._text[self._at]),)
            self._at += 1
            nodes += self._sequence("")
        return nodes

    def _sequence(self, stops: str) -> tuple[_Node, ...]:
        """Nodes up to one of ``stops``, which is left to be read, or to the end."""
        nodes: list[_Node] = []
        word = ""
        inner: dict[str, Callable[[], tuple[_Node, ...]]] = {"(": self._round, "[": self._square}
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in stops or (not stops and char in ")]"):
                break
            self._at += 1
            if char == "\\" and self._text[self._at : self._at + 1] in ("(", ")", "[", "]", "\\", ":", "|"):
                word += self._text[self._at : self._at + 1]
                self._at += 1
            elif char in inner:
                nodes += (_Text(word),) if word else ()
                word = ""
                nodes += inner[char]()
            else:
                word += char
        return (*nodes, _Text(word)) if word else tuple(nodes)

    def _closed(self, closing: str) -> bool:
        if self._text[self._at : self._at + 1] != closing:
            return False
        self._at += 1
        return True

    def _round(self) -> tuple[_Node, ...]:
        inner = self._sequence(")")
        match = None
        if self._closed(")") and inner and isinstance(inner[-1], _Text):
            match = _NUMBER.search(inner[-1].text)
        if match is None:
            return (_Weighted(inner, _STEP_UP),)
        last = inner[-1]
        assert isinstance(last, _Text)  # noqa: S101 - for the type checker; the match says so
        return (_Weighted((*inner[:-1], _Text(last.text[: match.start()])), float(match.group(1))),)

    def _square(self) -> tuple[_Node, ...]:
        options, separators = [self._sequence(":|]")], ""
        while self._text[self._at : self._at + 1] in (":", "|"):
            separators += self._text[self._at]
            self._at += 1
            options.append(self._sequence(":|]"))
        self._closed("]")
        if separators and set(separators) == {"|"}:
            return (_Alternate(tuple(options)),)
        when = _only_text(options[-1])
        if separators in (":", "::") and re.fullmatch(r"\d+\.?\d*|\.\d+", when):
            before = options[0] if separators == "::" else ()
            return (_Edit(before, options[-2], when),)
        nodes = options[0]
        for separator, option in zip(separators, options[1:], strict=True):
            nodes += (_Text(separator), *option)
        return (_Weighted(nodes, 1 / _STEP_UP),)


def _only_text(nodes: tuple[_Node, ...]) -> str:
    return "".join(node.text for node in nodes if isinstance(node, _Text)).strip() if len(nodes) == 1 else ""
