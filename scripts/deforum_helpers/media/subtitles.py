"""Subtitles that tell each frame's seed and parameters, in SubRip (.srt) format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..errors import Finding, InputError
from .remux import remux
from .store import write_text_atomic
from .timebase import format_time, frame_time

PARAMETERS_SETTING = "deforum_save_gen_info_as_srt_params"
PROMPT_SERIES = "prompt_series"
"""Name under which ``parameters_text`` looks for the prompts of the frames."""
TRACK_TITLE = "Deforum Data"
_ALIASES = {"Noise Schedule": "Noise Sch"}
"""The option's own default has never been one of its labels."""


@dataclass(frozen=True)
class SubtitleParameter:
    """One choice of what to tell.

    Attributes:
        label: what the option's list shows.
        printed: what the subtitle shows.
        series: name of the series the values come from.
    """

    label: str
    printed: str
    series: str


def _table(*rows: tuple[str, str, str]) -> Mapping[str, SubtitleParameter]:
    return {row[0]: SubtitleParameter(*row) for row in rows}


PARAMETERS: Mapping[str, SubtitleParameter] = _table(
    ("Angle", "Angle", "angle_series"),
    ("Trans Center X", "Tr.C.X", "transform_center_x_series"),
    ("Trans Center Y", "Tr.C.Y", "transform_center_y_series"),
    ("Zoom", "Zoom", "zoom_series"),
    ("Trans X", "TrX", "translation_x_series"),
    ("Trans Y", "TrY", "translation_y_series"),
    ("Trans Z", "TrZ", "translation_z_series"),
    ("Rot 3D X", "RotX", "rotation_3d_x_series"),
    ("Rot 3D Y", "RotY", "rotation_3d_y_series"),
    ("Rot 3D Z", "RotZ", "rotation_3d_z_series"),
    ("Per Fl Theta", "PerFlT", "perspective_flip_theta_series"),
    ("Per Fl Phi", "PerFlP", "perspective_flip_phi_series"),
    ("Per Fl Gamma", "PerFlG", "perspective_flip_gamma_series"),
    ("Per Fl FV", "PerFlFV", "perspective_flip_fv_series"),
    ("Noise Sch", "Noise", "noise_schedule_series"),
    ("Str Sch", "StrSch", "strength_schedule_series"),
    ("Contrast Sch", "CtrstSch", "contrast_schedule_series"),
    ("CFG Sch", "CFGSch", "cfg_scale_schedule_series"),
    ("P2P Img CFG Sch", "P2PCfgSch", "pix2pix_img_cfg_scale_series"),
    ("Subseed Sch", "SubSSch", "subseed_schedule_series"),
    ("Subseed Str Sch", "SubSStrSch", "subseed_strength_schedule_series"),
    ("Ckpt Sch", "CkptSch", "checkpoint_schedule_series"),
    ("Steps Sch", "StepsSch", "steps_schedule_series"),
    ("Seed Sch", "SeedSch", "seed_schedule_series"),
    ("Sampler Sch", "SamplerSchedule", "sampler_schedule_series"),
    ("Clipskip Sch", "ClipskipSchedule", "clipskip_schedule_series"),
    ("Noise Multp Sch", "NoiseMultiplierSchedule", "noise_multiplier_schedule_series"),
    ("Mask Sch", "MaskSchedule", "mask_schedule_series"),
    ("Noise Mask Sch", "NoiseMaskSchedule", "noise_mask_schedule_series"),
    ("Ant.Blr Amount Sch", "AmountSchedule", "amount_schedule_series"),
    ("Ant.Blr Kernel Sch", "KernelSchedule", "kernel_schedule_series"),
    ("Ant.Blr Sigma Sch", "SigmaSchedule", "sigma_schedule_series"),
    ("Ant.Blr Threshold Sch", "ThresholdSchedule", "threshold_schedule_series"),
    ("Aspect Ratio Sch", "AspectRatioSchedule", "aspect_ratio_series"),
    ("FOV Sch", "FieldOfViewSchedule", "fov_series"),
    ("Near Sch", "NearSchedule", "near_series"),
    ("Cadence Flow Factor Sch", "CadenceFlowFactorSchedule", "cadence_flow_factor_schedule_series"),
    ("Redo Flow Factor Sch", "RedoFlowFactorSchedule", "redo_flow_factor_schedule_series"),
    ("Far Sch", "FarSchedule", "far_series"),
    ("Hyb Comp Alpha Sch", "HybridCompAlphaSchedule", "hybrid_comp_alpha_schedule_series"),
    (
        "Hyb Comp Mask Blend Alpha Sch",
        "HybridCompMaskBlendAlphaSchedule",
        "hybrid_comp_mask_blend_alpha_schedule_series",
    ),
    ("Hyb Comp Mask Ctrst Sch", "HybridCompMaskContrastSchedule", "hybrid_comp_mask_contrast_schedule_series"),
    (
        "Hyb Comp Mask Auto Contrast Cutoff High Sch",
        "HybridCompMaskAutoContrastCutoffHighSchedule",
        "hybrid_comp_mask_auto_contrast_cutoff_high_schedule_series",
    ),
    (
        "Hyb Comp Mask Auto Ctrst Cut Low Sch",
        "HybridCompMaskAutoContrastCutoffLowSchedule",
        "hybrid_comp_mask_auto_contrast_cutoff_low_schedule_series",
    ),
    ("Hybrid Flow Factor Sch", "HybridFlowFactorSchedule", "hybrid_flow_factor_schedule_series"),
    ("Prompt", "Prompt", PROMPT_SERIES),
)
"""Every choice by its label, in the order they are printed in."""


