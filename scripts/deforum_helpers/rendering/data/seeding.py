"""The seeds of every diffusion, known before the first one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from ...schedule.seeds import SEED_RANGE, scheduled_seeds, seed_sequence
from ...settings import uses
from ...settings.files import dump_settings
from ...settings.schema import Settings
from .schedule import SeriesTable


@dataclass(frozen=True)
class KeySeeds:
    """Seeds of one key frame; ranges as in :class:`~.step.key_step.KeyStep`."""

    seed: int
    subseed: int
    subseed_strength: float
    noise_seed: int
    redo: tuple[int, ...] = ()


def start_seed(settings: Settings, drawn: int | None) -> int:
    """The seed a render starts with.

    A set seed is taken as it is. For -1 it is ``drawn``, the number drawn for this run; without one, a number derived
    from the settings stands in, so that planning the same file twice gives the same plan.
    """
    if settings.run.seed >= 0:
        return settings.run.seed % SEED_RANGE
    if drawn is not None:
        return drawn % SEED_RANGE
    return int.from_bytes(hashlib.blake2b(dump_settings(settings, kind="save").encode(), digest_size=4).digest(), "big")


def key_seeds(
    settings: Settings, table: SeriesTable, key_frames: Sequence[int], *, start: int, parseq_seeds: bool
) -> tuple[KeySeeds, ...]:
    """Seeds of every key frame.

    Args:
        settings: seed behaviour and subseed switch.
        table: the expanded series.
        key_frames: the diffused frames, ascending.
        start: start seed.
        parseq_seeds: whether a manifest manages the seed; then its seed and subseeds win over the seed behaviour.

    Returns:
        One entry per key frame. Everything random is drawn from a generator seeded with ``start``.
    """
    rng = random.Random(start)  # noqa: S311 - no secret
    behaviour = "schedule" if uses.uses_guides(settings) else settings.run.seed_behavior
    if parseq_seeds or behaviour == "schedule":
        series = table["seed_schedule_series"]
        seeds = scheduled_seeds([float(series[k]) for k in key_frames], rng)
        # The noise must differ from frame to frame even where the schedule holds one seed, or its grain burns in.
        noise = tuple(rng.randrange(SEED_RANGE) for _ in key_frames)
    else:
        seeds = seed_sequence(behaviour, start, len(key_frames), iter_n=settings.run.seed_iter_N, rng=rng)
        noise = seeds
    with_subseed = parseq_seeds or settings.anim.enable_subseed_scheduling
    return tuple(
        KeySeeds(seed, *(_subseed(table, frame) if with_subseed else (-1, 0.0)), grain, _redo_seeds(settings, seed))
        for seed, grain, frame in zip(seeds, noise, key_frames, strict=True)
    )


def _redo_seeds(settings: Settings, seed: int) -> tuple[int, ...]:
    """Random, but the same for the same seed: one for the redo along the optical flow, one for each plain redo."""
    count = uses.plain_redos(settings) + uses.uses_flow_redo(settings)
    rng = random.Random(f"redo {seed}")  # noqa: S311 - no secret
    return tuple(rng.randrange(SEED_RANGE) for _ in range(count))


def _subseed(table: SeriesTable, frame: int) -> tuple[int, float]:
    subseed = int(table.number("subseed_schedule_series", frame))
    strength = table.number("subseed_strength_schedule_series", frame)
    return (subseed % SEED_RANGE if subseed >= 0 else -1), min(max(strength, 0.0), 1.0)
