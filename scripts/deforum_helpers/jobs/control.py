"""Stopping and pausing a run, from wherever: a signal, a button, a request."""

from __future__ import annotations

from threading import Event


class RunControl:
    """The switches of one run; a ``ports.Control``. Every method may be called from any thread and at any time."""

    def __init__(self) -> None:
        self._stop = Event()
        self._going = Event()
        self._going.set()
        self._video = True

    def stop(self, *, video: bool = True) -> None:
        """Stop after the frame at work, paused or not.

        Args:
            video: whether a video of the frames so far is made.
        """
        self._video = video
        self._stop.set()
        self._going.set()

    def pause(self) -> None:
        """Pause after the frame at work; a diffusion under way is finished."""
        if not self._stop.is_set():
            self._going.clear()

    def go_on(self) -> None:
        """End a pause."""
        self._going.set()

    @property
    def is_paused(self) -> bool:
        """Whether the run pauses, or is about to."""
        return not self._going.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether the run stops, or is about to."""
        return self._stop.is_set()

    @property
    def wants_video(self) -> bool:
        """Whether a stopped run makes a video of its frames."""
        return self._video

    def should_stop(self) -> bool:
        """Asked by the run between frames; returns after a pause only. True ends the run."""
        self._going.wait()
        return self._stop.is_set()
