"""Samplers and schedules by the names that A1111 gives them.

A sampler is a scheduler class of diffusers with its settings; a schedule ("Karras" …) is how the noise falls. Models
that are trained on flows (SD 3, Flux) have samplers of their own, to which the same names lead.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from ...errors import EngineError
from .names import nearest


@dataclass(frozen=True)
class Sampler:
    """A sampler of A1111.

    Attributes:
        scheduler: class of diffusers, or of this module.
        settings: of that class.
        schedule: what "Automatic" means for it, as A1111 has it.
        stands_in: in what it differs from A1111's, empty if only in rounding.
    """

    scheduler: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "Uniform"
    stands_in: str = ""


_SDE = {"algorithm_type": "sde-dpmsolver++"}
_FAST = {"algorithm_type": "dpmsolver", "solver_order": 3, "final_sigmas_type": "sigma_min"}
_LEADING = {"timestep_spacing": "leading", "steps_offset": 1}

SAMPLERS: Mapping[str, Sampler] = {
    "Euler a": Sampler("EulerAncestral"),
    "Euler": Sampler("EulerDiscreteScheduler"),
    "LMS": Sampler("LMSDiscreteScheduler"),
    "Heun": Sampler("HeunDiscreteScheduler"),
    "DPM2": Sampler("KDPM2DiscreteScheduler", schedule="Karras"),
    "DPM2 a": Sampler("KDPM2AncestralDiscreteScheduler", schedule="Karras"),
    "DPM++ 2S a": Sampler("DPMSolverSinglestepScheduler", {}, "Karras", "DPM++ 2S, which adds no noise"),
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", {}, "Karras"),
    "DPM++ SDE": Sampler("DPMSolverSinglestepScheduler", _SDE, "Karras"),
    "DPM++ 2M SDE": Sampler("DPMSolverMultistepScheduler", _SDE, "Exponential"),
    "DPM++ 2M SDE Heun": Sampler("DPMSolverMultistepScheduler", {**_SDE, "solver_type": "heun"}, "Exponential"),
    "DPM++ 3M SDE": Sampler("DPMSolverMultistepScheduler", {**_SDE, "solver_order": 3}, "Exponential"),
    "DPM fast": Sampler("DPMSolverSinglestepScheduler", _FAST),
    "DPM adaptive": Sampler("DPMSolverSinglestepScheduler", _FAST, "Uniform", "DPM fast, which takes the steps as set"),
    "DDIM": Sampler("DDIMScheduler", {**_LEADING, "clip_sample": False, "set_alpha_to_one": False}),
    "PLMS": Sampler("PNDMScheduler", {**_LEADING, "skip_prk_steps": True}),
    "UniPC": Sampler("UniPCMultistepScheduler"),
    "Restart": Sampler("HeunDiscreteScheduler", {}, "Karras", "Heun, which does not restart"),
    "LCM": Sampler("LCMScheduler", _LEADING),
}

SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "Uniform": {},
    "Normal": {},
    "Karras": {"use_karras_sigmas": True},
    "Exponential": {"use_exponential_sigmas": True},
    # With the exponent 1 that A1111 uses, the two are the same.
    "Polyexponential": {"use_exponential_sigmas": True},
    "SGM Uniform": {"timestep_spacing": "trailing"},
    "Simple": {"timestep_spacing": "trailing"},
    "Beta": {"use_beta_sigmas": True},
}
AUTOMATIC = "Automatic"

_OTHER_NAMES = {"Euler A": "Euler a", "DPM++ 2S Ancestral": "DPM++ 2S a", "k_euler_a": "Euler a", "k_euler": "Euler"}
_OF_MODEL = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)
"""What of a model's own scheduler holds for any: how the model was trained."""


@dataclass(frozen=True)
class Choice:
    """A sampler with its schedule, both by A1111's names."""

    sampler: str
    schedule: str


