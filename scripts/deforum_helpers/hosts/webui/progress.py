"""A run on the web UI's progress bar and in its live preview."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...ports import Image, Progress
from .host import Host


class WebuiProgress:
    """A ``ports.Progress`` that shows frames, time left and the newest picture where the web UI shows its own.

    Args:
        host: the web UI.
        also: somebody else who watches.
        clock: seconds, from any moment on.
    """

    def __init__(
        self, host: Host, also: Progress | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._also = also
        self._clock = clock
        self._frames = 0
        self._begun: tuple[float, int] | None = None

    def start(self, frames: int, key_frames: int) -> None:
        """The run begins."""
        self._frames, self._begun = frames, None
        self._tell(0, f"{key_frames} of {frames} frames are diffused")
        if self._also is not None:
            self._also.start(frames, key_frames)

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        """Frame ``index`` is done."""
        now = self._clock()
        self._begun = self._begun or (now, index)
        since, first = self._begun
        left = "" if index == first else f", {_duration((now - since) / (index - first) * (self._frames - 1 - index))}"
        self._tell(index + 1, f"{index + 1} of {self._frames} frames{left}")
        self._show(image)
        if self._also is not None:
            self._also.advance(index, image, is_key)

    def finish(self) -> None:
        """The run is over, however it ended."""
        self._host.state.textinfo = None
        if self._also is not None:
            self._also.finish()

    def _tell(self, done: int, text: str) -> None:
        state = self._host.state
        # Diffusing counts its own jobs; this puts the count of frames in its place again.
        state.job_count = self._frames
        state.job_no = done
        state.job = f"frame {min(done + 1, self._frames)}/{self._frames}"
        state.textinfo = text

    def _show(self, image: Image) -> None:
        import PIL.Image

        if self._host.opts.live_previews_enable:
            self._host.state.assign_current_image(PIL.Image.fromarray(image))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"
