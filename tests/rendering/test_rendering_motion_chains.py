"""Chains of motions."""

from __future__ import annotations

import numpy as np
import pytest

from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.warp import Homography
from deforum_helpers.rendering.util.motion_chains import MotionChains


def motion(frame: int) -> Homography:
    return motion_2d(width=64, height=48, angle=frame * 0.7, zoom=1 + frame / 100, translation_x=frame % 3)


def composed(source: int, frame: int) -> np.ndarray:
    total = Homography.identity()
    for f in range(source + 1, frame + 1):
        total = total.then(motion(f))
    return total.matrix


@pytest.mark.parametrize("order", [(3, 4, 9), (9, 3, 4)])
def test_forward_is_the_product_of_the_motions_between_whatever_the_order_of_asking(order):
    chains = MotionChains(motion)
    for frame in order:
        np.testing.assert_allclose(chains.forward(2, frame).matrix, composed(2, frame), atol=1e-12)


def test_backward_undoes_forward():
    chains = MotionChains(motion)
    for frame in (5, 9, 2):
        round_trip = chains.forward(frame, 9).then(chains.carry(9, frame))
        np.testing.assert_allclose(round_trip.matrix, np.eye(3), atol=1e-9)


def test_no_motion_between_a_frame_and_itself():
    assert MotionChains(motion).carry(7, 7).is_identity


def test_forgotten_chains_are_made_anew():
    calls = []

    def counted(frame: int) -> Homography:
        calls.append(frame)
        return motion(frame)

    chains = MotionChains(counted)
    chains.forward(0, 3)
    chains.forward(3, 6)
    chains.forget_before(3, 3)
    chains.forward(3, 6)
    assert calls == [1, 2, 3, 4, 5, 6]
    chains.forward(0, 1)
    assert calls[-1] == 1


def test_a_long_way_is_forgotten_while_it_is_walked():
    """What was passed is dropped; going on needs no motion twice."""
    calls = []

    def counted(frame: int) -> Homography:
        calls.append(frame)
        return motion(frame)

    chains = MotionChains(counted)
    for frame in range(1, 200):
        chains.carry(0, frame)
        chains.forget_before(0, frame)
    assert calls == list(range(1, 200))
    np.testing.assert_allclose(chains.carry(0, 200).matrix, composed(0, 200), rtol=1e-6)
    assert len(chains._forward[0]) <= 2


def test_the_way_back_is_forgotten_from_its_far_end():
    chains = MotionChains(motion)
    for frame in range(1, 9):
        back = chains.carry(9, frame)
        np.testing.assert_allclose(chains.forward(frame, 9).then(back).matrix, np.eye(3), atol=1e-9)
        chains.forget_before(0, frame)
    assert len(chains._backward[9]) <= 3


def test_far_key_frames_cost_little_memory_and_no_more_than_twice_the_work():
    """The way of an interval: all of it at once for the key frame, then frame by frame from both ends."""
    last, calls = 300, []
    turn = np.array([[0.99999, -0.003, 0.1], [0.003, 0.99999, 0.05], [0.0, 0.0, 1.0]])

    def counted(frame: int) -> Homography:
        calls.append(frame)
        return Homography(turn)

    chains = MotionChains(counted)
    chains.forward(0, last)
    most = 0
    for frame in range(1, last):
        there, back = chains.carry(0, frame).matrix, chains.carry(last, frame).matrix
        np.testing.assert_allclose(there, np.linalg.matrix_power(turn, frame), atol=1e-9)
        np.testing.assert_allclose(back @ np.linalg.matrix_power(turn, last - frame), np.eye(3), atol=1e-9)
        chains.forget_before(0, frame)
        most = max(most, *(len(chain) for chain in (*chains._forward.values(), *chains._backward.values())))
    assert most <= last / 16 + 2 * 16 + 2
    assert len(calls) <= 4 * last + 2 * 16
