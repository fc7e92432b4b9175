"""Frames in the background."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from render_parts import NoiseEngine, plan

from deforum_helpers.render import render_animation
from deforum_helpers.rendering.util.frame_pump import FramePump

PICTURE = np.zeros((2, 2, 3), np.uint8)


def _jobs(indices, make=lambda: [PICTURE]):
    return [([index], make) for index in indices]


def test_frames_come_in_order_whatever_the_workers_do():
    release = Event()
    got = []

    def slow():
        assert release.wait(10)
        return [PICTURE]

    def quick():
        release.set()
        return [PICTURE]

    with ThreadPoolExecutor(2) as workers, FramePump(lambda i, _: got.append(i), workers) as pump:
        pump.submit([([0], slow), ([1], quick), ([2], quick)])
        pump.submit(_jobs(range(3, 9)))
        pump.finish()
    assert got == list(range(9))


def test_a_job_may_make_several_frames():
    got = []
    several = [np.full((2, 2, 3), value, np.uint8) for value in range(3)]
    with ThreadPoolExecutor(2) as workers, FramePump(lambda i, p: got.append((i, p[0, 0, 0])), workers) as pump:
        pump.submit([([0, 1, 2], lambda: several), ([3], lambda: [PICTURE]), ([4, 5], lambda: several[1:])])
        pump.finish()
    assert got == [(0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (5, 2)]


def test_frames_are_made_while_the_engine_is_busy():
    """The second interval's diffusion only ends once the frames of the first one have been emitted."""
    emitted = Event()

    class Waiting(NoiseEngine):
        def diffuse(self, request):
            if request.frame == 8:
                assert emitted.wait(10)
            return super().diffuse(request)

    got = []

    def emit(index, image):
        got.append(index)
        if index == 4:
            emitted.set()

    with ThreadPoolExecutor(2) as workers:
        render_animation(plan(diffusion_cadence=4), Waiting(), emit, workers)
    assert got == list(range(12))


def test_what_a_job_raises_reaches_the_caller_and_stops_the_pump():
    got = []

    def broken():
        raise ValueError("no picture")

    with (
        ThreadPoolExecutor(2) as workers,
        pytest.raises(ValueError, match="no picture"),
        FramePump(lambda i, _: got.append(i), workers) as pump,
    ):
        pump.submit([([0], lambda: [PICTURE]), ([1], broken), ([2], lambda: [PICTURE])])
        pump.finish()
    assert got == [0]


def test_what_emit_raises_reaches_the_caller():
    def emit(index, _):
        if index == 1:
            raise OSError("disk full")

    with ThreadPoolExecutor(2) as workers, pytest.raises(OSError, match="disk full"), FramePump(emit, workers) as pump:
        pump.submit(_jobs(range(3)))
        pump.finish()


def test_leaving_with_an_error_waits_for_no_frame_that_nobody_wants():
    made = []

    def make():
        made.append(1)
        return [PICTURE]

    with (
        ThreadPoolExecutor(1) as workers,
        pytest.raises(KeyboardInterrupt),
        FramePump(lambda *_: None, workers) as pump,
    ):
        pump.submit(_jobs(range(1000), make))
        raise KeyboardInterrupt
    assert len(made) < 1000


def test_a_third_batch_waits_outside():
    """One batch at work, one waiting: the third is taken only when the first is done."""
    release, first_done = Event(), Event()
    got = []

    def blocked():
        assert release.wait(10)
        return [PICTURE]

    with ThreadPoolExecutor(2) as workers, FramePump(lambda i, _: got.append(i), workers) as pump:
        pump.submit([([0], blocked)])
        pump.submit(_jobs([1]))

        def third():
            pump.submit(_jobs([2]))
            first_done.set()

        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(third)
            assert not first_done.is_set()
            release.set()
            waiting.result(timeout=10)
        pump.finish()
    assert got == [0, 1, 2]
