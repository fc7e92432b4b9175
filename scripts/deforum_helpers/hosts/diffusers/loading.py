"""Models from disk: diffusers folders, single files, names on Hugging Face."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from ...errors import EngineError, Finding, first_line
from .families import family_of
from .memory import LONGEST_REASON, Placement, engine_errors, place
from .names import find_weights
from .options import EngineOptions
from .single_file import SUFFIXES, load_file, load_vae


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
        device: where it computes, also while its parts wait elsewhere.
        dtype: of the denoiser's numbers.
    """

    name: str
    family: str
    pipe: Any
    scheduler: Any
    own_vae: Any
    vae: str = ""
    device: Any = None
    dtype: Any = None

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
        path, findings = Path(source), tuple[Finding, ...]()
        if path.is_file():
            pipe, findings = load_file(path, options, placement.dtype)
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
        # Asking a pipeline goes through all its modules, thousands of them: once is enough.
        model.device, model.dtype = pipe._execution_device, model.denoiser.dtype
    return model, (*findings, finding) if finding else findings


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
        config = Path(str(model.pipe.config.get("_name_or_path", ""))) / "vae"
        vae = load_vae(path, type(model.pipe.vae), config, options, placement.dtype)
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


def _quieten() -> None:
    """No progress bars and hints of the libraries between the lines of a render."""
    for library in (diffusers.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def _from_folder(path: Path, dtype: Any) -> Any:
    index = path / "model_index.json"
    if not index.is_file():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in SUFFIXES)
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
    if name.count("/") == 1 and not name.endswith(SUFFIXES):
        places.append(f"the cache of Hugging Face for {name}")
        try:
            return diffusers.DiffusionPipeline.from_pretrained(
                name, torch_dtype=dtype, local_files_only=not options.download
            )
        except (OSError, ValueError) as error:
            if options.download:
                raise EngineError(
                    f"The model {name} cannot be downloaded: {first_line(error, LONGEST_REASON)}"
                ) from error
    raise EngineError(
        f"There is no model {name!r}; looked at {' and '.join(places)}. Give --model a diffusers folder, a "
        ".safetensors or .ckpt file, or owner/name on Hugging Face with --download."
    )