def chosen_parameters(labels: Iterable[str]) -> tuple[SubtitleParameter, ...]:
    """The parameters meant by ``labels``, each once, in the order of ``PARAMETERS`` (the prompt last).

    Raises:
        InputError: unknown labels, each with a finding.
    """
    wanted = [_ALIASES.get(label, label) for label in labels]
    allowed = ", ".join(PARAMETERS)
    unknown = [label for label in wanted if label not in PARAMETERS]
    if unknown:
        message = "there is no subtitle parameter {!r}; there are {}."
        raise InputError(Finding("error", message.format(label, allowed), key=PARAMETERS_SETTING) for label in unknown)
    return tuple(parameter for label, parameter in PARAMETERS.items() if label in wanted)


def parameters_text(
    parameters: Sequence[SubtitleParameter], values: Mapping[str, Sequence[float | str]], index: int
) -> str:
    """What ``parameters`` are at frame ``index``: ``"Zoom: 1.002; Prompt: cat"``; empty without parameters.

    Whole numbers are written without decimals, others with three; text as it is, on one line.

    Args:
        parameters: from :func:`chosen_parameters`.
        values: for each series name its values by frame, the prompts under ``PROMPT_SERIES``.
        index: the 0-based frame.

    Raises:
        KeyError: a series is missing in ``values``.
    """
    return "; ".join(f"{each.printed}: {_value_text(values[each.series][index])}" for each in parameters)


def subtitle_entry(index: int, *, fps: Fraction, seed: int, is_tween: bool | None, params: str) -> str:
    """The entry of frame ``index`` (numbered from 1), with the empty line that ends it.

    Args:
        index: the 0-based frame; the entry lasts as long as it is shown.
        fps: frames per second.
        seed: the seed of the picture this frame shows or, for a tween, was last diffused with.
        is_tween: whether the frame is an in-between, which is what ``Cadence: True`` means. None where there are no
            in-betweens at all (cadence 1): then it reads ``Cadence: false``, in lower case, as it always has.
        params: from :func:`parameters_text`.
    """
    start, end = format_time(frame_time(index, fps)), format_time(frame_time(index + 1, fps))
    cadence = "false" if is_tween is None else str(bool(is_tween))
    return f"{index + 1}\n{start} --> {end}\nF#: {index}; Cadence: {cadence}; Seed: {seed}; {params}\n\n"


def srt_text(entries: Iterable[str]) -> str:
    """A whole subtitle file of ``entries``."""
    return "".join(entries)


def write_srt(path: Path, entries: Iterable[str]) -> Path:
    """Write a subtitle file, whole or not at all.

    Raises:
        StorageError: it could not be written.
    """
    return write_text_atomic(path, srt_text(entries))


def embed_subtitles(video: Path, srt: Path, *, ffmpeg: Path | str | None = None) -> Path:
    """Add ``srt`` to the MP4 ``video`` as a text track a player can switch on; replaces tracks of an earlier run.

    Pictures and sound are copied untouched. Returns ``video``.

    Raises:
        FfmpegError: ffmpeg is missing or failed; ``video`` stays as it was.
        StorageError: the new file could not take the video's place.
    """
    args: list[str | Path] = [
        *("-f", "srt", "-i", srt.absolute()),
        *("-map", "0:v:0", "-map", "0:a?", "-map", "1:s:0", "-c", "copy", "-c:s", "mov_text"),
        *("-metadata:s:s:0", f"title={TRACK_TITLE}", "-metadata:s:s:0", f"handler_name={TRACK_TITLE}"),
    ]
    return remux(video, args, purpose=f"add the subtitles {srt.name} to {video}", ffmpeg=ffmpeg)


def _value_text(value: float | str) -> str:
    if isinstance(value, str):
        # An empty line would end the entry.
        return " ".join(value.splitlines())
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.3f}"
