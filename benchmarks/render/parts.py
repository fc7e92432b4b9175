"""CPU time of each part of a frame, and of the way from one diffusion to the next."""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from cases import COMMON, MODES

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.imaging.blend import Crossfade, crossfade
from deforum_helpers.imaging.colour import ColourReference, match_colours
from deforum_helpers.imaging.resampler import Fade, OpenCVResampler
from deforum_helpers.imaging.sampling import Source
from deforum_helpers.imaging.sharpen import unsharp_mask
from deforum_helpers.imaging.warp import Warp
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.media.encode import EncodeOptions
from deforum_helpers.media.png import encode_png
from deforum_helpers.ports import Diffused, DiffusionRequest
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.rendering.data.render_data import RenderData
from deforum_helpers.rendering.util.call.motion import frame_motion
from deforum_helpers.rendering.util.call.noise import noise_picture
from deforum_helpers.rendering.util.motion_chains import MotionChains
from deforum_helpers.run_deforum import RunOptions, run_job
from deforum_helpers.settings.schema import Settings

CADENCE = 7
KEYS_PER_FRAME = 1 / CADENCE
TWEENS_PER_FRAME = 1 - KEYS_PER_FRAME

Part = tuple[str, float, Callable[[], object]]
"""Name, calls per frame, and the call."""


