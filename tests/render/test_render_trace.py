"""Classic alignment beside the original: the same pictures, warped by the same motions, blended alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from render_parts import NoiseEngine, plan, rendered

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "render_cadence_trace.json").read_text())
WIDTH = 128


def motion(frame: int) -> int:
    """Pixels to the right at ``frame``; the golden runs have translation_x = 3 + t."""
    return 3 + frame


def picture(label: str, made: dict[int, np.ndarray]) -> np.ndarray:
    """What a label such as G2>3>4 stands for."""
    root, *frames = label.lstrip("G").split(">")
    shift = sum(motion(int(frame)) for frame in frames)
    columns = np.clip(np.arange(WIDTH) - shift, 0, WIDTH - 1)
    return made[int(root)][:, columns]


def traced(events):
    """Frames that the original saved, as labels and weight of the newer; and what it generated from."""
    saved, generated = {}, []
    at_hand: dict[str, str] = {}  # newest label by the picture it began with
    block: list[int] = []
    for event in events:
        if event[0] == "generate":
            newest = max(at_hand.values(), key=lambda label: int(label.split(">")[0][1:]), default=None)
            generated.append((event[1], newest, event[3]))
            at_hand[f"G{event[1]}"] = f"G{event[1]}"
            block = []
        elif event[0] == "warp":
            at_hand[event[1].split(">")[0]] = f"{event[1]}>{event[2]}"
        elif event[0] == "save_tween":
            block.append(int(event[1]))
            labels = sorted(at_hand.values(), key=lambda label: int(label.split(">")[0][1:]))
            saved[int(event[1])] = (labels[-2:] if event[2] == "blend" else [event[2]], len(block))
        elif event[0] == "save_key":
            saved[int(event[1])] = ([f"G{int(event[1])}"], 1)
    return saved, generated


@pytest.mark.parametrize("run", GOLDEN["runs"], ids=lambda run: f"{run['max_frames']}-{run['diffusion_cadence']}")
def test_frames_are_made_of_what_the_originals_are_made_of(run):
    engine = NoiseEngine()
    cadence = run["diffusion_cadence"]
    data = plan(
        W=WIDTH,
        max_frames=run["max_frames"],
        diffusion_cadence=cadence,
        neocore_tween_alignment="Classic",
        neocore_key_index_distribution="Uniform Spacing",
        **run["overrides"],
    )
    frames = rendered(data, engine)
    saved, generated = traced(run["events"])

    assert [request.frame for request in engine.requests] == [frame for frame, _, _ in generated]
    for request, (frame, label, strength) in zip(engine.requests, generated, strict=True):
        assert request.strength == pytest.approx(strength) or frame == 0
        expected = None if label is None else picture(_last_step(label, frame), engine.pictures)
        assert (request.init_image is None) == (expected is None)
        assert expected is None or np.array_equal(request.init_image, expected)
    for frame, (labels, number) in saved.items():
        parts = [picture(label, engine.pictures).astype(float) for label in labels]
        weight = number / cadence if len(parts) == 2 else 1.0
        expected = (1 - weight) * parts[0] + weight * parts[-1]
        assert np.abs(frames[frame] - expected).max() <= 1, frame
    assert len(frames) == run["max_frames"] >= len(saved)


def _last_step(label: str, frame: int) -> str:
    """The original carries the last tween on by the motion of the key frame itself; the chain ends there."""
    return label if label.endswith(f">{frame}") else f"{label}>{frame}"
