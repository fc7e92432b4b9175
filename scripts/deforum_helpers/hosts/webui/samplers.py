"""Names of samplers and schedulers of any era, as the web UI at hand spells them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import EngineError

AUTOMATIC = "Automatic"
"""The scheduler that a sampler prefers itself."""
_SHORT_SUFFIXES = {"_ka": "Karras", "_exp": "Exponential", "_ex": "Exponential"}
"""Ends of the names that samplers had in scripts before 1.9: ``k_dpmpp_2m_ka``."""
_ENDING = re.compile(r" \[|\.(?:safetensors|ckpt|vae|pt|gguf)\b")


def sampler_names(sd_samplers: Any) -> dict[str, str]:
    """Name and aliases of every sampler of the web UI, in lower case, to its name."""
    names: dict[str, str] = {}
    for sampler in sd_samplers.all_samplers:
        for name in (*(sampler.aliases or ()), sampler.name):
            names[name.lower()] = sampler.name
    return names


def scheduler_names(sd_schedulers: Any | None) -> dict[str, str]:
    """Name, label and aliases of every scheduler, in lower case, to its label; empty where there are none."""
    names: dict[str, str] = {}
    for scheduler in sd_schedulers.schedulers if sd_schedulers is not None else ():
        for name in (*(scheduler.aliases or ()), scheduler.name, scheduler.label):
            names[name.lower()] = scheduler.label
    return names


def resolve_sampler(
    sampler: str, scheduler: str, samplers: Mapping[str, str], schedulers: Mapping[str, str]
) -> tuple[str, str]:
    """Sampler and scheduler as the web UI calls them.

    Args:
        sampler: of any era and in any case: "Euler a", "k_euler_a", "DPM++ 2M Karras", "dpm++ 2m".
        scheduler: empty or "Automatic" for the sampler's own, or the one at the end of the sampler's name.
        samplers: as of ``sampler_names``.
        schedulers: as of ``scheduler_names``; if empty, scheduler and sampler are joined to one name.

    Returns:
        Name of the sampler and label of the scheduler ("Automatic" if there are none).

    Raises:
        EngineError: one of them is unknown; says which, and what comes near.
    """
    wanted = " ".join(sampler.lower().split())
    label = _scheduler(scheduler, schedulers)
    if not schedulers and label != AUTOMATIC and f"{wanted} {label.lower()}" in samplers:
        return samplers[f"{wanted} {label.lower()}"], AUTOMATIC
    if wanted in samplers:
        return samplers[wanted], label
    for ending, named in (
        *((f" {name}", known) for name, known in sorted(schedulers.items(), key=lambda item: -len(item[0]))),
        *((suffix, schedulers.get(known.lower(), known)) for suffix, known in _SHORT_SUFFIXES.items()),
    ):
        stem = wanted.removesuffix(ending)
        if stem != wanted and stem in samplers:
            return samplers[stem], named if label == AUTOMATIC else label
    raise EngineError(f"The sampler {sampler!r} is unknown. {nearest(wanted, samplers)}")


def nearest(wanted: str, known: Mapping[str, str] | Iterable[str]) -> str:
    """A sentence with the names that come nearest to ``wanted``, or all if there are few."""
    names = known if isinstance(known, Mapping) else {name.lower(): name for name in known}
    if not names:
        return "There are none."
    # Endings and hashes would drown how near the names themselves are.
    stems = {_ENDING.split(name)[0]: full for name, full in names.items() if name != "none"}
    found = [stems[stem] for stem in difflib.get_close_matches(wanted.lower(), stems, n=3, cutoff=0.4)]
    if found:
        return f"Did you mean {' or '.join(dict.fromkeys(found))}?"
    every = sorted(set(names.values()))
    return f"There are: {', '.join(every[:20])}{' …' if len(every) > 20 else ''}."


def _scheduler(name: str, schedulers: Mapping[str, str]) -> str:
    wanted = " ".join(name.lower().split())
    if wanted in ("", AUTOMATIC.lower()):
        return AUTOMATIC
    if not schedulers:
        return name
    if wanted not in schedulers:
        raise EngineError(f"The scheduler {name!r} is unknown. {nearest(wanted, schedulers)}")
    return schedulers[wanted]
