"""Each setting, declared once: a field of a frozen dataclass, with its default, limits, label and help.

The groups and their order are those of a settings file. Everything that needs a list of settings (files, command line,
user interface, API) derives it from :data:`SETTINGS`.
"""

from __future__ import annotations

from .animation import DeforumAnimArgs
from .controlnet import ControlNetUnit
from .interface import InterfaceArgs
from .loop import LoopArgs
from .output import DeforumOutputArgs, Trailer
from .parseq import ParseqArgs
from .prompts import PromptArgs
from .registry import SETTINGS, TRAILER_KEYS, Settings, nearest, unknown_key
from .run import DeforumArgs
from .setting import Kind, Setting, Value

__all__ = [
    "SETTINGS",
    "TRAILER_KEYS",
    "ControlNetUnit",
    "DeforumAnimArgs",
    "DeforumArgs",
    "DeforumOutputArgs",
    "InterfaceArgs",
    "Kind",
    "LoopArgs",
    "ParseqArgs",
    "PromptArgs",
    "Setting",
    "Settings",
    "Trailer",
    "Value",
    "nearest",
    "unknown_key",
]
