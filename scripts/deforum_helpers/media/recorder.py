"""Keeps what a render makes: frames, video, preview video, journal; and tells whoever watches."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import Finding, StorageError
from ..ports import FrameStore, Image, Progress, VideoWriter
from ..rendering.data.render_data import RenderData
from ..rendering.key_renderer import LoopState
from ..rendering.util.infotext import frame_infotext
from .journal import Journal, JournalEntry, JournalHeader
from .preview_video import PreviewVideo
from .report import Stopwatch
from .sink import FrameSink

_LATEST = 4
"""Key frames whose output frame may still be to come."""


@dataclass(frozen=True)
class Destinations:
    """Where a run is kept.

    Attributes:
        store: its frames; None to keep no images.
        journal: its key frames, until it is done.
        video: being encoded, None for no video.
        rebuild: makes the video of the first so many frames again, should the encoder die.
        preview: shown while the run goes on, None for none.
        infotexts: whether frames say what their key frame was made with.
    """

    store: FrameStore | None
    journal: Journal
    video: VideoWriter | None
    rebuild: Callable[[int], Path]
    preview: PreviewVideo | None = None
    infotexts: bool = False

    @property
    def needs_all_keys(self) -> bool:
        """Whether the video can only be made again from the journal's pictures: no file holds its frames exactly."""
        return self.store is None or (self.video is not None and not self.store.lossless)


class Recorder:
    """Takes everything a render makes, in order.

    Args:
        data: the plan.
        destinations: where to.
        progress: told of every frame.
        watch: measures writing and encoding.
        workers: where files are written.
    """

    def __init__(
        self, data: RenderData, destinations: Destinations, progress: Progress, watch: Stopwatch, workers: Executor
    ) -> None:
        self._data = data
        self._to = destinations
        self._progress = progress
        self._workers = workers
        self._sink = FrameSink(destinations.store, destinations.video, destinations.rebuild, workers, watch)
        self._key_frames = data.key_frames
        self._keys = frozenset(self._key_frames)
        self._infotexts: dict[int, str] = {}
        self._entries: deque[Future[None]] = deque()
        self._latest: deque[JournalEntry] = deque(maxlen=_LATEST)
        progress.start(data.max_frames, len(data.keys))

    @property
    def frames(self) -> int:
        """Frames taken so far."""
        return self._sink.frames

    def adopt_frames(self) -> int:
        """Take over the frames of an earlier start that are there and whole, from the first on. Returns how many.

        None are taken over where the video would differ from that of a run that was never cut off: where frames are
        compressed with losses and the journal can make them again, their files stay, and the video gets them anew.
        """
        data, store = self._data, self._to.store
        if store is None:
            return 0
        if self._to.needs_all_keys and self._to.journal.holds(0):
            self._sink.spare_whole_frames()
            return 0
        for index in range(data.max_frames):
            try:
                image = store.read(index)
            except StorageError:
                return index
            if image.shape != (data.height, data.width, 3):
                return index
            self._sink.adopt(store.path(index), image)
            self._progress.advance(index, image, index in self._keys)
        return data.max_frames

    def start_journal(self, header: JournalHeader) -> None:
        """Say which run the journal is of.

        Raises:
            StorageError: it cannot be written.
        """
        self._to.journal.start(header)

    def take_frame(self, index: int, image: Image) -> None:
        """Take output frame ``index``.

        Raises:
            StorageError: this frame or one of the last few could not be written.
        """
        self._sink.emit(index, image, self._infotext(index) if self._to.infotexts else "", self._encoded(index, image))
        if self._to.preview is not None:
            self._to.preview.offer(self._sink.written)
        self._progress.advance(index, image, index in self._keys)

    def take_key(self, state: LoopState) -> None:
        """Keep a key frame in the journal. A worker writes it: the engine need not wait, an error shows a key later.

        Raises:
            StorageError: an earlier one could not be written.
        """
        while self._entries and (self._entries[0].done() or len(self._entries) > 1):
            self._entries.popleft().result()
        self._infotexts[state.position] = state.infotext
        entry = JournalEntry(state.position, state.picture, state.reference, state.infotext)
        self._entries.append(self._workers.submit(self._to.journal.write, entry))
        self._latest.append(entry)
        if self.frames < self._data.max_frames and not self._to.needs_all_keys:
            self._to.journal.forget_before(self._data.tweens[self.frames].older)

    def _infotext(self, index: int) -> str:
        """The text of frame ``index``: that of the key frame at or before it."""
        position = bisect_right(self._key_frames, index) - 1
        if position not in self._infotexts:  # made before the run was cut off
            self._infotexts[position] = self._to.journal.infotext(position)
        known = self._infotexts[position]
        return frame_infotext(known, index, self._key_frames[position]) if known else ""

    def _encoded(self, index: int, image: Image) -> bytes:
        """Frame ``index`` as a PNG, if the journal has encoded just this picture; else empty."""
        if index in self._keys:
            for entry in tuple(self._latest):
                if self._key_frames[entry.position] == index and np.array_equal(entry.picture, image):
                    return entry.png
        return b""

    def drop_video(self) -> None:
        """Make no video after all."""
        self._sink.drop_video()

    def finish(self) -> Path | None:
        """Wait for all files and the video. Returns the video, None if there is none.

        Raises:
            StorageError: a file could not be written.
            FfmpegError: the video could not be made.
        """
        try:
            while self._entries:
                self._entries.popleft().result()
            return self._sink.finish()
        except BaseException:
            # Cut off in the middle (Ctrl-C again): no encoder and no part of a video stays behind.
            self.give_up()
            raise

    def give_up(self) -> None:
        """Let go of the videos; what is written stays. Never raises."""
        self._sink.give_up()
        if self._to.preview is not None:
            self._to.preview.close(abort=True)

    def findings(self) -> tuple[Finding, ...]:
        """What went wrong without stopping the run; to be asked at its end."""
        findings = self._to.preview.close() if self._to.preview is not None else ()
        if self._sink.encoder_failure is not None:
            text = f"the video was made again from the frames: {self._sink.encoder_failure}"
            findings = (*findings, Finding("warning", text))
        return findings
