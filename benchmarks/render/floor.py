"""The bare floor: the same warps, files and video with plain OpenCV, zlib and x264, and nothing else."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from deforum_helpers.media.ffmpeg import find_ffmpeg
from deforum_helpers.media.png import encode_png

WIDTH, HEIGHT, FRAMES, CADENCE = 1280, 720, 60, 7


def picture(seed: int) -> np.ndarray:
    """Smooth shapes with a little grain, about as hard to encode as the engine's pictures."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (24, 40, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = random.integers(0, 6, smooth.shape, dtype=np.uint8)
    return cv2.add(smooth, grain)


def tween(older: np.ndarray, newer: np.ndarray, weight: float, step: int) -> np.ndarray:
    there = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 0.5 * step, 1.02**step)
    back = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), -0.5 * (CADENCE - step), 1.02 ** (step - CADENCE))
    a, b = (cv2.warpAffine(p, m, (WIDTH, HEIGHT), borderMode=1) for p, m in ((older, there), (newer, back)))
    return cv2.addWeighted(a, 1 - weight, b, weight, 0)


def write(path: Path, image: np.ndarray) -> None:
    path.write_bytes(encode_png(image))


def made(workers: ThreadPoolExecutor) -> Iterator[np.ndarray]:
    keys = [picture(seed) for seed in range(2)]
    jobs: list[Future[np.ndarray]] = []
    for index in range(FRAMES):
        step = index % CADENCE
        older, newer = keys[(index // CADENCE) % 2], keys[(index // CADENCE + 1) % 2]
        if step:
            jobs.append(workers.submit(tween, older, newer, step / CADENCE, step))
        else:
            jobs.append(workers.submit(older.copy))
        if len(jobs) > 4:
            yield jobs.pop(0).result()
    for job in jobs:
        yield job.result()


def floor(preset: str) -> tuple[float, float]:
    """Milliseconds and user CPU milliseconds per frame."""
    cv2.setNumThreads(1)
    size = ("-pix_fmt", "rgb24", "-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", "24")
    coder = ("-c:v", "libx264", "-preset", preset, "-crf", "17", "-pix_fmt", "yuv420p")
    cpu, started = sum(os.times()[i] for i in (0, 2)), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as workers:
        command = [str(find_ffmpeg()), "-v", "error", "-f", "rawvideo", *size, "-i", "-", *coder, f"{folder}/v.mp4"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
            writes = []
            for index, image in enumerate(made(workers)):
                writes.append(workers.submit(write, Path(folder) / f"{index}.png", image))
                encoder.stdin.write(image.data)
        for future in writes:
            future.result()
    seconds = time.perf_counter() - started
    return 1000 * seconds / FRAMES, 1000 * (sum(os.times()[i] for i in (0, 2)) - cpu) / FRAMES
