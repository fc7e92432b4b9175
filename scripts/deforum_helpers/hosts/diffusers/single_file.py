"""Models that are one file of weights: what they are, where their configuration lies, and what they lack."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors import safe_open

from ...errors import EngineError, Finding
from .families import family_in, family_of
from .options import EngineOptions

SUFFIXES = (".safetensors", ".ckpt")
"""Of files that hold a model."""

_CLASSES = {
    "SD": "StableDiffusionPipeline",
    "SDXL": "StableDiffusionXLPipeline",
    "SD3": "StableDiffusion3Pipeline",
    "Flux": "FluxPipeline",
}
_REPOSITORIES = {
    "SD 1": ("stable-diffusion-v1-5/stable-diffusion-v1-5", "runwayml/stable-diffusion-v1-5"),
    "SD 1 inpainting": ("stable-diffusion-v1-5/stable-diffusion-inpainting",),
    "SD 2": ("stabilityai/stable-diffusion-2-1", "stabilityai/stable-diffusion-2-1-base"),
    "SD 2 inpainting": ("stabilityai/stable-diffusion-2-inpainting",),
    "SDXL": ("stabilityai/stable-diffusion-xl-base-1.0",),
    "SD3": ("stabilityai/stable-diffusion-3-medium-diffusers",),
    "SD3.5 medium": ("stabilityai/stable-diffusion-3.5-medium",),
    "SD3.5 large": ("stabilityai/stable-diffusion-3.5-large",),
    "Flux dev": ("black-forest-labs/FLUX.1-dev",),
    "Flux schnell": ("black-forest-labs/FLUX.1-schnell",),
}
"""Where the configuration of an architecture lies on Hugging Face."""
_WEIGHTS = {
    "text_encoder": ("cond_stage_model.", "conditioner.embedders.0.", "text_encoders.clip_l."),
    "text_encoder_2": ("conditioner.embedders.1.", "text_encoders.clip_g."),
    "vae": ("first_stage_model.", "vae."),
}
"""How the names of a part's weights begin in a single file."""
_T5 = ("text_encoders.t5xxl.",)
_OPEN_CLIP = "cond_stage_model.model."
_PARAMETERIZATION = re.compile(r"^\s*parameterization:\s*[\"']?(v|eps)\b", re.MULTILINE)

Keys = Mapping[str, tuple[int, ...]]
"""Names of weights → their shapes."""


def load_file(path: Path, options: EngineOptions, dtype: Any) -> tuple[Any, tuple[Finding, ...]]:
    """The pipeline of a single file, on the CPU, and what has to be said about it.

    Parts that the file lacks are taken from the folder of its configuration, if they are there.

    Raises:
        EngineError: it is no model, its configuration is not on this machine, or it lacks parts; says what to do.
    """
    if path.suffix not in SUFFIXES:
        raise EngineError(f"{path} is no checkpoint: its name must end in .safetensors or .ckpt.")
    keys = _shapes(path)
    architecture = architecture_in(keys)
    named = options.config or config_beside(path)
    config = named or _cached_config(architecture)
    if config is None and not options.download:
        raise EngineError(
            f"{path} holds weights only, and the configuration of its architecture ({architecture}) is not on this "
            f"machine. Name a diffusers folder of it with --model-config, such as a copy of "
            f"{_REPOSITORIES[architecture][0]} (its .json and .txt files will do), or allow --download once."
        )
    class_name = _class_in(config) if config else _CLASSES[family_in(keys)]
    family = family_of(class_name)
    parts, findings = _parts_besides(path, keys, config, options, dtype) if config else ({}, ())
    if family == "SD":
        parts["safety_checker"] = None
    if config is not None:
        parts["config"] = str(config)
    pipe = getattr(diffusers, class_name).from_single_file(
        str(path), torch_dtype=dtype, local_files_only=not options.download, **parts
    )
    prediction = _prediction(path, keys, pipe, guessed=named is None)
    if prediction is not None:
        pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, prediction_type=prediction)
    return pipe, findings


def architecture_in(keys: Keys) -> str:
    """The architecture whose weights have these names and shapes, more exactly than its family.

    Raises:
        EngineError: none has.
    """
    family = family_in(keys)
    if family == "SD":
        version = "SD 2" if any(key.startswith(_OPEN_CLIP) for key in keys) else "SD 1"
        channels = keys.get("model.diffusion_model.input_blocks.0.0.weight", (0, 0))[1]
        return f"{version} inpainting" if channels == 9 else version
    if family == "SD3":
        if any("attn2." in key for key in keys):
            return "SD3.5 medium"
        return "SD3.5 large" if any("joint_blocks.37." in key for key in keys) else "SD3"
    if family == "Flux":
        return "Flux dev" if any("guidance_in." in key for key in keys) else "Flux schnell"
    return family


