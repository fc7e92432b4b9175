#!/usr/bin/env python3
"""Deforum from a terminal: the first start makes ``.venv`` beside this file, later ones go straight on.

``.venv`` is made with the Python that runs this file. It gets the pinned requirements and the package itself, as an
editable installation: two seconds more at the first start, and ``git pull`` is an update. What is in it stands in
``.venv/standalone.json``, written last, so whatever was interrupted, moved or made with another Python is seen and made
anew. Only the standard library is used here; what goes on is told on stderr, stdout belongs to the command.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent

OLDEST = (3, 10)
NEWEST = (3, 13)
"""The Pythons the pinned packages are made for, from and to."""

DISK_NEEDED = 1_000_000_000
"""Bytes that must be free for a first setup: half of them stay in use, the rest is for downloading and unpacking."""

LAST_LINES = 12
LINE_WIDTH = 200
"""How many lines of a failed command are shown, and how much of each: pip may list a thousand versions in one."""

REQUIREMENTS = {
    "run": ("requirements-standalone.txt",),
    "ui": ("requirements-ui.txt", "requirements-standalone.txt"),
    "serve": ("requirements-serve.txt", "requirements-standalone.txt"),
    "test": (
        "requirements-dev.txt",
        "requirements-standalone.txt",
        "requirements-models.txt",
        "requirements-serve.txt",
        "requirements-diffusers.txt",
        "requirements-ui.txt",
    ),
}
"""Requirement files per purpose; the first one is installed and includes the others."""

PURPOSES = {"serve": "serve", "ui": "ui"}
"""What commands need that need more than ``"run"``."""

TEST_STEPS = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("pytest",))
"""Modules that ``test`` runs, with their arguments."""

HINTS = (
    (("No space left", "Errno 28", "not enough space"), "The disk is full: free about 1 GB and start again."),
    (
        ("NewConnectionError", "name resolution", "Network is unreachable", "timed out", "ProxyError", "SSLError"),
        "The package index cannot be reached: check the network (behind a proxy: HTTPS_PROXY), then start again.",
    ),
    (
        ("No matching distribution", "from versions: none"),
        "A package has no ready-made build for this Python or computer: the pinned ones are made for 64-bit Python "
        f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}.",
    ),
    (
        ("Permission denied", "Errno 13", "Read-only file system"),
        "The folder cannot be written: use a copy in a folder of your own.",
    ),
)
"""Words in the output of a failed command, and what they mean for the user; the first match counts."""

USAGE = """\
usage: python3 standalone.py COMMAND [options]

  render       settings file, and perhaps a Parseq manifest, to frames and video
  plan         show what a render would do, frame by frame, without rendering
  lint         look a settings file over
  ui           the Deforum tab as a page of its own, at http://127.0.0.1:7860
  serve        answer requests: the REST API
  stitch       numbered pictures to a video
  depth        a video to a video of its depth
  interpolate  more frames between those of a video
  upscale      a video in more pixels
  doctor       check ffmpeg, the packages and the computer
  test         run the project's own checks: ruff, mypy, pytest (arguments after -- go to pytest)

'python3 standalone.py COMMAND --help' shows the options of a command.
The first start installs what is needed into .venv beside this file, which takes about a minute.
"""


class SetupError(Exception):
    """The environment could not be made; the message is meant for the user."""

    exit_code = 2


class UsageError(SetupError):
    """The arguments are wrong."""

    exit_code = 1


def say(message: str) -> None:
    """Tell the user what happens, on stderr."""
    print(message, file=sys.stderr, flush=True)


# --- what is there, what is wanted ------------------------------------------------------------------------------------


def venv_python(venv: Path, *, windows: bool = os.name == "nt") -> Path:
    """The interpreter of the environment ``venv``."""
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def digest(root: Path, purpose: str) -> str:
    """SHA-256 over the files that decide what is installed for ``purpose``.

    Raises:
        SetupError: one of them is missing.
    """
    total = hashlib.sha256()
    for name in ("pyproject.toml", *REQUIREMENTS[purpose]):
        try:
            content = (root / name).read_bytes()
        except OSError as error:
            raise SetupError(f"{root / name}: {error.strerror}. Is this a whole copy of the project?") from error
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def origin(root: Path) -> dict[str, str]:
    """Where and with which Python an environment is made: if either changes, it has to be made anew."""
    return {"root": str(root), "python": "{}.{}".format(*sys.version_info[:2])}


def read_record(venv: Path) -> dict[str, Any] | None:
    """What ``.venv/standalone.json`` says, None if there is none; a damaged one reads as an unfinished setup."""
    try:
        record = json.loads((venv / "standalone.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and isinstance(record.get("installed", {}), dict) else {}


def write_record(venv: Path, record: dict[str, Any]) -> None:
    """Write ``.venv/standalone.json``, whole or not at all."""
    draft = venv / "standalone.json.part"
    draft.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    draft.replace(venv / "standalone.json")


def next_step(record: dict[str, Any] | None, root: Path, purpose: str) -> str:
    """What is to be done before ``purpose`` can run.

    Returns:
        ``"ready"``: nothing; ``"install"``: the packages are not up to date; ``"adopt"``: somebody else made the
        environment, the packages may be missing; ``"rebuild"``: it is unfinished, moved or of another Python.

    Raises:
        SetupError: a requirement file is missing.
    """
    if record is None:
        return "adopt"
    if not record.get("complete") or any(record.get(key) != value for key, value in origin(root).items()):
        return "rebuild"
    return "ready" if record.get("installed", {}).get(purpose) == digest(root, purpose) else "install"


def is_sound(venv: Path) -> bool:
    """Whether the environment's Python starts, has the version of this one, is at home in ``venv``, and has pip."""
    probe = "import pip, sys; print(*sys.version_info[:2]); print(sys.prefix)"
    command = [str(venv_python(venv)), "-c", probe]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        lines = done.stdout.splitlines()
        version = "{} {}".format(*sys.version_info[:2])
        return done.returncode == 0 and lines[0] == version and Path(lines[1]).samefile(venv)
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return False


