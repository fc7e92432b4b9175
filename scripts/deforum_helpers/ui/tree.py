"""What stands where: the headings of the tab and the rows of settings below each, derived from the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from ..settings.schema import SETTINGS, Setting

Path = tuple[str, ...]

UNITS_TAB = "ControlNet"
"""The tab of the ControlNet units, whose settings share one set of widgets."""
UNITS = range(1, 6)
FIRST_UNIT = "1"
_UNIT = re.compile(r"cn_[1-5]_")

ORDER: tuple[Path, ...] = (
    ("Run",),
    ("Run", "Batch Mode, Resume and more"),
    ("Run", "Batch Mode, Resume and more", "Batch Mode/ run from setting files"),
    ("Run", "Batch Mode, Resume and more", "Resume Animation"),
    ("Keyframes",),
    ("Keyframes", "Guided Images"),
    ("Keyframes", "Strength"),
    ("Keyframes", "CFG"),
    ("Keyframes", "Seed"),
    ("Keyframes", "SubSeed"),
    ("Keyframes", "Step"),
    ("Keyframes", "Sampler"),
    ("Keyframes", "Checkpoint"),
    ("Keyframes", "Motion"),
    ("Keyframes", "Noise"),
    ("Keyframes", "Coherence"),
    ("Keyframes", "Anti Blur"),
    ("Keyframes", "Depth Warping & FOV"),
    ("Prompts",),
    ("Init",),
    ("Init", "Image Init"),
    ("Init", "Video Init"),
    ("Init", "Mask Init"),
    ("Init", "Parseq"),
    ("ControlNet",),
    ("Hybrid Video",),
    ("Hybrid Video", "Hybrid Settings"),
    ("Hybrid Video", "Hybrid Schedules"),
    ("Hybrid Video", "Humans Masking"),
    ("Output",),
    ("Output", "Video Output Settings"),
    ("Output", "Frame Interpolation"),
    ("Neo Core",),
)
"""Headings in the order people know. One that is missing here comes after its sisters, as the schema has it."""

OPEN: frozenset[Path] = frozenset(
    {
        ("Keyframes", "Strength"),
        ("Keyframes", "Motion"),
        ("Init", "Image Init"),
        ("Init", "Parseq"),
        ("ControlNet", "CN Model 1"),
        ("Hybrid Video", "Hybrid Settings"),
        ("Output", "Video Output Settings"),
        ("Run", "Batch Mode, Resume and more", "Batch Mode/ run from setting files"),
        ("Run", "Batch Mode, Resume and more", "Resume Animation"),
    }
)
"""Sections that are open when the page appears."""

_FIRST: Mapping[Path, tuple[str, ...]] = {
    ("Run",): ("motion_preview_mode", "sampler", "scheduler", "steps", "seed", "W", "H", "batch_name"),
    ("Keyframes",): ("animation_mode", "border", "diffusion_cadence", "max_frames"),
    ("Keyframes", "Seed"): ("seed_behavior", "seed_iter_N"),
    ("Keyframes", "SubSeed"): ("enable_subseed_scheduling", "subseed_schedule", "subseed_strength_schedule"),
    ("Keyframes", "Motion"): ("zoom", "angle", "transform_center_x", "transform_center_y"),
    ("Keyframes", "Noise"): ("noise_type", "noise_schedule", "perlin_octaves", "perlin_persistence"),
    ("Keyframes", "Coherence"): ("color_coherence",),
    ("Keyframes", "Depth Warping & FOV"): ("use_depth_warping", "depth_algorithm", "midas_weight"),
    ("Prompts",): ("prompts",),
    ("Hybrid Video", "Hybrid Settings"): ("hybrid_generate_inputframes", "hybrid_composite"),
    **{
        ("ControlNet", f"CN Model {unit}"): tuple(f"cn_{unit}_{name}" for name in ("enabled", "loopback_mode"))
        for unit in range(1, 6)
    },
}
"""Settings that lead their section, where the order of a settings file would read oddly."""

DELETES = ("delete_imgs", "delete_input_frames")
"""Settings that delete files: they stand last in their section, apart from the others."""

CHECKED = ("schedule", "text_schedule", "prompts")
"""Kinds of settings whose values are drawn and checked below their box while they are written."""

_TOOLS = frozenset({"image_path"})
"""Settings of tools; see ``tools``."""
_PER_ROW = {"Checkbox": 2, "Slider": 2, "Number": 2, "Dropdown": 2}
"""How many widgets of a kind share a row; others have one of their own."""


_IDS: Mapping[Path, str] = {
    ("Keyframes", "Guided Images"): "guided_images_accord",
    ("Keyframes", "Motion"): "motion_noise_etc",
    ("Keyframes", "Anti Blur"): "anti_blur_accord",
    ("Keyframes", "Depth Warping & FOV"): "depth_warp_fov_tab",
    ("Output",): "output_tab",
    ("Output", "Frame Interpolation"): "f_interp_accord",
    ("Neo Core",): "neocore_tab",
}
"""Element ids that scripts and styles know; the others are made from the headings."""

_NOTE_IDS: Mapping[Path, str] = {
    ("Keyframes", "Depth Warping & FOV"): "depth_warp_msg_html",
    ("Hybrid Video", "Hybrid Settings"): "hybrid_msg_html",
}


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        path: headings from the outermost on; empty for the whole tab.
        rows: settings keys, row by row.
        children: the sections inside.
    """

    path: Path
    rows: tuple[tuple[str, ...], ...]
    children: tuple[Section, ...]

    @property
    def heading(self) -> str:
        """The last heading."""
        return self.path[-1] if self.path else ""

    def keys(self) -> Iterator[str]:
        """Every setting in it, inner sections included."""
        for row in self.rows:
            yield from row
        for child in self.children:
            yield from child.keys()

    def walk(self) -> Iterator[Section]:
        """It and every section inside."""
        yield self
        for child in self.children:
            yield from child.walk()


