"""Links between the pages, and the paths that commands in them name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deforum_helpers.cli.main import make_parser

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *ROOT.glob("examples/*.md"),
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in _LINK.findall(page.read_text("utf-8")):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def commands() -> list[str]:
    lines = [line for page in PAGES for block in _BLOCK.findall(page.read_text("utf-8")) for line in block.splitlines()]
    found = [line.split("  #")[0].strip() for line in lines if line.startswith("python3 standalone.py ")]
    return [line for line in dict.fromkeys(found) if line.split()[2] not in ("test", "--help")]


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line):
    given = [word for word in shlex.split(line)[2:] if word != "…"]
    arguments = make_parser().parse_args(given)
    for word in given:
        if word.startswith("examples/"):
            assert (ROOT / word).is_file()
    assert callable(arguments.run)
