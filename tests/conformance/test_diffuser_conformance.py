"""What every Diffuser promises. An engine's test subclasses DiffuserConformance, here or in a file beside this one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.ports import DiffusionRequest, Inpainting


def difference(a, b):
    """Mean absolute difference, levels of 0..255."""
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())


class DiffuserConformance:
    """Subclass as ``Test…``, provide ``engine``, and loosen a promise only where the engine cannot keep it."""

    sizes = ((64, 64), (96, 64), (64, 128))
    steps = 4
    repeat_tolerance = 0.0
    """Mean difference allowed between two answers to one request."""
    full_strength_tolerance = 0.0
    """Mean difference allowed between the init and the answer at strength 1."""
    zero_strength_tolerance = 0.0
    """Mean difference allowed between txt2img and img2img at strength 0; None where the init is never ignored."""
    outside_mask_tolerance = 0.0
    """Largest difference of a pixel outside the mask."""
    rejects_wrong_sizes = True

    @pytest.fixture
    def engine(self):
        raise NotImplementedError("provide the engine under test")

    @pytest.fixture
    def request_(self):
        width, height = self.sizes[0]
        return DiffusionRequest(width, height, "a red lighthouse on a cliff", "blurry", seed=11, steps=self.steps)

    @pytest.fixture
    def init(self):
        width, height = self.sizes[0]
        y, x = np.mgrid[0:height, 0:width]
        return np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=2).astype(np.uint8)

    def test_has_a_name(self, engine):
        assert isinstance(engine.name, str)
        assert engine.name

    def test_answers_in_the_shape_of_an_image(self, engine, request_):
        for width, height in self.sizes:
            image = engine.diffuse(replace(request_, width=width, height=height)).image
            assert image.shape == (height, width, 3)
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            assert image.flags.writeable

    def test_same_request_same_picture(self, engine, request_, init):
        for request in (request_, replace(request_, init_image=init, strength=0.6)):
            first = engine.diffuse(request).image.copy()
            engine.diffuse(replace(request_, prompt="something else", seed=99))
            assert difference(first, engine.diffuse(request).image) <= self.repeat_tolerance

    def test_seed_and_prompt_change_the_picture(self, engine, request_):
        picture = engine.diffuse(request_).image
        assert difference(picture, engine.diffuse(replace(request_, seed=12)).image) > 1.0
        assert difference(picture, engine.diffuse(replace(request_, prompt="a teal ocean at night")).image) > 1.0

    def test_full_strength_keeps_the_init(self, engine, request_, init):
        image = engine.diffuse(replace(request_, init_image=init, strength=1.0)).image
        assert difference(image, init) <= self.full_strength_tolerance
        assert not np.shares_memory(image, init)

    def test_zero_strength_ignores_the_init(self, engine, request_, init):
        if self.zero_strength_tolerance is None:
            pytest.skip("this engine never ignores the init")
        image = engine.diffuse(replace(request_, init_image=init, strength=0.0)).image
        assert difference(image, engine.diffuse(request_).image) <= self.zero_strength_tolerance

    def test_less_strength_changes_more(self, engine, request_, init):
        changes = [
            difference(engine.diffuse(replace(request_, init_image=init, strength=strength)).image, init)
            for strength in (0.9, 0.5, 0.1)
        ]
        assert changes == sorted(changes)
        assert changes[2] > changes[0] + 1.0

    def test_outside_the_mask_nothing_changes(self, engine, request_, init):
        mask = np.zeros(init.shape[:2], np.uint8)
        mask[16:48, 16:48] = 255
        image = engine.diffuse(replace(request_, init_image=init, strength=0.3, inpainting=Inpainting(mask))).image
        change = np.abs(image.astype(np.int16) - init)
        assert change[mask == 0].max() <= self.outside_mask_tolerance
        assert change[mask == 255].mean() > 1.0

    def test_the_request_is_left_alone(self, engine, request_, init):
        mask = np.full(init.shape[:2], 255, np.uint8)
        request = replace(request_, init_image=init.copy(), inpainting=Inpainting(mask.copy()), strength=0.4)
        engine.diffuse(request)
        assert np.array_equal(request.init_image, init)
        assert np.array_equal(request.inpainting.mask, mask)

    def test_an_answer_belongs_to_the_caller(self, engine, request_):
        first = engine.diffuse(request_).image
        kept = first.copy()
        first[:] = 0
        assert difference(engine.diffuse(request_).image, kept) <= self.repeat_tolerance

    def test_wrong_sizes_are_engine_errors(self, engine, request_, init):
        if not self.rejects_wrong_sizes:
            pytest.skip("this engine resizes")
        with pytest.raises(EngineError):
            engine.diffuse(replace(request_, width=0))
        with pytest.raises(EngineError):
            engine.diffuse(replace(request_, init_image=init[:-8], strength=0.5))


class TestPreviewEngine(DiffuserConformance):
    sizes = ((64, 64), (96, 64), (1, 1), (3, 200), (333, 77))

    @pytest.fixture
    def engine(self):
        return PreviewEngine()
