"""Thirty motions composed are as sharp as one exact warp of a picture with four times the pixels."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest

from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d
from deforum_helpers.imaging.warp import Homography

SIZE = {"width": 320, "height": 180}
STEPS = {
    "turn": motion_2d(**SIZE, angle=0.3, translation_x=0.37, translation_y=-0.21),
    "zoom": motion_2d(**SIZE, angle=0.2, zoom=1.004),
}
FINER = Homography(np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1.0]]))
KINDS = {
    "matrix": lambda warp: warp,
    "smooth": lambda warp: motion_3d(Motion3D(), **SIZE).then(warp),
    "dense": lambda warp: warp.to_dense(180, 320),
}


@lru_cache
def texture(detail):
    """Structure of all sizes down to ``detail`` pixels (sigma), at four times the size."""
    noise = np.random.default_rng(3).normal(size=(720, 1280, 3))
    layers = [(cv2.GaussianBlur(noise, (0, 0), 4 * sigma), sigma) for sigma in (detail, 2 * detail, 4 * detail)]
    picture = sum(layer / layer.std() * sigma**0.5 for layer, sigma in layers)
    return np.clip(picture / picture.std() * 50 + 128, 0, 255).astype(np.uint8)


def smaller(picture):
    return cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)


def sharpness(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.Laplacian(grey, cv2.CV_64F)[45:-45, 45:-45].var()


def thirty(step, identity):
    chain = identity
    for _ in range(30):
        chain = chain.then(step)
    return chain


@pytest.fixture(scope="module", params=STEPS)
def step(request):
    return STEPS[request.param]


@pytest.fixture(scope="module", params=[("bicubic", 1.0), ("bilinear", 2.5)], ids=["bicubic", "bilinear"])
def case(request, step):
    """An interpolation, a picture with detail that its reading between pixels can keep, and the exact sharpness."""
    interpolation, detail = request.param
    fine = texture(detail)
    exact = FINER.inverse().then(thirty(step, Homography.identity())).then(FINER)
    truth = sharpness(smaller(exact.apply(fine, interpolation="bicubic")))
    return interpolation, smaller(fine), truth


@pytest.mark.parametrize("kind", KINDS)
def test_thirty_composed_motions_are_as_sharp_as_one_exact_warp(kind, step, case):
    interpolation, picture, truth = case
    chain = thirty(KINDS[kind](step), KINDS[kind](Homography.identity()))
    assert 0.95 <= sharpness(chain.apply(picture, interpolation=interpolation)) / truth <= 1.1


def test_warp_upon_warp_is_blurred_or_ringing(step, case):
    interpolation, picture, truth = case
    for _ in range(30):
        picture = step.apply(picture, interpolation=interpolation)
    ratio = sharpness(picture) / truth
    assert ratio > 2 if interpolation == "bicubic" else ratio < 0.85
