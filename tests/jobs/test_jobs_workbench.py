"""Tools at work in the background: progress, stopping, one at a time, errors."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from deforum_helpers.errors import InputError, Interrupted, JobStateError
from deforum_helpers.jobs.workbench import Workbench
from deforum_helpers.tools.clips import Made

MADE = Made(Path("x.mp4"), 3)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nothing_is_known_before_the_first_tool():
    assert Workbench().status is None


def test_progress_with_the_time_left():
    clock, reached, go_on = Clock(), Event(), Event()

    def work(watch):
        watch.progress(0, 10)
        clock.now += 5  # a network is loaded
        watch.progress(1, 10)
        clock.now += 4
        watch.progress(3, 10)
        reached.set()
        assert go_on.wait(30)
        return MADE

    with closing(Workbench(clock)) as bench:
        bench.start("Depth", work)
        assert reached.wait(30)
        status = bench.status
        assert (status.name, status.done, status.count, status.is_over) == ("Depth", 3, 10, False)
        assert (status.seconds, status.seconds_left) == (9, 14)
        go_on.set()
        bench.wait()
        clock.now += 50
        assert bench.status.made == MADE
        assert bench.status.seconds == 9


def test_one_at_a_time_and_then_the_next():
    go_on = Event()
    with closing(Workbench()) as bench:
        bench.start("Depth", lambda _: MADE if go_on.wait(30) else None)
        with pytest.raises(JobStateError, match="Depth is at work"):
            bench.start("Stitching", lambda _: MADE)
        go_on.set()
        bench.wait()
        bench.start("Stitching", lambda _: MADE)
        bench.wait()
        assert bench.status.name == "Stitching"


def test_a_tool_is_asked_to_stop():
    started = Event()

    def work(watch):
        started.set()
        while not watch.should_stop():
            pass
        raise Interrupted("Stopped.")

    bench = Workbench()
    bench.start("Depth", work)
    assert started.wait(30)
    assert not bench.status.stopping
    bench.close()
    assert bench.status.is_over
    assert str(bench.status.error) == "Stopped."


@pytest.mark.parametrize(
    ("error", "said"),
    [(InputError("no such video."), "no such video."), (ZeroDivisionError("x/0"), "ZeroDivisionError")],
)
def test_errors_are_told_and_the_next_tool_can_work(error, said):
    def work(_watch):
        raise error

    with closing(Workbench()) as bench:
        bench.start("Depth", work)
        bench.wait()
        assert said in str(bench.status.error)
        assert bench.status.made is None
        bench.start("Depth", lambda _: MADE)
        bench.wait()
        assert bench.status.made == MADE
