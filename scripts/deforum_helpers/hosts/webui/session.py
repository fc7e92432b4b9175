"""A run's place in the web UI: alone with the model, and with the progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .host import Host


@contextmanager
def webui_job(host: Host, name: str = "deforum") -> Iterator[None]:
    """Wait until nobody else uses the web UI's model, and have its state for a job of that name.

    For runs that the web UI did not start itself. A handler that it has wrapped (``wrap_gradio_gpu_call``) has all this
    already, and would wait for itself here.
    """
    with host.call_queue.queue_lock:
        host.state.begin(job=name)
        try:
            yield
        finally:
            host.state.end()
            host.state.skipped = host.state.interrupted = False
