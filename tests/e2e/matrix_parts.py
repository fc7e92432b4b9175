"""Inputs of every kind, tiny, and renders of combinations of settings."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from e2e_parts import manifest_text
from PIL import Image as Pillow

from deforum_helpers.errors import Finding, InputError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.media.ffmpeg import run_ffmpeg
from deforum_helpers.run_deforum import RunOptions, run_job
from deforum_helpers.settings.schema import SETTINGS
from tiny_networks import write_network

WIDTH, HEIGHT, FRAMES = 96, 64, 13

BASE: dict[str, object] = {
    "W": WIDTH,
    "H": HEIGHT,
    "max_frames": FRAMES,
    "diffusion_cadence": 4,
    "neocore_key_index_distribution": "Uniform Spacing",
    "fps": 12,
    "seed": 7,
    "prompts": {"0": "a lighthouse at dusk"},
    "video_init_path": "clip.mp4",
    "video_mask_path": "mask.mp4",
    "mask_file": "mask.png",
    "init_image": "init.png",
    "color_coherence_image_path": "init.png",
    "init_images": '{"0": "init.png", "6": "mask.png"}',
    "add_soundtrack": "None",
    "skip_video_creation": True,
    "hybrid_flow_method": "DIS Medium",
}


def write_inputs(folder: Path) -> None:
    """A clip, a mask clip, pictures, a manifest and the networks, all of the size of the frames and smaller."""
    size = f"size={WIDTH}x{HEIGHT}:rate=12"
    run_ffmpeg(
        ["-f", "lavfi", "-i", f"testsrc2={size}", "-frames:v", str(FRAMES), "-pix_fmt", "yuv420p", folder / "clip.mp4"],
        purpose="make a clip",
    )
    moving = f"color=black:{size},drawbox=x=0:y=0:w=48:h=64:c=white:t=fill"
    run_ffmpeg(
        ["-f", "lavfi", "-i", moving, "-frames:v", str(FRAMES), "-pix_fmt", "yuv420p", folder / "mask.mp4"],
        purpose="make a mask clip",
    )
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    picture = np.stack([x * 2, y * 3, (x + y), np.where(x < 40, 255, 0)], axis=2).astype(np.uint8)
    Pillow.fromarray(picture).save(folder / "init.png")
    Pillow.fromarray(np.where(y < 30, 255, 0).astype(np.uint8)).save(folder / "mask.png")
    zoom = [1 + 0.01 * (f % 3) for f in range(FRAMES)]
    text = manifest_text(FRAMES, (0, 3, 4, 9, 12), fps=12, zoom=zoom, strength=[0.6] * FRAMES)
    (folder / "parseq.json").write_text(text)
    write_network(folder / "models", "dpt-hybrid-midas")


@dataclass(frozen=True)
class Outcome:
    """What became of a combination: frames and what was said, or why it was refused."""

    frames: tuple[np.ndarray, ...]
    refused: str = ""
    findings: tuple[Finding, ...] = ()


class Collector:
    """Watches a run and keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def start(self, frames: int, key_frames: int) -> None:
        """Nothing to prepare."""

    def advance(self, index: int, image: np.ndarray, is_key: bool) -> None:
        assert index == len(self.frames)
        self.frames.append(image.copy())

    def finish(self) -> None:
        """Nothing to end."""


def outcome(folder: Path, values: Mapping[str, object], *, video: bool = False) -> Outcome:
    """Render a combination in the folder of the inputs."""
    (folder / "settings.txt").write_text(json.dumps({**BASE, **values}))
    collector = Collector()
    try:
        job = load_job(folder / "settings.txt", {})
        data, _ = plan_job(job)
    except InputError as error:
        return Outcome((), str(error))
    options = RunOptions(out=folder / "out", video=video, threads=2, models=folder / "models")
    result = run_job(job, data, PreviewEngine(), options, collector)
    return Outcome(tuple(collector.frames), findings=result.findings)


Pair = tuple[tuple[str, object], tuple[str, object]]


def choice_values(keys: Sequence[str]) -> dict[str, tuple[object, ...]]:
    """All values of the settings ``keys``."""
    return {key: SETTINGS[key].choices if SETTINGS[key].kind == "choice" else (False, True) for key in keys}


def pairwise_rows(values: Mapping[str, Sequence[object]], seed: int = 1) -> Iterator[dict[str, object]]:
    """Rows in which every two values of every two settings meet at least once; greedy, repeatable."""
    rng = random.Random(seed)
    keys = list(values)
    left = {
        pair
        for a, b in itertools.combinations(keys, 2)
        for pair in itertools.product(((a, v) for v in values[a]), ((b, v) for v in values[b]))
    }
    while left:
        (first, second) = min(left, key=repr)
        row = max((_candidate(values, (first, second), rng) for _ in range(12)), key=lambda r: len(_pairs(r) & left))
        left -= _pairs(row)
        yield row


def _candidate(values: Mapping[str, Sequence[object]], fixed: Pair, rng: random.Random) -> dict[str, object]:
    return {**{key: rng.choice(list(choices)) for key, choices in values.items()}, **dict(fixed)}


def _pairs(row: Mapping[str, object]) -> set[Pair]:
    return set(itertools.combinations(row.items(), 2))
