"""What the whole-command tests share: small input files, and the command line in this process or in one of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import deforum_helpers
from deforum_helpers.cli import main
from deforum_helpers.media.ffmpeg import run_ffmpeg

SCRIPTS = Path(deforum_helpers.__file__).parents[1]
ROOT = SCRIPTS.parent
CORPUS = ROOT / "tests" / "goldens" / "settings_corpus"
RATE = 48000

TINY: dict[str, object] = {
    "W": 64,
    "H": 48,
    "animation_mode": "2D",
    "max_frames": 6,
    "diffusion_cadence": 2,
    "neocore_key_index_distribution": "Uniform Spacing",
    "fps": 12,
    "seed": 7,
    "batch_name": "run_{timestring}",
    "strength_schedule": "0: (0.5)",
    "zoom": "0: (1.02)",
    "noise_schedule": "0: (0)",
    "amount_schedule": "0: (0)",
    "color_coherence": "None",
    "prompts": {"0": "a lighthouse at dusk"},
    "add_soundtrack": "None",
}


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The errors told, whichever way they are marked."""
        return re.findall(r"^error: .*", self.err, re.MULTILINE)


def write_settings(folder: Path, name: str = "settings.txt", **values: object) -> Path:
    """A settings file of :data:`TINY` with ``values`` changed; a value of None leaves the key out."""
    data = {key: value for key, value in {**TINY, **values}.items() if value is not None}
    path = folder / name
    path.write_text(json.dumps(data, indent=4), encoding="utf-8")
    return path


def manifest_text(frames: int, keys: Sequence[int], fps: float | str = 24, **columns: Sequence[float]) -> str:
    """A rendered Parseq document."""
    rendered = [{"frame": f, **{name: values[f] for name, values in columns.items()}} for f in range(frames)]
    return json.dumps(
        {
            "meta": {"generated_by": "sd_parseq", "doc_id": "doc-e2e"},
            "options": {"output_fps": fps, "bpm": 120, "cadence": 1},
            "keyframes": [{"frame": k} for k in keys],
            "rendered_frames": rendered,
        }
    )


def run_main(capsys, *arguments: object) -> Said:
    """Run a command in this process."""
    capsys.readouterr()
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    return Said(code, captured.out, captured.err)


def environment(**values: str) -> dict[str, str]:
    """The environment of a command of its own."""
    return {**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONIOENCODING": "utf-8", **values}


def command(*arguments: object) -> list[str]:
    """The command line of a process that warns of nothing silently: any warning in it is an error."""
    return [sys.executable, "-W", "error", "-m", "deforum_helpers", *map(str, arguments)]


def run_process(*arguments: object, timeout: float = 60, **options: object) -> Said:
    """Run a command in a process of its own."""
    options.setdefault("env", environment())
    done = subprocess.run(
        command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, **options
    )
    return Said(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def only_run(out: Path) -> Path:
    """The one run's folder in ``out``."""
    (folder,) = out.iterdir()
    return folder


def frame_files(folder: Path) -> list[Path]:
    """The frames of a run, in order."""
    return sorted(folder.glob("*_?????????.png"))


def frame_indices(folder: Path) -> list[int]:
    return [int(path.stem.rpartition("_")[2]) for path in frame_files(folder)]


def decode_frames(video: Path, width: int, height: int) -> np.ndarray:
    """All frames of a video, N×H×W×3 uint8, scaled to ``width``×``height``."""
    scale = f"scale={width}:{height}:flags=area"
    source = ["-i", video, "-map", "0:v:0", "-vsync", "passthrough", "-vf", scale]
    raw = run_ffmpeg([*source, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], purpose="decode")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def closed_address() -> str:
    """An http address on this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def click(pitch: float = 1500.0) -> np.ndarray:
    """A click of 20 ms, loudest at its first sample, which is on time."""
    n = np.arange(RATE // 50)
    return 0.8 * np.cos(2 * np.pi * pitch * n / RATE) * np.exp(-n / (0.004 * RATE))


def write_clicks(path: Path, seconds: float, times: Sequence[float]) -> Path:
    """A WAV with a click at each of ``times``."""
    sound = np.zeros(round(seconds * RATE) + RATE)
    for time in times:
        start = round(time * RATE)
        sound[start : start + RATE // 50] += click()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound[: round(seconds * RATE)] * 32767).astype("<i2").tobytes())
    return path


def click_times(video: Path) -> np.ndarray:
    """Seconds at which clicks begin in the sound of ``video``.

    A click is where the envelope passes a fifth of the loudest sample after at least 25 ms of quiet. Lossy coding
    smears the beginning by less than a millisecond.
    """
    raw = run_ffmpeg(["-i", video, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"], purpose="decode")
    sound = np.abs(np.frombuffer(raw, "<i2").astype(float))
    loud = np.flatnonzero(sound > sound.max() / 5)
    return loud[np.diff(loud, prepend=-RATE) > RATE // 40] / RATE
