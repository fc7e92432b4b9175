"""The messages that the documentation quotes are those that the program says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
NOT_SAID = {"The video comes out shorter or longer than the music"}
"""What people see without being told."""
_QUOTED = re.compile(r"`([^`]+)`")


def quoted() -> list[str]:
    """What stands in code in the first column of the tables."""
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    return [text for row in rows for text in _QUOTED.findall(row) if text not in NOT_SAID]


@cache
def said() -> tuple[str, ...]:
    """All texts in the source, with … for what is filled in."""
    found: list[str] = []
    for path in (ROOT / "scripts").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found += [_text(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        found += [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return tuple(re.sub(r"\{(?!units)[^{}]*\}", "…", text) for text in found)


def _text(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


@pytest.mark.parametrize("message", quoted())
def test_a_quoted_message_is_one_that_is_said(message):
    assert any(message in text for text in said()), message


def test_the_page_quotes_many():
    assert len(quoted()) > 80
