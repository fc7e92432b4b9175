"""Room in the graphics memory, for a web UI that is short of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .host import Host


def is_short(host: Host) -> bool:
    """Whether the user has told the web UI to spare graphics memory, or it manages the memory itself."""
    if host.memory is not None:
        return True
    command_line = host.shared.cmd_opts
    return any(getattr(command_line, flag, False) for flag in ("lowvram", "medvram", "medvram_sdxl"))


@contextmanager
def room_for_networks(host: Host) -> Iterator[None]:
    """Space for other networks (depth, flow) while this lasts, where graphics memory is short.

    The web UI's model leaves the graphics memory first; the web UI moves it back by itself for its next picture. Where
    memory is not short nothing is moved. What the other networks leave behind is given back in the end.
    """
    if is_short(host):
        release(host)
    try:
        yield
    finally:
        _empty_caches(host)


def release(host: Host) -> None:
    """Move the web UI's model out of the graphics memory as far as it can be moved without reloading it."""
    if host.memory is not None:
        host.memory.unload_all_models()
    elif host.lowvram is not None and is_short(host):
        host.lowvram.send_everything_to_cpu()
    _empty_caches(host)


def _empty_caches(host: Host) -> None:
    if host.memory is not None:
        host.memory.soft_empty_cache()
    host.devices.torch_gc()
