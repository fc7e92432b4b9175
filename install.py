"""Run by web UIs before they start: installs what is missing, and never changes a package that is there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping

PACKAGES = {"numpy": "numpy", "PIL": "Pillow", "cv2": "opencv-python-headless", "tqdm": "tqdm"}
"""What is imported, and the package that brings it. Every web UI has them; a version it has chosen is kept."""
FFMPEG = {"imageio_ffmpeg": "imageio-ffmpeg"}
"""Only where no ffmpeg is found."""


def is_there(module: str) -> bool:
    """Whether a module of that name is installed."""
    return importlib.util.find_spec(module) is not None


def has_ffmpeg(environ: Mapping[str, str]) -> bool:
    """Whether there is an ffmpeg to use."""
    return bool(environ.get("DEFORUM_FFMPEG")) or shutil.which("ffmpeg", path=environ.get("PATH", "")) is not None


def missing(environ: Mapping[str, str], found: Callable[[str], bool] = is_there) -> list[str]:
    """The packages to install.

    Args:
        environ: the environment.
        found: tells whether a module is installed.
    """
    wanted = PACKAGES if has_ffmpeg(environ) else {**PACKAGES, **FFMPEG}
    return [package for module, package in wanted.items() if not found(module)]


def install(package: str) -> None:
    """Install a package alone: its own requirements stay as they are."""
    command = ["install", "--no-deps", package]
    try:
        from launch import run_pip
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", *command], check=True)
    else:
        run_pip(" ".join(command), f"{package} for Deforum")


if __name__ == "__main__":
    for name in missing(os.environ):
        install(name)
