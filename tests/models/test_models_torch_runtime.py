"""A network comes down its ladder of placements, and is gone afterwards."""

import gc
import sys
import weakref
from contextlib import contextmanager

import numpy as np
import pytest

from deforum_helpers.errors import RunError
from deforum_helpers.models.torch_runtime import Network, Placement, import_optional, opened, placements

CPU = Placement("cpu")
ONES = np.ones((1, 3), np.float32)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def linear(torch, scale=1.0, trouble=None):
    """A module that answers ``scale`` times the sum, after ``trouble`` had its say."""

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((3, 1), scale))

        def forward(self, x, add=0.0):
            if trouble:
                trouble(self.weight)
            return {"answer": x @ self.weight + add}

    return Module()


def network(torch, module, *ladder):
    return Network("The network", module, ladder or (CPU,), lambda output: output["answer"])


class TestPlacements:
    def test_the_cpu_is_always_last_and_alone_without_a_gpu(self, torch):
        ladder, findings = placements("auto")
        assert ladder[-1] == CPU
        assert findings == ()
        assert placements("cpu") == ((CPU,), ())

    @pytest.mark.parametrize("device", ["cuda:99", "cuda:x", "toaster"])
    def test_devices_that_are_not_there(self, torch, device):
        ladder, findings = placements(device)
        assert ladder == (CPU,)
        assert device in str(findings[0])

    def test_with_cuda(self, torch, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert placements("cuda:1")[0] == (Placement("cuda:1", half=True), Placement("cuda:1"), CPU)
        assert placements("auto", half=False)[0] == (Placement("cuda"), CPU)

    def test_with_mps(self, torch, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        assert placements("auto")[0] == (Placement("mps"), CPU)


class TestLadder:
    def test_arrays_in_arrays_out(self, torch):
        answer = network(torch, linear(torch))(ONES, add=np.full((1, 1), 4, np.float32))
        assert answer.dtype == np.float32
        assert answer.tolist() == [[7.0]]

    def test_half_precision_is_used(self, torch):
        net = network(torch, linear(torch, 1 / 3), Placement("cpu", half=True))
        assert net(np.array([[1, 0, 0]], np.float32))[0, 0] == np.float16(1 / 3) != np.float32(1 / 3)

    def test_too_large_for_half_precision(self, torch):
        net = network(torch, linear(torch, 30000.0), Placement("cpu", half=True), CPU)
        assert net(ONES).tolist() == [[90000.0]]
        assert net(ONES).tolist() == [[90000.0]]
        assert net.placement == CPU
        assert len(net.findings) == 1
        assert "not finite" in str(net.findings[0])

    def test_out_of_memory_changes_the_device(self, torch):
        def trouble(weight):
            asked.append(weight.dtype)
            if len(asked) == 1:
                raise torch.OutOfMemoryError("out of memory\nlong story")

        asked = []
        # "cpu:0" plays the GPU: to PyTorch the same place under another name.
        net = network(torch, linear(torch, trouble=trouble), Placement("cpu:0", half=True), Placement("cpu:0"), CPU)
        assert net(ONES).tolist() == [[3.0]]
        assert net.placement == CPU
        assert asked == [torch.float16, torch.float32]
        assert [finding.severity for finding in net.findings] == ["warning"]
        assert "out of memory" in str(net.findings[0])
        assert "\n" not in str(net.findings[0])

    def test_an_operation_the_gpu_lacks(self, torch):
        def trouble(weight):
            asked.append(1)
            if len(asked) == 1:
                raise NotImplementedError("not implemented for 'MPS'")

        asked = []
        net = network(torch, linear(torch, trouble=trouble), Placement("cpu:0"), CPU)
        assert net(ONES).tolist() == [[3.0]]

    def test_the_last_rung_fails(self, torch):
        def trouble(weight):
            raise RuntimeError("no way")

        with pytest.raises(RunError, match=r"The network failed on cpu.*no way"):
            network(torch, linear(torch, trouble=trouble), Placement("cpu:0"), CPU)(ONES)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_never_finite(self, torch, bad):
        with pytest.raises(RunError, match="not finite"):
            network(torch, linear(torch, bad), Placement("cpu", half=True), CPU)(ONES)


class TestMemory:
    def test_freed_at_the_end(self, torch):
        module = linear(torch)
        gone, weights = weakref.ref(module), weakref.ref(module.weight)
        with opened(network(torch, module)) as net:
            del module
            net(ONES)
        gc.collect()
        assert gone() is None
        assert weights() is None

    def test_freed_after_an_error_even_while_it_is_held(self, torch):
        def trouble(weight):
            seen.append(weakref.ref(weight))
            raise RuntimeError("no way")

        seen = []
        with pytest.raises(RunError) as caught, opened(network(torch, linear(torch, trouble=trouble))) as net:
            net(ONES)
        assert caught.tb is not None
        # The frames of the traceback hold it.
        assert seen[0]().numel() == 0

    def test_closing_twice(self, torch):
        net = network(torch, linear(torch))
        net.close()
        net.close()


CARD = Placement("cpu:0")
"""Plays the graphics card: to PyTorch the same place under another name."""


class Memory:
    """Shared memory that writes down what is asked of it."""

    def __init__(self, *, stay=False):
        self.asked = []
        self.leave = None
        self._stay = stay

    @contextmanager
    def room(self, device, needed):
        self.asked.append((device, needed))
        yield

    def may_stay(self, device, leave):
        self.leave = leave
        return self._stay


def moving(torch, trouble=None):
    """A module that writes down where it is moved to, and its moves."""
    module, moves = linear(torch, trouble=trouble), []
    original = module.to

    def to(*args, **named):
        moves.append(str(named.get("device", args[0] if args else "")))
        return original(*args, **named)

    module.to = to
    return module, moves


def shared(module, memory, *ladder):
    return Network("The network", module, ladder or (CARD, CPU), lambda output: output["answer"], memory)


class TestSharedMemory:
    def test_room_is_asked_for_and_left(self, torch):
        memory = Memory()
        module, moves = moving(torch)
        net = shared(module, memory)
        assert net(ONES).tolist() == [[3.0]]
        assert net(ONES).tolist() == [[3.0]]
        assert moves == ["cpu:0", "cpu", "cpu:0", "cpu"]
        assert [device for device, _ in memory.asked] == ["cpu:0", "cpu:0"]
        assert memory.asked[0][1] == memory.asked[1][1] > 2**29

    def test_one_that_stays_takes_its_weights_once(self, torch):
        memory = Memory(stay=True)
        module, moves = moving(torch)
        net = shared(module, memory)
        net(ONES)
        net(ONES)
        assert moves == ["cpu:0"]
        assert memory.asked[0][1] - memory.asked[1][1] == 3 * 4
        memory.leave()
        assert moves == ["cpu:0", "cpu"]
        assert net(ONES).tolist() == [[3.0]]

    def test_one_in_use_does_not_leave(self, torch):
        memory = Memory(stay=True)
        module, moves = moving(torch, trouble=lambda weight: memory.leave and memory.leave())
        net = shared(module, memory)
        net(ONES)
        assert net(ONES).tolist() == [[3.0]]
        assert moves == ["cpu:0"]

    def test_out_of_memory_asks_for_everything_first(self, torch):
        def trouble(weight):
            failures.append(1)
            if len(failures) == 1:
                raise torch.OutOfMemoryError("out of memory")

        failures, memory = [], Memory()
        net = shared(linear(torch, trouble=trouble), memory)
        assert net(ONES).tolist() == [[3.0]]
        assert memory.asked[1] == ("cpu:0", float("inf"))
        assert net.placement == CARD
        assert net.findings == ()

    def test_the_cpu_is_nobodys(self, torch):
        memory = Memory()
        assert shared(linear(torch), memory, CPU)(ONES).tolist() == [[3.0]]
        assert memory.asked == []


class TestImporting:
    def test_missing_packages_say_how_to_get_them(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(RunError, match=r"A depth network needs .*'torch'.*requirements-models\.txt"):
            import_optional("torch", "A depth network")

    @pytest.mark.parametrize("error", ["ImportError", "OSError", "RuntimeError"])
    def test_packages_that_are_there_and_do_not_fit(self, tmp_path, monkeypatch, error):
        (tmp_path / "misfit.py").write_text(f"raise {error}('operator nms does not exist')")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(RunError, match=r"Upscaling needs .*'misfit'.*operator nms does not exist\. Get another\."):
            import_optional("misfit", "Upscaling", "Get another.")
