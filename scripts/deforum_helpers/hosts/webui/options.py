"""The settings page, and what of it a run needs."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .host import Host, optional_part, part
from .vram import KEEP_OPTION

if TYPE_CHECKING:
    from ...ports import SharedMemory
    from ...run_deforum import RunOptions

_SECTION, _CATEGORY = ("deforum", "Deforum"), "saving"
"""Where the page is found: under its name, among those on saving."""
_PRESETS = ["veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast", "superfast", "ultrafast"]
_INFOTEXTS = "enable_pnginfo"
"""The web UI's own option: whether pictures carry what they were made with."""
PERSISTENT, PERSISTENT_PATH = "deforum_enable_persistent_settings", "deforum_persistent_settings_path"
DEBUG = "deforum_debug_mode_enabled"
_PREVIEW_OFF = "Off"
_PREVIEWS = [_PREVIEW_OFF, "On", "On, concurrent (don't pause generation)"]


@dataclass(frozen=True)
class Option:
    """One option of the settings page.

    Attributes:
        key: its name in the web UI's configuration.
        default: its value until the user changes it.
        label: what the page shows.
        widget: class of gradio, or "DropdownMulti" of the web UI.
        arguments: of the widget.
        help: what it does, beside the label.
        heading: what stands above it, where a group of options begins.
    """

    key: str
    default: object
    label: str
    widget: str = "Checkbox"
    arguments: Mapping[str, object] = field(default_factory=dict)
    help: str = ""
    heading: str = ""


def webui_options(labels: list[str]) -> tuple[Option, ...]:
    """All options of the page.

    Args:
        labels: of the values that subtitles can show.
    """
    return (
        Option(
            KEEP_OPTION,
            False,
            "Keep 3D models in VRAM between frames, even where it is short",
            help="faster, if the card holds them beside the model that diffuses",
            heading="Memory",
        ),
        Option(
            PERSISTENT,
            False,
            "Keep settings persistent upon relaunch of webui",
            help="Generate keeps the settings of the tab, and the next start begins with them",
            heading="Settings of the tab",
        ),
        Option(
            PERSISTENT_PATH,
            "models/Deforum/deforum_persistent_settings.txt",
            "Path for saving your persistent settings file:",
            "Textbox",
            help="relative to the web UI's folder for data; .txt or .json",
        ),
        Option(
            "deforum_ffmpeg_location",
            "",
            "FFmpeg path/ location (empty: found by itself)",
            "Textbox",
            help="path of the program, if another than the one found is to be used",
            heading="Video",
        ),
        Option(
            "deforum_ffmpeg_crf",
            17,
            "FFmpeg CRF value",
            "Slider",
            {"minimum": 0, "maximum": 51, "step": 1},
            help="0 loses nothing and is large, 51 is small and rough; 17 looks lossless",
        ),
        Option(
            "deforum_ffmpeg_preset",
            "slow",
            "FFmpeg Preset",
            "Dropdown",
            {"choices": _PRESETS},
            help="slower makes smaller files that look the same",
        ),
        Option(
            "deforum_preview",
            _PREVIEW_OFF,
            "Generate preview video during generation? (Preview does not include frame interpolation or upscaling.)",
            "Dropdown",
            {"choices": _PREVIEWS},
            heading="Preview video",
        ),
        Option(
            "deforum_preview_interval_frames",
            100,
            "Generate preview every N frames",
            "Slider",
            {"minimum": 10, "maximum": 500, "step": 1},
        ),
        Option(
            "deforum_save_gen_info_as_srt",
            False,
            "Save an .srt (subtitles) file with the generation info along with each animation",
            help="what each frame was made with, for players that show subtitles",
            heading="Subtitles",
        ),
        Option(
            "deforum_embed_srt", False, "If .srt file is saved, soft-embed the subtitles into the rendered video file"
        ),
        Option(
            "deforum_save_gen_info_as_srt_params",
            ["Noise Sch"],
            "Choose which animation params are to be saved to the .srt file (Frame # and Seed will always be saved):",
            "DropdownMulti",
            {"choices": labels},
        ),
        Option(
            DEBUG,
            False,
            "Enable Dev mode - adds extra reporting in console",
            help="each picture, its time, what moved for want of memory, and errors in full",
            heading="Looking for mistakes",
        ),
    )


def add_options() -> None:
    """Add the options to the settings page. An option that cannot be added is told in the log and left out."""
    from ...media.subtitles import PARAMETERS

    shared = part("shared")
    short = any(getattr(shared.cmd_opts, flag, False) for flag in ("lowvram", "medvram"))
    for option in webui_options(list(PARAMETERS)):
        arguments = dict(option.arguments)
        if option.key == KEEP_OPTION and short:
            arguments["visible"] = False
        try:
            if option.heading:
                _add_heading(shared, option)
            info = shared.OptionInfo(option.default, option.label, _widget(option.widget), arguments, section=_SECTION)
            info.category_id = _CATEGORY
            info.comment_after = f" <span class='info'>({escape(option.help)})</span>" if option.help else ""
            shared.opts.add_option(option.key, info)
        except Exception as error:  # noqa: BLE001 - in Forge an error here would stop the whole web UI
            logging.getLogger(__name__).error("The setting %s cannot be shown: %s", option.key, error)


def _add_heading(shared: Any, option: Option) -> None:
    """A heading, where the web UI has such a thing."""
    make = getattr(optional_part("modules.options"), "OptionHTML", None)
    if make is not None:
        info = make(f"<h3>{escape(option.heading)}</h3>")
        info.section, info.category_id = _SECTION, _CATEGORY
        shared.opts.add_option(f"{option.key}_heading", info)


def option_values(data: Mapping[str, object]) -> dict[str, object]:
    """The values of all options of the page, given what the web UI's configuration holds."""
    return {option.key: data.get(option.key, option.default) for option in webui_options([])}


def run_options(
    host: Host, out: Path, overrides: Mapping[str, object] | None = None, *, memory: SharedMemory | None = None
) -> RunOptions:
    """How to run a job, by the settings page.

    Args:
        host: the web UI.
        out: folder of all runs.
        overrides: values in place of the page's.
        memory: shared by the networks and the web UI's model.

    Raises:
        InputError: a value cannot be used.
    """
    from ...jobs.options import with_overrides
    from ...media.encode import EncodeOptions
    from ...run_deforum import RunOptions

    values = option_values(host.opts.data)
    # Sliders of some web UIs turn whole numbers into others.
    values = {key: int(value) if isinstance(value, float) else value for key, value in values.items()}
    values.update({key: value for key, value in (overrides or {}).items() if key in values})
    options = RunOptions(
        out=out,
        encode=EncodeOptions(ffmpeg=str(values["deforum_ffmpeg_location"]).strip() or None),
        models=Path(part("paths").models_path) / "Deforum",
        allow_download=True,
        device="cpu" if _on_cpu(host) else "auto",
        infotexts=bool(host.opts.data.get(_INFOTEXTS, True)),
        memory=memory,
    )
    return with_overrides(options, values)


def _on_cpu(host: Host) -> bool:
    """Whether the web UI was told to leave the graphics card alone, or there is none."""
    return str(getattr(host.devices.device, "type", "")) == "cpu"


def _widget(name: str) -> Any:
    gradio: Any = importlib.import_module("gradio")
    if name != "DropdownMulti":
        return getattr(gradio, name)
    components = optional_part("modules.ui_components")
    return components.DropdownMulti if components is not None else gradio.Dropdown
