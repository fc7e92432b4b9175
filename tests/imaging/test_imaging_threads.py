from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d
from deforum_helpers.imaging.colour import ColourReference, match_colours
from deforum_helpers.imaging.flow import OpenCVFlow
from deforum_helpers.imaging.noise import add_noise
from deforum_helpers.imaging.sharpen import unsharp_mask

CALLS = {
    "2D": lambda image: motion_2d(width=320, height=180, angle=5).apply(image),
    "3D": lambda image: motion_3d(Motion3D(rotation_y=3), width=320, height=180).inverse().apply(image),
    "colour": lambda image: match_colours(image, ColourReference.of(image[::2], "LAB")),
    "noise": lambda image: add_noise(image, amount=0.3, seed=8, kind="perlin"),
    "unsharp": lambda image: unsharp_mask(image, kernel=3, sigma=1, amount=1),
    "flow": lambda image: OpenCVFlow("DIS Medium").flow(image, image[:, ::-1].copy()),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_in_every_thread_and_inputs_untouched(photo, name):
    before = photo.copy()
    alone = CALLS[name](photo)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(CALLS[name], [photo] * 8))
    assert all((result == alone).all() for result in results)
    assert (photo == before).all()
