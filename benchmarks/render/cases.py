"""The animations that are timed, and how a render is run and measured from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"

COMMON: dict[str, object] = {
    "W": 1280,
    "H": 720,
    "max_frames": 60,
    "diffusion_cadence": 7,
    "neocore_key_index_distribution": "Uniform Spacing",
    "fps": 24,
    "seed": 7,
    "strength_schedule": "0: (0.65)",
    "color_coherence": "LAB",
    # Files without it are taken for older ones, which match colours once per key frame.
    "legacy_colormatch": False,
    "noise_type": "perlin",
    "noise_schedule": "0: (0.04)",
    "amount_schedule": "0: (0.1)",
    "prompts": {"0": "a lighthouse on a cliff at dusk, waves"},
    "add_soundtrack": "None",
}
MODES: dict[str, dict[str, object]] = {
    "2D": {
        "animation_mode": "2D",
        "angle": "0: (0.5*sin(t/10))",
        "zoom": "0: (1.02)",
        "translation_x": "0: (2*cos(t/10))",
    },
    "3D flat": {
        "animation_mode": "3D",
        "use_depth_warping": False,
        "translation_z": "0: (4)",
        "translation_x": "0: (3*cos(t/10))",
        "rotation_3d_y": "0: (0.4*sin(t/10))",
        "rotation_3d_z": "0: (0.2)",
    },
}


@dataclass(frozen=True)
class Measured:
    """One render.

    Attributes:
        total, diffusion: seconds, as the program tells them.
        wall: seconds of the whole command, start of the interpreter included.
        cpu: user CPU seconds of the command and its encoder.
        peak_mb: most memory of the command, MiB.
        frames, keys: how many.
    """

    total: float
    diffusion: float
    wall: float
    cpu: float
    peak_mb: float
    frames: int
    keys: int

    @property
    def ratio(self) -> float:
        """Total time over time in the engine."""
        return self.total / self.diffusion if self.diffusion else float("inf")

    @property
    def ms_per_frame(self) -> float:
        """Everything, per frame."""
        return 1000 * self.total / self.frames


_REPORTER = """
import re, sys
from deforum_helpers.cli import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]
print("peak", peak)
sys.exit(code)
"""


def render(settings: dict[str, object], *options: str) -> Measured:
    """Render ``settings`` in a process of its own, into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.txt"
        path.write_text(json.dumps({"batch_name": "run", **settings}), encoding="utf-8")
        command = [sys.executable, "-c", _REPORTER, "render", str(path), "--out", folder, "--json", *options]
        started, before = time.perf_counter(), os.times().children_user
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        wall, cpu = time.perf_counter() - started, os.times().children_user - before
    if done.returncode:
        sys.exit(done.stderr)
    said, peak = done.stdout.splitlines()[-2:]
    facts = json.loads(said)
    return Measured(
        total=facts["seconds"]["total"],
        diffusion=facts["seconds"]["diffusion"],
        wall=wall,
        cpu=cpu,
        peak_mb=int(peak.split()[1]) / 1024,
        frames=facts["frames"],
        keys=facts["key_frames"],
    )
