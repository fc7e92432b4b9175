"""Engines that make pictures between pictures: loading, times, cuts, sizes, and what is said when one cannot be had."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from deforum_helpers.errors import RunError, SettingsError
from deforum_helpers.models.interpolation import (
    ENGINES,
    FILM_WEIGHTS,
    RIFE_WEIGHTS,
    check_interpolation,
    interpolation_engine,
    open_interpolator,
)
from deforum_helpers.models.rife import WIDTHS, ifnet
from deforum_helpers.models.weights import Opening
from moving_pictures import landscape, psnr, view
from tiny_networks import write_film, write_rife

LAND = landscape(300, 500)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_rife(folder / RIFE_WEIGHTS.name)
    write_film(folder / "film_interpolation" / FILM_WEIGHTS.name)
    return Opening(folder, "cpu")


def pictures(name, models, first, second, count):
    with open_interpolator(name, models) as engine:
        return list(engine.between(first, second, count))


@pytest.mark.parametrize("name", [engine.name for engine in ENGINES])
class TestEveryEngine:
    @pytest.mark.parametrize(("height", "width"), [(64, 96), (63, 97), (7, 5)])
    def test_pictures_are_of_the_size_of_the_others(self, models, name, height, width):
        first, second = (landscape(height, width, seed) for seed in (1, 1))
        made = pictures(name, models, first, np.roll(second, 1, axis=1), 3)
        assert len(made) == 3
        for image in made:
            assert (image.shape, image.dtype) == ((height, width, 3), np.uint8)
            assert image.flags.c_contiguous

    def test_nothing_is_made_for_nothing(self, models, name):
        assert pictures(name, models, view(LAND, 0), view(LAND, 4), 0) == []

    def test_the_same_pictures_give_the_same(self, models, name):
        pair = view(LAND, 0, width=96, height=64), view(LAND, 6, width=96, height=64)
        assert np.array_equal(pictures(name, models, *pair, 2), pictures(name, models, *pair, 2))

    def test_pictures_are_left_alone(self, models, name):
        pair = view(LAND, 0, width=96, height=64), view(LAND, 6, width=96, height=64)
        before = [image.copy() for image in pair]
        pictures(name, models, *pair, 1)
        assert np.array_equal(pair, before)

    def test_pictures_of_two_sizes(self, models, name):
        with pytest.raises(ValueError, match="nothing between"):
            pictures(name, models, view(LAND, 0, width=96), view(LAND, 0, width=64), 1)


class TestOpticalFlow:
    @pytest.mark.parametrize("distance", [4, 12, 24])
    def test_a_pan_lands_between_its_neighbours(self, models, distance):
        first, second = view(LAND, 0), view(LAND, distance, distance / 3)
        for index, image in enumerate(pictures("Optical Flow", models, first, second, 3), start=1):
            share = index / 4
            truth = view(LAND, distance * share, distance * share / 3)
            blend = cv2.addWeighted(first, 1 - share, second, share, 0)
            assert psnr(image, truth) > 40
            assert psnr(image, truth) > psnr(blend, truth) + 5

    def test_what_is_uncovered_comes_from_the_picture_that_shows_it(self, models):
        def scene(x):
            image = view(LAND, 0)
            image[60:140, x : x + 80] = 255 - view(LAND, 100)[60:140, 40:120]
            return image

        first, second = scene(60), scene(80)
        (made,) = pictures("Optical Flow", models, first, second, 1)
        assert psnr(made, scene(70)) > psnr(cv2.addWeighted(first, 0.5, second, 0.5, 0), scene(70)) + 3

    def test_no_package_and_no_file_is_needed(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        check_interpolation("Optical Flow", tmp_path)
        assert len(pictures("optical flow", Opening(tmp_path), view(LAND, 0), view(LAND, 4), 2)) == 2


class TestRife:
    def test_names_and_shapes_of_its_weights_are_those_published(self):
        torch = pytest.importorskip("torch")
        held = {name: tuple(values.shape) for name, values in ifnet(torch).state_dict().items()}
        expected = {}
        for block, (seen, width) in enumerate(zip((7, 12, 12, 12), WIDTHS, strict=True)):
            expected[f"block{block}.conv0.0.0.weight"] = (width // 2, seen, 3, 3)
            expected[f"block{block}.conv0.0.0.bias"] = (width // 2,)
            expected[f"block{block}.conv0.1.0.weight"] = (width, width // 2, 3, 3)
            expected[f"block{block}.conv0.1.0.bias"] = (width,)
            for layer in range(8):
                expected[f"block{block}.convblock.{layer}.conv.weight"] = (width, width, 3, 3)
                expected[f"block{block}.convblock.{layer}.conv.bias"] = (width,)
                expected[f"block{block}.convblock.{layer}.beta"] = (1, width, 1, 1)
            expected[f"block{block}.lastconv.0.weight"] = (width, 24, 4, 4)
            expected[f"block{block}.lastconv.0.bias"] = (24,)
        assert held == expected

    def test_pictures_are_seen_through_the_flow_it_finds(self, tmp_path):
        write_rife(tmp_path / RIFE_WEIGHTS.name, shift=(5.0, -3.0))
        first, second = view(LAND, 0), view(LAND, 10, -6)
        (made,) = pictures("RIFE v4.6", Opening(tmp_path, "cpu"), first, second, 1)
        inside = np.s_[12:-12, 12:-12]
        assert psnr(made[inside], view(LAND, 5, -3)[inside]) > 40

    def test_moments_differ(self, models):
        early, middle, late = pictures("RIFE v4.6", models, view(LAND, 0), view(LAND, 9), 3)
        assert not np.array_equal(early, middle)
        assert not np.array_equal(middle, late)

    def test_very_large_pictures_are_looked_at_from_farther(self, models):
        asked = []
        with open_interpolator("RIFE v4.6", models) as engine:
            engine._network = lambda *pair, **options: asked.append((pair[0].shape, options)) or pair[0]
            list(engine.between(np.zeros((2048, 2050, 3), np.uint8), np.zeros((2048, 2050, 3), np.uint8), 1))
            list(engine.between(np.zeros((2047, 2050, 3), np.uint8), np.zeros((2047, 2050, 3), np.uint8), 1))
        assert asked == [
            ((1, 3, 2048, 2112), {"time": 0.5, "scale": 0.5}),
            ((1, 3, 2048, 2080), {"time": 0.5, "scale": 1.0}),
        ]

    @pytest.mark.parametrize(
        ("held", "said"),
        [
            (b"not a network", "cannot be read"),
            ({"module.block0.convblock.0.beta": "x"}, "cannot be read"),
            ({"conv.weight": 1}, "does not hold the weights of RIFE 4.6"),
        ],
    )
    def test_files_that_are_something_else(self, tmp_path, held, said):
        torch = pytest.importorskip("torch")
        path = tmp_path / RIFE_WEIGHTS.name
        path.write_bytes(held) if isinstance(held, bytes) else torch.save(held, path)
        with pytest.raises(RunError, match=said) as caught, open_interpolator("RIFE v4.6", Opening(tmp_path, "cpu")):
            pass
        assert str(path) in str(caught.value)

    def test_a_file_that_would_run_code_is_refused(self, tmp_path):
        torch = pytest.importorskip("torch")

        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "ran"), "w"))

        torch.save({"module.x": Evil()}, tmp_path / RIFE_WEIGHTS.name)
        with pytest.raises(RunError, match="cannot be read"), open_interpolator("RIFE v4.6", Opening(tmp_path, "cpu")):
            pass
        assert not (tmp_path / "ran").exists()


class TestFilm:
    @pytest.mark.parametrize("count", [1, 2, 3, 6])
    def test_moments_are_evenly_spaced(self, models, count):
        first, second = np.zeros((20, 30, 3), np.uint8), np.full((20, 30, 3), 240, np.uint8)
        made = pictures("FILM", models, first, second, count)
        expected = [240 * index / (count + 1) for index in range(1, count + 1)]
        assert [image.mean() for image in made] == pytest.approx(expected, abs=1.5)
        assert all(image.min() == image.max() for image in made)

    def test_weights_directly_in_the_folder_of_models_are_found(self, tmp_path):
        write_film(tmp_path / FILM_WEIGHTS.name)
        check_interpolation("FILM", tmp_path)
        assert len(pictures("FILM", Opening(tmp_path, "cpu"), view(LAND, 0), view(LAND, 4), 1)) == 1

    def test_a_damaged_file(self, tmp_path):
        pytest.importorskip("torch")
        (tmp_path / FILM_WEIGHTS.name).write_bytes(b"not a network")
        with pytest.raises(RunError, match="cannot be read"), open_interpolator("FILM", Opening(tmp_path, "cpu")):
            pass


class TestCuts:
    @pytest.mark.parametrize("name", ["RIFE v4.6", "Optical Flow"])
    def test_nothing_is_made_up_across_a_cut(self, models, name):
        before, after = view(LAND, 0), 255 - view(LAND, 0)
        assert all(np.array_equal(image, before) for image in pictures(name, models, before, after, 3))

    def test_film_bridges_them(self, models):
        (made,) = pictures("FILM", models, view(LAND, 0), 255 - view(LAND, 0), 1)
        assert made.std() < 2


class TestCounts:
    @pytest.mark.parametrize(
        ("name", "frames", "factor", "count"),
        [
            ("RIFE v4.6", 10, 3, 2),
            ("Optical Flow", 3, 10, 9),
            ("FILM", 10, 2, 1),
            ("FILM", 10, 3, 2),
            ("FILM", 3, 10, 14),
            ("FILM", 120, 2, 1),
            ("FILM", 1, 5, 0),
            ("RIFE v4.6", 1, 5, 0),
        ],
    )
    def test_pictures_between_two_frames(self, name, frames, factor, count):
        assert interpolation_engine(name).count_between(frames, factor) == count


class TestMissing:
    def test_an_unknown_engine(self):
        with pytest.raises(SettingsError, match=r"DAIN.*RIFE v4.6, FILM, Optical Flow"):
            check_interpolation("DAIN")

    @pytest.mark.parametrize("name", ["RIFE v4.6", "FILM"])
    def test_weights(self, tmp_path, name):
        pytest.importorskip("torch")
        check_interpolation(name)
        with pytest.raises(RunError, match=r"is missing\. Allow downloads, or get https://github\.com"):
            check_interpolation(name, tmp_path)
        with pytest.raises(RunError, match="is missing"), open_interpolator(name, Opening(tmp_path, "cpu")):
            pass

    @pytest.mark.parametrize("name", ["RIFE v4.6", "FILM"])
    def test_pytorch(self, models, monkeypatch, name):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(RunError, match=r"needs the Python package 'torch'.*pip install"):
            check_interpolation(name)
        with pytest.raises(RunError, match="needs the Python package"), open_interpolator(name, models):
            pass
