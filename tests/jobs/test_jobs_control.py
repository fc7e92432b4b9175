"""Stopping and pausing."""

from __future__ import annotations

from threading import Event, Thread

from deforum_helpers.jobs.control import RunControl


def asked_in_background(control: RunControl) -> tuple[Thread, Event, list[bool]]:
    answered, answers = Event(), []

    def ask() -> None:
        answers.append(control.should_stop())
        answered.set()

    thread = Thread(target=ask, daemon=True)
    thread.start()
    return thread, answered, answers


def test_a_run_goes_on_until_it_is_stopped():
    control = RunControl()
    assert not control.should_stop()
    control.stop()
    assert control.should_stop()
    assert control.wants_video


def test_stopping_without_a_video():
    control = RunControl()
    control.stop(video=False)
    assert control.should_stop()
    assert not control.wants_video


def test_a_paused_run_waits_until_it_goes_on():
    control = RunControl()
    control.pause()
    assert control.is_paused
    thread, answered, answers = asked_in_background(control)
    assert not answered.is_set()
    control.go_on()
    thread.join(10)
    assert answers == [False]


def test_stopping_ends_a_pause():
    control = RunControl()
    control.pause()
    thread, _, answers = asked_in_background(control)
    control.stop()
    thread.join(10)
    assert answers == [True]
    control.pause()
    assert not control.is_paused
