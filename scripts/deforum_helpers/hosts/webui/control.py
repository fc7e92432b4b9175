"""The web UI's Interrupt and Skip buttons, for a run."""

from __future__ import annotations

from threading import Event, Lock
from typing import Any

from ...jobs.control import RunControl

_POLL_SECONDS = 0.1
"""How often a paused run looks whether it may go on."""
_PAUSED = "Paused. Press Pause again to go on."


def interrupted(state: Any) -> bool:
    """Whether the web UI's Interrupt was pressed, in any of its ways; ``state`` is its ``shared.state``."""
    return bool(state.interrupted or getattr(state, "stopping_generation", False))


class WebuiControl:
    """A ``ports.Control`` that hears the web UI's buttons and passes what they say on to the run's own switches.

    Interrupt stops the run. Skip, which the tab calls Pause, pauses it, and lets it go on when it is pressed again.

    Args:
        state: the web UI's ``shared.state``.
        run: switches of the run; None for new ones.
    """

    def __init__(self, state: Any, run: RunControl | None = None) -> None:
        self._state = state
        self._run = run or RunControl()
        self._listening = Lock()

    @property
    def wants_video(self) -> bool:
        """Whether a stopped run makes a video of its frames."""
        return self._run.wants_video

    def should_stop(self) -> bool:
        """Asked by the run between frames, from any thread; returns after a pause only. True ends the run."""
        while True:
            self._listen()
            if not self._run.is_paused:
                return self._run.is_stopping
            Event().wait(_POLL_SECONDS)

    def _listen(self) -> None:
        state, run = self._state, self._run
        with self._listening:  # one press is one press, whoever hears it
            if interrupted(state):
                run.stop()
            elif state.skipped:
                state.skipped = False
                (run.go_on if run.is_paused else run.pause)()
                state.textinfo = _PAUSED if run.is_paused else None