# --- one setup at a time ----------------------------------------------------------------------------------------------


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody holds it. The system takes it back when its holder ends, however that happens."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # A network drive without locks: rather no lock than no start.
    return True


@contextlib.contextmanager
def setup_lock(venv: Path, wait: Callable[[], None] = lambda: time.sleep(0.2)) -> Iterator[None]:
    """Hold the lock on ``.venv/.lock``, so that two first starts do not write into each other; waits for the other one.

    The lock is the system's, not the existence of the file, so a start that was killed leaves none behind.
    """
    descriptor = os.open(venv / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        # pip inherits the lock: should it outlive us, nobody clears the folder under it.
        os.set_inheritable(descriptor, True)
        if not try_lock(descriptor):
            say("Another start is setting up .venv: waiting for it to finish ...")
            while not try_lock(descriptor):
                wait()
        yield
    finally:
        os.close(descriptor)


# --- making the environment -------------------------------------------------------------------------------------------


def explain(output: str) -> str:
    """What the user can do about a failure that printed ``output``; empty if nothing is known."""
    return next((hint for words, hint in HINTS if any(word in output for word in words)), "")


def run_shown(command: Sequence[str]) -> None:
    """Run a command of the setup, telling on stderr what it fetches.

    Raises:
        SetupError: it failed; the message holds its last lines and, if known, what to do.
    """
    lines: deque[str] = deque(maxlen=1000)
    with subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        close_fds=False,  # for the lock
        env={**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"},
    ) as child:
        for line in child.stdout or ():
            lines.append(line.rstrip())
            if line.lstrip().startswith(("Downloading ", "Installing ")):
                say(f"  {line.strip():.100}")
    if child.returncode != 0:
        last = "\n".join(f"{line:.{LINE_WIDTH}}" for line in list(lines)[-LAST_LINES:])
        failure = f"{' '.join(command)}\nended with exit code {child.returncode}:\n{last}"
        # The cause may stand far above, such as the first attempt to connect.
        raise SetupError(f"{failure}\n{explain(' '.join(lines))}".rstrip())


def check_possible(root: Path) -> None:
    """See that an environment can be made at all, before anything is removed.

    Raises:
        SetupError: a module of Python's own is missing, or the disk is full.
    """
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise SetupError(
            f"{sys.executable} comes without its module {' and '.join(missing)}, which makes .venv. "
            f"On Debian and Ubuntu: sudo apt install {package}. Elsewhere: install Python from python.org."
        )
    free = shutil.disk_usage(root).free
    if free < DISK_NEEDED:
        raise SetupError(
            f"The setup needs {DISK_NEEDED // 10**6} MB, {root} has {free // 10**6} MB left: free some space."
        )


def clear(venv: Path) -> None:
    """Empty the folder, except for the lock that is being held."""
    for entry in venv.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != ".lock":
            entry.unlink()


def set_up(root: Path, purpose: str) -> None:
    """Bring ``.venv`` to the state ``purpose`` needs; the lock is held.

    Raises:
        SetupError: it could not be done; the next start begins from scratch.
    """
    venv = root / ".venv"
    record = read_record(venv)
    wanted = {name: digest(root, name) for name in ("run", purpose)}
    step = next_step(record, root, purpose)
    if step == "ready" and venv_python(venv).exists():
        return  # Another start has done it while this one waited.
    anew = step == "rebuild" or not is_sound(venv)
    say(f"Setting up {'once' if anew else 'what changed'}: {venv}")
    if anew:
        check_possible(root)
        clear(venv)
    write_record(venv, {"complete": False})
    if anew:
        # The interpreter behind us, lest the environment is made from the one just emptied.
        run_shown([getattr(sys, "_base_executable", "") or sys.executable, "-m", "venv", str(venv)])
    pip = [str(venv_python(venv)), "-m", "pip", "install", "--progress-bar", "off", "--only-binary", ":all:"]
    run_shown([*pip, "-r", str(root / REQUIREMENTS[purpose][0]), "-e", str(root)])
    kept = {} if anew else (record or {}).get("installed", {})
    write_record(venv, {**origin(root), "complete": True, "installed": {**kept, **wanted}})
    say("Setup done.")


def ensure(root: Path, purpose: str) -> Path:
    """Make sure that ``.venv`` is there for ``purpose``, quickly if it is, and return its interpreter.

    Raises:
        SetupError: it could not be made.
    """
    venv = root / ".venv"
    python = venv_python(venv)
    if next_step(read_record(venv), root, purpose) == "ready" and python.exists():
        return python
    try:
        venv.mkdir(exist_ok=True)
        with setup_lock(venv):
            set_up(root, purpose)
    except OSError as error:
        raise SetupError(f"{venv} cannot be made: {error}. {explain(str(error))}".rstrip()) from error
    return python


# --- running ----------------------------------------------------------------------------------------------------------


def wait_for(command: Sequence[str], cwd: Path | None = None) -> int:
    """Run a command and return its exit code; Ctrl-C is the command's own business, and its end is waited for."""
    child = subprocess.Popen(list(command), cwd=cwd)
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue
        return 128 - code if code < 0 else code  # Killed by signal n: 128 + n, as shells have it.


def hand_over(root: Path, args: Sequence[str]) -> int:
    """Become the command line of the package; on Windows, where no program can become another, wait for it.

    Raises:
        SetupError: the environment could not be made, or its Python does not start, even made anew.
    """
    for last_try in (False, True):
        python = str(ensure(root, PURPOSES.get(args[0], "run")))
        command = [python, "-m", "deforum_helpers", *args]
        try:
            if os.name == "nt":
                return wait_for(command)
            os.execv(python, command)  # noqa: S606
        except OSError as error:
            say(f"{python} does not start: {error}")
            if not last_try:
                with contextlib.suppress(OSError):
                    write_record(root / ".venv", {"complete": False})
    raise SetupError(f"Remove {root / '.venv'} and start again.")


def pytest_arguments(args: Sequence[str]) -> list[str]:
    """What ``test`` passes on to pytest: all after ``--``.

    Raises:
        UsageError: there is something before it.
    """
    split = args.index("--") if "--" in args else len(args)
    if split:
        raise UsageError(f"'test' does not know {' '.join(args[:split])}. For pytest: test -- {' '.join(args[:split])}")
    return list(args[1:])


def run_tests(python: Path, root: Path, pytest_args: Sequence[str], steps: Sequence[Sequence[str]] = TEST_STEPS) -> int:
    """Run all checks, each announced, whatever became of the ones before; Ctrl-C ends them all.

    Returns:
        0 if all passed, 130 if interrupted, else 1.
    """
    failed = []
    for step in steps:
        say(f"--- {' '.join(step)}")
        extra = pytest_args if step[0] == "pytest" else ()
        code = wait_for([str(python), "-m", *step, *extra], cwd=root)
        if code == 130:
            return code
        if code != 0:
            failed.append(" ".join(step))
    say(f"--- failed: {', '.join(failed)}" if failed else "--- all checks passed")
    return 1 if failed else 0


def main(args: Sequence[str], root: Path = ROOT) -> int:
    """Run the command; see ``USAGE``.

    Returns:
        the exit code: the command's own, 2 if it could not be started, 1 for wrong arguments, 130 if interrupted.
    """
    if not args or args[0] in {"-h", "--help"}:
        print(USAGE, end="")
        return 0
    try:
        if sys.version_info < OLDEST:
            found, needed = "{}.{}".format(*sys.version_info[:2]), "{}.{}".format(*OLDEST)
            raise SetupError(f"This is Python {found} ({sys.executable}); Deforum needs {needed} or newer.")
        if args[0] != "test":
            return hand_over(root, args)
        extra = pytest_arguments(args[1:])
        return run_tests(ensure(root, "test"), root, extra)
    except SetupError as error:
        say(f"Error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
