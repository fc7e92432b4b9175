"""Building the plan: settings and manifest in, :class:`RenderData` out. Pure; collects every error before it raises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import Finding, InputError, PromptError, ScheduleError
from ...imaging.masks import parse_mask
from ...parseq.columns import frame_list
from ...parseq.manifest import Manifest
from ...parseq.ownership import managed_series, manages_seed, overrides, ownership_findings, ownership_report
from ...parseq.rate import parse_fps
from ...schedule.series import SERIES
from ...settings import uses
from ...settings.schema import Settings
from .guides import Guide, parse_guides
from .limits import key_findings, value_findings
from .mask_texts import mask_texts
from .prompts import PromptSource, prompt_source
from .render_data import ParseqUse, RenderData
from .schedule import SeriesTable, expand
from .seeding import key_seeds, start_seed
from .step.key_index_distribution import KeyIndexDistribution
from .step.key_values import KeyValues
from .step.tween import TweenAlignment, tweens


def build_render_data(
    settings: Settings,
    manifest: Manifest | None = None,
    *,
    seed: int | None = None,
    source_frames: int | None = None,
) -> RenderData:
    """Plan a render.

    Args:
        settings: as loaded.
        manifest: the Parseq manifest, if one is used.
        seed: the number drawn for this run, in [0, 2**32); used only where the settings say -1. Without it a number
            derived from the settings stands in, so that the same input always gives an equal plan.
        source_frames: number of frames of the video that the animation follows (init video or mask video), None if it
            follows none or nobody has counted them.

    Returns:
        The plan; its findings are warnings and notes.

    Raises:
        InputError: with every finding, if any of them is an error.
    """
    clip = _Clip.of(settings, manifest, source_frames)
    start = start_seed(settings, seed)
    expansion = expand(settings, manifest, max_frames=clip.max_frames, seed=start)
    prompts = prompt_source(settings, manifest, max_frames=clip.max_frames, seed=start)
    findings = [
        *_manifest_findings(settings, manifest),
        *expansion.findings,
        *prompts.findings,
        *value_findings(settings, expansion.table),
        *_switched_off(settings, manifest),
        *_mask_errors(settings, expansion.table),
        *clip.findings,
    ]
    guides, unreadable = _guides(settings, clip.max_frames, start)
    findings += unreadable
    distribution = _distribution(settings, manifest)
    key_frames = distribution.calculate(0, clip.max_frames, clip.cadence, _parseq_keys(manifest), seed=start)
    findings += _key_frame_notes(settings, manifest, clip)
    texts = _prompts_at(prompts, key_frames, findings)
    _raise_errors(findings)

    parseq_seeds = manifest is not None and manages_seed(manifest)
    seeds = key_seeds(settings, expansion.table, key_frames, start=start, parseq_seeds=parseq_seeds)
    values = KeyValues(settings, expansion.table, guides)
    keys = tuple(values.at(f, s, t) for f, s, t in zip(key_frames, seeds, texts, strict=True))
    findings += key_findings(keys)
    _raise_errors(findings)
    alignment = TweenAlignment(settings.anim.neocore_tween_alignment)
    cuts = frozenset(key.index for key in keys if key.is_cut and uses.uses_camera(settings))
    return RenderData(
        settings=settings,
        width=settings.run.W,
        height=settings.run.H,
        max_frames=clip.max_frames,
        fps=clip.fps,
        cadence=clip.cadence,
        distribution=distribution,
        alignment=alignment,
        seed=start,
        keys=keys,
        tweens=tweens(key_frames, clip.max_frames, alignment, cuts),
        guides=guides,
        series=expansion.table,
        raw_prompts=tuple(prompts.raw(frame) for frame in range(clip.max_frames)),
        parseq=_parseq_use(settings, manifest),
        findings=tuple(findings),
    )


@dataclass(frozen=True)
class _Clip:
    """Length and pace, after the manifest's overrides."""

    max_frames: int
    fps: Fraction
    cadence: int
    findings: tuple[Finding, ...] = ()

    @staticmethod
    def of(settings: Settings, manifest: Manifest | None, source_frames: int | None) -> _Clip:
        max_frames, fps = source_frames or settings.anim.max_frames, parse_fps(settings.output.fps)
        cadence = settings.anim.diffusion_cadence
        by_parseq = False
        if manifest is not None and settings.parseq.parseq_non_schedule_overrides:
            given = overrides(manifest)
            by_parseq = bool(given.max_frames)
            max_frames, fps = given.max_frames or max_frames, given.fps or fps
            cadence = given.cadence or cadence
        if settings.anim.animation_mode in {"Video Input", "Interpolation"}:
            cadence = 1
        return _Clip(max_frames, fps, cadence, _length_notes(settings, max_frames, source_frames, by_parseq=by_parseq))


