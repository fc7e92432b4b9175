"""Which engine diffuses, and the options of each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineError, Finding, SettingsError

if TYPE_CHECKING:
    from ..ports import Diffuser

_INSTALL = "Install what it needs with: pip install -r requirements-diffusers.txt"


def add_engine(parser: Any) -> None:
    """Declare ``--engine`` and what belongs to each of them."""
    parser.add_argument(
        "--engine",
        choices=("preview", "diffusers"),
        default="preview",
        help="what diffuses: preview paints without a model, diffusers needs --model (preview)",
    )
    parser.add_argument(
        "--latency", type=_seconds, default=0.0, metavar="SECONDS", help="preview: time each diffusion takes"
    )
    group = parser.add_argument_group("options of the diffusers engine")
    group.add_argument(
        "--model",
        metavar="PATH_OR_ID",
        help="a diffusers folder, a .safetensors or .ckpt file, or owner/name on Hugging Face",
    )
    for option, metavar, text in (
        ("--model-config", "DIR", "a diffusers folder whose configuration fits the file --model"),
        ("--vae", "PATH", "a VAE in place of the model's own"),
        ("--checkpoints", "DIR", "where schedules find other checkpoints by name (beside --model)"),
        ("--lora-dir", "DIR", "where <lora:name:weight> is found"),
        ("--embeddings", "DIR", "where textual inversions are found"),
        ("--controlnet-dir", "DIR", "where ControlNet models are found"),
    ):
        group.add_argument(option, type=Path, metavar=metavar, help=text)
    group.add_argument(
        "--dtype", choices=("auto", "fp16", "bf16", "fp32"), default="auto", help="precision of the numbers (auto)"
    )
    parser.add_argument(
        "--device",
        default="auto",
        help="where the engine works and the frames between key frames are made: auto, cpu, cuda, cuda:1, mps (auto)",
    )


def open_engine(arguments: argparse.Namespace, *, motion_preview: bool = False) -> Diffuser:
    """The engine that the arguments name, its model loaded.

    Args:
        arguments: of the command line.
        motion_preview: whether only the motion is wanted, which needs no model.

    Raises:
        SettingsError: ``--model`` is missing.
        EngineError: the engine cannot work here, or its model cannot be used.
    """
    if arguments.engine == "preview" or motion_preview:
        from ..hosts.preview.engine import PreviewEngine

        return PreviewEngine(latency=arguments.latency)
    check_engine(arguments)
    return _open_diffusers(arguments)


def check_engine(arguments: argparse.Namespace) -> None:
    """See that the arguments name all that their engine needs, before anything is loaded.

    Raises:
        SettingsError: ``--model`` is missing.
    """
    if arguments.engine != "preview" and not arguments.model:
        raise SettingsError(
            "--engine diffusers needs a model.", hint="For example: --model models/dreamshaper.safetensors"
        )


def findings_of(engine: Diffuser) -> tuple[Finding, ...]:
    """What an engine has to say by now; not every engine speaks."""
    said: tuple[Finding, ...] = getattr(engine, "findings", ())
    return said


def _open_diffusers(arguments: argparse.Namespace) -> Diffuser:
    try:
        from ..hosts.diffusers.engine import DiffusersEngine
        from ..hosts.diffusers.options import EngineOptions
    except (ImportError, OSError, RuntimeError) as error:  # OSError: a library it is linked to is missing
        raise EngineError(f"The diffusers engine cannot start: {error}. {_INSTALL}") from error
    return DiffusersEngine(
        EngineOptions(
            model=arguments.model,
            config=arguments.model_config,
            vae=arguments.vae,
            models_folder=arguments.checkpoints,
            lora_folder=arguments.lora_dir,
            embeddings_folder=arguments.embeddings,
            controlnet_folder=arguments.controlnet_dir,
            precision=arguments.dtype,
            device=arguments.device,
            download=arguments.download,
        )
    )


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return number
