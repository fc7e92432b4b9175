"""Going on with runs: found by name, changed settings, damaged frames, runs without a journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.cli import main
from deforum_helpers.errors import InputError
from deforum_helpers.imaging.colour import ColourReference
from deforum_helpers.media.journal import Journal, JournalEntry, JournalHeader
from deforum_helpers.resume import find_run

SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": 14,
    "diffusion_cadence": 3,
    "seed": 5,
    "zoom": "0:(1.03)",
    "color_coherence": "LAB",
    "noise_schedule": "0:(0.05)",
    "legacy_colormatch": False,
    "prompts": {"0": "a harbour at dusk"},
}


@pytest.fixture
def render(tmp_path, capsys) -> Callable[..., tuple[int, dict, str]]:
    """Render in this process: exit code, the JSON result if it worked, and what was said."""
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))

    def run(*arguments: str) -> tuple[int, dict, str]:
        code = main(["render", "--out", str(tmp_path / "runs"), "--json", "--threads", "2", *arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1]) if code == 0 else {}, said.err

    return run


@pytest.fixture
def whole(render, tmp_path) -> Path:
    """The folder of a finished run whose journal was kept."""
    code, result, _ = render(str(tmp_path / "settings.txt"), "--keep-journal")
    assert code == 0
    return Path(result["outdir"])


def frames(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*_0*.png"))}


def infotext(path: Path) -> str:
    with Pillow.open(path) as picture:
        return str(picture.info.get("parameters", ""))


def cut_off(folder: Path, first: int) -> None:
    """As if the run had died before frame ``first`` was written, and just before the video was finished."""
    for path in sorted(folder.glob("*_0*.png"))[first:]:
        path.unlink()
    next(folder.glob("*.mp4")).unlink()


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
@pytest.mark.parametrize("first", [1, 6, 7, 13])
def test_the_frames_of_a_resumed_run_are_those_of_an_uninterrupted_one(render, tmp_path, alignment, first):
    chosen = ("--set", f"neocore_tween_alignment={alignment}", "--keep-journal")
    _, result, _ = render(str(tmp_path / "settings.txt"), *chosen)
    folder = Path(result["outdir"])
    expected = frames(folder)
    cut_off(folder, first)
    code, resumed, _ = render("--resume", str(folder))
    assert code == 0
    assert resumed["frames"] == SETTINGS["max_frames"]
    assert frames(folder) == expected
    assert not list(folder.glob("*_journal"))


def test_frames_that_were_cut_short_are_made_again(whole, render):
    expected = frames(whole)
    for path in sorted(whole.glob("*_0*.png"))[-3:]:
        path.write_bytes(path.read_bytes()[:200])
    assert render("--resume", str(whole))[0] == 0
    assert frames(whole) == expected


def test_a_damaged_frame_whose_key_frames_are_gone_is_made_again(whole, render):
    expected = frames(whole)
    journal = next(whole.glob("*_journal"))
    for path in journal.glob("key_*.zip"):
        path.write_bytes(path.read_bytes()[:50])
    damaged = sorted(whole.glob("*_0*.png"))[4]
    damaged.write_bytes(b"")
    code, _, said = render("--resume", str(whole))
    assert code == 0
    assert "made again" in said
    assert frames(whole) == expected


def test_a_finished_run_only_gets_its_video_again(whole, render):
    expected = frames(whole)
    next(whole.glob("*.mp4")).unlink()
    code, result, _ = render("--resume", str(whole))
    assert code == 0
    assert Path(result["video"]).is_file()
    assert result["seconds"]["diffusion"] == 0
    assert frames(whole) == expected


def test_changed_settings_are_named_and_refused_until_accepted(whole, render):
    cut_off(whole, 8)
    before = frames(whole)
    change = ("--set", "zoom=0:(1.03), 9:(1.03), 10:(0.9)")
    code, _, said = render("--resume", str(whole), *change)
    assert code == 1
    assert "zoom" in said
    assert "from 10 on" in said
    assert "--accept-changes" in said
    assert frames(whole) == before

    assert render("--resume", str(whole), *change, "--accept-changes")[0] == 0
    after = frames(whole)
    assert {name: after[name] for name in before} == before
    assert len(after) == SETTINGS["max_frames"]


def test_settings_that_change_no_frame_are_fine(whole, render):
    cut_off(whole, 8)
    assert render("--resume", str(whole), "--set", "fps=30", "--set", "batch_name=other")[0] == 0


def test_another_size_is_never_accepted(whole, render):
    code, _, said = render("--resume", str(whole), "--set", "W=96", "--accept-changes")
    assert code == 1
    assert "64×48" in said


def test_a_run_without_a_journal_goes_on_from_its_last_frame(whole, render):
    cut_off(whole, 8)
    journal = next(whole.glob("*_journal"))
    for path in journal.iterdir():
        path.unlink()
    before = frames(whole)
    code, result, said = render("--resume", str(whole))
    assert code == 0
    assert "no journal" in said
    after = frames(whole)
    assert len(after) == result["frames"] == SETTINGS["max_frames"]
    assert {name: after[name] for name in before} == before


def test_the_settings_themselves_can_ask_to_resume(whole, render, tmp_path):
    expected = frames(whole)
    cut_off(whole, 5)
    timestring = next(whole.glob("*_settings.txt")).name[:14]
    asked = {**SETTINGS, "resume_from_timestring": True, "resume_timestring": timestring}
    (tmp_path / "settings.txt").write_text(json.dumps(asked))
    code, result, _ = render(str(tmp_path / "settings.txt"))
    assert code == 0
    assert Path(result["outdir"]) == whole.resolve()
    assert frames(whole) == expected


def test_runs_are_found_by_folder_timestring_and_as_the_last(tmp_path):
    for name in ("20240101000000", "20240102000000"):
        (tmp_path / f"run_{name}").mkdir()
        (tmp_path / f"run_{name}" / f"{name}_settings.txt").write_text("{}")
    assert find_run("last", tmp_path).timestring == "20240102000000"
    assert find_run("20240101000000", tmp_path).path.name == "run_20240101000000"
    assert find_run(str(tmp_path / "run_20240101000000"), tmp_path).timestring == "20240101000000"
    for wrong in ("20230101000000", "nonsense", str(tmp_path)):
        with pytest.raises(InputError):
            find_run(wrong, tmp_path)


def test_a_journal_entry_survives_the_disk_exactly(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    journal = Journal(tmp_path / "j")
    journal.start(JournalHeader("digest", "preview", 7))
    journal.write(JournalEntry(3, picture, ColourReference.of(picture, "LAB")))
    entry = journal.read(3)
    np.testing.assert_array_equal(entry.picture, picture)
    for kept, measured in zip(entry.reference.shares, ColourReference.of(picture, "LAB").shares, strict=True):
        np.testing.assert_array_equal(kept, measured)
    assert journal.header() == JournalHeader("digest", "preview", 7)
    assert journal.read(4) is None


def test_a_journal_forgets_what_no_frame_needs(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.start(JournalHeader("d", "e", 0))
    for position in range(30):
        journal.write(JournalEntry(position, np.zeros((2, 2, 3), np.uint8), None))
    journal.forget_before(20)
    assert journal.positions()[0] > 0
    assert {20, 29} <= set(journal.positions())


def test_frames_that_say_what_they_were_made_with_are_made_anew_byte_for_byte(render, tmp_path):
    arguments = (str(tmp_path / "settings.txt"), "--keep-journal", "--infotext")
    code, result, _ = render(*arguments, "--set", 'prompts={"0": "a harbour", "6": "the sea --neg fog, rain"}')
    assert code == 0
    folder = Path(result["outdir"])
    before = frames(folder)
    texts = [infotext(path) for path in sorted(folder.glob("*_0*.png"))]
    assert texts[0] == "a harbour\nSeed: 5, Deforum frame: 0, Deforum key frame: 0"
    assert texts[5] == "a harbour\nSeed: 6, Deforum frame: 5, Deforum key frame: 3"
    assert texts[6].splitlines()[:2] == ["the sea", "Negative prompt: fog, rain"]
    cut_off(folder, 8)
    assert render("--resume", str(folder), "--infotext")[0] == 0
    assert frames(folder) == before


def test_frames_say_nothing_unless_asked(whole):
    assert {infotext(path) for path in whole.glob("*_0*.png")} == {""}