def is_shown(setting: Setting) -> bool:
    """Whether the setting has a widget: not if it is never on display, has no effect, or is no part of a run."""
    return setting.visible_when != "False" and setting.key not in _TOOLS


def settings_tree(settings: Mapping[str, Setting] = SETTINGS) -> Section:
    """The whole tab."""
    return _section((), [setting for setting in settings.values() if is_shown(setting)])


def _section(path: Path, settings: list[Setting]) -> Section:
    here = [setting for setting in settings if setting.tab == path]
    inner = sorted({setting.tab[: len(path) + 1] for setting in settings if len(setting.tab) > len(path)}, key=_rank)
    children = tuple(_section(child, [s for s in settings if s.tab[: len(child)] == child]) for child in inner)
    return Section(path, tuple(rows_of(_ordered(path, here))), children)


def _rank(path: Path) -> tuple[int, Path]:
    return (ORDER.index(path) if path in ORDER else len(ORDER), path)


def _ordered(path: Path, settings: Iterable[Setting]) -> list[Setting]:
    first = _FIRST.get(path, ())

    def rank(setting: Setting) -> int:
        place = first.index(setting.key) if setting.key in first else len(first)
        return len(first) + 1 if setting.key in DELETES else place

    return sorted(settings, key=rank)


def rows_of(settings: Iterable[Setting]) -> Iterator[tuple[str, ...]]:
    """The keys of settings, row by row: neighbours of a kind share one."""
    for (widget, _), run in groupby(settings, key=_kind_of_row):
        keys = [setting.key for setting in run]
        size = _PER_ROW.get(widget, 1)
        yield from (tuple(keys[i : i + size]) for i in range(0, len(keys), size))


def _kind_of_row(setting: Setting) -> tuple[str, bool]:
    """Settings side by side are alike, and what deletes is never beside what does not."""
    return ("Number" if setting.widget == "Slider" else setting.widget, setting.key in DELETES)


def elem_id(key: str) -> str:
    """Element id of a setting's widget."""
    return widget_id(SETTINGS[key])


def widget_id(setting: Setting) -> str:
    """Element id of the widget of a setting, or of a tool's value."""
    return setting.elem_id or f"deforum_setting_{setting.key}"


def of_unit(key: str, unit: int) -> str:
    """The setting of ControlNet unit ``unit`` that is what ``key`` is of its own unit; other keys as they are."""
    return f"cn_{unit}_{key.split('_', 2)[2]}" if _UNIT.match(key) else key


def unit_of(key: str) -> int | None:
    """The ControlNet unit a setting belongs to; None for all others."""
    return int(key[3]) if _UNIT.match(key) else None


def note_id(path: Path) -> str | None:
    """Element id of what a section says while nothing in it has an effect; None where nobody looks for it."""
    return _NOTE_IDS.get(path)


def section_id(path: Path) -> str:
    """Element id of a tab or section."""
    words = "_".join(path).lower()
    return _IDS.get(path) or "deforum_section_" + "".join(letter if letter.isalnum() else "_" for letter in words)
