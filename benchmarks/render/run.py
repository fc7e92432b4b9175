"""Speed of whole renders at 1280×720, beside a bare floor, and where the time goes.

Run with ``PYTHONPATH=scripts python benchmarks/render/run.py [ratio|frame|floor|parts] …``; all of them by default.

- ratio: total time over time in the engine, which takes one second per picture; below 1.06 (2D), 1.07 (3D) is the aim
  with the preset veryfast on two cores.
- frame: milliseconds per frame with an engine that takes no time but drawing; 32 (2D) and 38 (3D) are the aim.
- floor: what OpenCV, zlib and x264 alone take for the same warps, files and video, overlapped the same way.
- parts: CPU time of each part of a frame on one thread, and its share of a frame; then where a run spends the time
  outside of the engine: between two diffusions, after the last one, and in the end of the encoder.

User CPU seconds stand beside all times: they tell more where other programs are running. The best of several runs
counts.
"""

from __future__ import annotations

import argparse

from cases import COMMON, MODES, Measured, render
from floor import floor
from parts import critical_path, parts_table

PRESETS = ("veryfast", "slow")


def best(runs: list[Measured]) -> Measured:
    return min(runs, key=lambda run: run.total)


def ratio_table(repeats: int) -> None:
    print("One second per diffusion: total / diffusion")
    print(f"{'':10}{'preset':>10}{'ratio':>8}{'ratio+':>8}{'total s':>9}{'user CPU s':>12}{'MiB':>6}")
    for mode, values in MODES.items():
        for preset in PRESETS:
            options = ("--latency", "1.0", "--crf", "17", "--preset", preset)
            run = best([render({**COMMON, **values}, *options) for _ in range(repeats)])
            whole = run.wall / run.diffusion
            row = f"{run.ratio:8.3f}{whole:8.3f}{run.total:9.2f}{run.cpu:12.2f}{run.peak_mb:6.0f}"
            print(f"{mode:10}{preset:>10}{row}", flush=True)
    print("ratio+ includes starting the interpreter and loading the program\n")


def frame_table(repeats: int) -> None:
    print("No latency: milliseconds per frame")
    print(f"{'':10}{'preset':>10}{'ms':>8}{'less engine':>13}{'user CPU ms':>13}")
    for mode, values in MODES.items():
        for preset in PRESETS:
            options = ("--crf", "17", "--preset", preset)
            run = best([render({**COMMON, **values}, *options) for _ in range(repeats)])
            less = 1000 * (run.total - run.diffusion) / run.frames
            row = f"{run.ms_per_frame:8.1f}{less:13.1f}{1000 * run.cpu / run.frames:13.1f}"
            print(f"{mode:10}{preset:>10}{row}", flush=True)
    print()


def floor_table(repeats: int) -> None:
    print("Bare floor (no engine, no interpreter start): milliseconds per frame")
    print(f"{'':10}{'preset':>10}{'ms':>8}{'user CPU ms':>13}")
    for preset in PRESETS:
        wall, cpu = min(floor(preset) for _ in range(repeats))
        print(f"{'2 warps':10}{preset:>10}{wall:8.1f}{cpu:13.1f}", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {
        "ratio": ratio_table,
        "frame": frame_table,
        "floor": floor_table,
        "parts": lambda repeats: (parts_table(), critical_path(repeats)),
    }
    parser.add_argument("tables", nargs="*", choices=[[], *tables], help="which tables (all)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the best counts (3)")
    arguments = parser.parse_args()
    for name in arguments.tables or tables:
        tables[name](arguments.repeats)


if __name__ == "__main__":
    main()
