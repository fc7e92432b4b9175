"""What every DepthEstimator does."""

from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.models.depth import open_depth_model
from tiny_networks import write_network


def scene(height, width, seed=3):
    """A picture with large and small things in it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / (7 + seed) + y * c / 9) * 80 + 120 + c * 10 for c in range(3)]
    return np.clip(np.stack(waves, axis=2), 0, 255).astype(np.uint8)


ADAPTERS = {
    "Midas-3-Hybrid": "dpt-hybrid-midas",
    "Midas-3-Large": "dpt-large",
    "Midas-3.1-BeiTLarge": "dpt-beit-large-512",
    "Zoe": "zoedepth-nyu-kitti",
    "Depth-Anything-V2-small": "Depth-Anything-V2-Small-hf",
}
"""Algorithm -> folder of its tiny stand-in."""

SIZES = ((64, 96), (97, 61), (1, 1), (40, 300))


@pytest.fixture(scope="module", params=ADAPTERS)
def estimator(request, tmp_path_factory):
    models_folder = tmp_path_factory.mktemp("models")
    write_network(models_folder, ADAPTERS[request.param])
    with open_depth_model(request.param, models_folder=models_folder, device="cpu") as estimator:
        yield estimator


class TestDepthEstimatorConformance:
    def test_has_a_name(self, estimator):
        assert isinstance(estimator.name, str)
        assert estimator.name

    def test_answers_in_the_size_of_the_image(self, estimator):
        for height, width in SIZES:
            depth = estimator.predict(scene(height, width))
            assert depth.shape == (height, width)
            assert depth.dtype == np.float32
            assert depth.flags.c_contiguous
            assert depth.flags.writeable
            assert np.isfinite(depth).all()

    def test_same_picture_same_depth(self, estimator):
        first = estimator.predict(scene(64, 96)).copy()
        estimator.predict(scene(64, 96, seed=8))
        assert np.array_equal(estimator.predict(scene(64, 96)), first)

    def test_another_picture_another_depth(self, estimator):
        assert not np.array_equal(estimator.predict(scene(64, 96)), estimator.predict(scene(64, 96)[:, ::-1]))

    def test_the_order_of_the_channels_matters(self, estimator):
        assert not np.array_equal(estimator.predict(scene(64, 96)), estimator.predict(scene(64, 96)[..., ::-1]))

    def test_the_picture_is_left_alone_and_may_be_any_view(self, estimator):
        image = scene(130, 130)[::-2, 1::2]
        image.flags.writeable = False
        before = image.copy()
        depth = estimator.predict(image)
        assert np.array_equal(image, before)
        assert np.array_equal(depth, estimator.predict(before))

    def test_what_is_no_image_is_refused(self, estimator):
        for wrong in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32)):
            with pytest.raises(ValueError, match="image"):
                estimator.predict(wrong)
