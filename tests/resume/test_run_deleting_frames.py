"""Deleting frames once the video holds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deforum_helpers.cli import main

SETTINGS = {"W": 64, "H": 48, "max_frames": 9, "seed": 5, "prompts": {"0": "a harbour"}, "delete_imgs": True}


@pytest.mark.parametrize("extra", [[], ["--no-video"]])
def test_frames_are_deleted_only_if_the_video_holds_them_all(tmp_path, capsys, extra):
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))
    assert main(["render", str(tmp_path / "settings.txt"), "--out", str(tmp_path / "runs"), "--json", *extra]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    left = list(Path(result["outdir"]).glob("*_0*.png"))
    assert len(left) == (9 if extra else 0)
    assert (result["video"] is None) == bool(extra)
