"""The same pictures from every backend, on PyTorch's processor device."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from imaging_helpers import coverage_of

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.backend import Fade, OpenCVResampler, TorchResampler, pick_resampler
from deforum_helpers.imaging.blend import Crossfade, crossfade
from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d
from deforum_helpers.imaging.sampling import Source
from deforum_helpers.imaging.warp import Homography

SIZE = {"width": 160, "height": 90}
DEPTH = np.tile(np.linspace(1, 2, 160, dtype=np.float32), (90, 1))
WARPS = {
    "identity": Homography.identity(),
    "turned": motion_2d(**SIZE, angle=7, zoom=0.9, translation_x=12.3),
    "tilted": motion_2d(**SIZE, angle=2).then(Homography(np.array([[1, 0, 3], [0, 1, 0], [4e-4, 2e-4, 1]]))),
    "smooth": motion_3d(Motion3D(translation_z=-6, rotation_y=2), **SIZE),
    "dense": motion_3d(Motion3D(translation_x=9, translation_z=4), **SIZE, depth=DEPTH),
}


@pytest.fixture
def picture(photo):
    return photo[40:130, 80:240].copy()


@pytest.fixture(scope="module", params=["OpenCV", "PyTorch"])
def resampler(request):
    if request.param == "OpenCV":
        return OpenCVResampler()
    pytest.importorskip("torch", reason="PyTorch is not installed")
    return TorchResampler("cpu")


def assert_close(ours, theirs, name=""):
    """Within one level, but for the few pixels whose position is rounded the other way."""
    off = np.abs(ours.astype(np.int64) - theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.uint8
    assert (off > 1).mean() <= 0.001, name
    assert off.mean() < 0.1, name


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("border", ["replicate", "wrap", "reflect", "reflect101", "zeros"])
def test_pictures_are_those_of_the_warps(resampler, picture, interpolation, border):
    options = {"interpolation": interpolation, "border": border}
    pictures = [picture, picture[::-1].copy(), picture[:, ::-1].copy(), 255 - picture, picture // 2]
    batch = resampler.apply_batch(list(WARPS.values()), pictures, **options)
    for (name, warp), source, result in zip(WARPS.items(), pictures, batch, strict=True):
        # A homography's bicubic positions are rounded to 1/32 pixel by OpenCV, and only there.
        rounded = interpolation == "bicubic" and isinstance(warp, Homography)
        reference = warp.to_dense(90, 160) if rounded else warp
        shown = resampler.apply(reference, source, **options) if rounded else result
        assert_close(shown, reference.apply(source, **options), name)
        assert np.array_equal(resampler.apply(warp, source, **options), result)


def test_hard_edges_too(resampler):
    noise = np.random.default_rng(4).integers(0, 256, (90, 160, 3), np.uint8)
    for name, warp in WARPS.items():
        assert_close(resampler.apply(warp, noise), warp.apply(noise), name)


@pytest.mark.parametrize("hand_over", [False, True])
@pytest.mark.parametrize("border", ["replicate", "wrap"])
def test_fades_are_those_of_warps_and_crossfade(resampler, picture, hand_over, border):
    names = ["turned", "smooth", "dense", "tilted", "identity"]
    fades = [
        Fade(Source(picture), Source(255 - picture), WARPS[a], WARPS[b], weight, hand_over)
        for a, b, weight in zip(names, names[1:] + names[:1], (0.0, 0.03, 0.5, 0.8, 1.0), strict=True)
    ]
    for fade, result in zip(fades, resampler.fade_batch(fades, border=border), strict=True):
        covers = [coverage_of(warp, 90, 160) for warp in (fade.warp_a, fade.warp_b)]
        carried = [fade.warp_a.apply(fade.a.image, border=border), fade.warp_b.apply(fade.b.image, border=border)]
        hands_over = hand_over and border != "wrap"
        used = covers if hands_over else [None, None]
        exact = crossfade(*carried, fade.weight, *used)
        if hands_over:
            # Confidence that is known for cells is within 0.006, and within 0.03 where bands meet.
            off = np.abs(result.astype(np.int64) - exact)
            assert off.max() <= 0.03 * 255
            assert (off > 1).mean() <= 0.005
        else:
            assert_close(result, exact)


def test_strips_make_no_difference_where_neither_picture_has_anything():
    height, width = 90, 160
    warps = [WARPS["tilted"], WARPS["smooth"]]
    black, white = np.zeros((height, width, 3), np.uint8), np.full((height, width, 3), 255, np.uint8)
    cells = [warp.coverage(height, width) for warp in warps]
    fade, faded = Crossfade(0.4, *cells), np.empty_like(black)
    strips = list(fade.strips(height, 40))
    for rows in strips:
        fade.blend(black[rows], white[rows], rows, faded[rows])
    shown = [coverage_of(warp, height, width) for warp in warps]
    assert ((shown[0] < 1e-3) & (shown[1] < 1e-3)).any()
    assert [strip.start for strip in strips] == [0, *[strip.stop for strip in strips[:-1]]]
    assert max(strip.stop - strip.start for strip in strips) <= 40
    assert np.abs(faded.astype(np.int64) - crossfade(black, white, 0.4, *shown)).max() <= 0.03 * 255


@pytest.mark.parametrize("border", ["replicate", "wrap", "reflect", "zeros"])
@pytest.mark.parametrize("name", ["smooth", "dense"])
def test_bicubic_frames_that_are_only_shown_are_nearly_as_exact_and_as_sharp(name, border):
    height, width = 180, 320
    photo = natural(height, width)
    near = np.tile(np.linspace(1, 2, width, dtype=np.float32), (height, 1)) if name == "dense" else None
    warp = motion_3d(Motion3D(translation_z=5, rotation_z=1.7), width=width, height=height, depth=near)
    source = Source(photo)
    (shown,) = OpenCVResampler().fade_batch(
        [Fade(source, source, warp, warp, 1.0)], interpolation="bicubic", border=border
    )
    exact = warp.apply(photo, interpolation="bicubic", border=border)
    linear = warp.apply(photo, border=border)
    assert np.sqrt(((shown.astype(float) - exact) ** 2).mean()) < 2
    assert sharpness(shown) / sharpness(exact) == pytest.approx(1, abs=0.04)
    assert sharpness(linear) / sharpness(exact) < 0.9


def natural(height, width):
    """Structure of all sizes, as strong as in pictures of nature: amplitudes fall with frequency."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) + 1e-3
    white = np.random.default_rng(2).normal(size=(3, height, width))
    planes = np.fft.irfft2(np.fft.rfft2(white) / frequency, (height, width))
    planes = 128 + 50 * planes / planes.std()
    return np.ascontiguousarray(np.clip(planes, 0, 255).astype(np.uint8).transpose(1, 2, 0))


