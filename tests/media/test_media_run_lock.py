"""One program at a time makes a run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deforum_helpers.errors import StorageError
from deforum_helpers.media.run_folder import RunFolder
from deforum_helpers.media.run_lock import held

HOLD = """
import sys
from pathlib import Path
from deforum_helpers.media.run_folder import RunFolder
from deforum_helpers.media.run_lock import held
with held(RunFolder(Path(sys.argv[1]), "20240102030405")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path, "20240102030405")


def test_a_run_is_held_once_and_leaves_nothing_behind(run):
    with held(run):
        with pytest.raises(StorageError, match="is being made by another program"), held(run):
            pass
        with held(RunFolder(run.path, "20240102030406")):
            pass
    with held(run):
        pass
    assert list(run.path.iterdir()) == []


def test_another_process_holds_it_until_it_is_killed(run):
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="another program"), held(run):
            pass
        other.kill()
        other.wait()
        with held(run):
            pass


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(run):
    with held(RunFolder(run.path / "nowhere", run.timestring)):
        pass
