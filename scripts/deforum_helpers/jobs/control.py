"""Stopping and pausing a run, from wherever: a signal, a button, a request."""

from __future__ import annotations

from threading import Event

_POLL_SECONDS = 0.05
"""How often a paused run looks whether it may go on."""


class RunControl:
    """The switches of one run; a ``ports.Control``. Every method may be called from any thread and at any time."""

    def __init__(self) -> None:
        # Plain values, for a signal handler to set at any instant; it may interrupt whoever holds an Event's lock.
        self._stop = False
        self._paused = False
        self._video = True

    def stop(self, *, video: bool = True) -> None:
        """Stop after the frame at work, paused or not.

        Args:
            video: whether a video of the frames so far is made.
        """
        self._video = video
        self._stop = True

    def pause(self) -> None:
        """Pause after the frame at work; a diffusion under way is finished."""
        self._paused = not self._stop

    def go_on(self) -> None:
        """End a pause."""
        self._paused = False

    @property
    def is_paused(self) -> bool:
        """Whether the run pauses, or is about to."""
        return self._paused and not self._stop

    @property
    def is_stopping(self) -> bool:
        """Whether the run stops, or is about to."""
        return self._stop

    @property
    def wants_video(self) -> bool:
        """Whether a stopped run makes a video of its frames."""
        return self._video

    def should_stop(self) -> bool:
        """Asked by the run between frames; returns after a pause only. True ends the run."""
        while self.is_paused:
            Event().wait(_POLL_SECONDS)
        return self._stop
