"""Pictures as networks want them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.models.inputs import IMAGENET_MEAN, IMAGENET_STD, NetworkInput
from tiny_networks import transformers_or_skip


def smooth(height, width):
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / 31 + c) * 60 + np.cos(y / (23 + c)) * 60 + 128 for c in range(3)]
    return np.stack(waves, axis=2).astype(np.uint8)


class TestSize:
    @pytest.mark.parametrize(
        ("height", "width", "expected"),
        [(512, 512, (384, 384)), (576, 1024, (384, 672)), (1024, 576, (672, 384)), (300, 200, (384, 256))],
    )
    def test_the_side_that_needs_the_least_scaling_fits(self, height, width, expected):
        assert NetworkInput(384, 384).size(height, width) == expected

    def test_forced(self):
        assert NetworkInput(384, 384, keep_aspect=False).size(100, 900) == (384, 384)

    @given(st.integers(1, 4000), st.integers(1, 4000), st.sampled_from([14, 32]))
    def test_always_multiples_and_never_nothing(self, height, width, multiple):
        sides = NetworkInput(518, 518, multiple).size(height, width)
        assert all(side > 0 and side % multiple == 0 for side in sides)


class TestPixels:
    def test_layout_and_scale(self):
        image = np.zeros((32, 64, 3), np.uint8)
        image[..., 0] = 255
        pixels = NetworkInput(32, 64, keep_aspect=False).pixels(image)
        assert pixels.shape == (1, 3, 32, 64)
        assert pixels.dtype == np.float32
        assert pixels[0, 0] == pytest.approx(1)
        assert pixels[0, 1:] == pytest.approx(-1)

    @pytest.mark.parametrize("shape", [(200, 330), (517, 90)])
    @pytest.mark.parametrize(
        ("inputs", "settings"),
        [
            (NetworkInput(384, 384, keep_aspect=False), {"ensure_multiple_of": 1, "keep_aspect_ratio": False}),
            (NetworkInput(512, 512), {"ensure_multiple_of": 32, "keep_aspect_ratio": True}),
            (
                NetworkInput(518, 518, 14, mean=IMAGENET_MEAN, std=IMAGENET_STD),
                {"ensure_multiple_of": 14, "keep_aspect_ratio": True},
            ),
        ],
    )
    def test_equal_to_the_processor_of_transformers(self, inputs, settings, shape):
        transformers = transformers_or_skip("DPTImageProcessor", since=(4, 40))
        processor = transformers.DPTImageProcessor(
            size={"height": inputs.height, "width": inputs.width},
            resample=3,
            image_mean=list(inputs.mean),
            image_std=list(inputs.std),
            **settings,
        )
        image = np.random.default_rng(2).integers(0, 256, (*shape, 3), np.uint8)
        expected = processor(image, return_tensors="np")["pixel_values"]
        assert inputs.pixels(image).shape == expected.shape
        assert np.abs(inputs.pixels(image) - expected).max() < 1e-5

    def test_like_the_processor_of_zoe(self):
        """It resamples a little differently, so a smooth picture agrees within a few levels of 256."""
        transformers = transformers_or_skip("ZoeDepthImageProcessor")
        image = smooth(300, 420)
        expected = transformers.ZoeDepthImageProcessor(ensure_multiple_of=32)(image, return_tensors="np")[
            "pixel_values"
        ]
        pixels = NetworkInput(384, 512, margin=True).pixels(image)
        assert pixels.shape == expected.shape
        assert np.abs(pixels - expected).max() < 8 / 128

    @pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3)])
    def test_no_image(self, shape):
        with pytest.raises(ValueError, match="H×W×3"):
            NetworkInput(32, 32).pixels(np.zeros(shape, np.uint8))


class TestRestore:
    @pytest.mark.parametrize("margin", [False, True])
    def test_what_was_shrunk_comes_back(self, margin):
        image = smooth(300, 420)
        inputs = NetworkInput(384, 512, margin=margin)
        red = inputs.restore(inputs.pixels(image)[:, :1], 300, 420)
        assert red.shape == (300, 420)
        assert red.dtype == np.float32
        assert red.flags.c_contiguous
        assert np.abs((red + 1) * 127.5 - image[..., 0]).max() < 3

    def test_one_pixel(self):
        inputs = NetworkInput(32, 32, margin=True)
        assert inputs.restore(inputs.pixels(np.zeros((1, 1, 3), np.uint8))[:, 0], 1, 1) == pytest.approx(-1)
