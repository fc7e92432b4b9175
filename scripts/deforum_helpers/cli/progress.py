"""A progress bar in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from ..ports import Image


_PATIENCE_SECONDS = 2.0
"""Preparations that take less are not worth a bar."""


@contextmanager
def frame_bar(stream: TextIO, what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for a tool; it is told how many frames are done, and of how many if that is known."""
    with tqdm(unit="frame", file=stream, dynamic_ncols=True, mininterval=0.2, desc=what) as bar:

        def told(done: int, count: int | None) -> None:
            bar.total = count
            bar.update(done - bar.n)

        yield told


class TerminalProgress:
    """Shows frames, key frames, frames per second and the time left; a ``ports.Progress``.

    Args:
        stream: where to draw.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None
        self._preparing: tqdm[NoReturn] | None = None
        self._keys = 0
        self._key_total = 0

    def step(self, what: str, done: int, count: int) -> None:
        """Show how far a preparation is."""
        if self._preparing is None or self._preparing.desc != what:
            self._end_step()
            self._preparing = tqdm(
                total=count,
                unit="frame",
                file=self._stream,
                dynamic_ncols=True,
                desc=what,
                delay=_PATIENCE_SECONDS,
            )
        self._preparing.update(done - self._preparing.n)
        if done >= count:
            self._end_step()

    def _end_step(self) -> None:
        if self._preparing is not None:
            self._preparing.close()
            self._preparing = None

    def start(self, frames: int, key_frames: int) -> None:
        """Draw the empty bar."""
        self._key_total = key_frames
        self._bar = tqdm(
            total=frames,
            unit="frame",
            file=self._stream,
            dynamic_ncols=True,
            mininterval=0.2,
            bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} frames"
            " [{elapsed}, {remaining} left, {rate_fmt}{postfix}]",
            desc="Rendering",
        )

    def advance(self, index: int, image: Image, is_key: bool) -> None:
        """Count one frame."""
        if self._bar is None:
            return
        self._keys += is_key
        self._bar.set_postfix_str(f"{self._keys}/{self._key_total} diffused", refresh=False)
        self._bar.update()

    def finish(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
