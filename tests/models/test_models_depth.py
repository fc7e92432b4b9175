"""Depth networks: choosing, loading, freeing. What they answer is in the conformance tests."""

import gc
import json
import sys

import numpy as np
import pytest

from deforum_helpers.errors import RunError, SettingsError
from deforum_helpers.imaging.depth_maps import camera_depth
from deforum_helpers.models.depth import open_depth_model
from tiny_networks import transformers_or_skip, write_network

PICTURE = np.random.default_rng(4).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("dpt-hybrid-midas", "dpt-large"):
        write_network(folder, name)
    return folder


def modules_alive():
    gc.collect()
    return sum(1 for thing in gc.get_objects() if type(thing).__name__ == "DPTForDepthEstimation")


class TestOpening:
    def test_another_network_stands_in_and_says_so(self, models_folder):
        write_network(models_folder, "zoedepth-nyu-kitti")
        with open_depth_model("AdaBins", models_folder=models_folder, device="cpu") as estimator:
            assert (estimator.name, estimator.kind) == ("Zoe", "metric")
            assert "AdaBins is replaced by Zoe" in str(estimator.findings[0])
            depth = estimator.predict(PICTURE)
        assert 0 < depth.min() <= depth.max() <= 1000

    def test_the_camera_takes_what_it_says(self, models_folder):
        with open_depth_model("Midas-3-Hybrid", models_folder=models_folder, device="cpu") as estimator:
            depth = estimator.predict(PICTURE)
            distance = camera_depth(depth, estimator.kind, "Midas-3-Hybrid")
        assert distance.ravel()[depth.argmax()] == pytest.approx(1, abs=0.01)
        assert distance.ravel()[depth.argmin()] == pytest.approx(2, abs=0.01)

    def test_a_device_that_is_not_there_is_told(self, models_folder):
        with open_depth_model("Midas-3-Large", models_folder=models_folder, device="cuda:99") as estimator:
            assert "cuda:99" in str(estimator.findings[0])

    def test_two_openings_answer_alike(self, models_folder):
        answers = []
        for _ in range(2):
            with open_depth_model("midas-3-hybrid", models_folder=models_folder, device="cpu") as estimator:
                answers.append(estimator.predict(PICTURE))
        assert np.array_equal(*answers)


class TestMemory:
    @pytest.mark.parametrize("fails", [False, True])
    def test_freed_at_the_end(self, models_folder, fails):
        before = modules_alive()

        def use():
            with open_depth_model("Midas-3-Large", models_folder=models_folder, device="cpu") as estimator:
                estimator.predict(PICTURE)
                assert modules_alive() == before + 1
                if fails:
                    raise KeyError("something else")

        if fails:
            with pytest.raises(KeyError):
                use()
        else:
            use()
        assert modules_alive() == before


class TestFailing:
    def test_a_wrong_name_needs_no_torch(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(SettingsError), open_depth_model("Midas 9", models_folder=tmp_path):
            pass

    @pytest.mark.parametrize("package", ["torch", "transformers"])
    def test_packages_that_are_missing(self, tmp_path, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        with (
            pytest.raises(RunError, match=r"needs the Python package"),
            open_depth_model("Midas-3-Hybrid", models_folder=tmp_path),
        ):
            pass

    def test_damaged_weights(self, models_folder, tmp_path):
        transformers_or_skip()
        folder = tmp_path / "dpt-large"
        folder.mkdir()
        (folder / "config.json").write_bytes((models_folder / "dpt-large" / "config.json").read_bytes())
        (folder / "model.safetensors").write_bytes(b"not a network")
        with (
            pytest.raises(RunError, match="cannot be loaded") as caught,
            open_depth_model("Midas-3-Large", models_folder=tmp_path, device="cpu"),
        ):
            pass
        assert str(folder) in str(caught.value)

    def test_a_folder_without_weights(self, tmp_path):
        transformers_or_skip()
        (tmp_path / "dpt-large").mkdir()
        (tmp_path / "dpt-large" / "config.json").write_text(json.dumps({"model_type": "dpt"}))
        with (
            pytest.raises(RunError, match="cannot be loaded"),
            open_depth_model("Midas-3-Large", models_folder=tmp_path, device="cpu"),
        ):
            pass
