"""Memory and time of a long render: 6694 frames with 913 Parseq key frames, beside 600 frames with 82.

Run with ``PYTHONPATH=scripts python benchmarks/render/memory.py``. Neither the most memory nor the time per frame
should grow with the length.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

from cases import Measured, render

LENGTHS = {600: 82, 6694: 913}
"""Frames, and key frames among them."""

SETTINGS: dict[str, object] = {
    "W": 256,
    "H": 144,
    "animation_mode": "2D",
    "neocore_key_index_distribution": "Parseq Only",
    "fps": 24,
    "seed": 7,
    "color_coherence": "LAB",
    "amount_schedule": "0: (0.1)",
    "prompts": {"0": "a lighthouse on a cliff at dusk, waves"},
    "add_soundtrack": "None",
}


def manifest(frames: int, keys: int) -> str:
    """A rendered Parseq document with unevenly spaced key frames and four managed fields."""
    places = sorted({round(frames * (n / keys) ** 1.02) for n in range(keys)} - {frames})
    spare = (frame for frame in range(frames) if frame not in set(places))
    places = sorted([*places, *(next(spare) for _ in range(keys - len(places)))])
    rendered = [
        {
            "frame": frame,
            "zoom": 1.01 + 0.01 * math.sin(frame / 40),
            "angle": 0.5 * math.sin(frame / 90),
            "strength": 0.6,
            "noise": 0.03,
            "deforum_prompt": f"a lighthouse, wave {frame // 100} --neg fog",
        }
        for frame in range(frames)
    ]
    return json.dumps(
        {
            "meta": {"generated_by": "sd_parseq"},
            "options": {"output_fps": 24, "bpm": 120, "cadence": 1},
            "managedFields": ["zoom", "angle", "strength", "noise", "prompt_1"],
            "keyframes": [{"frame": place} for place in places],
            "rendered_frames": rendered,
        }
    )


def measured(frames: int, keys: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parseq.json"
        path.write_text(manifest(frames, keys), encoding="utf-8")
        settings = {**SETTINGS, "max_frames": frames, "parseq_manifest": str(path)}
        return render(settings, "--crf", "17", "--preset", "veryfast")


def main() -> None:
    print(f"{'frames':>7}{'keys':>6}{'peak MiB':>10}{'total s':>9}{'ms a frame':>12}{'user CPU ms a frame':>21}")
    for frames, keys in LENGTHS.items():
        run = measured(frames, keys)
        cpu = 1000 * run.cpu / run.frames
        row = f"{run.peak_mb:10.0f}{run.total:9.1f}{run.ms_per_frame:12.2f}{cpu:21.2f}"
        print(f"{run.frames:7}{run.keys:6}{row}", flush=True)


if __name__ == "__main__":
    main()
