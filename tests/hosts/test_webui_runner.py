"""Jobs of the queue through the web UI: alone with its model, with its options, stopped by its button."""

from __future__ import annotations

from threading import Event

import pytest
from PIL import Image as Pillow

from deforum_helpers.hosts.webui.infotext import parse_infotext
from deforum_helpers.hosts.webui.runner import WebuiRunner, overridden
from deforum_helpers.jobs.queue import JobQueue
from deforum_helpers.jobs.status import JobRequest

SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": 4,
    "animation_mode": "2D",
    "diffusion_cadence": 2,
    "neocore_key_index_distribution": "Uniform Spacing",
    "fps": 12,
    "batch_name": "job",
    "prompts": {"0": "a lighthouse"},
    "add_soundtrack": "None",
    "steps": 3,
}


@pytest.fixture
def follow(host, tmp_path):
    """Submits a job and returns its states, until it is over."""
    queue = JobQueue(tmp_path / "jobs.sqlite3", WebuiRunner(tmp_path / "out"))

    def follow_one(**options):
        (job,) = queue.submit([JobRequest(SETTINGS, options, base_dir=tmp_path)]).job_ids
        return queue.events(job)

    yield follow_one
    queue.close()


@pytest.fixture
def run(follow):
    """Runs a job to its end and returns its status."""

    def run_one(**options):
        *_, last = follow(**options)
        return last

    return run_one


def test_renders_with_the_options_of_the_job(host, run, tmp_path):
    before = dict(host.opts.data)
    status = run(sd_model_checkpoint="second", eta_ddim=0.3, deforum_save_gen_info_as_srt=True)
    assert (status.status, status.message) == ("SUCCEEDED", None)
    assert len(list((tmp_path / "out" / "job").glob("*_00*.png"))) == 4
    assert len(list((tmp_path / "out" / "job").glob("*.srt"))) == 1
    assert {options["eta_ddim"] for _, options in host.processing.asked} == {0.3}
    assert {options["sd_model_checkpoint"] for _, options in host.processing.asked} == {
        "second.safetensors [2222222222]"
    }
    assert host.opts.data == before
    assert not host.call_queue.queue_lock.locked()


@pytest.mark.parametrize(("wanted", "overridden"), [(True, None), (False, None), (True, False)])
def test_frames_say_what_they_were_made_with_where_the_web_uis_pictures_do(host, run, tmp_path, wanted, overridden):
    host.opts.data["enable_pnginfo"] = wanted
    run(**({} if overridden is None else {"enable_pnginfo": overridden}))
    texts = []
    for path in sorted((tmp_path / "out" / "job").glob("*_00*.png")):
        with Pillow.open(path) as picture:
            texts.append(picture.info.get("parameters"))
    if not wanted or overridden is False:
        assert texts == [None] * 4
        return
    key, tween = (parse_infotext(text) for text in texts[:2])
    assert texts[0].startswith("a lighthouse\nNegative prompt: nsfw, nude\nSteps: 3, Sampler: ")
    assert (key["Deforum frame"], tween["Deforum frame"], tween["Deforum key frame"]) == (0, 1, 0)
    assert key["Model"] == 'a, "b"'
    assert {name: value for name, value in key.items() if name != "Deforum frame"} == {
        name: value for name, value in tween.items() if name != "Deforum frame"
    }


def test_waits_for_the_model(host, follow):
    with host.call_queue.queue_lock:
        states = follow()
        while next(states).phase != "PREPARING":
            pass
        assert host.processing.asked == []
    *_, last = states
    assert last.status == "SUCCEEDED"
    assert host.processing.asked != []


def test_waits_until_the_web_ui_has_started(host, tmp_path):
    started = Event()
    queue = JobQueue(tmp_path / "jobs.sqlite3", WebuiRunner(tmp_path / "out", ready=started.wait))
    (job,) = queue.submit([JobRequest(SETTINGS, {}, base_dir=tmp_path)]).job_ids
    states = queue.events(job)
    while next(states).phase != "PREPARING":
        pass
    assert host.processing.asked == []
    started.set()
    *_, last = states
    queue.close()
    assert last.status == "SUCCEEDED"


def test_interrupt_stops_it_so_that_it_can_go_on(host, run):
    host.processing.meanwhile.extend([lambda: None, lambda: setattr(host.state, "interrupted", True)])
    status = run()
    assert status.status == "CANCELLED"
    assert status.resumable
    assert "Stopped after" in status.message
    assert not host.state.interrupted
    assert run().status == "SUCCEEDED"


def test_a_motion_preview_diffuses_nothing(host, tmp_path):
    queue = JobQueue(tmp_path / "jobs.sqlite3", WebuiRunner(tmp_path / "out"))
    (job,) = queue.submit([JobRequest({**SETTINGS, "motion_preview_mode": True}, {}, base_dir=tmp_path)]).job_ids
    *_, last = queue.events(job)
    queue.close()
    assert last.status == "SUCCEEDED"
    assert len(list((tmp_path / "out" / "job").glob("*_00*.png"))) == 4
    assert host.processing.asked == []


def test_an_unknown_checkpoint_is_told(run):
    status = run(sd_model_checkpoint="sekond")
    assert status.status == "FAILED"
    assert "Did you mean second.safetensors" in status.message


def test_progress_is_on_both_bars(host, run):
    seen = []
    host.processing.meanwhile.extend([lambda: None, lambda: seen.append((host.state.job_count, host.state.job))])
    assert run().frames == 4
    assert seen[0][0] == 4
    assert seen[0][1].endswith("/4")


def test_forge_loads_what_a_job_overrides(forge):
    with overridden(forge, {"sd_model_checkpoint": "second", "eta_ddim": 0.5}):
        assert forge.opts.eta_ddim == 0.5
        assert forge.loader.calls == [("checkpoint", "second.safetensors [2222222222]", False)]
    assert forge.opts.eta_ddim == 0.0
    assert forge.loader.calls[-1] == ("checkpoint", "first.safetensors [1111111111]", False)