def cpu_ms(call: Callable[[], object], repeats: int = 7) -> float:
    """Least CPU time, milliseconds."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def plan(mode: str) -> RenderData:
    return build_render_data(Settings().with_values({**COMMON, **MODES[mode]}))


def parts(mode: str) -> list[Part]:
    data = plan(mode)
    size = data.width, data.height
    engine = PreviewEngine()
    key = data.keys[1]
    first, second = (engine.diffuse(DiffusionRequest(*size, key.prompt, seed=seed)).image for seed in (1, 2))

    def chains() -> MotionChains:
        return MotionChains(lambda frame: frame_motion(data, frame))

    known = chains()
    forward, backward = known.carry(0, 3), known.carry(7, 3)
    height, width = data.height, data.width
    rows = slice(0, height)

    def covered(warp: Warp) -> np.ndarray | None:
        at = warp.coverage(height, width)
        return None if at is None else at(rows)

    crossfade_of_two = Crossfade(0.4, forward.coverage(height, width), backward.coverage(height, width))
    blended = np.empty_like(first)

    def blend() -> None:
        for strip in crossfade_of_two.strips(height, 240):
            crossfade_of_two.blend(first[strip], second[strip], strip, blended[strip])

    reference = ColourReference.of(second, "LAB")
    noise = noise_picture(data, key)

    sources = Source(first), Source(second)
    resampler = OpenCVResampler()

    def resampled(warp: Warp, source: Source) -> None:
        resampler.fade_batch([Fade(source, source, warp, warp, 1.0)], interpolation=data.interpolation)

    def interval() -> None:
        """All warps of an interval: forward from one picture, backward from the other."""
        fresh = chains()
        for frame in range(CADENCE + 1):
            fresh.carry(0, frame)
            fresh.carry(CADENCE, frame)

    seeds = itertools.count()
    return [
        ("chains of an interval", KEYS_PER_FRAME, interval),
        ("doubled", KEYS_PER_FRAME * (data.interpolation == "bicubic"), lambda: Source(first).doubled),
        ("warp forward", TWEENS_PER_FRAME, lambda: resampled(forward, sources[0])),
        ("warp backward", TWEENS_PER_FRAME, lambda: resampled(backward, sources[1])),
        ("coverage forward", TWEENS_PER_FRAME, lambda: covered(forward)),
        ("coverage backward", TWEENS_PER_FRAME, lambda: covered(backward)),
        ("crossfade with coverage", TWEENS_PER_FRAME, blend),
        ("PNG", 1.0, lambda: encode_png(first)),
        ("key: warp", KEYS_PER_FRAME, lambda: forward.reader(first, interpolation=data.interpolation)(rows)),
        ("key: LAB twice", KEYS_PER_FRAME, lambda: [match_colours(first, reference) for _ in range(2)]),
        ("key: anti-blur", KEYS_PER_FRAME, lambda: unsharp_mask(first, kernel=5, sigma=1.0, amount=0.1)),
        ("key: noise picture", KEYS_PER_FRAME, lambda: noise_picture(data, key)),
        ("key: noise blended", KEYS_PER_FRAME, lambda: crossfade(first, noise, 0.04)),
        (
            "key: preview engine",
            KEYS_PER_FRAME,
            lambda: (
                engine.diffuse(
                    DiffusionRequest(*size, key.prompt, seed=next(seeds), init_image=first, strength=0.65)
                ).image
            ),
        ),
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV works on one thread: CPU time of a call then is its time."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def parts_table() -> None:
    with one_thread():
        for mode in MODES:
            part_table(mode)


def part_table(mode: str) -> None:
    print(f"Parts, {mode}: CPU ms a call, calls a frame, CPU ms a frame")
    total = 0.0
    for name, calls, call in parts(mode):
        once = cpu_ms(call)
        total += once * calls
        print(f"  {name:26}{once:8.2f}{calls:7.2f}{once * calls:8.2f}")
    print(f"  {'sum':26}{'':15}{total:8.2f}\n", flush=True)


class Sleeper:
    """An engine that takes a second of waiting and hardly any CPU time, and remembers when it was at work."""

    name = "sleeper"

    def __init__(self, pictures: list[np.ndarray], latency: float) -> None:
        self.pictures = pictures
        self.latency = latency
        self.spans: list[tuple[float, float]] = []

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """One of the pictures."""
        start = time.perf_counter()
        picture = self.pictures[len(self.spans) % len(self.pictures)].copy()
        threading.Event().wait(self.latency)
        self.spans.append((start, time.perf_counter()))
        return Diffused(picture)


class Silence:
    """Watches a run and says nothing; remembers when the last frame came."""

    last = 0.0

    def start(self, frames: int, key_frames: int) -> None:
        """Nothing."""

    def advance(self, index: int, image: np.ndarray, is_key: bool) -> None:
        """Remember the time."""
        self.last = time.perf_counter()

    def finish(self) -> None:
        """Nothing."""


class SlowDepth:
    """A depth network that takes 50 ms of waiting; bright things are near."""

    name = "slow depth"
    kind = "relative"
    findings = ()

    def predict(self, image: np.ndarray) -> np.ndarray:
        """The green channel, smoothed."""
        threading.Event().wait(0.05)
        return cv2.GaussianBlur(image[..., 1], (0, 0), 8).astype(np.float32)


DEPTH_MODE = "3D depth"


def settings(mode: str) -> dict[str, object]:
    if mode == DEPTH_MODE:
        return {**COMMON, **MODES["3D flat"], "use_depth_warping": True}
    return {**COMMON, **MODES[mode]}


def timeline(mode: str, preset: str, latency: float = 1.0) -> dict[str, float]:
    """One run: where the time outside of the engine went, milliseconds."""
    size = COMMON["W"], COMMON["H"]
    pictures = [PreviewEngine().diffuse(DiffusionRequest(*size, "a lighthouse", seed=seed)).image for seed in range(3)]
    engine, progress = Sleeper(pictures, latency), Silence()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.txt"
        path.write_text(json.dumps({"batch_name": "run", **settings(mode)}), encoding="utf-8")
        job = load_job(path, {})
        data, _ = plan_job(job)
        options = RunOptions(out=Path(folder), encode=EncodeOptions(crf=17, preset=preset))
        started = time.perf_counter()
        with mock.patch("deforum_helpers.inputs.open_depth_model", return_value=nullcontext(SlowDepth())):
            run_job(job, data, engine, options, progress)
        ended = time.perf_counter()
    spans = engine.spans
    gaps = [1000 * (after - before) for (_, before), (after, _) in itertools.pairwise(spans)]
    return {
        "before": 1000 * (spans[0][0] - started),
        "gap": statistics.median(gaps),
        "gaps": sum(gaps),
        "last": 1000 * (progress.last - spans[-1][1]),
        "flush": 1000 * (ended - progress.last),
        "ratio": (ended - started) / sum(end - start for start, end in spans),
    }


def critical_path(repeats: int = 3) -> None:
    print("Outside of an engine that takes one second: milliseconds")
    names = ("before", "gap", "gaps", "last", "flush", "ratio")
    print(f"{'':20}" + "".join(f"{name:>9}" for name in names))
    for mode in (*MODES, DEPTH_MODE):
        for preset in ("veryfast", "slow"):
            best = min((timeline(mode, preset) for _ in range(repeats)), key=lambda run: run["ratio"])
            row = "".join(f"{best[name]:9.{3 if name == 'ratio' else 0}f}" for name in names)
            print(f"{mode:10}{preset:>10}{row}", flush=True)
    print("before: until the first diffusion; gap: median between two; gaps: all of them;")
    print("3D depth: with a depth network that takes 50 ms per diffused picture, on the way to the next diffusion")
    print("last: from the last diffusion to the last frame; flush: from there to the finished video\n")
