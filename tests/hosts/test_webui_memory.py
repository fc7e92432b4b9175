"""The graphics memory: networks find room beside the web UI's model, and nothing of a run stays behind."""

from __future__ import annotations

import gc
import weakref
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.webui.engine import webui_engine
from deforum_helpers.hosts.webui.options import run_options
from deforum_helpers.hosts.webui.runner import WebuiRunner
from deforum_helpers.hosts.webui.vram import KEEP_OPTION, WebuiMemory, memory_given_back
from deforum_helpers.jobs.queue import JobQueue
from deforum_helpers.jobs.status import JobRequest
from deforum_helpers.models.torch_runtime import Placement
from deforum_helpers.ports import DiffusionRequest
from tiny_networks import write_network

GIB = 2.0**30
REQUEST = DiffusionRequest(64, 48, "a lighthouse", steps=2)


@pytest.fixture
def card(forge):
    """Forge's card, with 24 GiB free, for tests to fill."""
    forge.devices.device.type = "cuda"
    return forge.memory.card


@pytest.fixture
def a1111(host, monkeypatch):
    """A1111 with a card of which tests say how much is free, and a model on it."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    card = SimpleNamespace(free=24 * GIB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (card.free - GIB, 24 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2 * GIB)
    host.devices.device.type = "cuda"
    host.sd_models.model_data.sd_model = "the model"
    return SimpleNamespace(host=host, card=card, calls=host.sd_models.calls)


def use(memory, needed=2 * GIB, device="cuda", leave=lambda: None):
    """Use a network; returns whether it stays."""
    with memory.room(device, needed):
        return memory.may_stay(device, leave)


class TestForge:
    def test_nothing_moves_where_there_is_room(self, forge, card):
        assert use(WebuiMemory(forge))
        assert forge.memory.calls == []

    def test_as_much_of_the_model_leaves_as_is_needed(self, forge, card):
        card.free = GIB
        assert not use(WebuiMemory(forge))
        assert forge.memory.calls == [("free_memory", 2 * GIB)]

    def test_all_of_it_after_running_out_of_memory(self, forge, card):
        card.free = GIB
        use(WebuiMemory(forge), float("inf"))
        assert forge.memory.calls == [("free_memory", 1e30)]

    def test_where_it_was_short_once_nobody_stays(self, forge, card):
        memory = WebuiMemory(forge)
        card.free = GIB
        use(memory)
        assert card.free > 3 * GIB
        assert not use(memory)

    def test_little_room_left_is_the_models(self, forge, card):
        card.free = 2.5 * GIB
        assert not use(WebuiMemory(forge))
        assert forge.memory.calls == []

    def test_another_device_is_in_nobodys_way(self, forge, card):
        card.free = 0
        assert use(WebuiMemory(forge), device="mps")
        assert forge.memory.calls == []

    def test_out_of_memory_while_diffusing(self, forge, card):
        left = []
        memory = WebuiMemory(forge)
        assert use(memory, leave=lambda: left.append(1))
        with webui_engine(forge, memory=memory) as engine:
            engine.free_memory()
        assert left == [1]
        assert forge.memory.calls == ["unload_all_models", "soft_empty_cache"]
        assert not use(memory)


class TestA1111:
    def test_nothing_moves_where_there_is_room(self, a1111):
        assert use(WebuiMemory(a1111.host))
        assert a1111.calls == []

    def test_the_model_leaves_and_is_back_before_it_is_needed(self, a1111):
        memory = WebuiMemory(a1111.host)
        a1111.card.free = GIB
        use(memory)
        use(memory)
        assert a1111.calls == [("cpu", "the model")]
        with webui_engine(a1111.host, memory=memory) as engine:
            engine.diffuse(REQUEST)
            assert a1111.calls[1:] == [("device", "the model")]
            engine.diffuse(REQUEST)
        assert len(a1111.calls) == 2

    def test_the_model_is_back_in_the_end_however_that_comes(self, a1111):
        memory = WebuiMemory(a1111.host)
        a1111.card.free = GIB
        with pytest.raises(KeyError), webui_engine(a1111.host, memory=memory):
            use(memory)
            raise KeyError
        assert a1111.calls == [("cpu", "the model"), ("device", "the model")]

    def test_a_model_that_was_exchanged_does_not_come_back(self, a1111):
        memory = WebuiMemory(a1111.host)
        a1111.card.free = GIB
        use(memory)
        a1111.host.sd_models.model_data.sd_model = "another"
        memory.close()
        assert a1111.calls == [("cpu", "the model")]

    @pytest.mark.parametrize("flag", ["lowvram", "medvram", "medvram_sdxl"])
    def test_networks_leave_where_memory_is_to_be_spared(self, a1111, flag):
        setattr(a1111.host.shared.cmd_opts, flag, True)
        assert not use(WebuiMemory(a1111.host))
        with webui_engine(a1111.host) as engine:
            engine.free_memory()
        assert a1111.host.lowvram.calls == ["send_everything_to_cpu"]

    def test_the_model_stays_where_there_are_no_such_flags(self, a1111):
        with webui_engine(a1111.host) as engine:
            engine.free_memory()
        assert (a1111.host.lowvram.calls, a1111.host.devices.calls) == ([], ["torch_gc"])


@pytest.mark.parametrize(("keep", "stays"), [(True, True), (False, False)])
def test_the_option_decides_whether_networks_stay(forge, card, keep, stays):
    card.free = GIB
    forge.opts.data[KEEP_OPTION] = keep
    assert use(WebuiMemory(forge)) is stays


def test_others_make_room_first(forge, card):
    """A network that stays goes before the model does."""
    memory = WebuiMemory(forge)

    def leave():
        card.free = 10 * GIB

    assert use(memory, leave=leave)
    card.free = GIB
    use(memory)
    assert forge.memory.calls == []


def test_the_model_is_not_taken_away_from_a_diffusion(forge, card):
    """A network that needs its place waits until the picture is done."""
    order, started = [], Event()
    memory = WebuiMemory(forge)
    card.free = 0

    def predict():
        started.set()
        with memory.room("cuda", GIB):
            order.append("network")

    with memory.diffusing():
        thread = Thread(target=predict)
        thread.start()
        started.wait()
        order.append("picture")
        assert forge.memory.calls == []
    thread.join()
    assert order == ["picture", "network"]


class TestAfterARun:
    def test_what_an_error_came_through_is_let_go(self, host):
        class Tensor:
            pass

        seen = []

        def fail():
            tensor = Tensor()
            seen.append(weakref.ref(tensor))
            raise EngineError("out of memory")

        with pytest.raises(EngineError) as caught, memory_given_back(host):
            fail()
        gc.collect()
        assert caught.tb is not None
        assert seen[0]() is None
        assert host.devices.calls == ["torch_gc"]


SETTINGS = {
    "W": 96, "H": 64, "max_frames": 4, "diffusion_cadence": 2, "animation_mode": "3D", "translation_x": "0:(20)",
    "depth_algorithm": "Midas-3-Hybrid", "batch_name": "job", "add_soundtrack": "None", "steps": 2,
    "neocore_key_index_distribution": "Uniform Spacing", "seed": 3,
    "prompts": {"0": "a lighthouse"}, "skip_video_creation": True,
}  # fmt: skip


class TestRuns:
    """3D runs through the web UI, with a depth network of which "cpu:0" plays the card."""

    @pytest.fixture
    def run(self, forge, tmp_path, monkeypatch):
        monkeypatch.setattr(
            "deforum_helpers.models.depth.placements", lambda *_, **__: ((Placement("cpu:0"), Placement("cpu")), ())
        )
        monkeypatch.setattr(forge_paths(), "models_path", str(tmp_path / "models"), raising=False)
        write_network(tmp_path / "models" / "Deforum", "dpt-hybrid-midas")
        queue = JobQueue(tmp_path / "jobs.sqlite3", WebuiRunner(tmp_path / "out"))

        def run_one(**options):
            (job,) = queue.submit([JobRequest(SETTINGS, options, base_dir=tmp_path)]).job_ids
            *_, last = queue.events(job)
            return last

        yield run_one
        queue.close()

    def frames(self, status, folder):
        return [path.read_bytes() for path in sorted(folder.glob(f"{status.timestring}_00*.png"))]

    def test_with_room_and_without_give_the_same_frames(self, forge, run, tmp_path):
        before = run()
        assert before.status == "SUCCEEDED"
        assert [call for call in forge.memory.calls if call != "soft_empty_cache"] == []
        roomy = self.frames(before, tmp_path / "out" / "job")
        forge.memory.card.free = 0
        forge.memory.card.taken_by_model = 0
        short = run()
        assert short.status == "SUCCEEDED"
        assert sum(call[0] == "free_memory" for call in forge.memory.calls) >= 2
        assert self.frames(short, tmp_path / "out" / "job") == roomy
        assert len(roomy) == 4

    def test_a_failed_run_leaves_nothing(self, forge, run):
        def fail():
            raise RuntimeError("a broken sampler")

        forge.processing.meanwhile.append(fail)
        assert run().status == "FAILED"
        assert forge.memory.calls[-1] == "soft_empty_cache"
        assert forge.devices.calls[-1] == "torch_gc"


def forge_paths():
    from deforum_helpers.hosts.webui.host import part

    return part("paths")


def test_networks_leave_the_card_alone_where_the_web_ui_does(host, tmp_path):
    assert run_options(host, tmp_path).device == "cpu"
    host.devices.device.type = "cuda"
    assert run_options(host, tmp_path).device == "auto"


def test_pictures_are_the_same_whoever_shares(forge, card):
    with webui_engine(forge) as engine:
        alone = engine.diffuse(REQUEST).image
    card.free = 0
    memory = WebuiMemory(forge)
    with webui_engine(forge, memory=memory) as engine:
        use(memory)
        assert np.array_equal(engine.diffuse(REQUEST).image, alone)
