from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.colour import ColourReference, colour_space, match_colours, to_grey


def test_goldens_exact_with_red_and_blue_swapped(golden):
    """The original converts BGR arrays as if they were RGB; so its arrays go in here as they are."""
    arrays, cases = golden("colours")
    assert {name.partition("_")[2] for name in cases} == {"RGB", "HSV", "LAB"}
    for name in cases:
        pair, _, space = name.partition("_")
        reference = ColourReference.of(arrays[f"{pair}_sample"], space)
        assert (match_colours(arrays[f"{pair}_img"], reference) == arrays[name]).all(), name


def test_rgb_does_not_care_about_channel_order(golden):
    arrays, _ = golden("colours")
    image, sample = arrays["pair0_img"][..., ::-1].copy(), arrays["pair0_sample"][..., ::-1].copy()
    result = match_colours(image, ColourReference.of(sample, "RGB"))
    assert (result[..., ::-1] == arrays["pair0_RGB"]).all()


@pytest.mark.parametrize("space", ["RGB", "HSV", "LAB"])
def test_matching_to_itself_changes_next_to_nothing(photo, space):
    result = match_colours(photo, ColourReference.of(photo, space))
    assert np.abs(result.astype(int) - photo).mean() < 1.5


def test_the_distribution_of_the_reference_is_taken_over(photo):
    dark = (photo // 3).astype(np.uint8)
    result = match_colours(photo, ColourReference.of(dark, "RGB"))
    assert np.abs(result.mean((0, 1)) - dark.mean((0, 1))).max() < 1
    assert result.max() <= dark.max()


def test_a_constant_reference_gives_a_constant_picture(photo):
    plain = np.full((10, 10, 3), (10, 200, 77), np.uint8)
    assert (match_colours(photo, ColourReference.of(plain, "RGB")) == plain[0, 0]).all()


def test_modes():
    assert [colour_space(mode) for mode in ("None", "RGB", "HSV", "LAB", "Image", "Video Input")] == [
        None,
        "RGB",
        "HSV",
        "LAB",
        "LAB",
        "LAB",
    ]
    with pytest.raises(InputError, match="'CMYK'"):
        colour_space("CMYK")


def test_grey_is_luma():
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    assert (to_grey(red) == 60).all()