def _length_notes(
    settings: Settings, max_frames: int, source_frames: int | None, *, by_parseq: bool
) -> tuple[Finding, ...]:
    """What there is to say of an animation that follows a video."""
    if source_frames is None:
        return ()
    if not by_parseq:
        asked = settings.anim.max_frames
        text = f"the video has {source_frames} frames, and so has the animation, instead of {asked}."
        return (Finding("note", text, "max_frames"),) if asked != source_frames else ()
    if source_frames == max_frames:
        return ()
    rest = "its last frame stands to the end" if source_frames < max_frames else "the rest is not seen"
    text = f"Parseq makes {max_frames} frames, the video has {source_frames}: {rest}."
    return (Finding("note", text, "max_frames"),)


def _manifest_findings(settings: Settings, manifest: Manifest | None) -> tuple[Finding, ...]:
    if manifest is None:
        return ()
    return (*manifest.findings, *ownership_findings(manifest, use_deltas=settings.parseq.parseq_use_deltas))


def _managed(settings: Settings, manifest: Manifest) -> dict[str, str]:
    return dict(managed_series(manifest, use_deltas=settings.parseq.parseq_use_deltas))


def _parseq_keys(manifest: Manifest | None) -> tuple[int, ...]:
    return (manifest.key_frames or ()) if manifest is not None else ()


def _distribution(settings: Settings, manifest: Manifest | None) -> KeyIndexDistribution:
    chosen = KeyIndexDistribution(settings.anim.neocore_key_index_distribution)
    fits = bool(_parseq_keys(manifest)) or not chosen.uses_parseq
    return chosen if fits else KeyIndexDistribution.UNIFORM_SPACING


def _key_frame_notes(settings: Settings, manifest: Manifest | None, clip: _Clip) -> list[Finding]:
    key = "neocore_key_index_distribution"
    chosen = KeyIndexDistribution(settings.anim.neocore_key_index_distribution)
    if not chosen.uses_parseq:
        return []
    keys = _parseq_keys(manifest)
    if not keys:
        missing = "the Parseq manifest lists no key frames" if manifest is not None else "there is no Parseq manifest"
        spacing = f"one frame in {clip.cadence} is diffused" if clip.cadence > 1 else "every frame is diffused"
        return [Finding("note", f"{missing}, so {chosen.value!r} becomes 'Uniform Spacing': {spacing}.", key)]
    notes = []
    beyond = [k for k in keys if k >= clip.max_frames]
    if beyond:
        text = f"{len(beyond)} Parseq key frame(s) at or past the end ({frame_list(beyond)}) are ignored."
        notes.append(Finding("note", text, "max_frames"))
    if chosen is KeyIndexDistribution.PARSEQ_ONLY and 0 not in keys:
        notes.append(Finding("note", "Parseq has no key frame 0; the first frame is diffused all the same.", key))
    return notes


def _switched_off(settings: Settings, manifest: Manifest | None) -> list[Finding]:
    if manifest is None:
        return []
    managed = _managed(settings, manifest)
    fields: dict[str, list[str]] = {}
    for spec in SERIES:
        # What guides images has fields that other series are read from as well.
        if spec.group == "anim" and spec.name in managed and (switch := uses.switch_of(spec.settings_key, settings)):
            fields.setdefault(switch, []).append(repr(managed[spec.name]))
    return [
        Finding("note", f"Parseq manages {' and '.join(names)}, without effect while {switch} is off.", switch)
        for switch, names in fields.items()
    ]


def _mask_errors(settings: Settings, table: SeriesTable) -> Iterator[Finding]:
    """What is wrong with mask expressions, each at the first frame that has it."""
    for found in mask_texts(table, settings):
        try:
            parse_mask(found.text, key=found.key, frame=found.frame)
        except ScheduleError as error:
            yield from error.findings


def _guides(settings: Settings, max_frames: int, seed: int) -> tuple[tuple[Guide, ...], tuple[Finding, ...]]:
    if not uses.uses_guides(settings):
        return (), ()
    try:
        return parse_guides(settings.loop.init_images, max_frames=max_frames, seed=seed), ()
    except InputError as error:
        return (), tuple(error.findings)


def _prompts_at(source: PromptSource, key_frames: Sequence[int], findings: list[Finding]) -> list[tuple[str, str]]:
    """Effective prompts of the key frames; what is wrong is added to ``findings``, each thing once."""
    texts, seen = [], {f.message for f in findings}
    for frame in key_frames:
        try:
            texts.append(source.at(frame))
        except PromptError as error:
            new = [f for f in error.findings if f.message not in seen]
            seen.update(f.message for f in new)
            findings += new
            texts.append(("", ""))
    return texts


def _raise_errors(findings: Sequence[Finding]) -> None:
    if any(f.severity == "error" for f in findings):
        order = {"error": 0, "warning": 1, "note": 2}
        raise InputError(sorted(findings, key=lambda f: order[f.severity]))


def _parseq_use(settings: Settings, manifest: Manifest | None) -> ParseqUse | None:
    if manifest is None:
        return None
    return ParseqUse(
        title=manifest.title,
        source=manifest.source,
        fps=manifest.fps,
        bpm=manifest.bpm,
        frames=manifest.frame_count,
        key_frames=_parseq_keys(manifest),
        ownership=ownership_report(manifest, use_deltas=settings.parseq.parseq_use_deltas),
    )
