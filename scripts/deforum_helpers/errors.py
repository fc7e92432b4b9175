"""The one error tree, and the finding: a single thing that is wrong, said so that a person can mend it.

    DeforumError                 exit code
    ├── InputError               1   the user's settings, schedules, manifest or files are wrong
    │   ├── SettingsError
    │   ├── ScheduleError
    │   ├── PromptError
    │   ├── ManifestError
    │   ├── AccessError
    │   ├── UnknownJobError
    │   └── JobStateError
    ├── RunError                 2   the input was fine, the run failed
    │   ├── EngineError
    │   │   ├── EngineMemoryError
    │   │   └── EngineNaNError
    │   ├── FfmpegError
    │   └── StorageError
    └── Interrupted            130   stopped on request; everything rendered so far is kept

Errors of other libraries are mapped to this tree where they enter (``raise ... from exc``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]

_CARET_CONTEXT = 60
"""Characters of the offending text shown on each side of the caret."""


@dataclass(frozen=True)
class Finding:
    """One thing worth telling the user.

    Attributes:
        severity: ``"error"`` stops the run, ``"warning"`` and ``"note"`` do not.
        message: what is wrong and what is allowed, one sentence, no line breaks.
        key: the settings key, manifest field or file concerned; empty if none.
        frame: the 0-based frame concerned, if one.
        column: the 1-based column in ``text`` where the trouble starts, if known.
        text: the source text ``column`` counts in.
        hint: what to do about it, one sentence; empty if the message says it already.
    """

    severity: Severity
    message: str
    key: str = ""
    frame: int | None = None
    column: int | None = None
    text: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = self.key
        if self.frame is not None:
            where += f" (frame {self.frame})" if where else f"frame {self.frame}"
        if self.column is not None:
            where += f", column {self.column}" if where else f"column {self.column}"
        head = f"{where}: {self.message}" if where else self.message
        if self.hint:
            head += f" {self.hint}"
        return head + self._excerpt()

    def _excerpt(self) -> str:
        if self.column is None or not self.text:
            return ""
        at = min(max(self.column - 1, 0), len(self.text))
        start = max(0, at - _CARET_CONTEXT)
        # Line breaks and tabs would move the caret away from what it points at.
        shown = "".join(" " if c.isspace() else c for c in self.text[start : at + _CARET_CONTEXT])
        return f"\n    {shown}\n    {' ' * (at - start)}^"


class DeforumError(Exception):
    """Root of all errors this package raises on purpose. ``str(error)`` is meant for the user.

    Attributes:
        run: folder of the run that can go on where the error ended it; None if there is none. How that is done depends
            on where the user is, so whoever shows the error says it.
    """

    exit_code = 2
    run: Path | None = None


class InputError(DeforumError):
    """What the user gave is wrong. Carries every finding at once, so that all can be mended in one go.

    Args:
        problem: the message of a single finding, or the findings themselves.
        key, frame, column, text, hint: as in :class:`Finding`; only with a single message.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str | Iterable[Finding],
        *,
        key: str = "",
        frame: int | None = None,
        column: int | None = None,
        text: str = "",
        hint: str = "",
    ) -> None:
        if isinstance(problem, str):
            self.findings: tuple[Finding, ...] = (Finding("error", problem, key, frame, column, text, hint),)
        else:
            self.findings = tuple(problem)
        super().__init__("\n".join(str(f) for f in self.findings))


class SettingsError(InputError):
    """A settings file or value cannot be used."""


class ScheduleError(InputError):
    """A schedule text cannot be read or evaluated."""


class PromptError(InputError):
    """The prompts cannot be read or evaluated."""


class ManifestError(InputError):
    """A Parseq manifest cannot be fetched, read or used."""


class AccessError(InputError):
    """A request from outside reaches for what it may not: a file, a link, a size, an option."""


class UnknownJobError(InputError):
    """There is no job or batch of that id."""


class JobStateError(InputError):
    """A job is not in a state in which this can be done with it."""


class RunError(DeforumError):
    """The input was fine, but the run failed.

    Args:
        message: what failed, and what to do about it.
        run: as in :class:`DeforumError`.
    """

    def __init__(self, message: str, *, run: Path | None = None) -> None:
        super().__init__(message)
        self.run = run


class EngineError(RunError):
    """A diffusion engine failed.

    Args:
        message: what failed, and what to do about it.
        retryable: whether the same request may well succeed when it is made again (a connection that broke).
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class EngineMemoryError(EngineError):
    """A diffusion engine ran out of memory; it may succeed once memory is freed."""


class EngineNaNError(EngineError):
    """A diffusion engine made values that are no numbers, as VAEs do in half precision."""


class FfmpegError(RunError):
    """ffmpeg is missing or failed; the message ends with its last lines."""


class StorageError(RunError):
    """A file could not be written: disk full, no permission, folder gone."""


class Interrupted(DeforumError):  # noqa: N818 - it is a request that was honoured, not an error
    """Stopped on request. Everything rendered so far is kept.

    Args:
        message: what was stopped, and what there is of it.
        run: as in :class:`DeforumError`.
    """

    exit_code = 130

    def __init__(self, message: str, *, run: Path | None = None) -> None:
        super().__init__(message)
        self.run = run


def first_line(error: BaseException, most: int | None = None) -> str:
    """The first line of what an error of any library says, or its kind where it says nothing; ``most`` characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]
