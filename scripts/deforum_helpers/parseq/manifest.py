"""A Parseq manifest: what Parseq rendered for every frame, plus its options and keyframes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, InputError, ManifestError, Severity
from .columns import MAX_FRAMES, Column, FrameTable, frame_list, nearest_frame, read_frames, read_number
from .fields import PROMPT_FIELD
from .rate import parse_fps

MANIFEST_KEY = "parseq_manifest"
"""The settings key a manifest is given under."""

_RENDERED_KEYS = ("rendered_frames", "rendered_frames_meta")

GET_THE_MANIFEST = 'In Parseq press "Render", then use the link shown after "Upload output", or paste the output.'


@dataclass(frozen=True)
class Manifest:
    """A rendered Parseq document. Two manifests are equal if they come from the same text and source.

    Attributes:
        title: name of the document, or its id; may be empty.
        frame_count: frames covered, >= 1: the number of ``rendered_frames`` entries, or the last listed frame + 1 where
            that is more.
        fps: ``options.output_fps``, or None.
        bpm: ``options.bpm``, or None.
        cadence: ``options.cadence``, >= 1, or None.
        key_frames: 0-based output frames of the keyframes, ascending, unique, >= 0 (they may lie beyond
            ``frame_count``); mirrored for a reverse render. None if the document has no list of them.
        fields: fields of the first rendered frame, in the order of the file, without ``frame``.
        frames: the listed frames, int64, ascending, unique, read-only.
        columns: values of those ``fields`` that have one, at ``frames`` (see :meth:`column` for values by frame):
            read-only finite float64 arrays; for fields of words, tuples of texts.
        reverse: rendered with "Generate in reverse".
        source: URL or path it came from; empty if pasted.
        summary: the document without its rendered frames, plain JSON values; never to be changed.
        findings: warnings and notes.
        digest: SHA-256 of the text, hexadecimal.
    """

    title: str
    frame_count: int
    fps: Fraction | None
    bpm: float | None
    cadence: int | None
    key_frames: tuple[int, ...] | None
    fields: tuple[str, ...]
    frames: NDArray[np.int64] = field(compare=False, repr=False)
    columns: Mapping[str, Column] = field(compare=False, repr=False)
    reverse: bool
    source: str
    summary: Mapping[str, object] = field(compare=False, repr=False)
    findings: tuple[Finding, ...]
    digest: str

    @property
    def prompts(self) -> tuple[str, ...] | None:
        """The complete ``positive --neg negative`` of each of ``frame_count`` frames, or None if Parseq has none."""
        if PROMPT_FIELD not in self.columns:
            return None
        prompts = self.column(PROMPT_FIELD, self.frame_count)
        assert isinstance(prompts, tuple)  # noqa: S101  PROMPT_FIELD is a field of words
        return prompts

    def column(self, name: str, max_frames: int) -> Column:
        """Values of field ``name`` at frames 0 … ``max_frames`` - 1: read-only float64, or texts.

        A frame that is not listed has the value of the listed frame before it; before the first, the first.

        Raises:
            KeyError: ``name`` is not in ``columns``.
        """
        at = np.searchsorted(self.frames, np.arange(max_frames), side="right") - 1
        held = np.maximum(at, 0)
        column = self.columns[name]
        if isinstance(column, tuple):
            return tuple(column[i] for i in held.tolist())
        values: NDArray[np.float64] = column[held]
        values.setflags(write=False)
        return values


def parse_manifest(text: str, *, source: str = "") -> Manifest:
    """Read a manifest, tolerant of everything that real ones hold (see ``findings`` of the result).

    Args:
        text: the JSON text.
        source: where it came from, for messages and :attr:`Manifest.source`.

    Raises:
        ManifestError: not JSON, or not a rendered Parseq document; the message says what to do.
    """
    document = _document(text, source or MANIFEST_KEY)
    rendered = _rendered_frames(document, source or MANIFEST_KEY)
    table = read_frames(rendered)
    frame_count = _frame_count(rendered, table, source or MANIFEST_KEY)
    reverse = document.get("reverseRender") in (True, "true")
    key_frames, key_findings = _key_frames(document, table, reverse=reverse)
    options, option_findings = _options(document)
    fps, fps_findings = _fps(options)
    cadence, cadence_findings = _cadence(options)
    return Manifest(
        title=_title(document),
        frame_count=frame_count,
        fps=fps,
        bpm=read_number(options.get("bpm")),
        cadence=cadence,
        key_frames=key_frames,
        fields=table.fields,
        frames=table.frames,
        columns=table.columns,
        reverse=reverse,
        source=source,
        summary={key: value for key, value in document.items() if key not in _RENDERED_KEYS},
        findings=(*option_findings, *fps_findings, *cadence_findings, *key_findings, *table.findings),
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def _document(text: str, where: str) -> dict[str, Any]:
    body = text.lstrip("\ufeff \t\r\n")
    if body.startswith("<"):
        raise ManifestError("This is a web page, not a Parseq manifest.", key=where, hint=GET_THE_MANIFEST)
    try:
        # NaN and Infinity are not JSON, but some writers emit them: they count as missing values.
        document = json.loads(body, parse_constant=lambda _name: None)
    except json.JSONDecodeError as error:
        line = error.doc.split("\n")[error.lineno - 1]
        message = f"Not a Parseq manifest: not JSON in line {error.lineno}, column {error.colno}: {error.msg}."
        raise ManifestError(message, key=where, column=error.colno, text=line, hint=GET_THE_MANIFEST) from error
    except (ValueError, RecursionError) as error:
        message = f"Not a Parseq manifest: the JSON cannot be read ({error})."
        raise ManifestError(message, key=where, hint=GET_THE_MANIFEST) from error
    if not isinstance(document, dict):
        message = "Not a Parseq manifest: the JSON is not an object { … }."
        raise ManifestError(message, key=where, hint=GET_THE_MANIFEST)
    return document


def _rendered_frames(document: Mapping[str, Any], where: str) -> list[object]:
    rendered = document.get("rendered_frames")
    if rendered is None:
        what = (
            "This is a Parseq document that is not rendered: it has no rendered_frames."
            if "keyframes" in document or "managedFields" in document
            else "Not a Parseq manifest: there is no rendered_frames in it."
        )
        hint = f"The link that shares a document is not the link to its output. {GET_THE_MANIFEST}"
        raise ManifestError(what, key=where, hint=hint)
    if not isinstance(rendered, list):
        raise ManifestError("rendered_frames must be a list of frames.", key=where, hint=GET_THE_MANIFEST)
    return rendered


def _frame_count(rendered: list[object], table: FrameTable, where: str) -> int:
    if not table.frames.size:
        raise ManifestError("rendered_frames lists no frame.", key=where, hint=GET_THE_MANIFEST)
    return max(len(rendered), int(table.frames[-1]) + 1)


def _title(document: Mapping[str, Any]) -> str:
    meta = document.get("meta")
    names = (meta.get(key) for key in ("doc_name", "docName", "doc_id")) if isinstance(meta, dict) else ()
    return next((name for name in names if isinstance(name, str) and name), "")


def _options(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Finding]]:
    options = document.get("options")
    if isinstance(options, dict):
        return options, []
    message = "The manifest has no options; frame rate and cadence are those of the settings."
    return {}, [Finding("warning", message, key="options")]


def _fps(options: Mapping[str, Any]) -> tuple[Fraction | None, list[Finding]]:
    value = options.get("output_fps")
    if value in (None, "", 0):
        return None, []
    try:
        return parse_fps(value, key="options.output_fps"), []
    except InputError as error:
        problem = error.findings[0]
        message = f"{problem.message} The frame rate of the settings is used."
        return None, [Finding("warning", message, key=problem.key)]


def _cadence(options: Mapping[str, Any]) -> tuple[int | None, list[Finding]]:
    value = options.get("cadence")
    if not value:
        return None, []
    number = read_number(value)
    if number is not None and number == int(number) and 0 <= number <= MAX_FRAMES:
        return int(number) or None, []
    message = f"{str(value)[:40]!r} is not a cadence (a whole number from 1); the cadence of the settings is used."
    return None, [Finding("warning", message, key="options.cadence")]


def _key_frames(
    document: Mapping[str, Any], table: FrameTable, *, reverse: bool
) -> tuple[tuple[int, ...] | None, list[Finding]]:
    listed = document.get("keyframes")
    if not isinstance(listed, list):
        return None, []
    numbers = [read_number(entry.get("frame")) if isinstance(entry, dict) else None for entry in listed]
    known = [number for number in numbers if number is not None]
    frames = [nearest_frame(number) for number in known]
    notes: list[Finding] = []
    if reverse:
        # Parseq reverses and renumbers the rendered frames, but leaves its list of keyframes as it is.
        ends = int(table.frames[0]) + int(table.frames[-1])
        frames = [ends - frame for frame in frames]
        notes.append(
            Finding("note", "Rendered in reverse; the keyframes are mirrored with the frames.", key="keyframes")
        )
    kept = tuple(sorted({frame for frame in frames if 0 <= frame < MAX_FRAMES}))
    return kept, notes + _key_findings(known, frames, unnumbered=len(listed) - len(known))


def _key_findings(numbers: list[float], frames: list[int], *, unnumbered: int) -> list[Finding]:
    """What was wrong with the keyframes that are listed at ``numbers`` and now are ``frames``."""
    rounded = [frame for frame, number in zip(frames, numbers, strict=True) if number != int(number)]
    outside = [frame for frame in frames if not 0 <= frame < MAX_FRAMES]
    twice = [frame for frame, count in Counter(frames).items() if count > 1]
    messages: tuple[tuple[object, Severity, str], ...] = (
        (rounded, "warning", f"Fractional keyframes are rounded, to frames {frame_list(rounded)}."),
        (outside, "warning", f"Keyframes outside 0–{MAX_FRAMES - 1} are ignored: {frame_list(outside)}."),
        (twice, "note", f"Keyframes listed more than once count once: {frame_list(twice)}."),
        (unnumbered, "warning", f"Keyframes without a frame number are ignored: {unnumbered}."),
    )
    return [Finding(severity, text, key="keyframes") for happened, severity, text in messages if happened]
