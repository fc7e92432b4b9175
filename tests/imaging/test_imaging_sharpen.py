from __future__ import annotations

import numpy as np
import pytest
from imaging_helpers import difference

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.sharpen import scale_contrast, unsharp_mask


def test_contrast_goldens_exact_where_the_original_does_not_wrap(golden):
    arrays, cases = golden("sharpen")
    image = arrays["in"]
    for case in cases["contrast"]:
        result = scale_contrast(image, case["contrast"])
        fits = np.rint(image * case["contrast"]) <= 255
        assert (result[fits] == arrays[case["id"]][fits]).all(), case
        assert (result[~fits] == 255).all(), case


def test_contrast_below_zero_is_black(photo):
    assert scale_contrast(photo, -0.5).max() == 0
    assert (scale_contrast(photo, 1.0) == photo).all()


def test_unsharp_goldens_within_one_level(golden):
    """With a threshold the original never restores channels darker than their blur: a deliberate difference there."""
    arrays, cases = golden("sharpen")
    image = arrays["in"]
    assert sum(case["threshold"] > 0 for case in cases["unsharp"]) == 2
    for case in cases["unsharp"]:
        options = {key: case[key] for key in ("kernel", "sigma", "amount", "threshold")}
        result = unsharp_mask(image, **options, mask=arrays["mask"] if case["mask"] else None)
        expected = arrays[case["id"]].astype(int)
        same = np.abs(result - expected) <= 1
        if case["threshold"]:
            assert (result[~same] == image[~same]).all(), case
            assert same.mean() > 0.6
        else:
            assert same.all(), case


def test_threshold_spares_flat_areas_on_both_sides():
    image = np.full((16, 16, 3), 100, np.uint8)
    image[:, 8:] = 104
    sharper = unsharp_mask(image, kernel=5, sigma=1.0, amount=5.0)
    assert sharper.min() < 100
    assert sharper.max() > 104
    assert (unsharp_mask(image, kernel=5, sigma=1.0, amount=5.0, threshold=4) == image).all()


def test_mask_limits_and_input_is_left_alone(photo):
    before = photo.copy()
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, 160:] = 255
    sharp = unsharp_mask(photo, kernel=3, sigma=1, amount=2, mask=mask)
    assert (sharp[:, :160] == photo[:, :160]).all()
    assert difference(sharp[:, 160:], photo[:, 160:]) > 3
    assert (photo == before).all()


@pytest.mark.parametrize(
    ("kernel", "sigma", "count"), [(4, 1.0, 1), (-3, 1.0, 1), (3, -1.0, 1), (0, 0.0, 1), (4, -2.0, 2)]
)
def test_impossible_kernels_are_input_errors(photo, kernel, sigma, count):
    with pytest.raises(InputError) as caught:
        unsharp_mask(photo, kernel=kernel, sigma=sigma, amount=0.5)
    assert len(caught.value.findings) == count
    assert {finding.key for finding in caught.value.findings} <= {"kernel_schedule", "sigma_schedule"}
