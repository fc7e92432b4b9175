"""Anime characters cut out of pictures, by a tiny network of the same form."""

import sys

import numpy as np
import pytest

from deforum_helpers.errors import RunError
from deforum_helpers.models.anime import open_anime_matte
from deforum_helpers.models.weights import Opening
from tiny_networks import write_anime_network

pytest.importorskip("onnxruntime", reason="pip install onnxruntime")


def picture(height, width):
    """A red block in the middle of white ground, and where it is."""
    image = np.full((height, width, 3), 255, np.uint8)
    inside = np.zeros((height, width), np.bool_)
    inside[height // 4 : -height // 4, width // 4 : -width // 4] = True
    image[inside] = (255, 0, 0)
    return image, inside


def matte_of(image, folder):
    with open_anime_matte(Opening(folder)) as anime:
        return anime.matte(image)


@pytest.mark.parametrize("size", [(64, 64), (48, 200), (300, 96), (24, 200)])
@pytest.mark.parametrize("side", [64, "any"])
def test_characters_are_white(tmp_path, size, side):
    write_anime_network(tmp_path, side)
    image, inside = picture(*size)
    matte = matte_of(image, tmp_path)
    assert (matte.shape, matte.dtype) == (size, np.uint8)
    sharp = 1024 if side == "any" else side
    pixel = max(size) / sharp  # of the network's picture, in pixels of ours: no edge can be known better
    assert np.mean((matte > 127) != inside) <= 2 * sum(pixel / length for length in size) + 0.02
    assert matte[size[0] // 2, size[1] // 2] == 255
    assert matte[0, 0] == matte[-1, -1] == 0


def test_nothing_comes_from_outside_of_the_picture(tmp_path):
    """Where a picture is not square, the network sees black around it; here, black is a character, too."""
    write_anime_network(tmp_path, bias=6.0)
    image = np.full((32, 128, 3), 255, np.uint8)
    assert matte_of(image, tmp_path).max() == 0


def test_missing_weights(tmp_path):
    with pytest.raises(RunError, match=r"isnetis\.onnx is missing\. Allow downloads, or get https://huggingface\.co"):
        matte_of(picture(8, 8)[0], tmp_path)


def test_damaged_weights(tmp_path):
    path = write_anime_network(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match=r"cannot be read: .*Delete it") as caught:
        matte_of(picture(8, 8)[0], tmp_path)
    assert "\n" not in str(caught.value)


def test_another_network(tmp_path):
    write_anime_network(tmp_path, colours=4)
    with pytest.raises(RunError, match="The network of anime characters failed: "):
        matte_of(picture(8, 8)[0], tmp_path)


def test_numbers_that_are_none(tmp_path):
    write_anime_network(tmp_path, bias=float("nan"))
    with pytest.raises(RunError, match="not finite"):
        matte_of(picture(8, 8)[0], tmp_path)


def test_without_the_runtime(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RunError, match=r"Anime characters needs the Python package 'onnxruntime'.*pip install"):
        matte_of(picture(8, 8)[0], tmp_path)