def sharpness(picture):
    """Strength of what changes from pixel to pixel, away from the border."""
    inner = picture[30:-30, 30:-30].astype(float)
    return np.std(4 * inner[1:-1, 1:-1] - inner[:-2, 1:-1] - inner[2:, 1:-1] - inner[1:-1, :-2] - inner[1:-1, 2:])


def test_empty_batches_and_uneven_ones(resampler, picture):
    assert resampler.apply_batch([], []) == []
    assert resampler.fade_batch([]) == []
    with pytest.raises(ValueError, match=r"warps for|argument 2 is shorter"):
        resampler.apply_batch([Homography.identity()] * 2, [picture])
    with pytest.raises(ValueError, match="border 'mirror'"):
        resampler.apply(WARPS["turned"], picture, border="mirror")


def test_pictures_are_untouched_new_and_the_same_in_every_thread(resampler, picture):
    frozen = picture.copy()
    frozen.flags.writeable = False
    alone = resampler.apply(WARPS["smooth"], frozen)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: resampler.apply(WARPS["smooth"], frozen), range(8)))
    assert all(np.array_equal(result, alone) for result in results)
    assert np.array_equal(frozen, picture)
    still = resampler.apply(WARPS["identity"], frozen)
    assert np.array_equal(still, picture)
    assert still.flags.writeable


def with_torch(monkeypatch, **cards):
    """A PyTorch that finds the given cards."""
    found = {name: SimpleNamespace(is_available=lambda there=there: there) for name, there in cards.items()}
    torch = SimpleNamespace(cuda=found["cuda"], backends=SimpleNamespace(mps=found["mps"]))
    monkeypatch.setattr("deforum_helpers.imaging.backend.find_spec", lambda _: object())
    monkeypatch.setattr("deforum_helpers.imaging.backend.import_torch", lambda: torch)
    monkeypatch.setattr("deforum_helpers.imaging.backend.TorchResampler", lambda device: SimpleNamespace(name=device))
    monkeypatch.setattr("deforum_helpers.imaging.backend._has_driver", lambda: True)


def test_cards_are_picked_if_there_are_some(monkeypatch):
    with_torch(monkeypatch, cuda=True, mps=True)
    assert [pick_resampler(name).name for name in ("auto", "cuda", "mps")] == ["cuda", "cuda", "mps"]
    with_torch(monkeypatch, cuda=False, mps=False)
    assert isinstance(pick_resampler(), OpenCVResampler)
    with pytest.raises(InputError, match="finds no device 'cuda'"):
        pick_resampler("cuda")
    with pytest.raises(InputError, match="There is no device 'gpu'"):
        pick_resampler("gpu")


def test_without_torch_it_is_opencv(monkeypatch):
    monkeypatch.setattr("deforum_helpers.imaging.backend.find_spec", lambda _: None)
    assert isinstance(pick_resampler(), OpenCVResampler)
    monkeypatch.undo()
    monkeypatch.setattr("deforum_helpers.imaging.backend._has_driver", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("deforum_helpers.imaging.backend.find_spec", lambda _: object())
    assert isinstance(pick_resampler(), OpenCVResampler)
    assert isinstance(pick_resampler("cpu"), OpenCVResampler)
