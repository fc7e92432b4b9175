"""``doctor``, help, and what the command line loads."""

from __future__ import annotations

import subprocess
import sys

import pytest
from e2e_parts import environment, run_main, run_process

from deforum_helpers import __version__

NAMED = ("python", "numpy", "opencv", "pillow", "tqdm", "ffmpeg", "output folder", "disk", "GPU", "models")


def lines_of(out):
    """State and fix of each thing, by name."""
    found, name = {}, ""
    for line in out.splitlines():
        state, rest = line[:8].strip(), line[10:]
        if state:
            name = next((n for n in NAMED if rest.startswith(n)), rest.split()[0])
            found[name] = [state, ""]
        else:
            found[name][1] = rest.strip()
    return found


def test_doctor_names_each_thing(tmp_path, capsys):
    said = run_main(capsys, "doctor", "--out", tmp_path / "out")
    assert said.code == 0
    assert said.err == ""
    found = lines_of(said.out)
    assert set(NAMED) <= set(found)
    assert {state for state, _ in found.values()} <= {"ok", "optional"}
    assert str(tmp_path / "out") in said.out
    assert not (tmp_path / "out").exists()


def test_doctor_without_ffmpeg_tells_the_fix(tmp_path):
    env = environment(PATH="", DEFORUM_FFMPEG="/nowhere/ffmpeg")
    said = run_process("doctor", "--out", tmp_path, env=env)
    assert said.code == 2
    assert said.err == ""
    found = lines_of(said.out)
    assert found["ffmpeg"] == ["missing", "fix: pip install imageio-ffmpeg, or render with --no-video"]
    assert [name for name, (state, _) in found.items() if state == "missing"] == ["ffmpeg"]


def test_doctor_with_an_output_folder_that_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    said = run_main(capsys, "doctor", "--out", tmp_path / "file")
    assert said.code == 2
    assert lines_of(said.out)["output folder"] == ["missing", "fix: choose another one with --out DIR"]


@pytest.mark.parametrize("command", [(), ("render",), ("plan",), ("lint",), ("doctor",)])
def test_help(capsys, command):
    said = run_main(capsys, *command, "--help")
    assert said.code == 0
    assert said.err == ""
    assert said.out.startswith(" ".join(["usage: deforum", *command]))
    assert all(len(line) <= 100 for line in said.out.splitlines())


def test_help_lists_every_command_and_the_version_is_told(capsys):
    said = run_main(capsys, "--help")
    assert all(f"    {command} " in said.out for command in ("render", "plan", "lint", "doctor"))
    assert run_main(capsys, "--version").out.strip() == __version__


def test_the_command_line_starts_without_the_heavy_parts():
    code = (
        "import sys, deforum_helpers.cli; "
        "heavy = {'numpy', 'cv2', 'PIL', 'numexpr', 'matplotlib', 'torch', 'gradio', 'diffusers'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
