from __future__ import annotations

from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from deforum_helpers.hosts.webui.control import WebuiControl
from deforum_helpers.hosts.webui.host import host_kind
from deforum_helpers.hosts.webui.progress import WebuiProgress
from deforum_helpers.hosts.webui.session import webui_job
from deforum_helpers.jobs.control import RunControl


class TestKind:
    def test_a1111(self, host):
        assert (host_kind(), host.loader, host.memory) == ("a1111", None, None)

    def test_forge(self, forge):
        assert host_kind() == "forge"
        assert forge.loader is not None
        assert forge.memory is not None


class TestControl:
    def test_nothing_pressed(self, host):
        control = WebuiControl(host.state)
        assert not control.should_stop()
        assert control.wants_video

    @pytest.mark.parametrize("flag", ["interrupted", "stopping_generation"])
    def test_interrupt_stops_for_good(self, host, flag):
        run = RunControl()
        control = WebuiControl(host.state, run)
        setattr(host.state, flag, True)
        assert control.should_stop()
        setattr(host.state, flag, False)
        assert control.should_stop()
        assert run.is_stopping

    def test_stopping_the_run_itself(self, host):
        run = RunControl()
        run.stop(video=False)
        control = WebuiControl(host.state, run)
        assert control.should_stop()
        assert not control.wants_video

    def test_skip_pauses_and_goes_on(self, host):
        run = RunControl()
        control, answers = WebuiControl(host.state, run), []
        host.state.skipped = True
        worker = Thread(target=lambda: answers.append(control.should_stop()), daemon=True)
        worker.start()
        while not run.is_paused:
            worker.join(0.01)
        assert not host.state.skipped
        assert host.state.textinfo.startswith("Paused")
        assert answers == []
        host.state.skipped = True
        worker.join(10)
        assert answers == [False]
        assert host.state.textinfo is None

    def test_one_press_counts_once_whoever_asks(self, host):
        run = RunControl()
        control = WebuiControl(host.state, run)
        host.state.skipped = True
        workers = [Thread(target=control.should_stop, daemon=True) for _ in range(4)]
        for worker in workers:
            worker.start()
        while not run.is_paused:
            workers[0].join(0.01)
        run.go_on()
        for worker in workers:
            worker.join(10)
        assert not any(worker.is_alive() for worker in workers)
        assert not run.is_paused

    def test_old_web_uis_have_no_stopping(self):
        assert not WebuiControl(SimpleNamespace(interrupted=False, skipped=False)).should_stop()


class Watcher:
    def __init__(self):
        self.told = []

    def start(self, frames, key_frames):
        self.told.append(("start", frames, key_frames))

    def advance(self, index, image, is_key):
        self.told.append(("advance", index, is_key))

    def finish(self):
        self.told.append("finish")


PICTURE = np.full((4, 6, 3), 7, np.uint8)


class TestProgress:
    def test_bar_text_and_preview(self, host):
        times = iter([100.0, 101.0, 104.0])
        progress = WebuiProgress(host, clock=lambda: next(times))
        state = host.state
        progress.start(100, 25)
        assert (state.job_count, state.job_no, state.job) == (100, 0, "frame 1/100")
        progress.advance(0, PICTURE, True)
        assert (state.job_no, state.job, state.textinfo) == (1, "frame 2/100", "1 of 100 frames")
        assert state.current_image.size == (6, 4)
        progress.advance(1, PICTURE, False)
        assert state.textinfo == "2 of 100 frames, 1:38 left"
        state.job_count = 1  # as diffusing does
        progress.advance(4, PICTURE, False)
        assert (state.job_count, state.textinfo) == (100, "5 of 100 frames, 1:35 left")

    def test_last_frame_and_end(self, host):
        progress = WebuiProgress(host)
        progress.start(1, 1)
        progress.advance(0, PICTURE, True)
        assert (host.state.job_no, host.state.job) == (1, "frame 1/1")
        progress.finish()
        assert host.state.textinfo is None

    def test_no_preview_where_it_is_off(self, host):
        host.opts.data["live_previews_enable"] = False
        progress = WebuiProgress(host)
        progress.start(2, 1)
        progress.advance(0, PICTURE, True)
        assert host.state.current_image is None

    def test_others_are_told_as_well(self, host):
        watcher = Watcher()
        progress = WebuiProgress(host, watcher)
        progress.start(2, 1)
        progress.advance(0, PICTURE, True)
        progress.finish()
        assert watcher.told == [("start", 2, 1), ("advance", 0, True), "finish"]


class TestSession:
    def test_has_lock_and_state(self, host):
        with webui_job(host, "my run"):
            assert host.call_queue.queue_lock.locked()
            assert host.state.job == "my run"
            host.state.interrupted = True
        assert not host.call_queue.queue_lock.locked()
        assert (host.state.job, host.state.interrupted) == ("", False)

    def test_gives_them_back_after_an_error(self, host):
        with pytest.raises(KeyError), webui_job(host):
            raise KeyError
        assert not host.call_queue.queue_lock.locked()
