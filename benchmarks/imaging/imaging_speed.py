"""Time of each imaging function on one thread at 1280×720, beside the plainest OpenCV call that does part of its work.

Run with ``PYTHONPATH=scripts python benchmarks/imaging/imaging_speed.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from deforum_helpers.imaging.blend import crossfade
from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.camera3d import Motion3D, motion_3d, plane_depth
from deforum_helpers.imaging.colour import ColourReference, match_colours
from deforum_helpers.imaging.flow import flow_warp
from deforum_helpers.imaging.noise import add_noise
from deforum_helpers.imaging.sharpen import scale_contrast, unsharp_mask
from deforum_helpers.imaging.warp import Homography, Warp

HEIGHT, WIDTH = 720, 1280
Case = tuple[str, Callable[[], object], Callable[[], object], float | None]


def best_ms(call: Callable[[], object], repeats: int = 7) -> float:
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (2, 24, 40, 3), dtype=np.uint8)
    a, b = (cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for picture in coarse)
    return a, b


def warp_cases(a: np.ndarray, b: np.ndarray) -> list[Case]:
    flat = motion_2d(width=WIDTH, height=HEIGHT, angle=2, zoom=1.02, translation_x=5)
    tilted = flat.then(Homography(np.array([[1, 0.01, 0], [0, 1, 0], [1e-5, 2e-5, 1]])))
    motion = Motion3D(translation_z=5, rotation_x=0.5, rotation_y=0.3, rotation_z=0.2)
    depth = plane_depth(cv2.cvtColor(b, cv2.COLOR_RGB2GRAY).astype(np.float32), "Midas-3-Hybrid")
    dense = motion_3d(motion, width=WIDTH, height=HEIGHT, depth=depth)

    def coverage(warp: Warp) -> np.ndarray | None:
        at = warp.coverage(HEIGHT, WIDTH)
        return None if at is None else at(slice(0, HEIGHT))

    cover = coverage(flat)
    flow = np.random.default_rng(1).normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32)

    def remap(mode: int = cv2.INTER_LINEAR) -> np.ndarray:
        return cv2.remap(a, dense.grid, None, mode, borderMode=cv2.BORDER_REPLICATE)

    def perspective() -> np.ndarray:
        return cv2.warpPerspective(a, flat.matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)

    def fade() -> np.ndarray:
        return cv2.addWeighted(a, 0.7, b, 0.3, 0)

    size = {"width": WIDTH, "height": HEIGHT}
    smooth = motion_3d(motion, **size)
    chain = smooth
    for _ in range(7):
        chain = chain.then(smooth)
    back = smooth.inverse()
    part = np.ascontiguousarray(dense.grid[::8, ::8])
    place = part / 8

    def small_remap() -> np.ndarray:
        return cv2.remap(part, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return [
        ("2D apply", lambda: flat.apply(a), perspective, None),
        ("2D coverage", lambda: coverage(flat), perspective, None),
        ("perspective coverage", lambda: coverage(tilted), perspective, None),
        ("3D flat motion", lambda: motion_3d(motion, **size), small_remap, 1),
        ("3D flat then 3D flat", lambda: chain.then(smooth), small_remap, 1),
        ("3D flat inverse", chain.inverse, small_remap, 3),
        ("3D flat apply", lambda: chain.apply(a), remap, 9),
        ("3D flat coverage", lambda: coverage(back), remap, 3),
        ("3D depth, grid and apply", lambda: motion_3d(motion, **size, depth=depth).apply(a), remap, 25),
        ("dense apply bicubic", lambda: dense.apply(a, interpolation="bicubic"), lambda: remap(cv2.INTER_CUBIC), 45),
        ("dense then dense", lambda: dense.then(dense), remap, None),
        ("dense inverse", dense.inverse, remap, 25),
        ("dense coverage", lambda: coverage(dense), remap, None),
        ("flow remap", lambda: flow_warp(flow).apply(a, border="reflect101"), remap, 6),
        ("crossfade", lambda: crossfade(a, b, 0.3), fade, 1),
        ("crossfade with coverage", lambda: crossfade(a, b, 0.3, cover, cover), fade, 12),
    ]


def value_cases(a: np.ndarray, b: np.ndarray) -> list[Case]:
    references = {space: ColourReference.of(b, space) for space in ("RGB", "HSV", "LAB")}

    def table() -> np.ndarray:
        return cv2.LUT(a, np.zeros((1, 256, 3), np.uint8))

    def round_trip(there: int, back: int) -> np.ndarray:
        return cv2.cvtColor(cv2.cvtColor(a, there), back)

    def normal() -> np.ndarray:
        return cv2.randn(np.empty((HEIGHT, WIDTH, 3), np.float32), 0, 1)

    return [
        ("colour match RGB", lambda: match_colours(a, references["RGB"]), table, 3),
        (
            "colour match HSV",
            lambda: match_colours(a, references["HSV"]),
            lambda: round_trip(cv2.COLOR_RGB2HSV, cv2.COLOR_HSV2RGB),
            5,
        ),
        (
            "colour match LAB",
            lambda: match_colours(a, references["LAB"]),
            lambda: round_trip(cv2.COLOR_RGB2LAB, cv2.COLOR_LAB2RGB),
            10,
        ),
        ("noise uniform", lambda: add_noise(a, amount=0.1, seed=1, kind="uniform"), normal, 14),
        ("noise perlin", lambda: add_noise(a, amount=0.1, seed=1, kind="perlin"), normal, 25),
        (
            "unsharp mask",
            lambda: unsharp_mask(a, kernel=5, sigma=1, amount=0.1),
            lambda: cv2.GaussianBlur(a, (5, 5), 1),
            3,
        ),
        ("contrast", lambda: scale_contrast(a, 1.1), lambda: cv2.convertScaleAbs(a, alpha=1.1), 0.5),
    ]


def main() -> None:
    cv2.setNumThreads(1)
    a, b = pictures()
    print(f"{'':26}{'ms':>8}{'floor':>8}{'ratio':>7}{'target':>8}")
    for name, call, floor, target in warp_cases(a, b) + value_cases(a, b):
        ours, plain = best_ms(call), best_ms(floor)
        print(f"{name:26}{ours:8.2f}{plain:8.2f}{ours / plain:7.1f}{'' if target is None else f'{target:8}'}")


if __name__ == "__main__":
    main()
