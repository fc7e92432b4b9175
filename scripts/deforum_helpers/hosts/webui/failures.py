"""Errors of the web UI, in the terms of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import DeforumError, EngineError, EngineMemoryError, EngineNaNError


@contextmanager
def engine_errors() -> Iterator[None]:
    """Raise what is raised inside as EngineError, EngineMemoryError or EngineNaNError; our own errors pass."""
    try:
        yield
    except DeforumError:
        raise
    except Exception as error:
        raise _mapped(error) from error


def _mapped(error: Exception) -> EngineError:
    kind, text = type(error).__name__, " ".join(str(error).split())
    # torch's and the web UI's classes have had several homes, and are known by their names.
    if isinstance(error, MemoryError) or kind.endswith("OutOfMemoryError") or "out of memory" in text.lower():
        return EngineMemoryError(f"The web UI ran out of memory: {_shortened(text) or kind}")
    if kind == "NansException":
        return EngineNaNError(f"The web UI made a picture of no numbers (NaN): {_shortened(text)}")
    return EngineError(
        f"The web UI failed with {kind}: {_shortened(text)}" if text else f"The web UI failed with {kind}."
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:400]} …"
