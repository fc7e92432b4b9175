"""Virtual environments with the pins of the web UIs, made once and kept in build/."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ENVIRONMENTS = {"ours": "", "a1111": "requirements-a1111.txt", "forge": "requirements-forge.txt"}
"""Name → file with its pins; our own page runs where the tests run."""

_NO_INDEX = ("No matching distribution", "name resolution", "Network is unreachable", "ConnectionError", "ProxyError")


class NoIndexError(Exception):
    """pip has no index to install from."""


def interpreter(name: str) -> str:
    """The interpreter of an environment, which is made if it is not there.

    Raises:
        NoIndexError: pip cannot reach an index, or the index has none of the pins for this Python.
    """
    if not ENVIRONMENTS[name]:
        return sys.executable
    pins = HERE / ENVIRONMENTS[name]
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / "build" / "browser" / f"{name}-{digest}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "complete"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", str(pins)]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        if tried.returncode != 0:
            said = tried.stderr.strip().splitlines()
            if any(sign in tried.stderr for sign in _NO_INDEX):
                raise NoIndexError(said[-1])
            raise RuntimeError("\n".join(said[-20:]))
        done.write_text("", "utf-8")
    return str(python)
