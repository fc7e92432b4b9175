"""Prompts per frame.

A prompt may hold arithmetic in backticks, ``(cat:`t/10`)``, which is replaced by its value at the frame, and everything
after ``--neg`` is the negative prompt. Expressions know ``t``, ``s`` and ``max_f`` as schedules do.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ..errors import Finding, InputError, PromptError, ScheduleError
from .expression import Expression, compile_expression
from .series import key_frame_index, nearest_frame

_NEGATIVE = "--neg"
_BACKTICKED = re.compile(r"`([^`]*)`")
_KEY = "prompts"

Value = TypeVar("Value")


@dataclass(frozen=True)
class PromptTemplate:
    """A prompt whose backtick expressions are compiled.

    Attributes:
        text: the prompt as written.
        parts: verbatim texts and expressions, in order.
    """

    text: str
    parts: tuple[str | Expression, ...]

    def render(self, frame: int, *, seed: int, max_frames: int) -> str:
        """The prompt with the values at ``frame`` filled in, whole numbers as ``3``, others as ``0.25``.

        Raises:
            PromptError: an expression has no value; carries the frame.
        """
        try:
            return "".join(
                part if isinstance(part, str) else str(part.value_at(frame, seed=seed, max_frames=max_frames))
                for part in self.parts
            )
        except ScheduleError as error:
            raise PromptError(replace(finding, frame=frame) for finding in error.findings) from error


@dataclass(frozen=True)
class PromptSchedule:
    """The prompts of an animation. Nothing is evaluated before it is asked for.

    Attributes:
        frames: key frames, ascending; frames before the first take its prompt.
        templates: their prompts, with the positive and negative additions.
        max_frames: number of frames.
        seed: the value of ``s``.
        blended: whether frames between two key frames get both prompts, weighted, instead of the former one.
        findings: warnings.
    """

    frames: tuple[int, ...]
    templates: tuple[PromptTemplate, ...]
    max_frames: int
    seed: int = -1
    blended: bool = False
    findings: tuple[Finding, ...] = ()

    def raw(self, frame: int) -> str:
        """The prompt at ``frame`` with its backticks and ``--neg``."""
        return self._compose(frame, lambda template: template.text)

    def at(self, frame: int) -> tuple[str, str]:
        """The effective prompt and negative prompt at ``frame``; a negative one starts with a blank.

        Raises:
            PromptError: an expression has no value at ``frame``.
        """
        render = partial(PromptTemplate.render, frame=frame, seed=self.seed, max_frames=self.max_frames)
        return _split(self._compose(frame, render))

    def _compose(self, frame: int, text_of: Callable[[PromptTemplate], str]) -> str:
        following = bisect_right(self.frames, frame)
        current = max(following - 1, 0)
        text = text_of(self.templates[current])
        start = self.frames[current]
        if not self.blended or following == len(self.frames) or frame <= start:
            return text
        # Multiplied, not divided: the last digit of the weight is part of the prompt, and this one is the original's.
        weight = (frame - start) * (1 / (self.frames[following] - start))
        return _blend(text, text_of(self.templates[following]), weight)


def prompt_series(
    prompts: Mapping[str, str], *, max_frames: int, seed: int = -1, positive: str = "", negative: str = ""
) -> PromptSchedule:
    """Prompts that hold until the next key frame.

    Args:
        prompts: prompt by key frame: digits or arithmetic with ``max_f``, such as ``max_f/2``; fractions are cut off.
        max_frames: number of frames.
        seed: the value of ``s``.
        positive: goes before every prompt.
        negative: goes after every negative prompt.

    Raises:
        PromptError: no prompts, or keys or expressions that cannot be read. Carries all findings.
    """
    keyed, findings = _keyed_templates(prompts, max_frames, seed, positive, negative)
    inside = {frame: template for frame, template in keyed.items() if 0 <= frame < max_frames}
    if inside:
        findings += _unused(keyed, max_frames)
    else:
        inside = {0: keyed[nearest_frame(keyed)]}
    frames = tuple(sorted(inside))
    return PromptSchedule(frames, tuple(inside[f] for f in frames), max_frames, seed, findings=findings)


def interpolated_prompts(
    prompts: Mapping[str, str], *, max_frames: int, seed: int = -1, positive: str = "", negative: str = ""
) -> PromptSchedule:
    """Prompts that fade into the next one, for Interpolation mode: ``(a):0.75 AND (b):0.25``.

    Arguments and errors are those of :func:`prompt_series`. Key frames past the end are faded to.
    """
    keyed, findings = _keyed_templates(prompts, max_frames, seed, positive, negative)
    frames = tuple(sorted(keyed))
    return PromptSchedule(frames, tuple(keyed[f] for f in frames), max_frames, seed, True, findings)


def split_prompt(text: str, frame: int, *, max_frames: int, seed: int = -1, key: str = _KEY) -> tuple[str, str]:
    """The effective prompt and negative prompt of an already complete text, such as a prompt from Parseq.

    Raises:
        PromptError: an expression cannot be read or has no value at ``frame``.
    """
    template = prompt_template(text, key=key, frame=frame)
    return _split(template.render(frame, seed=seed, max_frames=max_frames))


def prompt_template(text: str, *, key: str = _KEY, frame: int | None = None) -> PromptTemplate:
    """Compile the backtick expressions of ``text``.

    Raises:
        PromptError: a backtick is left open or an expression cannot be read. Carries all of them.
    """
    findings: list[Finding] = []
    if text.count("`") % 2:
        column = text.rindex("`") + 1
        hint = "Add another backtick or remove it."
        findings.append(Finding("error", "This backtick is never closed.", key, frame, column, text, hint))
    parts: list[str | Expression] = []
    position = 0
    for match in _BACKTICKED.finditer(text):
        parts.append(text[position : match.start()])
        compile_it = partial(compile_expression, key=key, frame=frame, source=text, offset=match.start(1))
        expression = _attempt(partial(compile_it, match[1]), findings)
        if expression is not None:
            parts.append(expression)
        position = match.end()
    if findings:
        raise PromptError(findings)
    return PromptTemplate(text, (*parts, text[position:]))


def _keyed_templates(
    prompts: Mapping[str, str], max_frames: int, seed: int, positive: str, negative: str
) -> tuple[dict[int, PromptTemplate], tuple[Finding, ...]]:
    if not prompts:
        hint = 'Write at least {"0": "a prompt"}.'
        raise PromptError("There are no prompts.", key=_KEY, hint=hint)
    findings: list[Finding] = []
    before = _attempt(partial(prompt_template, positive, key="positive_prompts"), findings)
    after = _attempt(partial(prompt_template, negative.replace(_NEGATIVE, ""), key="negative_prompts"), findings)
    keyed: dict[int, PromptTemplate] = {}
    for name, text in prompts.items():
        frame = _attempt(partial(_key_frame, name, text, seed=seed, max_frames=max_frames), findings)
        template = _attempt(partial(prompt_template, text, frame=frame), findings)
        if frame in keyed:
            message = f"Frame {frame} has more than one prompt, the last one counts."
            findings.append(Finding("warning", message, _KEY, frame, 1, name))
        if frame is not None and template and before and after:
            keyed[frame] = _merged(before, template, after)
    if any(finding.severity == "error" for finding in findings):
        raise PromptError(findings)
    return keyed, tuple(findings)


def _attempt(compute: Callable[[], Value], findings: list[Finding]) -> Value | None:
    """The result of ``compute``, or None with its errors noted, so that reading can go on."""
    try:
        return compute()
    except InputError as error:
        findings += error.findings
        return None


def _key_frame(name: str, text: str, *, seed: int, max_frames: int) -> int:
    try:
        expression = compile_expression(name, key=_KEY, variables=("max_f",))
    except ScheduleError as error:
        if not text.strip().isdigit():
            raise
        message = "The prompts are inverted: the text stands where the frame belongs."
        hint = f'Swap them: "{text.strip()}": "{name[:40]}".'
        raise PromptError(message, key=_KEY, column=1, text=name, hint=hint) from error
    return key_frame_index(expression, seed=seed, max_frames=max_frames)


def _merged(before: PromptTemplate, template: PromptTemplate, after: PromptTemplate) -> PromptTemplate:
    joint = "  " if _NEGATIVE in template.text else f" {_NEGATIVE} "
    text = f"{before.text} {template.text}{joint}{after.text}"
    return PromptTemplate(text, (*before.parts, " ", *template.parts, joint, *after.parts))


def _unused(frames: Iterable[int], max_frames: int) -> tuple[Finding, ...]:
    outside = ", ".join(str(frame) for frame in sorted(frames) if not 0 <= frame < max_frames)
    if not outside:
        return ()
    return (Finding("warning", f"Prompts at frames outside 0 to {max_frames - 1} are not used: {outside}.", _KEY),)


def _split(text: str) -> tuple[str, str]:
    prompt, *rest = text.split(_NEGATIVE)
    negative = "".join(rest).strip()
    return prompt.strip(), f" {negative}" if negative else ""


def _blend(current: str, following: str, weight: float) -> str:
    weights = (1 - weight, weight)
    halves = [_halves(current), _halves(following)]
    positive = [f" ({half[0]}):{w}" for half, w in zip(halves, weights, strict=True) if half[0].strip()]
    negative = [f" ({half[1]}):{w}" for half, w in zip(halves, weights, strict=True) if half[1].strip()]
    return " AND ".join(positive) + (f" {_NEGATIVE} " + " AND ".join(negative) if negative else "")


def _halves(text: str) -> tuple[str, str]:
    prompt, *rest = text.split(_NEGATIVE)
    return prompt, "".join(part for part in rest if part.strip())
