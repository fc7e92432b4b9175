"""The noise a picture starts from."""

from __future__ import annotations

import pytest

from tiny_diffusion import diffusers_or_skip

diffusers_or_skip()
import torch  # noqa: E402 - after the check that it is here

from deforum_helpers.hosts.diffusers.noise import slerp, starting_noise  # noqa: E402 - needs torch

SHAPE = (4, 8, 12)


def test_noise_is_that_of_the_seed():
    noise, source = starting_noise(SHAPE, 7)
    again = torch.Generator().manual_seed(7)
    assert torch.equal(noise[0], torch.randn(SHAPE, generator=again))
    assert torch.equal(torch.randn(3, generator=source), torch.randn(3, generator=again))  # the steps go on with it


@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1])
def test_every_seed_has_noise_and_nobody_elses_changes(seed):
    before = torch.random.get_rng_state()
    assert starting_noise(SHAPE, seed, 5, 0.5, (6, 4))[0].shape == (1, *SHAPE)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_subseeds():
    noise, other = starting_noise(SHAPE, 1)[0], starting_noise(SHAPE, 2)[0]
    assert torch.equal(starting_noise(SHAPE, 1, -1, 0.7)[0], noise)
    assert torch.equal(starting_noise(SHAPE, 1, 2, 0.0)[0], noise)
    assert torch.allclose(starting_noise(SHAPE, 1, 2, 1.0)[0], other, atol=1e-5)
    half = starting_noise(SHAPE, 1, 2, 0.5)[0]
    assert float((half - noise).abs().mean()) == pytest.approx(float((half - other).abs().mean()), rel=0.1)
    assert 0.9 < float(half.std()) < 1.1  # on the arc, not on the chord, whose spread is 0.7


def test_slerp_by_hand():
    low, high = torch.zeros(1, 2, 1), torch.zeros(1, 2, 1)
    low[0, 0, 0], high[0, 1, 0] = 1.0, 1.0
    turned = slerp(1 / 3, low, high)[0, :, 0]
    assert turned.tolist() == pytest.approx([3**0.5 / 2, 0.5])
    assert torch.equal(slerp(0.3, low, low), low)


def test_seed_resize_keeps_the_middle():
    small = torch.randn((4, 4, 6), generator=torch.Generator().manual_seed(3))
    noise = starting_noise(SHAPE, 3, resize_from=(6, 4))[0][0]
    assert torch.equal(noise[:, 2:6, 3:9], small)
    assert torch.equal(noise[:, 0], starting_noise(SHAPE, 3)[0][0][:, 0])
    large = torch.randn((4, 10, 20), generator=torch.Generator().manual_seed(3))
    assert torch.equal(starting_noise(SHAPE, 3, resize_from=(20, 10))[0][0], large[:, 1:9, 4:16])
    assert torch.equal(starting_noise(SHAPE, 3, resize_from=(12, 8))[0], starting_noise(SHAPE, 3)[0])
