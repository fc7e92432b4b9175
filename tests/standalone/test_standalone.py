"""The starter, without network: venv and pip are stand-ins that note what they are asked for."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STARTER = Path(__file__).resolve().parents[2] / "standalone.py"
LOAD = f"""
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("standalone", {str(STARTER)!r})
standalone = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standalone)
"""
REQUIREMENTS = (
    "requirements-standalone.txt",
    "requirements-models.txt",
    "requirements-diffusers.txt",
    "requirements-serve.txt",
    "requirements-ui.txt",
    "requirements-dev.txt",
)
posix = pytest.mark.skipif(os.name == "nt", reason="signals and exec are POSIX")


@pytest.fixture(scope="module")
def standalone():
    spec = importlib.util.spec_from_file_location("standalone", STARTER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path):
    """A project with nothing but what decides about its environment."""
    for name in ("pyproject.toml", *REQUIREMENTS):
        (tmp_path / name).write_text(f"# {name}\n", "utf-8")
    return tmp_path


@pytest.fixture
def pip(standalone, root, monkeypatch):
    """Stands in for venv and pip: notes the commands and puts an interpreter where venv would."""
    commands = []

    def run(command):
        commands.append(list(command))
        python = standalone.venv_python(root / ".venv")
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text("", "utf-8")

    monkeypatch.setattr(standalone, "DISK_NEEDED", 0)
    monkeypatch.setattr(standalone, "is_sound", lambda venv: standalone.venv_python(venv).exists())
    monkeypatch.setattr(standalone, "run_shown", run)
    return commands


def kinds(commands):
    """``venv`` or ``pip`` and the requirement file, of each command."""
    return [Path(c[c.index("-r") + 1]).name if "pip" in c else c[2] for c in commands]


class TestTheRecord:
    def test_is_read_as_written(self, standalone, tmp_path):
        standalone.write_record(tmp_path, {"complete": True, "installed": {"run": "ä"}})
        assert standalone.read_record(tmp_path) == {"complete": True, "installed": {"run": "ä"}}
        assert [path.name for path in tmp_path.iterdir()] == ["standalone.json"]

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"installed": 3, "complete": true}', "\udcff"])
    def test_damaged_is_unfinished(self, standalone, root, text):
        (root / "standalone.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert standalone.read_record(root) == {}
        assert standalone.next_step({}, root, "run") == "rebuild"

    def test_missing(self, standalone, tmp_path):
        assert standalone.read_record(tmp_path) is None


class TestWhatIsToBeDone:
    @pytest.fixture
    def record(self, standalone, root):
        installed = {"run": standalone.digest(root, "run")}
        return {**standalone.origin(root), "complete": True, "installed": installed}

    def test_nothing(self, standalone, root, record):
        assert standalone.next_step(record, root, "run") == "ready"

    def test_another_purpose(self, standalone, root, record):
        assert standalone.next_step(record, root, "test") == "install"

    @pytest.mark.parametrize("name", ["pyproject.toml", "requirements-standalone.txt"])
    def test_another_requirement(self, standalone, root, record, name):
        (root / name).write_text("changed", "utf-8")
        assert standalone.next_step(record, root, "run") == "install"

    def test_requirements_of_another_purpose(self, standalone, root, record):
        (root / "requirements-dev.txt").write_text("changed", "utf-8")
        assert standalone.next_step(record, root, "run") == "ready"

    @pytest.mark.parametrize("change", [{"root": "elsewhere"}, {"python": "3.9"}, {"complete": False}])
    def test_moved_or_another_python_or_unfinished(self, standalone, root, record, change):
        assert standalone.next_step({**record, **change}, root, "run") == "rebuild"

    def test_somebody_elses(self, standalone, root):
        assert standalone.next_step(None, root, "run") == "adopt"

    def test_content_moved_from_file_to_file_counts_as_a_change(self, standalone, root):
        before = standalone.digest(root, "test")
        moved = (root / "requirements-standalone.txt").read_text("utf-8")
        (root / "requirements-standalone.txt").write_text("", "utf-8")
        with (root / "requirements-dev.txt").open("a", encoding="utf-8") as file:
            file.write(moved)
        assert standalone.digest(root, "test") != before

    def test_half_a_project_is_refused(self, standalone, root):
        (root / "requirements-standalone.txt").unlink()
        with pytest.raises(standalone.SetupError, match=r"requirements-standalone\.txt.*whole copy"):
            standalone.digest(root, "run")


class TestSettingUp:
    def test_first_start(self, standalone, root, pip, capfd):
        python = standalone.ensure(root, "run")
        assert python == standalone.venv_python(root / ".venv")
        assert kinds(pip) == ["venv", "requirements-standalone.txt"]
        assert pip[0][-1] == str(root / ".venv")
        assert pip[1][-2:] == ["-e", str(root)]
        out, err = capfd.readouterr()
        assert out == ""
        assert "Setting up once" in err

    def test_later_starts_run_nothing_and_say_nothing(self, standalone, root, pip, capfd):
        standalone.ensure(root, "run")
        capfd.readouterr()
        pip.clear()
        standalone.ensure(root, "run")
        assert pip == []
        assert capfd.readouterr() == ("", "")

    def test_tests_need_more_and_cover_running(self, standalone, root, pip):
        standalone.ensure(root, "test")
        standalone.ensure(root, "run")
        standalone.ensure(root, "test")
        assert kinds(pip) == ["venv", "requirements-dev.txt"]

    def test_changed_requirements_are_installed_into_what_is_there(self, standalone, root, pip):
        standalone.ensure(root, "test")
        (root / "requirements-standalone.txt").write_text("changed", "utf-8")
        standalone.ensure(root, "run")
        standalone.ensure(root, "test")
        assert kinds(pip)[2:] == ["requirements-standalone.txt", "requirements-dev.txt"]

    def test_somebody_elses_sound_environment_is_kept(self, standalone, root, pip):
        python = standalone.venv_python(root / ".venv")
        python.parent.mkdir(parents=True)
        python.write_text("", "utf-8")
        (root / ".venv" / "theirs").write_text("", "utf-8")
        standalone.ensure(root, "run")
        assert kinds(pip) == ["requirements-standalone.txt"]
        assert (root / ".venv" / "theirs").exists()

    @pytest.mark.parametrize("damage", ["record", "python", "moved"])
    def test_damaged_is_made_anew(self, standalone, root, pip, damage):
        standalone.ensure(root, "run")
        venv, target = root / ".venv", root
        (venv / "old").mkdir()
        if damage == "record":
            (venv / "standalone.json").write_text("{", "utf-8")
        elif damage == "python":
            standalone.venv_python(venv).unlink()
        else:
            target = root / "new place"
            target.mkdir()
            for path in [p for p in root.iterdir() if p != target]:
                shutil.move(path, target)
        if damage != "moved":
            standalone.ensure(target, "run")
            assert kinds(pip)[2:] == ["venv", "requirements-standalone.txt"]
            assert not (venv / "old").exists()
        else:
            assert standalone.next_step(standalone.read_record(target / ".venv"), target, "run") == "rebuild"

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
    def test_interrupted_is_made_anew(self, standalone, root, pip, monkeypatch, stop):
        whole = standalone.run_shown

        def interrupted(command):
            whole(command)
            if "pip" in command:
                raise stop

        monkeypatch.setattr(standalone, "run_shown", interrupted)
        with pytest.raises(stop):
            standalone.ensure(root, "run")
        monkeypatch.setattr(standalone, "run_shown", whole)
        pip.clear()
        standalone.ensure(root, "run")
        assert kinds(pip) == ["venv", "requirements-standalone.txt"]

    def test_nothing_is_removed_where_nothing_new_could_be_made(self, standalone, root, pip, monkeypatch):
        standalone.ensure(root, "run")
        (root / ".venv" / "standalone.json").write_text("{", "utf-8")
        monkeypatch.setattr(standalone, "DISK_NEEDED", 10**18)
        with pytest.raises(standalone.SetupError, match="MB left: free some space"):
            standalone.ensure(root, "run")
        assert standalone.venv_python(root / ".venv").exists()

    def test_a_file_in_the_way(self, standalone, root, pip):
        (root / ".venv").write_text("", "utf-8")
        with pytest.raises(standalone.SetupError, match=r"\.venv cannot be made"):
            standalone.ensure(root, "run")

    def test_missing_module_names_the_debian_package(self, standalone, root, monkeypatch):
        monkeypatch.setattr(standalone.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else 1)
        with pytest.raises(standalone.SetupError, match=r"ensurepip.*apt install python3\.\d+-venv"):
            standalone.check_possible(root)

    def test_sound_is_a_real_environment_only(self, standalone, tmp_path):
        assert not standalone.is_sound(tmp_path)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
        assert not standalone.is_sound(tmp_path / "bare")
        site = next((tmp_path / "bare").rglob("site-packages"))
        (site / "pip.py").write_text("", "utf-8")
        assert standalone.is_sound(tmp_path / "bare")


class TestCommandsOfTheSetup:
    def test_failure_shows_exit_code_last_lines_and_advice(self, standalone):
        script = "[print(i) for i in range(50)]; print('No space left' + 'x' * 999); raise SystemExit(3)"
        with pytest.raises(standalone.SetupError) as caught:
            standalone.run_shown([sys.executable, "-c", script])
        text = str(caught.value)
        assert "exit code 3" in text
        assert "\n49\n" in text
        assert "\n30\n" not in text
        assert "x" * standalone.LINE_WIDTH not in text
        assert text.endswith("The disk is full: free about 1 GB and start again.")

    def test_advice_finds_its_cause_further_up(self, standalone):
        script = "print('NewConnectionError'); [print('no matter') for i in range(50)]; raise SystemExit(1)"
        with pytest.raises(standalone.SetupError, match="package index cannot be reached"):
            standalone.run_shown([sys.executable, "-c", script])

    def test_progress_goes_to_stderr(self, standalone, capfd):
        standalone.run_shown([sys.executable, "-c", "print('Collecting a'); print('  Downloading a-1.whl')"])
        assert capfd.readouterr() == ("", "  Downloading a-1.whl\n")

    @pytest.mark.parametrize(
        ("output", "advice"),
        [
            ("ERROR: [Errno 28] No space left on device", "disk is full"),
            ("Failed to establish a new connection: NewConnectionError", "cannot be reached"),
            ("ERROR: No matching distribution found for numpy==2.2.6", "3.10 to 3.13"),
            ("PermissionError: [Errno 13] Permission denied", "cannot be written"),
            ("something else", ""),
        ],
    )
    def test_advice(self, standalone, output, advice):
        found = standalone.explain(output)
        assert advice in found
        assert bool(found) == bool(advice)


class TestTheLock:
    HOLD = (
        LOAD + "with standalone.setup_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )

    @pytest.fixture
    def holder(self, tmp_path):
        """Another process that holds the lock until its stdin is closed."""
        child = subprocess.Popen(
            [sys.executable, "-c", self.HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with child:
            assert child.stdout.readline() == "held\n"
            yield child
            child.kill()

    @pytest.mark.parametrize("end", ["finished", "killed"])
    def test_is_waited_for_until_its_holder_ends(self, standalone, tmp_path, holder, capfd, end):
        waited = []

        def wait():
            waited.append(1)
            if end == "finished":
                holder.stdin.close()
            else:
                holder.kill()
            holder.wait(timeout=60)

        with standalone.setup_lock(tmp_path, wait):
            assert waited == [1]
        assert "waiting for it to finish" in capfd.readouterr().err

    def test_is_free_again_afterwards(self, standalone, tmp_path, capfd):
        for _ in range(2):
            with standalone.setup_lock(tmp_path, lambda: pytest.fail("nobody holds it")):
                pass
        assert capfd.readouterr().err == ""

    def test_clearing_keeps_it(self, standalone, tmp_path):
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "x").write_text("", "utf-8")
        (tmp_path / "file").write_text("", "utf-8")
        with standalone.setup_lock(tmp_path):
            standalone.clear(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]

    @posix
    def test_clearing_does_not_follow_links(self, standalone, tmp_path):
        (tmp_path / "venv").mkdir()
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "x").write_text("", "utf-8")
        (tmp_path / "venv" / "link").symlink_to(tmp_path / "precious")
        standalone.clear(tmp_path / "venv")
        assert (tmp_path / "precious" / "x").exists()


class TestHandingOver:
    @pytest.fixture
    def executed(self, standalone, monkeypatch):
        """The commands this process would have become."""
        calls = []
        monkeypatch.setattr(standalone.os, "execv", lambda python, command: calls.append([python, *command]))
        monkeypatch.setattr(standalone, "wait_for", lambda command: calls.append(command) or 0)
        return calls

    @posix
    def test_arguments_are_passed_on_as_they_are(self, standalone, root, pip, executed):
        args = ["render", "a b.txt", "--set", "prompt=ä", "--", "-x"]
        standalone.main(args, root)
        python = str(standalone.venv_python(root / ".venv"))
        assert executed[0] == [python, python, "-m", "deforum_helpers", *args]

    @posix
    def test_python_that_does_not_start_is_made_anew_once(self, standalone, root, pip, monkeypatch, capfd):
        def broken(python, command):
            raise OSError(8, "Exec format error")

        monkeypatch.setattr(standalone.os, "execv", broken)
        assert standalone.main(["plan"], root) == 2
        assert kinds(pip) == ["venv", "requirements-standalone.txt"] * 2
        assert "Remove" in capfd.readouterr().err

    def test_exit_code_is_passed_on(self, standalone):
        assert standalone.wait_for([sys.executable, "-c", "raise SystemExit(7)"]) == 7

    @posix
    def test_killed_child_reads_as_in_a_shell(self, standalone):
        assert standalone.wait_for([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137

    @posix
    def test_ctrl_c_is_the_childs_business(self):
        child = (
            "import sys\ntry:\n    print('ready', flush=True)\n    sys.stdin.read()\n"
            "except KeyboardInterrupt:\n    sys.exit(130)"
        )
        # Whoever started these tests in the background had them ignore Ctrl-C.
        heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        script = LOAD + heard + f"sys.exit(standalone.wait_for([sys.executable, '-c', {child!r}]))"
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as parent:
            assert parent.stdout.readline() == "ready\n"
            os.killpg(parent.pid, signal.SIGINT)
            _, errors = parent.communicate(timeout=60)
        assert (parent.returncode, errors) == (130, "")

    def test_interrupted_setup(self, standalone, root, pip, monkeypatch, capfd):
        def interrupted(command):
            raise KeyboardInterrupt

        monkeypatch.setattr(standalone, "run_shown", interrupted)
        assert standalone.main(["render"], root) == 130
        assert capfd.readouterr().err.endswith("Interrupted.\n")

    def test_failed_setup_is_one_clear_message(self, standalone, root, capfd):
        (root / "pyproject.toml").unlink()
        assert standalone.main(["render"], root) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("Error: ")
        assert "Traceback" not in err

    def test_old_python(self, standalone, root, monkeypatch, capfd):
        monkeypatch.setattr(standalone, "OLDEST", (99, 0))
        assert standalone.main(["render"], root) == 2
        assert "Deforum needs 99.0 or newer" in capfd.readouterr().err


class TestTheTestCommand:
    STEPS = (("json.tool", "--help"), ("no_such_module_here",), ("pytest", "--version"))

    def test_all_steps_run_and_failures_are_named(self, standalone, root, capfd):
        code = standalone.run_tests(Path(sys.executable), root, ["-q"], self.STEPS)
        err = capfd.readouterr().err
        assert code == 1
        assert [line for line in err.splitlines() if line.startswith("---")] == [
            "--- json.tool --help",
            "--- no_such_module_here",
            "--- pytest --version",
            "--- failed: no_such_module_here",
        ]

    def test_all_passed(self, standalone, root, capfd):
        assert standalone.run_tests(Path(sys.executable), root, [], self.STEPS[:1]) == 0
        assert capfd.readouterr().err.endswith("--- all checks passed\n")

    def test_only_pytest_gets_the_arguments(self, standalone, root, monkeypatch):
        commands = []
        monkeypatch.setattr(standalone, "wait_for", lambda command, cwd: commands.append((command[2:], cwd)) or 0)
        assert standalone.run_tests(Path("python"), root, ["-k", "warp"]) == 0
        assert [command for command, _ in commands] == [
            ["ruff", "check"],
            ["ruff", "format", "--check"],
            ["mypy"],
            ["pytest", "-k", "warp"],
        ]
        assert {cwd for _, cwd in commands} == {root}

    def test_ctrl_c_ends_them_all(self, standalone, root, monkeypatch):
        commands = []
        monkeypatch.setattr(standalone, "wait_for", lambda command, cwd: commands.append(command) or 130)
        assert standalone.run_tests(Path("python"), root, []) == 130
        assert len(commands) == 1

    @pytest.mark.parametrize(
        ("args", "passed"), [([], []), (["--"], []), (["--", "-k", "a", "--", "b"], ["-k", "a", "--", "b"])]
    )
    def test_arguments_for_pytest(self, standalone, args, passed):
        assert standalone.pytest_arguments(args) == passed

    def test_other_arguments_are_refused(self, standalone, root, capfd):
        assert standalone.main(["test", "-k", "warp"], root) == 1
        assert "For pytest: test -- -k warp" in capfd.readouterr().err
        assert not (root / ".venv").exists()


class TestTheProgram:
    @pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
    def test_help_needs_no_environment(self, tmp_path, args):
        copy = shutil.copy(STARTER, tmp_path)
        command = [sys.executable, copy, *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        for name in ("render", "plan", "lint", "serve", "doctor", "test"):
            assert f"\n  {name} " in done.stdout
        assert {path.name for path in tmp_path.iterdir()} <= {"standalone.py", "__pycache__"}

    def test_pins_are_exact_and_tests_include_running(self, standalone):
        for name in REQUIREMENTS:
            lines = (STARTER.parent / name).read_text("utf-8").splitlines()
            pins = [line for line in lines if line and not line.startswith(("#", "-r "))]
            assert pins
            assert [pin for pin in pins if "==" not in pin.partition(";")[0]] == []
        assert "-r requirements-standalone.txt" in lines

    def test_record_of_a_finished_setup_is_plain_json(self, standalone, root, pip):
        standalone.ensure(root, "run")
        record = json.loads((root / ".venv" / "standalone.json").read_text("utf-8"))
        installed = {"run": standalone.digest(root, "run")}
        assert record == {**standalone.origin(root), "complete": True, "installed": installed}
