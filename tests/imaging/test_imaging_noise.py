from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.noise import PerlinOptions, add_noise, perlin_field, perlin_noise, white_noise


def test_goldens_within_one_level_where_noise_applies_and_untouched_elsewhere(golden):
    arrays, cases = golden("noise")
    for case in cases:
        image, expected = arrays[case["input"]], arrays[case["id"]].astype(int)
        mask = arrays[case["mask"]] if case["mask"] else None
        result = add_noise(
            image,
            amount=case["amt"],
            seed=case["seed"],
            kind=case["type"],
            perlin=PerlinOptions(*case["perlin"]),
            mask=mask,
            invert_mask=case["invert_mask"],
        )
        on = np.full(image.shape[:2], True) if mask is None else (mask >= 128) != case["invert_mask"]
        height, width = expected.shape[:2]
        error = np.abs(result[:height, :width] - expected)[on[:height, :width]]
        assert error.max() <= 1, case
        assert (error > 0).mean() < 1e-3, case
        assert (result[~on] == image[~on]).all(), case


def test_fields_equal_the_goldens(golden):
    arrays, _ = golden("noise")
    octaves = perlin_field(64, 64, options=PerlinOptions(), generator=np.random.RandomState(42))
    assert np.abs(octaves - arrays["field_octaves"]).max() < 1e-6
    single = perlin_field(64, 128, options=PerlinOptions(4, 8, 1), generator=np.random.RandomState(42))
    assert np.abs(single - arrays["field_single"]).max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (63, 200), (96, 160), (200, 136), (513, 65)])
@pytest.mark.parametrize("kind", ["uniform", "perlin"])
def test_any_size(size, kind):
    image = np.full((*size, 3), 90, np.uint8)
    result = add_noise(image, amount=0.2, seed=5, kind=kind)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert (result != image).any()


@pytest.mark.parametrize("options", [PerlinOptions(5, 7, 3), PerlinOptions(8, 8, 7), PerlinOptions(200, 1, 1)])
def test_cells_need_not_divide_the_sides(options):
    field = perlin_field(70, 90, options=options, generator=np.random.RandomState(1))
    assert np.isfinite(field).all()
    assert 0.05 < field.std() < 1


def test_perlin_is_smooth_and_zero_at_its_corners():
    field = perlin_field(64, 64, options=PerlinOptions(4, 4, 1), generator=np.random.RandomState(3))
    assert np.abs(field[::16, ::16]).max() < 1e-6
    assert np.abs(np.diff(field, axis=0)).max() < 0.25
    assert np.abs(np.diff(field, axis=1)).max() < 0.25


def test_the_seed_decides():
    assert (white_noise(40, 50, seed=1) == white_noise(40, 50, seed=1)).all()
    assert (white_noise(40, 50, seed=1) != white_noise(40, 50, seed=2)).any()
    assert (white_noise(40, 50, seed=2**32 + 1) == white_noise(40, 50, seed=1)).all()
    options = PerlinOptions()
    assert (perlin_noise(64, 64, seed=1, options=options) != perlin_noise(64, 64, seed=2, options=options)).any()


def test_white_noise_is_clipped_normal():
    noise = white_noise(256, 256, seed=11) / 255
    assert abs(noise.mean() - 0.5) < 0.01
    assert abs((noise <= 0).mean() - 0.159) < 0.01, "what lies below one standard deviation is clipped"
    assert abs(((noise > 0.25) & (noise < 0.75)).mean() - 0.383) < 0.01


def test_unknown_kinds_and_shapes_are_input_errors():
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(InputError, match="'gauss'"):
        add_noise(image, amount=0.1, seed=1, kind="gauss")
    with pytest.raises(InputError) as caught:
        PerlinOptions(0, 8, 2.5)
    assert [finding.key for finding in caught.value.findings] == ["perlin_w", "perlin_octaves"]
