from __future__ import annotations

from types import SimpleNamespace

calls = []
card = SimpleNamespace(free=24 * 2**30, taken_by_model=6 * 2**30)
"""How the card stands, for tests to change."""


def get_torch_device():
    return SimpleNamespace(type="cuda")


def get_free_memory(dev=None):
    return card.free


def free_memory(memory_required, device):
    calls.append(("free_memory", memory_required))
    card.free += card.taken_by_model


def unload_all_models():
    calls.append("unload_all_models")


def soft_empty_cache():
    calls.append("soft_empty_cache")
