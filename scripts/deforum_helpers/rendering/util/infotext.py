"""What a picture was made with, in the words that web UIs write into their pictures and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...ports import DiffusionRequest


def infotext(request: DiffusionRequest, used: Mapping[str, str | int | float]) -> str:
    """The text of a diffused picture: prompt, negative prompt, and a line of parameters.

    Args:
        request: what was asked for.
        used: what it was made with; as of ``ports.Diffused``.
    """
    prompt, negative = request.prompt.strip(), request.negative_prompt.strip()
    return "\n".join([prompt, *([f"Negative prompt: {negative}"] if negative else []), _line(used)])


def frame_infotext(text: str, frame: int, key_frame: int) -> str:
    """The text of an output frame, given that of the key frame it is made of."""
    head, _, line = text.rpartition("\n")
    numbers = _line({"Deforum frame": frame, "Deforum key frame": key_frame})
    return f"{head}\n{line}, {numbers}" if line else f"{head}\n{numbers}"


def _line(values: Mapping[str, str | int | float]) -> str:
    return ", ".join(f"{name}: {_quoted(str(value))}" for name, value in values.items())


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ",:\n") else value
