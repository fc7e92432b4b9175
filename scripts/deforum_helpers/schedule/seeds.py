"""Seeds per generation."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from ..errors import SettingsError

SEED_RANGE = 2**32
"""Seeds are in [0, SEED_RANGE)."""


def resolve_seed(seed: int, rng: random.Random) -> int:
    """``seed`` wrapped into [0, 2**32); any negative one, which stands for "random", is drawn from ``rng``."""
    return seed % SEED_RANGE if seed >= 0 else _draw(rng)


def seed_sequence(behavior: str, start: int, count: int, *, iter_n: int = 1, rng: random.Random) -> tuple[int, ...]:
    """The seeds of ``count`` generations, the first being ``start``.

    Args:
        behavior: ``iter`` (one more every ``iter_n`` generations, for the first time right after the first one),
            ``fixed``, ``ladder`` (+2, -1, +2, …), ``alternate`` (+1, -1, …), ``random``, or ``schedule``, whose own
            seeds come from :func:`scheduled_seeds` and whose sequence here is random.
        start: the first seed; negative for a random one.
        count: how many seeds.
        iter_n: generations per seed of ``iter``, at least 1.
        rng: where random seeds come from.

    Returns:
        Seeds in [0, 2**32); past its end they start again at 0.

    Raises:
        SettingsError: unknown behavior, or ``iter_n`` below 1.
    """
    if behavior not in _BEHAVIORS:
        hint = f"Allowed are {', '.join(_BEHAVIORS)}."
        raise SettingsError(f"{behavior!r} is no seed behavior.", key="seed_behavior", hint=hint)
    if iter_n < 1:
        raise SettingsError(f"Seeds cannot change every {iter_n} frames, 1 is the least.", key="seed_iter_N")
    return tuple(islice(_BEHAVIORS[behavior](resolve_seed(start, rng), iter_n, rng), max(count, 0)))


def scheduled_seeds(values: Iterable[float], rng: random.Random) -> tuple[int, ...]:
    """The seeds of a seed schedule, in [0, 2**32).

    Fractions are cut off; each negative, infinite or undefined value stands for "random" and is drawn from ``rng``
    here, in the order of ``values``, so that a run can be repeated.
    """
    return tuple(resolve_seed(int(value) if math.isfinite(value) else -1, rng) for value in values)


def _draw(rng: random.Random) -> int:
    return rng.randint(0, SEED_RANGE - 1)


def _steps(seed: int, steps: Callable[[int], int]) -> Iterator[int]:
    index = 0
    while True:
        yield seed
        seed = (seed + steps(index)) % SEED_RANGE
        index += 1


def _iter(start: int, iter_n: int, _rng: random.Random) -> Iterator[int]:
    return _steps(start, lambda index: int(index % iter_n == 0))


def _fixed(start: int, _iter_n: int, _rng: random.Random) -> Iterator[int]:
    return _steps(start, lambda _index: 0)


def _ladder(start: int, _iter_n: int, _rng: random.Random) -> Iterator[int]:
    return _steps(start, lambda index: -1 if index % 2 else 2)


def _alternate(start: int, _iter_n: int, _rng: random.Random) -> Iterator[int]:
    return _steps(start, lambda index: -1 if index % 2 else 1)


def _random(start: int, _iter_n: int, rng: random.Random) -> Iterator[int]:
    yield start
    while True:
        yield _draw(rng)


_BEHAVIORS: Mapping[str, Callable[[int, int, random.Random], Iterator[int]]] = MappingProxyType(
    {
        "iter": _iter,
        "fixed": _fixed,
        "random": _random,
        "ladder": _ladder,
        "alternate": _alternate,
        "schedule": _random,
    }
)
