"""A job: what a run starts from, loaded and planned; nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import Finding, InputError
from .inputs import video_selection
from .media.decode import VideoIndex
from .media.encode import check_format
from .media.frames import ALL, FrameSources, Told, nobody
from .models.registry import choose_depth_model
from .parseq.columns import MAX_FRAMES
from .parseq.loader import load_manifest
from .parseq.manifest import Manifest
from .rendering.data.plan import build_render_data
from .rendering.data.render_data import RenderData
from .rendering.util.call.noise import perlin_options
from .settings import uses
from .settings.coercion import remarks
from .settings.files import load_settings, with_overrides
from .settings.lint import lint_settings
from .settings.paths import find_path
from .settings.schema import SETTINGS, Settings
from .tools.second_videos import check_second_videos
from .web import is_url


@dataclass(frozen=True)
class Job:
    """Input of a run.

    Attributes:
        settings: overrides included; local input files that are there are named by their whole paths.
        manifest: the Parseq manifest that the settings name, None without one.
        folder: where the settings file lies; relative paths in it are looked up there first, then here.
        findings: what was noticed while loading.
        allow_private: whether links in the settings may lead to hosts that are not on the public internet.
        indexes: what is known of its videos by now, so that planning and rendering count their frames once.
    """

    settings: Settings
    manifest: Manifest | None
    folder: Path
    findings: tuple[Finding, ...]
    allow_private: bool = True
    indexes: dict[str, VideoIndex] = field(default_factory=dict, compare=False, repr=False)

    def reproducible(self, seed: int) -> Settings:
        """The settings to save with the run, with the seed it really started with."""
        settings = self.settings.with_values({"seed": seed})
        if self.manifest is None or not is_url(self.manifest.source):
            return settings
        return replace(settings, extra={**settings.extra, _SUMMARY_KEY: dict(self.manifest.summary)})


_MASK_FILE = re.compile(r"\[([^\]]+)\]")
_SUMMARY_KEY = "fetched_parseq_manifest_summary"


def load_job(path: Path, overrides: Mapping[str, str], *, allow_private: bool = True) -> Job:
    """Read a settings file, apply overrides (key → text), and fetch the manifest it names.

    Args:
        path: the settings file.
        overrides: settings to change.
        allow_private: as in ``web.open_url``.

    Raises:
        InputError: a file, value or manifest cannot be used.
    """
    loaded = load_settings(path)
    changed = with_overrides(loaded.settings, overrides)
    findings = (*loaded.findings, *changed.findings)
    return job_of(changed.settings, path.resolve().parent, findings, allow_private=allow_private)


def job_of(settings: Settings, folder: Path, findings: tuple[Finding, ...] = (), *, allow_private: bool = True) -> Job:
    """The job that settings describe; fetches the manifest they name.

    Args:
        settings: of the job.
        folder: where relative paths are looked up first.
        findings: what was noticed while reading them.
        allow_private: as in ``web.open_url``.

    Raises:
        ManifestError: the manifest cannot be used.
    """
    settings = with_whole_paths(settings, folder)
    source = settings.parseq.parseq_manifest.strip()
    manifest = load_manifest(source, base_dirs=(folder,), allow_private=allow_private) if source else None
    return Job(settings, manifest, folder, findings, allow_private)


def with_whole_paths(settings: Settings, folder: Path) -> Settings:
    """``settings`` whose local input files, as far as they are there, are found from anywhere.

    Args:
        settings: what they name is looked up in ``folder`` first.
        folder: of the settings file.
    """

    def found(named: str) -> str:
        if not named.strip() or named.lstrip().startswith(("{", "data:")) or is_url(named):
            return named
        path = find_path(named, (folder,))
        return str(path) if path is not None else named

    paths = ["parseq_manifest", *(key for key, setting in SETTINGS.items() if setting.kind == "path")]
    values: dict[str, object] = {key: found(str(settings.value(key))) for key in paths}
    for key in ("mask_schedule", "noise_mask_schedule"):
        values[key] = _MASK_FILE.sub(lambda part: f"[{found(part[1])}]", str(settings.value(key)))
    values["init_images"] = _with_whole_pictures(settings.loop.init_images, found)
    return settings.with_values({key: value for key, value in values.items() if value != settings.value(key)})


def _with_whole_pictures(text: str, found: Callable[[str], str]) -> str:
    try:
        pictures = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(pictures, dict) or not all(isinstance(named, str) for named in pictures.values()):
        return text
    whole = {frame: found(named) for frame, named in pictures.items()}
    return text if whole == pictures else json.dumps(whole, indent=4, ensure_ascii=False)


def plan_job(
    job: Job, *, seed: int | None = None, need_files: bool = True, told: Told = nobody, models: Path | None = None
) -> tuple[RenderData, tuple[Finding, ...]]:
    """Plan a job.

    Args:
        job: what to plan.
        seed: as in ``build_render_data``.
        need_files: whether missing input files are errors.
        told: of counting the frames of videos, as in ``FrameSources``.
        models: ``models/Deforum`` where the weights of what follows the run have to be; None if they may be fetched.

    Returns:
        The plan and all findings, from loading to planning; none of them is an error.

    Raises:
        InputError: with all findings, if the job cannot be planned.
    """
    findings = (*job.findings, *lint_settings(job.settings, (job.folder,), need_files=need_files))
    if job.settings.anim.max_frames > MAX_FRAMES:
        message = f"{job.settings.anim.max_frames} frames are more than can be planned; allowed are {MAX_FRAMES}."
        raise InputError((*findings, Finding("error", message, "max_frames")))
    try:
        frames = count_source_frames(job, told) if need_files else None
        data = build_render_data(job.settings, job.manifest, seed=seed, source_frames=frames)
    except InputError as error:
        raise InputError((*findings, *_not_told_yet(error.findings, findings))) from error
    findings = (*findings, *data.findings, *_unusable(data), *_strange_samplers(data))
    findings += tuple(_not_told_yet(check_second_videos(job.settings, models), findings))
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return data, findings


def count_source_frames(job: Job, told: Told = nobody) -> int | None:
    """Frames of the video that the animation follows, None if it follows none.

    Raises:
        InputError: the video cannot be used.
    """
    settings = job.settings
    if uses.follows_video(settings):
        key, chosen = "video_init_path", video_selection(settings)
    elif uses.uses_mask_video(settings):
        key, chosen = "video_mask_path", ALL
    else:
        return None
    with FrameSources(
        settings.run.W,
        settings.run.H,
        base_dirs=(job.folder,),
        allow_private=job.allow_private,
        indexes=job.indexes,
        told=told,
    ) as sources:
        return sources.open(str(settings.value(key)), key=key, selection=chosen).count


def _unusable(data: RenderData) -> Iterator[Finding]:
    """What only a look at networks, noise and video formats can tell."""
    checks: list[Callable[[], object]] = []
    if any(key.noise > 0 for key in data.keys):
        checks.append(lambda: perlin_options(data))
    if not data.settings.output.skip_video_creation:
        checks.append(lambda: check_format(data.width, data.height, data.fps))
    if uses.uses_depth(data.settings):
        checks.append(lambda: choose_depth_model(data.settings.anim.depth_algorithm))
    for check in checks:
        try:
            check()
        except InputError as error:
            yield from error.findings


def _strange_samplers(data: RenderData) -> Iterator[Finding]:
    """Names in the sampler schedule that no engine is known to have, each at its first frame."""
    if not data.settings.anim.enable_sampler_scheduling:
        return
    seen: set[str] = set()
    for key in data.keys:
        if key.sampler not in seen:
            seen.add(key.sampler)
            told = remarks(SETTINGS["sampler"], key.sampler)
            yield from (replace(finding, key="sampler_schedule", frame=key.index) for finding in told)


def _not_told_yet(new: Iterable[Finding], told: Iterable[Finding]) -> Iterator[Finding]:
    """``new`` without errors of settings that have one in ``told``: it would be the same mistake in other words."""
    known = {f.key for f in told if f.severity == "error"}
    return (f for f in new if f.severity != "error" or f.key not in known)
