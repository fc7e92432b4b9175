"""The render loop: what each output frame is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from render_parts import NoiseEngine, plan, rendered

from deforum_helpers.errors import EngineError, Interrupted
from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.warp import Homography
from deforum_helpers.ports import Diffused, Image
from deforum_helpers.render import Beginning, KnownStates, LoopState, Observers, render_animation

MOTION = {"angle": "0:(1.5)", "zoom": "0:(1.01)", "translation_x": "0:(0.7)", "translation_y": "0:(-0.4)"}


@pytest.mark.parametrize("cadence", [1, 3, 4, 45])
def test_exact_key_frames_are_the_diffused_pictures_bit_for_bit(cadence):
    engine = NoiseEngine()
    data = plan(diffusion_cadence=cadence, **MOTION)
    frames = rendered(data, engine)
    assert len(frames) == 12
    assert sorted(engine.pictures) == list(data.key_frames)
    for key in data.key_frames:
        np.testing.assert_array_equal(frames[key], engine.pictures[key])


def test_a_tween_without_motion_is_the_weighted_mean():
    engine = NoiseEngine()
    frames = rendered(plan(diffusion_cadence=4), engine)
    a, b = engine.pictures[0].astype(float), engine.pictures[4].astype(float)
    for step in (1, 2, 3):
        assert np.abs(frames[step] - (a * (4 - step) + b * step) / 4).max() <= 0.5 + 1e-6


def test_classic_fades_from_the_picture_before_both_carried_forward():
    engine = NoiseEngine()
    data = plan(diffusion_cadence=4, neocore_tween_alignment="Classic", **MOTION)
    frames = rendered(data, engine)
    older = _steps(data, 0, 5).apply(engine.pictures[0]).astype(float)
    newer = _steps(data, 4, 5).apply(engine.pictures[4]).astype(float)
    shown = _steps(data, 4, 7).apply(engine.pictures[4]).astype(float)
    for frame, expected in ((frames[5], (older + newer) / 2), (frames[7], shown)):
        # Positions are rounded to 1/32 pixel in another way, which white noise shows most.
        off = np.abs(frame - expected)
        assert off.max() <= 10
        assert off.mean() < 1


def _steps(data, source: int, frame: int) -> Homography:
    total = Homography.identity()
    for f in range(source + 1, frame + 1):
        number = data.series.number
        total = total.then(
            motion_2d(
                width=data.width,
                height=data.height,
                angle=number("angle_series", f),
                zoom=number("zoom_series", f),
                translation_x=number("translation_x_series", f),
                translation_y=number("translation_y_series", f),
            )
        )
    return total


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
def test_the_picture_to_diffuse_is_the_last_one_moved_once(alignment):
    engine = NoiseEngine()
    data = plan(diffusion_cadence=4, neocore_tween_alignment=alignment, **MOTION)
    rendered(data, engine)
    assert engine.requests[0].init_image is None
    for before, request in zip((0, 4), engine.requests[1:], strict=True):
        expected = _steps(data, before, request.frame).reader(engine.pictures[before])(slice(0, data.height))
        np.testing.assert_array_equal(request.init_image, expected)


def test_contrast_is_applied_before_diffusion_and_only_there():
    engine = NoiseEngine()
    rendered(plan(diffusion_cadence=4, contrast_schedule="0:(0.5)"), engine)
    np.testing.assert_allclose(engine.requests[1].init_image, engine.pictures[0] * 0.5, atol=0.5)


def test_tweens_before_a_cut_show_only_the_picture_before():
    engine = NoiseEngine()
    frames = rendered(plan(diffusion_cadence=4, strength_schedule="0:(0.5), 4:(0), 5:(0.5)"), engine)
    for frame in (1, 2, 3):
        np.testing.assert_array_equal(frames[frame], engine.pictures[0])


def test_every_frame_after_the_last_key_frame_is_written():
    engine = NoiseEngine()
    frames = rendered(plan(diffusion_cadence=45), engine)
    assert len(frames) == 12
    np.testing.assert_array_equal(frames[-1], engine.pictures[0])


def test_where_motion_uncovers_one_picture_the_other_is_shown():
    """A pan by half a frame: the older picture has no source on one side, the newer one on the other."""
    shift = 8
    engine = NoiseEngine()
    data = plan(diffusion_cadence=2, max_frames=3, translation_x=f"0:({shift})")
    frames = rendered(data, engine)
    newer_back = Homography(np.float64([[1, 0, -shift], [0, 1, 0], [0, 0, 1]])).apply(engine.pictures[2])
    older_on = Homography(np.float64([[1, 0, shift], [0, 1, 0], [0, 0, 1]])).apply(engine.pictures[0])
    np.testing.assert_array_equal(frames[1][:, : shift - 1], newer_back[:, : shift - 1])
    np.testing.assert_array_equal(frames[1][:, -shift + 1 :], older_on[:, -shift + 1 :])


def test_wrapping_borders_reach_both_the_diffusion_and_the_tweens():
    engine = NoiseEngine()
    frames = rendered(plan(diffusion_cadence=12, translation_x="0:(8)", border="wrap"), engine)
    np.testing.assert_array_equal(frames[1], np.roll(engine.pictures[0], 8, axis=1))


def test_stop_after_the_current_frame():
    taken = []

    def stop() -> bool:
        return len(taken) == 5

    data = plan(diffusion_cadence=4)
    engine = NoiseEngine()

    def emit(index, image):
        taken.append(index)

    with ThreadPoolExecutor(2) as workers, pytest.raises(Interrupted):
        render_animation(data, engine, emit, workers, Observers(stop))
    assert taken == [0, 1, 2, 3, 4]


def test_a_request_to_stop_after_the_last_frame_changes_nothing():
    taken = []
    data = plan(diffusion_cadence=4)
    with ThreadPoolExecutor(2) as workers:
        render_animation(
            data, NoiseEngine(), lambda i, _: taken.append(i), workers, Observers(lambda: len(taken) == 12)
        )
    assert len(taken) == 12


def test_an_engine_that_fails_stops_the_render_with_its_own_message():
    class Broken(NoiseEngine):
        def diffuse(self, request):
            if request.frame >= 4:
                raise EngineError("out of memory")
            return super().diffuse(request)

    with pytest.raises(EngineError, match="out of memory"):
        rendered(plan(diffusion_cadence=4), Broken())


def test_no_edge_of_a_picture_shows_inside_a_tween():
    """Zooming in uncovers the border of the newer picture; without a feather its edge would be a step of 17 levels."""
    grey = {0: 100, 7: 140}

    class Flat(NoiseEngine):
        def diffuse(self, request):
            return Diffused(np.full((request.height, request.width, 3), grey[request.frame], np.uint8))

    data = plan(W=640, H=384, diffusion_cadence=7, max_frames=8, zoom="0:(1.02)")
    frames = rendered(data, Flat())
    for frame in frames[1:5]:
        values = frame[..., 0].astype(int)
        assert max(np.abs(np.diff(values, axis=axis)).max() for axis in (0, 1)) <= 2
    assert frames[3][0, 0, 0] == 100
    assert frames[3][192, 320, 0] == 117


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
def test_known_key_frames_are_read_one_by_one_as_their_frames_are_made(alignment):
    data = plan(max_frames=120, diffusion_cadence=3, zoom="0:(1.02)", neocore_tween_alignment=alignment)
    engine = NoiseEngine()
    expected = rendered(data, engine)
    made: list[int] = []
    frames: list[Image] = []

    def read(position: int) -> LoopState:
        # At most two intervals are in memory: one at work, one waiting, and the one about to be handed over.
        shown = sum(tween.newer < position - 4 for tween in data.tweens)
        assert len(made) >= shown
        return LoopState(position, engine.pictures[data.keys[position].index], None)

    def emit(index: int, image: Image) -> None:
        made.append(index)
        frames.append(image)

    idle = NoiseEngine()
    states = KnownStates(range(len(data.keys)), read)
    with ThreadPoolExecutor(2) as workers:
        render_animation(data, idle, emit, workers, begin=Beginning(0, states))
    assert not idle.requests
    assert made == list(range(120))
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))
