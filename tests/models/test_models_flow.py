"""Choosing a flow method; RAFT's way from and to NumPy."""

import hashlib
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from deforum_helpers.errors import SettingsError
from deforum_helpers.models.flow import RAFT_WEIGHTS, RaftFlow, open_flow_estimator


class Shifts:
    """In place of RAFT's network: answers with how far the brightest pixel moved, everywhere."""

    findings = ()

    def __init__(self):
        self.asked = []

    def __call__(self, source, target, **options):
        self.asked.append((source, target, options))
        peaks = [np.unravel_index(picture[0, 0].argmax(), picture.shape[2:]) for picture in (source, target)]
        dy, dx = np.subtract(peaks[1], peaks[0])
        flow = np.empty((1, 2, *source.shape[2:]), np.float32)
        flow[:, 0], flow[:, 1] = dx, dy
        return flow


def dot(height, width, y, x):
    image = np.full((height, width, 3), 40, np.uint8)
    image[y, x] = 255
    return image


class TestRaft:
    @pytest.mark.parametrize(("height", "width"), [(256, 320), (130, 333), (20, 9)])
    def test_sizes_the_network_takes(self, height, width):
        network = Shifts()
        flow = RaftFlow(network).flow(dot(height, width, 3, 2), dot(height, width, 7, 3))
        assert flow.shape == (height, width, 2)
        assert flow.dtype == np.float32
        assert flow.flags.c_contiguous
        assert (flow == (1, 4)).all()
        (source, target, _), *_ = network.asked
        assert source.shape == target.shape
        assert all(
            side % 8 == 0 and 128 <= side < max(128, limit + 8) + 1
            for side, limit in zip(source.shape[2:], (height, width), strict=True)
        )

    def test_colours_are_from_minus_one_to_one_in_rgb(self):
        network = Shifts()
        image = np.zeros((128, 128, 3), np.uint8)
        image[..., 0] = 255
        RaftFlow(network).flow(image, image)
        source = network.asked[0][0]
        assert source.dtype == np.float32
        assert (source[0, 0] == 1).all()
        assert (source[0, 1:] == -1).all()

    def test_refined_as_often_as_the_original_does(self):
        network = Shifts()
        RaftFlow(network).flow(dot(8, 8, 1, 1), dot(8, 8, 2, 2))
        assert network.asked[0][2] == {"num_flow_updates": 50}

    def test_pictures_of_two_sizes(self):
        with pytest.raises(ValueError, match="between pictures"):
            RaftFlow(Shifts()).flow(dot(8, 8, 1, 1), dot(8, 9, 2, 2))

    def test_the_file_of_its_weights(self):
        assert RAFT_WEIGHTS.name == f"raft_large_C_T_SKHT_V2-{RAFT_WEIGHTS.sha256}.pth"


class TestLoading:
    """The way of RAFT's weights, walked by a network of another kind that is called alike."""

    @pytest.fixture
    def architecture(self, monkeypatch, tmp_path):
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.flow = torch.nn.Parameter(torch.zeros(2))

            def forward(self, source, target, num_flow_updates):
                flow = self.flow[None, :, None, None].expand(1, 2, *source.shape[2:])
                return [flow * (n + 1) / num_flow_updates for n in range(num_flow_updates)]

        torchvision = SimpleNamespace(raft_large=lambda weights, progress: Network())
        monkeypatch.setitem(sys.modules, "torchvision.models.optical_flow", torchvision)
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
        return Network

    def write(self, network, path, monkeypatch):
        import torch

        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(network.state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        monkeypatch.setattr("deforum_helpers.models.flow.RAFT_WEIGHTS", replace(RAFT_WEIGHTS, sha256=digest))

    @pytest.mark.parametrize("folder", ["", "cache/hub/checkpoints"])
    def test_from_the_offline_folder_or_the_cache_of_torch(self, architecture, monkeypatch, tmp_path, folder):
        network = architecture()
        network.flow.data[:] = network.flow.data.new_tensor([1.5, -2.0])
        self.write(network, tmp_path / folder / RAFT_WEIGHTS.name, monkeypatch)
        with open_flow_estimator("RAFT", models_folder=tmp_path, device="cpu") as estimator:
            assert estimator.name == "RAFT"
            assert estimator.findings == ()
            flow = estimator.flow(dot(40, 50, 1, 1), dot(40, 50, 2, 2))
        assert flow.shape == (40, 50, 2)
        assert (flow == (1.5, -2)).all()

    def test_weights_of_something_else(self, architecture, monkeypatch, tmp_path):
        import torch

        self.write(torch.nn.Linear(2, 2), tmp_path / RAFT_WEIGHTS.name, monkeypatch)
        with open_flow_estimator("RAFT", models_folder=tmp_path, device="cpu") as estimator:
            assert estimator.name == "DIS Fine"
            assert "cannot be read" in str(estimator.findings[0])

    @pytest.mark.parametrize("content", [None, b"half a file"])
    def test_weights_that_are_missing_or_damaged(self, architecture, tmp_path, content):
        if content:
            (tmp_path / RAFT_WEIGHTS.name).write_bytes(content)
        with open_flow_estimator("RAFT", models_folder=tmp_path, device="cpu") as estimator:
            assert estimator.name == "DIS Fine"
            assert str(tmp_path / RAFT_WEIGHTS.name) in str(estimator.findings[0])


class TestOpening:
    @pytest.mark.parametrize("name", ["DIS Medium", "DIS Fine", "Farneback"])
    def test_methods_without_a_network(self, tmp_path, name, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        with open_flow_estimator(name, models_folder=tmp_path) as estimator:
            assert estimator.name == name
            assert estimator.findings == ()

    @pytest.mark.parametrize("missing", ["torch", "torchvision.models.optical_flow"])
    def test_without_its_packages_raft_is_replaced(self, tmp_path, monkeypatch, missing):
        if missing != "torch":
            pytest.importorskip("torch", reason="PyTorch is not installed")
        monkeypatch.setitem(sys.modules, missing, None)
        with open_flow_estimator("RAFT", models_folder=tmp_path) as estimator:
            assert estimator.name == "DIS Fine"
            (finding,) = estimator.findings
            assert "RAFT is replaced by DIS Fine" in str(finding)
            assert missing.split(".")[0] in str(finding)

    def test_unknown_methods(self, tmp_path):
        with pytest.raises(SettingsError, match="Farneback"), open_flow_estimator("SIFT", models_folder=tmp_path):
            pass
