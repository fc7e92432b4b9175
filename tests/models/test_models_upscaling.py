"""Networks that enlarge: loading through spandrel, factors, tiles, and what is said when one cannot be had."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from deforum_helpers.errors import RunError, SettingsError
from deforum_helpers.models import upscaling
from deforum_helpers.models.upscaling import UPSCALING_MODELS, check_upscaling, open_upscaler, upscaling_model
from deforum_helpers.models.weights import Opening
from deforum_helpers.settings.schema import SETTINGS
from moving_pictures import landscape
from tiny_networks import write_upscaler

VIDEO = "realesr-animevideov3"
FILE = upscaling_model(VIDEO).weights.name


def opening(tmp_path, **options):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    folder = tmp_path / "models" / "Deforum"
    folder.mkdir(parents=True)
    write_upscaler(folder / FILE, **options)
    return Opening(folder, "cpu")


def test_the_networks_are_those_of_the_settings():
    assert [model.name for model in UPSCALING_MODELS] == list(SETTINGS["r_upscale_model"].choices)
    assert upscaling_model(VIDEO).factors == tuple(SETTINGS["r_upscale_factor"].choices)


class TestEnlarging:
    @pytest.mark.parametrize(("factor", "times"), [("x2", 2), ("x3", 3), ("x4", 4)])
    @pytest.mark.parametrize(("height", "width"), [(40, 60), (37, 53)])
    def test_a_network_that_repeats_pixels(self, tmp_path, factor, times, height, width):
        image = landscape(height, width)
        with open_upscaler(VIDEO, factor, opening(tmp_path, random=False)) as network:
            enlarged = network.enlarge(image)
        assert (enlarged.shape, enlarged.dtype) == ((height * times, width * times, 3), np.uint8)
        back = cv2.resize(enlarged, (width, height), interpolation=cv2.INTER_AREA)
        assert np.abs(back.astype(int) - image).max() <= 1
        if times != 3:
            assert np.array_equal(enlarged, image.repeat(times, axis=0).repeat(times, axis=1))

    def test_the_networks_own_factor_may_be_smaller(self, tmp_path):
        with open_upscaler(VIDEO, "x4", opening(tmp_path, factor=2, random=False)) as network:
            assert network.enlarge(landscape(20, 30)).shape == (80, 120, 3)

    @pytest.mark.parametrize(("height", "width"), [(90, 230), (64, 65), (150, 64)])
    def test_no_seam_shows_where_tiles_meet(self, tmp_path, monkeypatch, height, width):
        image, to = landscape(height, width), opening(tmp_path)
        sizes = []
        with open_upscaler(VIDEO, "x2", to) as network:
            whole = network.enlarge(image)
            monkeypatch.setattr(upscaling, "_TILE", 64)
            inner = network._network
            network._network = lambda pixels: sizes.append(pixels.shape[2:]) or inner(pixels)
            tiled = network.enlarge(image)
        assert whole.std() > 20
        assert np.abs(tiled.astype(int) - whole).max() <= 1
        assert len(sizes) > 1
        assert max(max(size) for size in sizes) == 64

    def test_pictures_are_left_alone(self, tmp_path):
        image = landscape(20, 30)
        before = image.copy()
        with open_upscaler(VIDEO, "x2", opening(tmp_path)) as network:
            first, second = network.enlarge(image), network.enlarge(image)
        assert np.array_equal(image, before)
        assert np.array_equal(first, second)

    def test_something_that_is_no_picture(self, tmp_path):
        with open_upscaler(VIDEO, "x2", opening(tmp_path)) as network, pytest.raises(ValueError, match="an image is"):
            network.enlarge(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("side", [1, 64, 65, 100, 1000, 1079, 4096])
def test_the_shares_of_all_tiles_add_up(monkeypatch, side):
    monkeypatch.setattr(upscaling, "_TILE", 64)
    total = np.zeros(side)
    for share in upscaling._shares(side):
        assert share.end - share.begin <= 64
        total[share.part] += share.weights
    assert total == pytest.approx(1, abs=1e-5)


class TestWeights:
    @pytest.mark.parametrize("folder", ["RealESRGAN", "ESRGAN"])
    def test_those_of_the_web_ui_are_found(self, tmp_path, folder):
        to = opening(tmp_path)
        (to.models_folder / FILE).rename(_made(tmp_path / "models" / folder) / FILE)
        check_upscaling(VIDEO, "x2", to.models_folder)
        with open_upscaler(VIDEO, "x2", to) as network:
            assert network.enlarge(landscape(8, 8)).shape == (16, 16, 3)

    def test_missing(self, tmp_path):
        to = opening(tmp_path)
        (to.models_folder / FILE).unlink()
        check_upscaling(VIDEO, "x2")
        with pytest.raises(RunError, match=r"is missing\. Allow downloads, or get https://github\.com/xinntao"):
            check_upscaling(VIDEO, "x2", to.models_folder)
        with pytest.raises(RunError, match="is missing"), open_upscaler(VIDEO, "x2", to):
            pass

    @pytest.mark.parametrize("held", [b"not a network", {"params": {"conv.weight": 1}}])
    def test_files_that_are_something_else(self, tmp_path, held):
        to = opening(tmp_path)
        import torch

        path = to.models_folder / FILE
        path.write_bytes(held) if isinstance(held, bytes) else torch.save(held, path)
        with pytest.raises(RunError, match="cannot be read") as caught, open_upscaler(VIDEO, "x2", to):
            pass
        assert str(path) in str(caught.value)

    def test_memory_is_freed(self, tmp_path):
        with open_upscaler(VIDEO, "x2", opening(tmp_path)) as network:
            inner = network._network
            network.enlarge(landscape(8, 8))
        assert inner._module is None


class TestWrong:
    def test_an_unknown_network(self):
        with pytest.raises(SettingsError, match=r"waifu.*realesr-animevideov3"):
            check_upscaling("waifu", "x2")

    def test_a_factor_the_network_does_not_do(self):
        with pytest.raises(SettingsError, match="only enlarges x4, not x2"):
            check_upscaling("realesrgan-x4plus", "x2")

    @pytest.mark.parametrize("package", ["torch", "spandrel"])
    def test_packages_that_are_missing(self, tmp_path, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(RunError, match=rf"needs the Python package.*'{package}'.*requirements-upscaling\.txt"):
            check_upscaling(VIDEO, "x2")
        with pytest.raises(RunError, match="needs the Python package"), open_upscaler(VIDEO, "x2", Opening(tmp_path)):
            pass


def _made(folder):
    folder.mkdir(parents=True)
    return folder
