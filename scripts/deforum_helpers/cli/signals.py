"""Stopping and pausing by signals."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..jobs.control import RunControl


@contextmanager
def listening() -> Iterator[RunControl]:
    """Control by signals: Ctrl-C stops, again at once; SIGTERM stops without a video; SIGUSR1 pauses and goes on."""
    control = RunControl()

    def stop(number: int, _frame: object) -> None:
        if control.is_stopping:
            raise KeyboardInterrupt
        control.stop(video=number == signal.SIGINT)  # before the message, which may be answered at once
        _tell("Stopping after this frame; press Ctrl-C again to stop at once.")

    def pause(_number: int, _frame: object) -> None:
        (control.go_on if control.is_paused else control.pause)()
        _tell("Paused." if control.is_paused else "Going on.")

    handlers: dict[int, Callable[[int, object], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if hasattr(signal, "SIGUSR1"):
        handlers[signal.SIGUSR1] = pause
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield control
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(text: str) -> None:
    """Say something below the progress bar, from a signal handler."""
    with suppress(RuntimeError):  # the signal came in the middle of writing to the terminal
        print(f"\n{text}", file=sys.stderr)
