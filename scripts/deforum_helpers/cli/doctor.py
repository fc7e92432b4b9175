"""``doctor``: what is here, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import DeforumError, RunError, first_line

State = Literal["ok", "missing", "optional"]


@dataclass(frozen=True)
class Check:
    """One line of the report: ``missing`` stops rendering, ``optional`` names what could be had besides."""

    name: str
    state: State
    detail: str
    fix: str = ""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="say what is here and what is missing",
        description="Say what is here and what is missing, each with the fix. Exit code 2 if rendering cannot work.",
    )
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="where runs go (outputs)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examine and print."""
    checks = examine(arguments.out)
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{check.state:8}  {check.name.ljust(width)}  {check.detail}")
        if check.fix:
            print(f"{'':8}  {'':{width}}  fix: {check.fix}")
    return RunError.exit_code if any(check.state == "missing" for check in checks) else 0


def examine(out: Path) -> tuple[Check, ...]:
    """All checks, in the order they are read in."""
    return (
        _python(),
        *(_package(*facts, needed=True) for facts in _REQUIRED),
        _ffmpeg(),
        _output(out),
        _disk(out),
        _gpu(),
        _models(),
        *(_package(*facts, needed=False) for facts in _OPTIONAL),
        _preview_engine(),
        _diffusers_engine(),
    )


_REQUIRED: Sequence[tuple[str, str, str]] = (
    ("numpy", "numpy", "arrays"),
    ("opencv", "cv2", "warping and blending"),
    ("pillow", "PIL", "reading images"),
    ("tqdm", "tqdm", "progress"),
)
_DIFFUSERS = ("torch", "diffusers", "transformers", "accelerate", "peft", "compel", "scipy", "safetensors")
_OPTIONAL: Sequence[tuple[str, str, str]] = (
    ("matplotlib", "matplotlib", "plan --plot"),
    ("torch", "torch", "depth and flow models, diffusion on this machine"),
    ("spandrel", "spandrel", "upscaling"),
    ("onnxruntime", "onnxruntime", "anime characters in depth videos"),
    ("diffusers", "diffusers", "diffusion without a web UI"),
    ("gradio", "gradio", "the page"),
)

_FIXES = {
    "opencv": "pip install opencv-python-headless",
    "torch": "pip install -r requirements-models.txt",
    "spandrel": "pip install -r requirements-upscaling.txt",
    "diffusers": "pip install -r requirements-diffusers.txt",
    "gradio": "pip install -r requirements-ui.txt; standalone.py ui does it by itself",
}


def _python() -> Check:
    version = platform.python_version()
    return Check("python", "ok", f"{version} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def _package(name: str, module: str, purpose: str, *, needed: bool) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(name, "ok", f"{_version(module)} ({purpose})")
    state: State = "missing" if needed else "optional"
    return Check(name, state, f"not installed; needed for {purpose}", _FIXES.get(name, f"pip install {name}"))


def _version(module: str) -> str:
    names = importlib.metadata.packages_distributions().get(module, [module])
    try:
        return importlib.metadata.version(names[0])
    except importlib.metadata.PackageNotFoundError:
        return "installed"


def _ffmpeg() -> Check:
    from ..media.ffmpeg import ffmpeg_version, find_ffmpeg

    try:
        return Check("ffmpeg", "ok", f"{ffmpeg_version()} at {find_ffmpeg()}")
    except DeforumError as error:
        fix = "pip install imageio-ffmpeg, or render with --no-video"
        return Check("ffmpeg", "missing", first_line(error), fix)


def _output(out: Path) -> Check:
    existing = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        return Check("output folder", "ok", f"{out.absolute()} can be written")
    return Check("output folder", "missing", f"{existing} cannot be written", "choose another one with --out DIR")


def _disk(out: Path) -> Check:
    existing = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < 1:
        return Check("disk", "missing", f"{free:.2f} GiB free", "make room; a 720p frame takes about 1.5 MiB")
    return Check("disk", "ok", f"{free:.0f} GiB free")


def _gpu() -> Check:
    found = shutil.which("nvidia-smi")
    if found:
        return Check("GPU", "ok", f"an NVIDIA driver is here ({found})")
    return Check("GPU", "optional", "none found; the preview engine needs none", "install the driver of your GPU")


def _models() -> Check:
    folder = Path("models") / "Deforum"
    count = sum(1 for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else 0
    if count:
        return Check("models", "ok", f"{count} file(s) in {folder.absolute()}")
    return Check("models", "optional", f"none in {folder.absolute()}; the preview engine needs none")


def _preview_engine() -> Check:
    if any(importlib.util.find_spec(module) is None for module in ("numpy", "cv2")):
        return Check("engine preview", "missing", "cannot paint without numpy and opencv", "install those first")
    from ..hosts.preview.engine import IGNORED_FIELDS

    return Check("engine preview", "ok", f"works, without a model; does not heed {_listed(IGNORED_FIELDS)}")


def _diffusers_engine() -> Check:
    missing = [module for module in _DIFFUSERS if importlib.util.find_spec(module) is None]
    if missing:
        fix = "pip install -r requirements-diffusers.txt"
        return Check("engine diffusers", "optional", f"cannot work without {', '.join(missing)}", fix)
    from ..hosts.diffusers.options import ignored_fields

    packages = ", ".join(f"{module} {_version(module)}" for module in _DIFFUSERS[:3])
    return Check(
        "engine diffusers", "ok", f"works with --model ({packages}); does not heed {_listed(ignored_fields())}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name for name in names if name != "frame")
