"""Where the tools of the tab work in a web UI: by its settings page, and beside its model."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from deforum_helpers.hosts.webui.desk import workshop
from deforum_helpers.jobs.workbench import Workbench
from deforum_helpers.ui.queue_door import QueueDoor
from deforum_helpers.ui.tools import VID2DEPTH
from media_samples import make_video


def test_the_settings_page_says_how(host, tmp_path):
    host.opts.data.update({"deforum_ffmpeg_crf": 33.0, "deforum_ffmpeg_preset": "fast"})
    with workshop(tmp_path, networks=False) as place:
        options = place.options
        assert options.out == tmp_path
        assert (options.encode.crf, options.encode.preset) == (33, "fast")
        assert options.models.parts[-2:] == ("models", "Deforum")
        assert options.memory is None


@pytest.mark.parametrize("networks", [True, False])
def test_only_networks_wait_for_the_model(host, tmp_path, networks):
    with workshop(tmp_path, networks) as place:
        assert host.call_queue.queue_lock.locked() == networks
        assert (place.options.memory is not None) == networks
    assert not host.call_queue.queue_lock.locked()


def test_a_tool_that_fails_gives_everything_back(host, tmp_path):
    video = make_video(tmp_path / "x.mp4", [1, 2])
    values = {field.key: field.default for field in VID2DEPTH.fields}
    values |= {"vid_to_depth_chosen_file": str(video), "depth_network": "none of these"}
    with closing(Workbench()) as bench:
        door = QueueDoor(None, tmp_path / "out", bench=bench, workshop=workshop)
        door.start_tool("Vid2depth", lambda tooling: VID2DEPTH.work(values, tooling), networks=True)
        bench.wait()
        assert "is no depth algorithm" in str(door.tool().error)
    assert not host.call_queue.queue_lock.locked()


@pytest.mark.parametrize("networks", [True, False])
def test_the_web_uis_interrupt_stops_what_uses_its_model(host, tmp_path, networks):
    video = make_video(tmp_path / "x.mp4", [1, 2, 3, 4])
    values = {field.key: field.default for field in VID2DEPTH.fields}
    values |= {"vid_to_depth_chosen_file": str(video), "depth_mode": "None (just grayscale)"}

    def work(tooling):
        def told(done, count):
            host.state.interrupted = done == 2 or host.state.interrupted
            tooling.watch.progress(done, count)

        return VID2DEPTH.work(values, replace(tooling, watch=replace(tooling.watch, progress=told)))

    with closing(Workbench()) as bench:
        door = QueueDoor(None, tmp_path / "out", bench=bench, workshop=workshop)
        door.start_tool("Vid2depth", work, networks=networks)
        bench.wait()
        made = door.tool().made
    assert (made.frames, made.stopped) == ((2, True) if networks else (4, False))
    assert host.state.interrupted == (not networks)  # what was not ours is left to whom it was meant for
