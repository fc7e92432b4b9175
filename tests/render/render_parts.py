"""Small parts for tests of the render loop."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deforum_helpers.ports import Diffused, DiffusionRequest, Image
from deforum_helpers.render import Beginning, render_animation
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.rendering.data.render_data import RenderData
from deforum_helpers.settings.schema import Settings


class NoiseEngine:
    """Diffuses seeded noise, whatever it starts from; remembers what it was asked and what it made."""

    name = "noise"

    def __init__(self) -> None:
        self.requests: list[DiffusionRequest] = []
        self.pictures: dict[int, Image] = {}

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        self.requests.append(request)
        rng = np.random.default_rng(request.seed)
        picture = rng.integers(0, 256, (request.height, request.width, 3), np.uint8)
        self.pictures[request.frame] = picture
        return Diffused(picture)


def still(**values: object) -> Settings:
    """Tiny settings without motion and without image stages."""
    plain = {"zoom": "0:(1)", "color_coherence": "None", "noise_schedule": "0:(0)", "amount_schedule": "0:(0)"}
    return Settings().with_values({"W": 32, "H": 24, "seed": 7, "max_frames": 12, **plain, **values})


def rendered(data: RenderData, engine: NoiseEngine | None = None, *, begin: Beginning | None = None) -> list[Image]:
    """Every output frame of a plan."""
    frames: list[Image] = []

    def emit(index: int, image: Image) -> None:
        assert index == len(frames)
        frames.append(image)

    with ThreadPoolExecutor(2) as workers:
        render_animation(data, engine or NoiseEngine(), emit, workers, begin=begin)
    return frames


def plan(**values: object) -> RenderData:
    return build_render_data(still(**values))


class Frames:
    """Pictures in memory, as a video."""

    def __init__(self, pictures: Sequence[Image]) -> None:
        self.pictures = list(pictures)
        self.count = len(self.pictures)

    def frame(self, index: int) -> Image:
        return self.pictures[min(max(index, 0), self.count - 1)]


def grey(level: int, height: int = 24, width: int = 32) -> Image:
    return np.full((height, width, 3), level, np.uint8)
