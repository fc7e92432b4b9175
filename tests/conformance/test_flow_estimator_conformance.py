"""What every FlowEstimator does."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from deforum_helpers.imaging.opencv import cv
from deforum_helpers.models.flow import RAFT_WEIGHTS, open_flow_estimator


def texture(height, width):
    noise = np.random.default_rng(12).integers(0, 256, (height, width, 3), np.uint8)
    blurred = cv.GaussianBlur(noise, (0, 0), 2.5)
    return cv.normalize(blurred, None, 0, 255, cv.NORM_MINMAX)


def write_raft(folder):
    """A RAFT with random weights, in a file like the real one's."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    networks = pytest.importorskip("torchvision.models.optical_flow", reason="torchvision is not installed")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        torch.save(networks.raft_large(weights=None).state_dict(), folder / RAFT_WEIGHTS.name)


@pytest.fixture(scope="module", params=["DIS Medium", "DIS Fine", "Farneback", "RAFT"])
def estimator(request, tmp_path_factory):
    models_folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "RAFT":
            write_raft(models_folder)
            digest = hashlib.sha256((models_folder / RAFT_WEIGHTS.name).read_bytes()).hexdigest()
            patch.setattr("deforum_helpers.models.flow.RAFT_WEIGHTS", replace(RAFT_WEIGHTS, sha256=digest))
        with open_flow_estimator(request.param, models_folder=models_folder, device="cpu") as estimator:
            assert estimator.name == request.param
            yield estimator


@pytest.fixture
def trained(estimator):
    if estimator.name == "RAFT":
        pytest.skip("its weights are random here")
    return estimator


class TestFlowEstimatorConformance:
    def test_has_a_name(self, estimator):
        assert isinstance(estimator.name, str)
        assert estimator.name

    @pytest.mark.parametrize(("height", "width"), [(96, 128), (97, 131)])
    def test_answers_in_the_size_of_the_images(self, estimator, height, width):
        flow = estimator.flow(texture(height, width), texture(height, width)[::-1].copy())
        assert flow.shape == (height, width, 2)
        assert flow.dtype == np.float32
        assert flow.flags.c_contiguous
        assert np.isfinite(flow).all()

    def test_a_still_picture_stays(self, trained):
        image = texture(96, 128)
        assert np.abs(trained.flow(image, image)).max() < 0.1

    @pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, -2), (-4, 3)])
    def test_a_shift_is_found(self, trained, dx, dy):
        large = texture(140, 180)
        source, target = large[20:116, 20:148], large[20 - dy : 116 - dy, 20 - dx : 148 - dx]
        flow = trained.flow(source.copy(), target.copy())[16:-16, 16:-16]
        assert np.median(flow[..., 0]) == pytest.approx(dx, abs=0.2)
        assert np.median(flow[..., 1]) == pytest.approx(dy, abs=0.2)

    def test_same_pictures_same_flow(self, estimator):
        source, target = texture(96, 128), texture(100, 132)[2:98, 3:131]
        first = estimator.flow(source, target).copy()
        estimator.flow(target, source)
        assert np.array_equal(estimator.flow(source, target), first)

    def test_the_pictures_are_left_alone_and_may_be_any_view(self, estimator):
        large = texture(192, 256)
        source, target = large[::-2, ::2], large[::2, 1::2]
        large.flags.writeable = False
        before = large.copy()
        flow = estimator.flow(source, target)
        assert np.array_equal(large, before)
        assert np.array_equal(flow, estimator.flow(source.copy(), target.copy()))
