"""Models from disk: diffusers folders, single files, names on Hugging Face."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import safe_open

from ...errors import EngineError, Finding
from .memory import Placement, engine_errors, first_line, place
from .names import find_weights
from .options import EngineOptions

FAMILIES = {
    "StableDiffusionXL": "SDXL",
    "StableDiffusion3": "SD3",
    "StableDiffusion": "SD",
    "Flux": "Flux",
}
"""How the class names of pipelines begin, and what we call them; the first that fits counts."""

_SINGLE = (".safetensors", ".ckpt")


@dataclass(eq=False)
class Model:
    """A model in use.

    Attributes:
        name: for people.
        family: "SD" (1 and 2), "SDXL", "SD3" or "Flux".
        pipe: its text-to-image pipeline, which every kind of picture is made with.
        scheduler: its own, as it came.
        own_vae: the VAE it came with.
        vae: the name of the VAE in use, empty for its own.
    """

    name: str
    family: str
    pipe: Any
    scheduler: Any
    own_vae: Any
    vae: str = ""

    @property
    def denoiser(self) -> Any:
        """The network that takes noise away: a UNet or a transformer."""
        return self.pipe.transformer if self.is_transformer else self.pipe.unet

    @property
    def is_transformer(self) -> bool:
        """Whether the denoiser is one."""
        return self.family in ("SD3", "Flux")


def load_model(source: str, options: EngineOptions, placement: Placement) -> tuple[Model, tuple[Finding, ...]]:
    """Load a model and bring it to where it computes.

    Args:
        source: path or name, as in :class:`EngineOptions`.
        options: where else to look.
        placement: where to.

    Raises:
        EngineError: it is not there, cannot be read, or is of an architecture that is not supported.
    """
    with torch.random.fork_rng(devices=[]), engine_errors(f"Loading the model {source}"):
        _quieten()
        path = Path(source)
        if path.is_file():
            pipe = _from_file(path, options, placement.dtype)
        elif path.is_dir():
            pipe = _from_folder(path, placement.dtype)
        else:
            pipe = _from_hub(source, options, placement.dtype)
        family = family_of(type(pipe).__name__)
        if any(task in type(pipe).__name__ for task in ("Img2Img", "Inpaint")):
            pipe = diffusers.AutoPipelineForText2Image.from_pipe(pipe)
        pipe.set_progress_bar_config(disable=True)
        if getattr(pipe, "safety_checker", None) is not None:  # latents are decoded here, nobody would ask it
            pipe.register_modules(safety_checker=None)
        name = path.stem if path.is_file() else path.name
        model = Model(name, family, pipe, pipe.scheduler, pipe.vae)
        if options.vae is not None:
            set_vae(model, options.vae, options, placement)
        finding = place(pipe, placement)
    return model, (finding,) if finding else ()


def set_vae(model: Model, path: Path | None, options: EngineOptions, placement: Placement) -> None:
    """Let the VAE at ``path``, a file or a diffusers folder, take the place of the model's; None puts that back.

    Raises:
        EngineError: it cannot be read.
    """
    if path is None:
        model.pipe.register_modules(vae=model.own_vae)
        model.vae = ""
        return
    with torch.random.fork_rng(devices=[]), engine_errors(f"Loading the VAE {path}"):
        kind = type(model.pipe.vae)
        if path.is_dir():
            inner = "vae" if (path / "model_index.json").is_file() else None
            vae = kind.from_pretrained(str(path), subfolder=inner, torch_dtype=placement.dtype, local_files_only=True)
        else:
            config = _config_beside(path)
            if config is None:
                config = _part_config(model, path)
            vae = kind.from_single_file(
                str(path), config=str(config), torch_dtype=placement.dtype, local_files_only=not options.download
            )
        model.pipe.register_modules(vae=vae.to(placement.device))
        model.vae = path.stem if path.is_file() else path.name


def find_model(name: str, options: EngineOptions) -> str:
    """The source that ``name`` means in a request.

    Raises:
        EngineError: there is none of that name; says where it was looked for.
    """
    own = Path(options.model)
    if name.casefold() in (own.stem.casefold(), own.name.casefold(), options.model.casefold()):
        return options.model
    folder = options.models_folder or (own.parent if own.exists() else None)
    return str(find_weights(name, (folder,), "checkpoint", "--checkpoints"))


def find_vae(name: str, options: EngineOptions) -> Path | None:
    """The VAE that ``name`` means in a request; None, the model's own, for "Automatic" and "None".

    Raises:
        EngineError: there is none of that name; says where it was looked for.
    """
    if name.casefold() in ("automatic", "none"):
        return None
    beside = options.vae.parent if options.vae else None
    return find_weights(name, (beside, options.models_folder), "VAE", "--checkpoints")


def family_of(class_name: str) -> str:
    """What models of a pipeline class are called here.

    Raises:
        EngineError: they are not supported.
    """
    for beginning, family in FAMILIES.items():
        if class_name.startswith(beginning) and "Upscale" not in class_name and "Pix2Pix" not in class_name:
            return family
    raise EngineError(
        f"The model is made for {class_name}, which this engine does not drive. "
        "Supported are Stable Diffusion 1, 2, XL and 3, and Flux."
    )


def _quieten() -> None:
    """No progress bars and hints of the libraries between the lines of a render."""
    for library in (diffusers.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def _from_folder(path: Path, dtype: Any) -> Any:
    index = path / "model_index.json"
    if not index.is_file():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in _SINGLE)
        hint = f" Name one of its files: {', '.join(inside[:5])}." if inside else ""
        raise EngineError(f"{path} is no diffusers folder: model_index.json is not in it.{hint}")
    parts = json.loads(index.read_text("utf-8"))
    family_of(str(parts.get("_class_name", "")))
    # Some pipelines want to be told of parts that are left out on purpose.
    absent: dict[str, Any] = {name: None for name, entry in parts.items() if entry == [None, None]}
    if "safety_checker" in parts:
        absent |= {"safety_checker": None, "requires_safety_checker": False}
    return diffusers.DiffusionPipeline.from_pretrained(str(path), torch_dtype=dtype, local_files_only=True, **absent)


def _from_hub(name: str, options: EngineOptions, dtype: Any) -> Any:
    places = [str(Path(name).absolute())]
    if name.count("/") == 1 and not name.endswith(_SINGLE):
        places.append(f"the cache of Hugging Face for {name}")
        try:
            return diffusers.DiffusionPipeline.from_pretrained(
                name, torch_dtype=dtype, local_files_only=not options.download
            )
        except (OSError, ValueError) as error:
            if options.download:
                raise EngineError(f"The model {name} cannot be downloaded: {first_line(error)}") from error
    raise EngineError(
        f"There is no model {name!r}; looked at {' and '.join(places)}. Give --model a diffusers folder, a "
        ".safetensors or .ckpt file, or owner/name on Hugging Face with --download."
    )


def _from_file(path: Path, options: EngineOptions, dtype: Any) -> Any:
    if path.suffix not in _SINGLE:
        raise EngineError(f"{path} is no checkpoint: its name must end in .safetensors or .ckpt.")
    keys = _shapes(path)
    config = options.config or _config_beside(path) or _cached_config(keys)
    if config is None and not options.download:
        raise EngineError(
            f"{path} holds weights only, and the configuration of its architecture is not on this machine. Name a "
            "diffusers folder of the same architecture with --model-config, or allow --download once."
        )
    class_name = _class_in(config) if config else _CLASSES[family_in(keys)]
    family_of(class_name)
    extra: dict[str, Any] = {"config": str(config)} if config else {}
    if class_name.startswith("StableDiffusion") and family_of(class_name) == "SD":
        extra["safety_checker"] = None
    loader = getattr(diffusers, class_name)
    return loader.from_single_file(str(path), torch_dtype=dtype, local_files_only=not options.download, **extra)


_CLASSES = {
    "SD": "StableDiffusionPipeline",
    "SDXL": "StableDiffusionXLPipeline",
    "SD3": "StableDiffusion3Pipeline",
    "Flux": "FluxPipeline",
}
_REPOSITORIES = {
    "SD": ("stable-diffusion-v1-5/stable-diffusion-v1-5", "runwayml/stable-diffusion-v1-5"),
    "SD2": ("stabilityai/stable-diffusion-2-1",),
    "SDXL": ("stabilityai/stable-diffusion-xl-base-1.0",),
    "SD3": ("stabilityai/stable-diffusion-3-medium-diffusers",),
    "Flux": ("black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.1-schnell"),
}
"""Where the configuration of an architecture lies on Hugging Face."""


def family_in(keys: dict[str, tuple[int, ...]]) -> str:
    """The family whose weights have these names.

    Raises:
        EngineError: none has; it may be a LoRA or a VAE.
    """

    def has(part: str) -> bool:
        return any(part in key for key in keys)

    if has("joint_blocks."):
        return "SD3"
    if has("double_blocks."):
        return "Flux"
    if has("conditioner.embedders."):
        return "SDXL"
    if has("model.diffusion_model."):
        return "SD"
    what = "a LoRA" if has("lora_") else "a VAE or another part of a model" if keys else "empty"
    raise EngineError(f"The file is no checkpoint: it looks like {what}. Name a whole model with --model.")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights in a file."""
    if path.suffix == ".safetensors":
        with safe_open(str(path), framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 - not a mapping
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    state = state.get("state_dict", state)
    return {key: tuple(value.shape) for key, value in state.items() if hasattr(value, "shape")}


def _config_beside(path: Path) -> Path | None:
    """The folder with the name of the file, without suffix, if it holds a configuration."""
    folder = path.with_suffix("")
    return folder if any((folder / name).is_file() for name in ("model_index.json", "config.json")) else None


def _cached_config(keys: dict[str, tuple[int, ...]]) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    family = family_in(keys)
    if family == "SD" and any(key.startswith("cond_stage_model.model.") for key in keys):
        family = "SD2"
    for repository in _REPOSITORIES[family]:
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


def _part_config(model: Model, path: Path) -> Path:
    """The VAE configuration of the model, for a VAE file of the same architecture."""
    folder = Path(str(model.pipe.config.get("_name_or_path", ""))) / "vae"
    if (folder / "config.json").is_file():
        return folder
    raise EngineError(
        f"{path} holds weights only; put the config.json of its architecture into the folder {path.with_suffix('')}."
    )
