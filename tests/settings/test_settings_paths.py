"""Where files named in settings are looked for."""

from __future__ import annotations

from pathlib import Path

from deforum_helpers.settings.paths import resolve_path


def test_beside_the_settings_file_first_then_in_the_working_directory(tmp_path, monkeypatch):
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        (folder / "both.png").touch()
    (here / "here.png").touch()
    monkeypatch.chdir(here)
    assert resolve_path("both.png", [beside]) == beside / "both.png"
    assert resolve_path("here.png", [beside]) == here / "here.png"
    assert resolve_path("nowhere.png", [beside]) == beside / "nowhere.png"
    assert resolve_path("here.png", [None]) == here / "here.png"
    assert resolve_path("nowhere.png") == here / "nowhere.png"


def test_absolute_quoted_and_home_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert resolve_path(str(tmp_path / "a.png"), [Path("/elsewhere")]) == tmp_path / "a.png"
    assert resolve_path(f' "{tmp_path / "a b.png"}" ') == tmp_path / "a b.png"
    assert resolve_path("~/a.png") == tmp_path / "a.png"
