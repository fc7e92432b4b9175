"""Where weights are looked for, in which order, and what is said when they are nowhere."""

from __future__ import annotations

import pytest

from deforum_helpers.errors import RunError
from deforum_helpers.models.weights import load_pretrained, offline_folder
from tiny_networks import transformers_or_skip, write_network

REPO = "nobody/no-such-network"


class Loader:
    """Like a class of transformers: knows the places in ``there``, and remembers where it was sent."""

    def __init__(self, *there):
        self.there = there
        self.asked = []

    def from_pretrained(self, place, *, local_files_only):
        self.asked.append((place, local_files_only))
        if (place, local_files_only) not in self.there:
            raise OSError("not found\nlong story")
        return f"network from {place}"


@pytest.fixture(autouse=True)
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def load(loader, folder, *, allow_download=False):
    return load_pretrained(loader, REPO, models_folder=folder, allow_download=allow_download)


class TestOrder:
    def test_the_offline_folder_decides(self, tmp_path):
        folder = offline_folder(REPO, tmp_path)
        folder.mkdir()
        loader = Loader((str(folder), True), (REPO, True))
        assert load(loader, tmp_path, allow_download=True) == f"network from {folder}"
        assert loader.asked == [(str(folder), True)]

    @pytest.mark.parametrize("allow_download", [False, True])
    def test_the_cache_comes_before_the_web(self, tmp_path, allow_download):
        loader = Loader((REPO, True), (REPO, False))
        load(loader, tmp_path, allow_download=allow_download)
        assert loader.asked == [(REPO, True)]

    def test_the_web_if_it_may_be_asked(self, tmp_path):
        loader = Loader((REPO, False))
        load(loader, tmp_path, allow_download=True)
        assert loader.asked == [(REPO, True), (REPO, False)]
        with pytest.raises(RunError):
            load(loader, tmp_path)


class TestFailing:
    @pytest.mark.parametrize(
        ("allow_download", "words"), [(False, "not on this machine"), (True, "cannot be downloaded")]
    )
    def test_nowhere(self, tmp_path, allow_download, words):
        with pytest.raises(RunError, match=words) as caught:
            load(Loader(), tmp_path, allow_download=allow_download)
        assert f"https://huggingface.co/{REPO}/tree/main" in str(caught.value)
        assert str(tmp_path / "no-such-network") in str(caught.value)

    def test_there_but_unusable(self, tmp_path):
        with pytest.raises(RunError, match="cannot be loaded: not found") as caught:
            offline_folder(REPO, tmp_path).mkdir()
            load(Loader(), tmp_path)
        assert "long story" not in str(caught.value)

    def test_the_real_cache_does_not_hold_it(self, tmp_path):
        transformers = transformers_or_skip("DPTForDepthEstimation")
        with pytest.raises(RunError, match="not on this machine"):
            load(transformers.DPTForDepthEstimation, tmp_path)


def test_loading_leaves_the_random_numbers_alone(torch, tmp_path):
    """Only weights that are missing in the file are drawn, so one is taken out."""
    transformers = transformers_or_skip("DPTForDepthEstimation")
    from safetensors.torch import load_file, save_file

    write_network(tmp_path, "dpt-large")
    path = tmp_path / "dpt-large" / "model.safetensors"
    weights = load_file(path)
    del weights["head.head.0.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_pretrained(transformers.DPTForDepthEstimation, "Intel/dpt-large", models_folder=tmp_path, allow_download=False)
    assert torch.equal(torch.rand(3), expected)