def _parts_besides(
    path: Path, keys: Keys, config: Path, options: EngineOptions, dtype: Any
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Parts of the pipeline that the file lacks, by name.

    Raises:
        EngineError: some are nowhere.
    """
    absent, lacking = _lacking(keys, config)
    # diffusers wants to be told of parts that are left out on purpose.
    parts: dict[str, Any] = dict.fromkeys(absent)
    nowhere: list[str] = []
    findings: tuple[Finding, ...] = ()
    for name, (library, kind) in lacking.items():
        if _holds_weights(config / name):
            made = getattr(importlib.import_module(library), kind)
            parts[name] = made.from_pretrained(str(config), subfolder=name, torch_dtype=dtype, local_files_only=True)
        elif name == "vae" and options.vae is not None:
            parts[name] = load_vae(options.vae, getattr(diffusers, kind), config / name, options, dtype)
        elif name == "text_encoder_3":
            parts |= {name: None, "tokenizer_3": None}
            text = f"{path.name} has no T5 text encoder: prompts are read by the other two alone."
            findings += (
                Finding("note", text, "--model", hint=f"--model-config may name a folder with {name}/ in it."),
            )
        else:
            nowhere.append(f"{name} ({kind})")
    if nowhere:
        vae = ", or name a VAE file with --vae" if any(part.startswith("vae ") for part in nowhere) else ""
        raise EngineError(
            f"{path} lacks parts of the model: {', '.join(nowhere)}. Put them as subfolders of these names, with their "
            f"weights, into {config}, or name a diffusers folder that has them with --model-config{vae}."
        )
    return parts, findings


def _lacking(keys: Keys, config: Path) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """Parts that the pipeline has not, and those that it has and the file lacks: name → library and class."""
    absent: list[str] = []
    lacking: dict[str, tuple[str, str]] = {}
    for name, entry in json.loads((config / "model_index.json").read_text("utf-8")).items():
        if name.startswith("_") or not isinstance(entry, list):
            continue
        library, kind = entry
        beginnings = _T5 if kind == "T5EncoderModel" else _WEIGHTS.get(name, ())
        if library is None:
            absent.append(name)
        elif beginnings and not any(key.startswith(beginnings) for key in keys):
            lacking[name] = (library, kind)
    return absent, lacking


def load_vae(path: Path, kind: Any, config: Path | None, options: EngineOptions, dtype: Any) -> Any:
    """The VAE in a file or a diffusers folder, on the CPU.

    Args:
        path: of the file or folder.
        kind: its class.
        config: folder with the configuration for a file that has none beside it.
        options: of the engine.
        dtype: of its numbers.

    Raises:
        EngineError: there is no configuration for the file.
    """
    if path.is_dir():
        inner = "vae" if (path / "model_index.json").is_file() else None
        return kind.from_pretrained(str(path), subfolder=inner, torch_dtype=dtype, local_files_only=True)
    config = config_beside(path) or config
    if config is None or not (config / "config.json").is_file():
        raise EngineError(
            f"{path} holds weights only; put the config.json of its architecture into the folder "
            f"{path.with_suffix('')}."
        )
    return kind.from_single_file(
        str(path), config=str(config), torch_dtype=dtype, local_files_only=not options.download
    )


def _prediction(path: Path, keys: Keys, pipe: Any, *, guessed: bool) -> str | None:
    """What the model was trained to predict, "epsilon" or "v_prediction"; None if its configuration says so."""
    if "v_pred" in keys:
        return "v_prediction"
    beside = path.with_suffix(".yaml")
    if beside.is_file():
        said = _PARAMETERIZATION.search(beside.read_text("utf-8", "replace"))
        return None if said is None else "v_prediction" if said[1] == "v" else "epsilon"
    if not guessed or architecture_in(keys) != "SD 2":
        return None
    # As A1111 tells them apart: of pure noise at the last step, a model that predicts velocity shows the picture.
    unet = pipe.unet
    flat = torch.full((1, unet.config.in_channels, 8, 8), 0.5, dtype=unet.dtype)
    words = torch.full((1, 2, unet.config.cross_attention_dim), 0.5, dtype=unet.dtype)
    with torch.no_grad():
        answer = unet(flat, 999, encoder_hidden_states=words).sample
    return "v_prediction" if float((answer.float() - flat.float()).mean()) < -1 else "epsilon"


def _holds_weights(folder: Path) -> bool:
    return any(next(folder.glob(f"*{ending}"), None) for ending in (".safetensors", ".bin"))


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights in a file."""
    if path.suffix == ".safetensors":
        with safe_open(str(path), framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 - not a mapping
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    state = state.get("state_dict", state)
    return {key: tuple(value.shape) for key, value in state.items() if hasattr(value, "shape")}


def config_beside(path: Path) -> Path | None:
    """The folder with the name of the file, without suffix, if it holds a configuration."""
    folder = path.with_suffix("")
    return folder if any((folder / name).is_file() for name in ("model_index.json", "config.json")) else None


def _cached_config(architecture: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for repository in _REPOSITORIES[architecture]:
        try:
            folder = Path(snapshot_download(repository, local_files_only=True))
        except (LocalEntryNotFoundError, OSError):
            continue
        if (folder / "model_index.json").is_file():
            return folder
    return None


def _class_in(config: Path) -> str:
    try:
        return str(json.loads((config / "model_index.json").read_text("utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"{config} is no diffusers folder: model_index.json is missing or damaged.") from error
