"""Which web UI this is, found out by looking at what it has; the one place that imports the web UI's packages."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

HostKind = Literal["a1111", "forge", "reforge"]


def part(name: str) -> Any:
    """The web UI's module ``modules.<name>``.

    Raises:
        ImportError: this is no web UI, or one without it.
    """
    return importlib.import_module(f"modules.{name}")


def optional_part(name: str) -> Any | None:
    """The module ``name``, by its full name, or None where the web UI has none of that name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def accepts(function: Callable[..., Any], parameter: str) -> bool:
    """Whether ``function`` has a parameter of that name; web UIs add and drop them from version to version."""
    return parameter in inspect.signature(function).parameters


@dataclass(frozen=True)
class Host:
    """The parts of a web UI that diffusing needs, as modules.

    Attributes:
        kind: which family; for names and messages. What can be done is asked of the parts themselves.
        shared: options, state and command line.
        processing: what makes pictures.
        sd_models, sd_vae, sd_samplers: checkpoints, VAEs, samplers.
        sd_schedulers: None where a sampler's name includes its scheduler (before 1.9).
        rng: seeds what is drawn without a seed of its own; None where it is part of another module (before 1.6).
        scripts: the always-on scripts of the host's own tabs.
        devices: memory and precision.
        errors: the errors that the web UI has caught and only told on the console.
        call_queue: the lock around everything that uses the model.
        lowvram: moves parts of the model in and out of the graphics memory; None or a stub in Forge.
        loader: Forge's way of choosing what to load; None elsewhere.
        memory: Forge's and reForge's memory management; None elsewhere.
    """

    kind: HostKind
    shared: Any
    processing: Any
    sd_models: Any
    sd_vae: Any
    sd_samplers: Any
    sd_schedulers: Any | None
    rng: Any | None
    scripts: Any
    devices: Any
    errors: Any
    call_queue: Any
    lowvram: Any | None
    loader: Any | None
    memory: Any | None

    @property
    def opts(self) -> Any:
        """The options."""
        return self.shared.opts

    @property
    def state(self) -> Any:
        """Progress bar, interrupt, skip and live preview."""
        return self.shared.state

    def knows_option(self, key: str) -> bool:
        """Whether there is such an option."""
        return key in self.opts.data_labels or key in self.opts.data


def host_kind() -> HostKind:
    """The family of the running web UI."""
    if not _is_there("modules_forge"):
        return "a1111"
    return "reforge" if _is_there("ldm_patched") and not _is_there("backend") else "forge"


def open_host() -> Host:
    """The web UI this runs in.

    Raises:
        ImportError: this is no web UI.
    """
    main_entry = optional_part("modules_forge.main_entry")
    memory = optional_part("backend.memory_management") or optional_part("ldm_patched.modules.model_management")
    return Host(
        kind=host_kind(),
        shared=part("shared"),
        processing=part("processing"),
        sd_models=part("sd_models"),
        sd_vae=part("sd_vae"),
        sd_samplers=part("sd_samplers"),
        sd_schedulers=optional_part("modules.sd_schedulers"),
        rng=optional_part("modules.rng"),
        scripts=part("scripts"),
        devices=part("devices"),
        errors=part("errors"),
        call_queue=part("call_queue"),
        lowvram=optional_part("modules.lowvram"),
        loader=main_entry if hasattr(main_entry, "checkpoint_change") else None,
        memory=memory,
    )


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
