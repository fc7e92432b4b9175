"""Style and script of the tab: one file each, at the places where web UIs load them from."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


def style() -> str:
    """The style sheet; empty if the program came without it."""
    return _text(_ROOT / "style.css")


def script() -> str:
    """The script; empty if the program came without it: the tab then works without plots and progress."""
    return "\n".join(_text(path) for path in sorted((_ROOT / "javascript").glob("*.js")))


def examples() -> Path:
    """Folder of the settings that come with the program."""
    return _ROOT / "examples"


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
