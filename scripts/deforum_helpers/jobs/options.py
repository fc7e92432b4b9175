"""Options of the web UIs' settings page, as far as they say how a run is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..errors import Finding, InputError, SettingsError
from ..media.subtitles import PARAMETERS_SETTING, chosen_parameters
from ..run_deforum import RunOptions

_PREVIEW_FRAMES = 100
"""Frames between two previews, unless the page says otherwise."""
_PREVIEWS = ("Off", "On", "On, concurrent (don't pause generation)")


def with_overrides(options: RunOptions, overrides: Mapping[str, object]) -> RunOptions:
    """``options`` changed by values of the settings page, by key; what has nothing to do with a run is passed over.

    Raises:
        InputError: a value cannot be used.
    """
    wrong = [
        Finding("error", f"{overrides[key]!r:.60} cannot be used; allowed: {allowed}.", key)
        for key, (allowed, fits) in _FITS.items()
        if key in overrides and not fits(overrides[key])
    ]
    if wrong:
        raise SettingsError(wrong)
    return _with_subtitles(_with_preview(_with_encoding(options, overrides), overrides), overrides)


def _with_encoding(options: RunOptions, overrides: Mapping[str, object]) -> RunOptions:
    names = {"deforum_ffmpeg_crf": "crf", "deforum_ffmpeg_preset": "preset"}
    changes = {name: overrides[key] for key, name in names.items() if key in overrides}
    return replace(options, encode=replace(options.encode, **changes)) if changes else options  # type: ignore[arg-type]


def _with_preview(options: RunOptions, overrides: Mapping[str, object]) -> RunOptions:
    wanted = overrides.get("deforum_preview", _PREVIEWS[0] if not options.preview_every else _PREVIEWS[1])
    frames = overrides.get("deforum_preview_interval_frames", options.preview_every or _PREVIEW_FRAMES)
    return replace(options, preview_every=0 if wanted == _PREVIEWS[0] else int(str(frames)))


def _with_subtitles(options: RunOptions, overrides: Mapping[str, object]) -> RunOptions:
    wanted = overrides.get("deforum_save_gen_info_as_srt", options.subtitles is not None)
    labels = overrides.get(PARAMETERS_SETTING, options.subtitles or ())
    chosen = tuple(map(str, labels)) if isinstance(labels, (list, tuple)) else ()
    embed = overrides.get("deforum_embed_srt", options.embed_subtitles)
    return replace(options, subtitles=chosen if wanted else None, embed_subtitles=bool(embed))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10**6


def _are_labels(value: object) -> bool:
    if not isinstance(value, (list, tuple)) or not all(isinstance(label, str) for label in value):
        return False
    try:
        chosen_parameters(tuple(value))
    except InputError:
        return False
    return True


_FITS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "deforum_ffmpeg_crf": ("whole numbers", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "deforum_ffmpeg_preset": ("texts", lambda value: isinstance(value, str)),
    "deforum_preview": (", ".join(_PREVIEWS), lambda value: value in _PREVIEWS),
    "deforum_preview_interval_frames": ("whole numbers from 1", _is_count),
    "deforum_save_gen_info_as_srt": ("true, false", _is_flag),
    "deforum_embed_srt": ("true, false", _is_flag),
    PARAMETERS_SETTING: ("a list of labels of values", _are_labels),
}
