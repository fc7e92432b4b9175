"""The graphics memory, which the web UI's model shares with the networks of a run."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from threading import Lock
from typing import Any

from .host import Host

KEEP_OPTION = "deforum_keep_3d_models_in_vram"
_LOG = logging.getLogger(__name__)
_GIB = 2.0**30
_SPARE = 3.0 * _GIB
"""Bytes that have to be free for a network to stay: a picture of usual size takes less besides the model."""


class WebuiMemory:
    """A ``ports.SharedMemory`` over the web UI's own means of moving its model.

    What is free is measured each time. A network that finds too little has the other networks and then the web UI's
    model moved out of its way, but never while a picture is being diffused: it waits for the end of that. Afterwards
    it stays if the user wants that, or if there has always been room enough for both.

    Args:
        host: the web UI.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._model = Lock()
        self._away: Any = None
        self._crowded = False
        self._guests: list[Callable[[], None]] = []

    @contextmanager
    def room(self, device: str, needed: float) -> Iterator[None]:
        """As in the port."""
        if free_bytes(self._host, device) > needed:
            yield
            return
        self._crowded = True
        self._send_guests_away()
        with self._model:
            free = free_bytes(self._host, device)
            if free < needed:
                _LOG.debug("a network needs %.2f GiB on %s, %.2f are free", needed / _GIB, device, free / _GIB)
                self._send_away(needed)
            yield

    def may_stay(self, device: str, leave: Callable[[], None]) -> bool:
        """As in the port."""
        keep = bool(self._host.opts.data.get(KEEP_OPTION, False))
        roomy = not self._crowded and not is_short(self._host)
        stays = keep or (roomy and free_bytes(self._host, device) > _SPARE)
        if stays and leave not in self._guests:
            self._guests.append(leave)
        return stays

    @contextmanager
    def diffusing(self) -> Iterator[None]:
        """While this lasts the web UI's model is where it belongs, and stays there."""
        with self._model:
            self._bring_back()
            yield

    def free(self) -> None:
        """Give back all that can be spared, because a diffusion ran out of memory."""
        self._crowded = True
        self._send_guests_away()
        with self._model:
            if self._host.memory is not None:
                self._host.memory.unload_all_models()
            elif self._host.lowvram is not None and is_short(self._host):
                self._host.lowvram.send_everything_to_cpu()
            empty_caches(self._host)

    def close(self) -> None:
        """Put the web UI's model back where it was."""
        with self._model:
            self._bring_back()

    def _send_guests_away(self) -> None:
        for leave in tuple(self._guests):
            leave()

    def _send_away(self, needed: float) -> None:
        """Move the web UI's model out, in Forge as much of it as is needed."""
        memory, models = self._host.memory, self._host.sd_models
        if memory is not None:
            memory.free_memory(1e30 if needed == inf else needed, memory.get_torch_device())
            return
        model = models.model_data.sd_model
        if model is not None and self._away is None:
            models.send_model_to_cpu(model)
            self._away = model

    def _bring_back(self) -> None:
        away, self._away = self._away, None
        # A model that was exchanged meanwhile needs no place any more.
        if away is not None and away is self._host.sd_models.model_data.sd_model:
            self._host.sd_models.send_model_to_device(away)


def is_short(host: Host) -> bool:
    """Whether the user has told the web UI to spare graphics memory."""
    command_line = host.shared.cmd_opts
    return any(getattr(command_line, flag, False) for flag in ("lowvram", "medvram", "medvram_sdxl"))


def free_bytes(host: Host, device: str) -> float:
    """What a network can have on ``device`` as things stand; infinity where the web UI's model is not in its way."""
    kind = device.partition(":")[0]
    if kind != str(getattr(host.devices.device, "type", "cpu")):
        return inf
    if host.memory is not None:
        return float(host.memory.get_free_memory(host.memory.get_torch_device()))
    if kind != "cuda":
        return 0.0 if is_short(host) else inf
    import torch

    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return float(torch.cuda.mem_get_info(device)[0] + unused)


@contextmanager
def memory_given_back(host: Host) -> Iterator[None]:
    """See that nothing of a run stays in the graphics memory, however it ends."""
    try:
        yield
    except BaseException as error:
        from ...rendering.util.resilience import let_go  # heavy, and a web UI that starts need not wait for it

        # What an error has come through holds on to its variables for as long as the error is told.
        let_go(error)
        raise
    finally:
        gc.collect()
        empty_caches(host)


def empty_caches(host: Host) -> None:
    """Give back what PyTorch keeps for later."""
    if host.memory is not None:
        host.memory.soft_empty_cache()
    host.devices.torch_gc()
