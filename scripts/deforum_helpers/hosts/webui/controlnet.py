"""ControlNet units, handed to the extension or to what Forge has built in, and to no other script."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from ...errors import EngineError
from ...ports import ControlUnit, DiffusionRequest, Image
from .host import Host
from .samplers import nearest

Form = Literal["region", "pairs", "alone"]
"""How pictures and masks are handed over: in pairs, with a mask as a region (the extension) or as a pair of its own
(reForge), or each alone (Forge)."""

_MISSING = (
    "{units} of ControlNet cannot be used: this web UI has no ControlNet. Install the extension sd-webui-controlnet, "
    "or switch the unit off."
)


def find_controlnet(host: Host, *, from_init: bool = True) -> Any | None:
    """The ControlNet script of one of the web UI's tabs; None if there is none."""
    runner = host.scripts.scripts_img2img if from_init else host.scripts.scripts_txt2img
    scripts = getattr(runner, "alwayson_scripts", None) or ()
    return next((script for script in scripts if str(script.title()).lower() == "controlnet"), None)


def control_scripts(host: Host, request: DiffusionRequest, *, after_others: bool) -> tuple[Any, list[Any]] | None:
    """What runs the units of a request: a script runner that knows ControlNet only, and its arguments.

    A unit without a picture takes the picture to be diffused; where there is none, as on the first frame, it rests.

    Args:
        host: the web UI.
        request: what is diffused.
        after_others: whether ControlNet has been at work before: it undoes what it did to the model when it runs again.

    Returns:
        None if there is nothing to run.

    Raises:
        EngineError: a unit is in use, but there is no ControlNet, or no model of that name.
    """
    from_init = request.init_image is not None
    units = [unit for unit in request.control_units if unit.image is not None or from_init]
    script = find_controlnet(host, from_init=from_init) if units or after_others else None
    if script is None:
        _refuse(units)
        return None
    first, last = script.args_from, script.args_to
    if last - first < len(units):
        raise EngineError(
            f"{len(units)} ControlNet units are in use, but the web UI has {last - first}. Raise their number in its "
            "settings (ControlNet: Multi-ControlNet), then reload the web UI."
        )
    runner = host.scripts.ScriptRunner()
    runner.scripts = [script]
    runner.alwayson_scripts = [script]
    known = _known_names(script)
    arguments = [unit_values(unit, known, _form(script)) for unit in units]
    # Units that were left over on the tab are not ours.
    unused = [{"enabled": False} for _ in range(last - first - len(units))]
    return runner, [None] * first + arguments + unused


def _refuse(units: Sequence[ControlUnit]) -> None:
    if units:
        named = ", ".join(str(unit.number) for unit in units)
        raise EngineError(_MISSING.format(units=f"Unit {named}" if len(units) == 1 else f"Units {named}"))


def unit_values(unit: ControlUnit, known: Mapping[str, Mapping[str, str]], form: Form) -> dict[str, Any]:
    """A unit in the words of the web UI's ControlNet.

    Args:
        unit: the unit.
        known: names in lower case → names, of its "models" and "modules"; empty where they cannot be told.
        form: of pictures and masks.

    Raises:
        EngineError: there is no such model or module.
    """
    return {
        **_guide(unit, form),
        "enabled": True,
        "module": _named(unit, "preprocessor", unit.module, known.get("modules", {})),
        "model": _named(unit, "model", unit.model, known.get("models", {})),
        "weight": unit.weight,
        "resize_mode": unit.resize_mode,
        "low_vram": unit.low_vram,
        "processor_res": unit.processor_res,
        "threshold_a": unit.threshold_a,
        "threshold_b": unit.threshold_b,
        "guidance_start": unit.guidance_start,
        "guidance_end": unit.guidance_end,
        "pixel_perfect": unit.pixel_perfect,
        "control_mode": unit.control_mode,
        "save_detected_map": False,
    }


