"""The picture between two pictures by their flow, and how alike two pictures are."""

from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.imaging.flow import OpenCVFlow
from deforum_helpers.imaging.in_between import InBetween, similarity
from moving_pictures import landscape, psnr, view

LAND = landscape(300, 500)


class Moves:
    """A flow that is known: everything by ``way``."""

    name = "known"

    def __init__(self, way):
        self._way = way
        self._asked = 0

    def flow(self, source, target):
        self._asked += 1
        sign = 1 if self._asked == 1 else -1
        flow = np.empty((*source.shape[:2], 2), np.float32)
        flow[:] = np.multiply(sign, self._way)
        return flow


@pytest.mark.parametrize("time", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("way", [(8.0, 0.0), (-8.0, 4.0)])
def test_a_known_motion_is_followed_to_where_it_is_at_that_time(way, time):
    # What a camera that moves to the right sees moves to the left.
    first, second = view(LAND, 0), view(LAND, -way[0], -way[1])
    made = InBetween(first, second, Moves(way)).at(time)
    assert psnr(made, view(LAND, -way[0] * time, -way[1] * time)) > 45


def test_at_its_ends_it_is_the_pictures():
    first, second = view(LAND, 0), view(LAND, 6)
    pictures = InBetween(first, second, OpenCVFlow("DIS Fine"))
    assert psnr(pictures.at(0.0), first) > 50
    assert psnr(pictures.at(1.0), second) > 50


def test_the_border_comes_from_the_picture_that_has_it():
    first, second = view(LAND, 0), view(LAND, 40)
    made = InBetween(first, second, Moves((-40.0, 0.0))).at(0.5)
    truth = view(LAND, 20)
    assert psnr(made[:, :18], truth[:, :18]) > 40
    assert psnr(made[:, -18:], truth[:, -18:]) > 40


def test_motion_is_believed_and_another_picture_is_not():
    flow = OpenCVFlow("DIS Fine")
    assert InBetween(view(LAND, 0), view(LAND, 24, 6), flow).trust > 0.8
    assert InBetween(landscape(200, 320, 1), landscape(200, 320, 2), flow).trust < 0.2


def test_similarity():
    image, other = view(LAND, 0), landscape(200, 320, 9)
    assert similarity(image, image) == pytest.approx(1)
    assert similarity(image, view(LAND, 8)) > 0.6
    assert similarity(image, 255 - image) < 0.2
    assert similarity(image, np.zeros_like(image)) < 0.2
    assert similarity(image, other) == pytest.approx(similarity(other, image))
    assert similarity(np.zeros_like(image), np.zeros_like(image)) == pytest.approx(1)