def resolve(sampler: str, scheduler: str) -> Choice:
    """Sampler and schedule that two names mean, whichever way they are divided.

    "DPM++ 2M Karras" with "Automatic" is "DPM++ 2M" with "Karras"; case does not matter.

    Raises:
        EngineError: there is no such sampler or schedule; names the nearest.
    """
    samplers = {name.casefold(): name for name in SAMPLERS} | {k.casefold(): v for k, v in _OTHER_NAMES.items()}
    schedules = {name.casefold(): name for name in (AUTOMATIC, *SCHEDULES)}
    schedule = schedules.get(scheduler.strip().casefold() or AUTOMATIC.casefold())
    if schedule is None:
        raise EngineError(f"There is no scheduler {scheduler!r}. {nearest(scheduler, schedules.values())}")
    plain = " ".join(sampler.split()).casefold()
    name = samplers.get(plain)
    if name is None:
        for ending, of_name in sorted(schedules.items(), key=lambda item: -len(item[0])):
            if plain.endswith(f" {ending}") and plain[: -len(ending) - 1] in samplers:
                name, schedule = samplers[plain[: -len(ending) - 1]], of_name
                break
    if name is None:
        raise EngineError(f"There is no sampler {sampler!r}. {nearest(sampler, SAMPLERS)}")
    return Choice(name, SAMPLERS[name].schedule if schedule == AUTOMATIC else schedule)


def is_flow(scheduler: Any) -> bool:
    """Whether a model whose scheduler this is was trained on flows (SD 3, Flux)."""
    return "FlowMatch" in type(scheduler).__name__


def departures(choice: Choice, of_model: Any, ancestral_eta: float | None = None) -> tuple[str, ...]:
    """In what the sampler of ``choice`` differs from A1111's here, as sentences; mostly empty.

    Args:
        choice: what is asked for.
        of_model: the model's own scheduler.
        ancestral_eta: as asked for.
    """
    if is_flow(of_model):
        if choice.sampler in ("Euler", "Heun"):
            plain = not SCHEDULES[choice.schedule]
            return () if plain else (f"the schedule {choice.schedule!r} is not made for this model; its own is used.",)
        return (f"the sampler {choice.sampler!r} is not made for this model, which samples with Euler instead.",)
    sampler = SAMPLERS[choice.sampler]
    said = []
    if sampler.stands_in:
        said.append(f"the sampler {choice.sampler!r} is not in diffusers; in its place comes {sampler.stands_in}.")
    if ancestral_eta is not None and choice.sampler in ("DPM2 a", "DPM++ 2S a"):
        said.append(f"the sampler {choice.sampler!r} has no ancestral eta in diffusers.")
    missing = set(SCHEDULES[choice.schedule]) - _parameters(_class(sampler.scheduler))
    if missing:
        said.append(
            f"the sampler {choice.sampler!r} has no schedule {choice.schedule!r} in diffusers; its own is used."
        )
    return tuple(said)


def make_scheduler(choice: Choice, of_model: Any, ancestral_eta: float | None = None) -> Any:
    """A new scheduler of diffusers for ``choice``, for a model whose own scheduler is ``of_model``."""
    if is_flow(of_model):
        kind = type(of_model)
        if choice.sampler == "Heun":
            return diffusers.FlowMatchHeunDiscreteScheduler(shift=of_model.config.shift)
        return kind.from_config(of_model.config)
    sampler = SAMPLERS[choice.sampler]
    kind = _class(sampler.scheduler)
    known = _parameters(kind)
    trained = {key: of_model.config[key] for key in _OF_MODEL if key in of_model.config}
    wanted = {"timestep_spacing": "linspace", **trained, **sampler.settings, **SCHEDULES[choice.schedule]}
    scheduler = kind(**{key: value for key, value in wanted.items() if key in known})
    if ancestral_eta is not None and isinstance(scheduler, EulerAncestral):
        scheduler.eta = ancestral_eta
    return scheduler


def _class(name: str) -> Any:
    return EulerAncestral if name == "EulerAncestral" else getattr(diffusers, name)


@cache
def _parameters(kind: Any) -> frozenset[str]:
    return frozenset(inspect.signature(kind.__init__).parameters)