def _guide(unit: ControlUnit, form: Form) -> dict[str, Any]:
    """The picture of a unit and where it takes part, in the web UI's words."""
    mask = None if unit.mask is None else np.dstack([unit.mask] * 3)
    if form == "alone":
        return {"image": unit.image, **({} if mask is None else {"mask_image": mask})}
    if form == "pairs":
        return {"image": _pair(unit.image), **({} if mask is None else {"mask_image": _pair(mask)})}
    # The extension takes a mask beside a picture for inpainting only; for all others it is a region.
    if mask is not None and "inpaint" in unit.module.lower():
        return {"image": _pair(unit.image, mask)}
    return {"image": _pair(unit.image), **({} if mask is None else {"effective_region_mask": mask})}


def _pair(image: Image | None, mask: Image | None = None) -> dict[str, Image] | None:
    """A picture and what is drawn over it, as gradio hands them over."""
    return None if image is None else {"image": image, "mask": np.zeros_like(image) if mask is None else mask}


def _form(script: Any) -> Form:
    """How a ControlNet takes its pictures, by what its units have."""
    fields = getattr(_globals(script).get("ControlNetUnit"), "__annotations__", {})
    if not fields or "effective_region_mask" in fields:
        return "region"
    return "alone" if "image_fg" in fields else "pairs"


@contextmanager
def controlnet_errors(host: Host) -> Iterator[None]:
    """Raise what goes wrong in ControlNet: web UIs print errors of scripts, and make the picture without them.

    Raises:
        EngineError: with what was printed.
    """
    records = host.errors.exception_records
    before = [id(record) for record in records]
    failure: Exception | None = None
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what ControlNet has printed is nearer to the cause
        failure = error
    for record in records:
        if id(record) not in before and "controlnet" in str(record.get("traceback", "")).lower():
            text = f"ControlNet failed: {record.get('exception')}. The web UI's console tells more."
            raise EngineError(text) from failure
    if failure is not None:
        raise failure


def controlnet_names(host: Host) -> dict[str, list[str]]:
    """What ControlNet offers: "models" and "modules" (preprocessors); empty without it, or where it tells nothing."""
    script = find_controlnet(host)
    return {what: list(dict.fromkeys(names.values())) for what, names in _known_names(script).items()} if script else {}


def _named(unit: ControlUnit, what: str, name: str, known: Mapping[str, str]) -> str:
    wanted = name.strip().lower() or "none"
    if wanted == "none":
        return known.get(wanted, "None" if what == "model" else "none")
    if not known:
        return name
    without_hash = {key.partition(" [")[0]: value for key, value in known.items()}
    found = known.get(wanted) or without_hash.get(wanted.partition(" [")[0])
    if found is None:
        raise EngineError(f"ControlNet unit {unit.number}: the {what} {name!r} is unknown. {nearest(wanted, known)}")
    return found


def _known_names(script: Any) -> dict[str, dict[str, str]]:
    """Names of models and preprocessors in lower case → as ControlNet writes them, as far as it tells them."""
    its = _globals(script)
    state, preprocessors = its.get("global_state"), its.get("Preprocessor")
    models = _first(state, "get_all_controlnet_names", "cn_models_names")
    modules = _first(state, "get_all_preprocessor_names", "cn_preprocessor_modules")
    if modules is None:
        both = ("all_processors_by_name", "all_processors")
        modules = [module for attribute in both for module in _first(preprocessors, attribute) or ()]
    models = models.values() if isinstance(models, Mapping) else models
    found = {"models": models, "modules": modules}
    return {what: {str(name).lower(): str(name) for name in names} for what, names in found.items() if names}


def _globals(script: Any) -> Mapping[str, Any]:
    """What a script's file has imported: script files are in no package."""
    return getattr(inspect.unwrap(type(script).process), "__globals__", {})


def _first(owner: Any, *names: str) -> Any:
    """The first of the attributes that ``owner`` has, called if it is a function; None if it has none."""
    for name in names:
        value = getattr(owner, name, None)
        if value is not None:
            return value() if callable(value) else value
    return None
