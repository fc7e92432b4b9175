"""Going on with a run that was cut off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import Finding, InputError
from .imaging.colour import ColourReference
from .job import Job, load_job, plan_job
from .media.formats import FORMATS
from .media.journal import Journal
from .media.naming import parse_timestring
from .media.run_folder import RunFolder
from .media.store import frame_name
from .ports import FrameStore
from .render import Beginning, KnownStates
from .rendering.data.render_data import RenderData
from .rendering.data.step.tween import TweenAlignment, tweens
from .rendering.key_renderer import LoopState
from .rendering.util.identity import changed_settings, first_difference, plan_digest

_SETTINGS_NAME = re.compile(r"(\d{14})_settings\.txt")
LAST = "last"


def find_run(text: str, out: Path, *, key: str = "resume_timestring", hint: str = "") -> RunFolder:
    """The run that ``text`` names: its folder, its timestring, or "last" for the newest one.

    Args:
        text: what the user gave.
        out: folder of all runs.
        key: what the user gave it as, for messages.
        hint: what else the user could give.

    Raises:
        InputError: there is no such run.
    """
    folder = Path(text)
    if text != LAST and folder.is_dir():
        runs = _runs(folder, "*")
        if runs:
            return runs[-1]
        raise InputError(f"{folder} holds no run: there is no …_settings.txt in it.", key=key)
    if text != LAST:
        parse_timestring(text)
    found = sorted(_runs(out, "*/*"), key=lambda run: run.timestring)
    chosen = found if text == LAST else [run for run in found if run.timestring == text]
    if not chosen:
        raise InputError(f"There is no run {text} in {out}.", key=key, hint=hint)
    return chosen[-1]


def _runs(folder: Path, pattern: str) -> list[RunFolder]:
    names = ((path, _SETTINGS_NAME.fullmatch(path.name)) for path in folder.glob(pattern))
    return sorted((RunFolder(p.parent.resolve(), m[1]) for p, m in names if m), key=lambda run: run.timestring)


def resumed_job(
    run: RunFolder,
    path: Path | None,
    overrides: Mapping[str, str],
    *,
    accept_changes: bool,
    to_accept: str = "",
    allow_private: bool = True,
) -> tuple[Job, RenderData, tuple[Finding, ...]]:
    """Load and plan a run that goes on.

    Args:
        run: the run.
        path: settings to go on with; None for those of the run.
        overrides: settings to change, key → text.
        accept_changes: go on although frames would be made in another way than before.
        to_accept: how the user accepts that, for the message.
        allow_private: as in ``web.open_url``.

    Returns:
        The job, its plan with the seed the run began with, and all findings.

    Raises:
        InputError: the settings cannot be used, or differ in what makes frames without being accepted.
    """
    if path is None and not overrides:
        job = None
    else:
        job = load_job(path or run.file("_settings.txt"), overrides, allow_private=allow_private)
    return resumed_with(run, job, accept_changes=accept_changes, to_accept=to_accept, allow_private=allow_private)


def resumed_with(
    run: RunFolder, new: Job | None, *, accept_changes: bool, to_accept: str = "", allow_private: bool = True
) -> tuple[Job, RenderData, tuple[Finding, ...]]:
    """Plan a run that goes on with the settings of ``new``, or with its own if None; otherwise as :func:`resumed_job`.

    Raises:
        InputError: as :func:`resumed_job`.
    """
    old = load_job(run.file("_settings.txt"), {}, allow_private=allow_private)
    header = Journal(run.file("_journal")).header()
    seed = header.seed if header is not None else None
    before, findings = plan_job(old, seed=seed)
    job, data = old, before
    if new is not None:
        job = new
        data, findings = plan_job(job, seed=before.seed)
    changed = changed_settings(before, data) if job is not old else ()
    if (before.width, before.height) != (data.width, data.height):
        raise InputError(
            f"the run has frames of {before.width}×{before.height}; it cannot go on with {data.width}×{data.height}.",
            key="W, H",
        )
    if changed and not accept_changes:
        raise InputError(_changed_text(before, data, changed), key=run.timestring, hint=to_accept)
    if not changed and not accept_changes and header is not None and header.plan != plan_digest(data):
        text = "the plan is not the one the run began with: its manifest or this program has changed."
        raise InputError(text, key=run.timestring, hint=to_accept)
    return job, data, findings


def _changed_text(before: RenderData, after: RenderData, changed: tuple[str, ...]) -> str:
    start = first_difference(before, after)
    effect = "no frame" if start is None else f"frames from {start} on"
    return f"settings have changed since the run began: {', '.join(changed)}; this concerns {effect}."


@dataclass(frozen=True)
class Resumption:
    """How a run goes on.

    Attributes:
        data: the plan, adapted if the run has no journal.
        begin: where rendering goes on.
        findings: what the user should know.
    """

    data: RenderData
    begin: Beginning
    findings: tuple[Finding, ...] = ()


def images_of(run: RunFolder, otherwise: str) -> str:
    """How a run keeps its frames: the extension of their files, or "none"; ``otherwise`` where nothing tells."""
    header = Journal(run.file("_journal")).header()
    if header is not None:
        return header.images
    found = (extension for extension in FORMATS if (run.path / frame_name(run.timestring, 0, extension)).is_file())
    return next(found, otherwise)


def resumption(data: RenderData, store: FrameStore | None, journal: Journal, intact: int) -> Resumption:
    """Work out where to go on.

    Args:
        data: the plan of the run.
        store: its frames, None if it keeps none.
        journal: its journal; runs of other programs have none.
        intact: number of frames, from 0 on, that need not be made again.
    """
    if intact == data.max_frames:
        return Resumption(data, Beginning(intact))
    if journal.header() is None:
        return _from_last_frame(data, store, intact) if store is not None and intact else Resumption(data, Beginning())
    needed = data.tweens[intact].older
    states = journaled_states(journal, needed)
    if not states.positions and store is not None:
        states = _from_frames(data, store, journal, needed, intact)
    if states.positions or not intact:
        return Resumption(data, Beginning(intact, states))
    text = (
        f"the key frame that frame {intact} needs is gone; all key frames are made again, the frames before are kept."
    )
    return Resumption(data, Beginning(intact), (Finding("note", text),))


def journaled_states(journal: Journal, first: int) -> KnownStates:
    """States from position ``first`` on, as far as the journal holds them without gaps."""
    end = first
    while journal.holds(end):
        end += 1

    def read(position: int) -> LoopState:
        entry = journal.require(position)
        return LoopState(position, entry.picture, entry.reference, entry.infotext)

    return KnownStates(range(first, end), read)


def first_frames(data: RenderData, frames: int) -> RenderData:
    """The plan of the first ``frames`` frames, at least one: no key frame in it that they are not made of."""
    shown = data.tweens[:frames]
    return replace(data, max_frames=frames, tweens=shown, keys=data.keys[: shown[-1].newer + 1])


def _from_frames(data: RenderData, store: FrameStore, journal: Journal, position: int, intact: int) -> KnownStates:
    """The state of ``position`` where an output frame is the picture itself: in Exact alignment, if it is there."""
    key = data.keys[position]
    renews = data.settings.anim.legacy_colormatch and data.coherence is not None
    if data.alignment is not TweenAlignment.EXACT or key.index >= intact or renews or not store.lossless:
        return KnownStates()
    kept = (journal.read(other) for other in journal.positions())
    reference = next((entry.reference for entry in kept if entry is not None), None)
    if reference is None and data.coherence is not None:
        return KnownStates()
    return KnownStates.of(LoopState(position, store.read(key.index), reference))


def _from_last_frame(data: RenderData, store: FrameStore, intact: int) -> Resumption:
    """A run without a journal goes on from its last frame, as if that were a key frame."""
    last = intact - 1
    before = [key for key in data.keys if key.index <= last]
    after = [key for key in data.keys if key.index > last]
    keys = (*before[:-1], replace(before[-1], index=last), *after)
    cuts = frozenset(key.index for key in keys if key.is_cut)
    indices = tuple(key.index for key in keys)
    adapted = replace(data, keys=keys, tweens=tweens(indices, data.max_frames, data.alignment, cuts))
    picture = store.read(last)
    reference = ColourReference.of(picture, data.coherence) if data.coherence is not None else None
    text = f"the run has no journal, so it goes on from the picture of its last frame, {last}, with its colours."
    state = LoopState(len(before) - 1, picture, reference)
    return Resumption(adapted, Beginning(intact, KnownStates.of(state)), (Finding("warning", text),))