class EulerAncestral(diffusers.EulerDiscreteScheduler):  # type: ignore[misc]
    """Euler with noise added at each step, for every schedule, with the eta of A1111.

    The class of diffusers has neither. The step is the ancestral one of k-diffusion (Karras et al. 2022): from sigma to
    sigma_down without noise, then up by sigma_up² = min(to, eta·sqrt(to²(from² - to²)/from²))².

    Attributes:
        eta: 0 for none, which is Euler, to 1 for the whole noise.
    """

    eta = 1.0

    def step(
        self, model_output: Any, timestep: Any, sample: Any, generator: Any = None, return_dict: bool = True
    ) -> tuple[Any]:
        """One step; ``return_dict`` is there for the pipelines, the answer is always a tuple."""
        if self.step_index is None:
            self._init_step_index(timestep)
        here, there = (float(self.sigmas[self.step_index + i]) for i in (0, 1))
        start, output = sample.float(), model_output.float()
        if self.config.prediction_type == "v_prediction":
            goal = output * (-here / (here**2 + 1) ** 0.5) + start / (here**2 + 1)
        elif self.config.prediction_type == "sample":
            goal = output
        else:
            goal = start - here * output
        up = min(there, self.eta * (max(there**2 * (here**2 - there**2) / here**2, 0.0)) ** 0.5)
        down = (there**2 - up**2) ** 0.5
        result = start + (start - goal) / here * (down - here)
        if up > 0:
            noise = randn_tensor(sample.shape, generator=generator, device=sample.device, dtype=torch.float32)
            result = result + noise * up
        self._step_index += 1
        return (result.to(sample.dtype),)


def set_steps(scheduler: Any, steps: int, device: Any, tokens: int) -> None:
    """Have ``scheduler`` lay out its timesteps.

    Args:
        scheduler: from :func:`make_scheduler`.
        steps: how many, for a picture from noise.
        device: where the timesteps are read.
        tokens: patches of 2×2 latents in the picture; some flow schedules depend on it.
    """
    options: dict[str, Any] = {}
    if isinstance(scheduler, diffusers.LCMScheduler):
        options["original_inference_steps"] = max(scheduler.config.original_inference_steps, steps)
    elif is_flow(scheduler) and scheduler.config.get("use_dynamic_shifting", False):
        options |= {"mu": _shift(scheduler.config, tokens), "sigmas": np.linspace(1.0, 1 / steps, steps)}
    scheduler.set_timesteps(steps, device=device, **options)


def _shift(config: Any, tokens: int) -> float:
    """How far the noise of a large picture is shifted: a line through two sizes, as Flux was trained."""
    slope = (config.max_shift - config.base_shift) / (config.max_image_seq_len - config.base_image_seq_len)
    return float(config.base_shift + slope * (tokens - config.base_image_seq_len))


class FixedSchedule:
    """A scheduler whose timesteps are set already: whatever a pipeline asks for, it gets these.

    That lets a text-to-image pipeline start in the middle, from latents that hold a picture and noise.

    Args:
        scheduler: with its timesteps laid out.
        skip: steps left out at the beginning.

    Attributes:
        timesteps: those that are done.
        init_noise_sigma: 1, for latents come with their noise.
        first_sigma: how much noise a picture from nothing starts with.
    """

    init_noise_sigma = 1.0

    def __init__(self, scheduler: Any, skip: int = 0) -> None:
        self._scheduler = scheduler
        first = skip * scheduler.order
        # The scheduler keeps all of its own: some look at how many there are to see which is the last.
        self.timesteps = scheduler.timesteps[first:]
        self.first_sigma = float(getattr(scheduler, "init_noise_sigma", 1.0))
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)

    def __len__(self) -> int:
        return len(self._scheduler)

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        timesteps: Any = None,
        sigmas: Any = None,
        mu: float | None = None,
    ) -> None:
        """Nothing: they are set."""

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Nothing: it is set."""

    def noised(self, clean: Any, noise: Any, step: int = 0) -> Any:
        """``clean`` with as much noise as there is before timestep ``step``; ``clean`` itself after the last one."""
        if step >= len(self.timesteps):
            return clean
        when = self.timesteps[step : step + 1]
        if hasattr(self._scheduler, "scale_noise"):
            return self._scheduler.scale_noise(clean, when, noise)
        return self._scheduler.add_noise(clean, noise, when)


def executed_steps(steps: int, denoising: float) -> int:
    """How many of ``steps`` are done in img2img, as A1111 counts them: int(min(denoising, 0.999)·steps) + 1."""
    return min(int(min(denoising, 0.999) * steps) + 1, steps)
