"""How sharp a picture stays over thirty motions: composed into one warp, and warped again and again.

Run with ``PYTHONPATH=scripts python benchmarks/imaging/sharpness.py docs/images/sharpness.png`` (needs matplotlib).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from deforum_helpers.imaging.camera import motion_2d
from deforum_helpers.imaging.warp import Homography

WIDTH, HEIGHT, STEPS, DETAIL = 480, 270, 30, 1.0
STEP = motion_2d(width=WIDTH, height=HEIGHT, angle=0.3, translation_x=0.37, translation_y=-0.21)
FINER = Homography(np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1.0]]))
"""From the picture's pixels to those of one of four times its size."""


def texture(detail: float) -> np.ndarray:
    """Structure of all sizes down to ``detail`` pixels (sigma), at four times the size."""
    random = np.random.default_rng(3)
    shape = (4 * HEIGHT, 4 * WIDTH)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None] * shape[0], np.fft.rfftfreq(shape[1]) * shape[1])
    frequency[0, 0] = 1
    layers = [np.fft.irfft2(np.fft.rfft2(random.normal(size=shape)) / frequency, shape) for _ in range(3)]
    picture = cv2.GaussianBlur(np.stack([layer / layer.std() for layer in layers], axis=2), (0, 0), 4 * detail)
    return np.clip(picture * 90 + 128, 0, 255).astype(np.uint8)


def smaller(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def sharpness(picture: np.ndarray) -> float:
    """Variance of the Laplacian of the luma, away from the edges."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F)[60:-60, 60:-60].var())


def series() -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """Sharpness relative to the exact picture after each step, and the last pictures."""
    fine = texture(DETAIL)
    start = smaller(fine)
    chain = Homography.identity()
    pictures = {"exact": start, "composed, bicubic": start, "composed, bilinear": start}
    pictures |= {"again and again, bicubic": start, "again and again, bilinear": start}
    curves: dict[str, list[float]] = {name: [1.0] for name in pictures if name != "exact"}
    for _ in range(STEPS):
        chain = chain.then(STEP)
        exact = FINER.inverse().then(chain).then(FINER)
        pictures["exact"] = smaller(exact.apply(fine, interpolation="bicubic"))
        for mode in ("bicubic", "bilinear"):
            pictures[f"composed, {mode}"] = chain.apply(start, interpolation=mode)
            pictures[f"again and again, {mode}"] = STEP.apply(pictures[f"again and again, {mode}"], interpolation=mode)
        for name, values in curves.items():
            values.append(sharpness(pictures[name]) / sharpness(pictures["exact"]))
    return curves, pictures


def draw(target: Path) -> None:
    from matplotlib.figure import Figure

    curves, pictures = series()
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    axes = left.subplots()
    for name, values in curves.items():
        axes.plot(values, "-" if name.startswith("composed") else "--", label=name)
    axes.set(xlabel="motions", ylabel="sharpness relative to the exact picture", ylim=(0, 3), xlim=(0, STEPS))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    shown = ["exact", "composed, bicubic", "composed, bilinear"]
    shown += ["again and again, bicubic", "again and again, bilinear"]
    for place, name in zip(right.subplots(2, 3).flat, [*shown, ""], strict=True):
        place.axis("off")
        if name:
            place.set_title(name, fontsize=9)
            place.imshow(pictures[name][90:180, 180:300], interpolation="nearest")
    figure.savefig(target, dpi=90)
    for name, values in curves.items():
        print(f"{name:26}{values[-1]:6.2f}")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
