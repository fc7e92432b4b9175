"""The same input gives the same pictures, on any number of threads, and a run can be repeated from its record."""

from __future__ import annotations

import json

import numpy as np
import pytest
from e2e_parts import decode_frames, frame_files, manifest_text, only_run, run_main, write_clicks, write_settings

from deforum_helpers.media.ffmpeg import probe

MOVING = {"max_frames": 20, "diffusion_cadence": 3, "angle": "0: (2)", "translation_x": "0: (3*sin(t))"}


def render(capsys, settings, out, *options):
    """Frames' bytes and the run's folder."""
    said = run_main(capsys, "render", settings, "--out", out, "--preset", "ultrafast", *options)
    assert said.code == 0, said.err
    folder = only_run(out)
    return [path.read_bytes() for path in frame_files(folder)], folder


def video(folder):
    return decode_frames(next(folder.glob("*.mp4")), 64, 48)


@pytest.mark.parametrize("values", [{}, {"seed_behavior": "random"}, {"neocore_tween_alignment": "Classic"}])
def test_two_renders_are_equal(tmp_path, capsys, values):
    settings = write_settings(tmp_path, **MOVING, **values)
    (first, one), (second, two) = (render(capsys, settings, tmp_path / name) for name in "ab")
    assert len(first) == 20
    assert first == second
    np.testing.assert_array_equal(video(one), video(two))


def test_the_number_of_threads_changes_nothing(tmp_path, capsys):
    settings = write_settings(tmp_path, **MOVING, neocore_key_index_distribution="Random Spacing")
    first, one = render(capsys, settings, tmp_path / "a", "--threads", "1")
    second, two = render(capsys, settings, tmp_path / "b", "--threads", "4")
    assert first == second
    np.testing.assert_array_equal(video(one), video(two))


def test_another_seed_gives_other_pictures(tmp_path, capsys):
    settings = write_settings(tmp_path, **MOVING)
    first, _ = render(capsys, settings, tmp_path / "a", "--no-video")
    second, _ = render(capsys, settings, tmp_path / "b", "--no-video", "--set", "seed=8")
    assert all(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("distribution", ["Random Placement", "Parseq Only"])
def test_a_random_run_is_repeated_from_the_settings_it_saved(tmp_path, capsys, monkeypatch, distribution):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / "in").mkdir(parents=True)
    elsewhere.mkdir()
    (project / "in" / "parseq.json").write_text(manifest_text(20, (0, 4, 11), zoom=[1.03] * 20))
    write_clicks(project / "in" / "clicks.wav", 2.0, [0.0, 0.5])
    values = {
        "seed": -1,
        "seed_behavior": "random",
        "parseq_manifest": "in/parseq.json",
        "parseq_non_schedule_overrides": False,
        "add_soundtrack": "File",
        "soundtrack_path": "in/clicks.wav",
        "neocore_key_index_distribution": distribution,
    }
    settings = write_settings(project, **MOVING, **values)
    first, one = render(capsys, settings, tmp_path / "a")
    (record,) = one.glob("*_settings.txt")
    assert json.loads(record.read_text("utf-8"))["seed"] >= 0
    monkeypatch.chdir(elsewhere)
    again, two = render(capsys, record, tmp_path / "b")
    assert again == first
    np.testing.assert_array_equal(video(one), video(two))
    assert probe(next(two.glob("*.mp4"))).has_audio
    other, _ = render(capsys, settings, tmp_path / "c", "--no-video")
    assert other != first


def test_overrides_are_part_of_the_record(tmp_path, capsys):
    settings = write_settings(tmp_path, **MOVING, seed=-1)
    first, one = render(capsys, settings, tmp_path / "a", "--no-video", "--set", "max_frames=5", "--set", "W=72")
    (record,) = one.glob("*_settings.txt")
    again, _ = render(capsys, record, tmp_path / "b", "--no-video")
    assert len(first) == 5
    assert again == first
