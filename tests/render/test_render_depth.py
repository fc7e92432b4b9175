"""3D through a scene with depth."""

from __future__ import annotations

import numpy as np
import pytest
from render_parts import NoiseEngine, plan, rendered

from deforum_helpers.ports import Diffused
from deforum_helpers.render import Beginning
from deforum_helpers.rendering.data.inputs import Inputs

MOTION = {"animation_mode": "3D", "translation_z": "0:(0)", "translation_x": "0:(3)", "sampling_mode": "bilinear"}


class HalfNear:
    """The right half is near; remembers what it looked at."""

    name = "half"
    kind = "relative"

    def __init__(self) -> None:
        self.seen = []

    def predict(self, image):
        self.seen.append(image)
        depth = np.zeros(image.shape[:2], np.float32)
        depth[:, image.shape[1] // 2 :] = 1.0
        return depth


class Stripes(NoiseEngine):
    """Vertical stripes, so that sideways motion can be measured."""

    def diffuse(self, request):
        super().diffuse(request)
        phase = 2 * np.pi * np.arange(request.width) / 16
        row = np.rint(127 + 120 * np.sin(phase)).astype(np.uint8)
        self.pictures[request.frame] = np.repeat(np.tile(row, (request.height, 1))[..., None], 3, axis=2)
        return Diffused(self.pictures[request.frame])


def shift(before: np.ndarray, after: np.ndarray) -> float:
    """Sideways motion of the stripes in pixels, by the phase of their frequency."""
    rows = (np.fft.rfft(picture[..., 0].mean(axis=0)) for picture in (before, after))
    first, second = (spectrum[len(before[0]) // 16] for spectrum in rows)
    return float(-np.angle(second / first) * 16 / (2 * np.pi))


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
def test_near_things_move_more_than_far_ones(alignment):
    data = plan(W=128, H=32, diffusion_cadence=12, max_frames=3, neocore_tween_alignment=alignment, **MOTION)
    frames = rendered(data, Stripes(), begin=Beginning(inputs=Inputs(depth=HalfNear())))
    flat = rendered(data, Stripes())
    far, near = (shift(frames[0][:, part], frames[2][:, part]) for part in (slice(0, 48), slice(72, 120)))
    assert abs(near) > 1.3 * abs(far) > 0.5  # equalised depth makes it 1.5 at most
    left, right = (shift(flat[0][:, part], flat[2][:, part]) for part in (slice(0, 48), slice(72, 120)))
    assert left == pytest.approx(right, abs=0.1)


def test_depth_is_predicted_once_per_diffused_picture():
    depth, engine = HalfNear(), Stripes()
    rendered(plan(diffusion_cadence=4, **MOTION), engine, begin=Beginning(inputs=Inputs(depth=depth)))
    assert len(depth.seen) == len(engine.pictures) == 3
    for seen, made in zip(depth.seen, engine.pictures.values(), strict=True):
        np.testing.assert_array_equal(seen, made)


def test_key_frames_are_still_the_diffused_pictures():
    engine = Stripes()
    frames = rendered(plan(diffusion_cadence=4, **MOTION), engine, begin=Beginning(inputs=Inputs(depth=HalfNear())))
    for index, picture in engine.pictures.items():
        np.testing.assert_array_equal(frames[index], picture)
    assert len(frames) == 12


def test_padding_and_sampling_are_those_of_the_settings():
    moved = {"translation_x": "0:(-40)", "diffusion_cadence": 12, "max_frames": 2}
    data = plan(**{**MOTION, **moved, "padding_mode": "zeros"})
    assert (data.border, data.interpolation) == ("zeros", "bilinear")
    zeros = rendered(data, Stripes())[1]
    assert not zeros[:, 0].any()
    border = rendered(plan(**{**MOTION, **moved, "padding_mode": "border"}), Stripes())[1]
    assert border[:, 0].any()
    assert plan(border="wrap").border == "wrap"
    assert plan().interpolation == "bilinear"
