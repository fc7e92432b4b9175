"""The report of a run, and how its numbers are taken."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import deforum_helpers
from deforum_helpers.errors import StorageError
from deforum_helpers.media.report import RunReport, Seconds, Stopwatch, peak_memory_mb

REPORT = RunReport(
    frames=60,
    key_frames=9,
    diffused=10,
    reused=1,
    retries=1,
    seconds=Seconds(total=11.2, diffusion=10.0, warping=2.0, writing=1.25, encoding=0.5, waiting=0.00049),
    peak_memory_mb=312.44,
)


class TestRunReport:
    def test_numbers_that_follow_from_others(self):
        assert REPORT.seconds_per_diffusion == pytest.approx(1.0)
        assert REPORT.overhead_ms_per_frame == pytest.approx(20.0)

    def test_nothing_made(self):
        empty = RunReport(frames=0, key_frames=0, diffused=0)
        assert (empty.seconds_per_diffusion, empty.overhead_ms_per_frame) == (0.0, 0.0)
        assert empty.line() == "0 frames in 0.0 s, 0 diffusions of 0.00 s, 0 ms more per frame"

    def test_json(self):
        assert REPORT.as_json() == {
            "frames": 60,
            "key_frames": 9,
            "diffused": 10,
            "reused": 1,
            "retries": 1,
            "seconds": {
                "total": 11.2, "diffusion": 10.0, "warping": 2.0, "writing": 1.25, "encoding": 0.5, "waiting": 0.0,
            },
            "seconds_per_diffusion": 1.0,
            "overhead_ms_per_frame": 20.0,
            "peak_memory_mb": 312.4,
        }  # fmt: skip

    def test_line(self):
        assert REPORT.line() == (
            "60 frames in 11.2 s, 10 diffusions of 1.00 s, 20 ms more per frame, 1 repeated, 1 not diffused, "
            "312 MiB at most"
        )

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(59.94, "59.9 s"), (60, "1:00 min"), (3599.4, "59:59 min"), (3600, "1:00:00"), (90061, "25:01:01")],
    )
    def test_durations(self, seconds, said):
        report = RunReport(frames=1, key_frames=1, diffused=1, seconds=Seconds(total=seconds))
        assert report.line().startswith(f"1 frames in {said}, ")

    def test_written(self, tmp_path):
        path = REPORT.write(tmp_path / "20240102030405_report.json")
        assert json.loads(path.read_text(encoding="utf-8")) == REPORT.as_json()
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    def test_not_written(self, tmp_path):
        with pytest.raises(StorageError):
            REPORT.write(tmp_path / "gone" / "report.json")


def ticking():
    """A clock on which each look takes a second, whoever looks."""
    return itertools.count().__next__


class TestStopwatch:
    def test_adds_up_by_task(self):
        watch = Stopwatch(ticking())
        for task in ("warping", "writing", "warping"):
            with watch.measure(task):
                pass
        assert watch.seconds("warping") == 2.0
        assert watch.seconds("writing") == 1.0
        assert watch.seconds("encoding") == 0.0

    def test_measures_inside_of_measurements(self):
        watch = Stopwatch(ticking())
        with watch.measure("outer"), watch.measure("inner"):
            assert watch.seconds("outer") == 0.0
        assert (watch.seconds("outer"), watch.seconds("inner")) == (3.0, 1.0)

    def test_counts_what_fails(self):
        watch = Stopwatch(ticking())
        with pytest.raises(ZeroDivisionError), watch.measure("failing"):
            raise ZeroDivisionError
        assert watch.seconds("failing") == 1.0

    def test_loses_nothing_in_many_threads(self):
        watch = Stopwatch(lambda: 0.0)
        busy = Stopwatch(ticking())

        def work(_: int) -> None:
            for _ in range(500):
                with watch.measure("none"), busy.measure("some"):
                    pass

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert watch.seconds("none") == 0.0
        # Each of the 4000 measurements sees the clock move by at least one.
        assert busy.seconds("some") >= 4000


def in_a_new_process(code: str) -> float:
    scripts = Path(deforum_helpers.__file__).parents[1]
    command = f"import sys; sys.path.insert(0, {str(scripts)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, timeout=60)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="unknown there")
class TestPeakMemory:
    def test_counts_what_was_freed_again(self):
        code = "from deforum_helpers.media.report import peak_memory_mb as peak\nimport numpy as np\n"
        code += "before = peak(); a = np.ones(100 * 2**20, np.uint8); del a; print(peak() - before)"
        assert 90 < in_a_new_process(code) < 130

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
    def test_does_not_count_the_parent(self):
        ballast = np.ones(300 * 2**20, np.uint8)
        code = "from deforum_helpers.media.report import peak_memory_mb; print(peak_memory_mb())"
        assert in_a_new_process(code) < 250
        assert peak_memory_mb() > ballast.nbytes / 2**20
