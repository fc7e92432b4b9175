"""``plan`` and ``lint``: the plan as a table, as data and as a picture."""

from __future__ import annotations

import json
import math

import pytest
from e2e_parts import environment, manifest_text, run_main, run_process, write_settings

from deforum_helpers.media.store import read_image
from deforum_helpers.schedule.series import SERIES

FIELDS = {
    "max_frames": int,
    "fps": (int, float),
    "distribution": str,
    "alignment": str,
    "key_frames": list,
    "pseudo_cadence": float,
    "warnings": list,
    "keys": list,
}
KEY_FIELDS = {
    "index": int,
    "seed": int,
    "subseed": int,
    "subseed_strength": float,
    "strength": float,
    "cfg_scale": float,
    "steps": int,
    "sampler": str,
    "scheduler": str,
    "checkpoint": str,
    "clip_skip": (int, type(None)),
    "noise": float,
    "contrast": float,
    "prompt": str,
    "negative_prompt": str,
}
HEADLINE_FRAMES, HEADLINE_KEYS = 6694, 913


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def plan_of(capsys, settings, *options):
    said = run_main(capsys, "plan", settings, "--json", *options)
    assert said.code == 0, said.err
    (line,) = said.out.splitlines()
    return json.loads(line, parse_constant=refuse_constant)


def headline(folder):
    """A manifest of the size people bring: a whole song, with a key frame on every onset."""
    keys = [k * HEADLINE_FRAMES // HEADLINE_KEYS for k in range(HEADLINE_KEYS)]
    last, since = 0, []
    for frame in range(HEADLINE_FRAMES):
        last = frame if frame in set(keys[frame // 8 : frame // 7 + 2]) else last
        since.append(frame - last)
    (folder / "parseq.json").write_text(
        manifest_text(
            HEADLINE_FRAMES,
            keys,
            fps=30,
            strength=[0.65 - 0.3 * math.exp(-n / 4) for n in since],
            zoom=[1 + 0.02 * math.sin(f / 50) for f in range(HEADLINE_FRAMES)],
            translation_x=[5 * math.sin(f / 300) for f in range(HEADLINE_FRAMES)],
            seed=[1000 + f - n for f, n in enumerate(since)],
        )
    )
    return keys, write_settings(
        folder, parseq_manifest="parseq.json", neocore_key_index_distribution="Parseq Only", max_frames=HEADLINE_FRAMES
    )


def test_every_field_is_there_and_of_its_type(tmp_path, capsys):
    plan = plan_of(capsys, write_settings(tmp_path, enable_clipskip_scheduling=True, clipskip_schedule="0: (2)"))
    for name, kind in FIELDS.items():
        assert isinstance(plan[name], kind), name
    for key in plan["keys"]:
        assert key.keys() == KEY_FIELDS.keys()
        for name, kind in KEY_FIELDS.items():
            assert isinstance(key[name], kind), name
    assert "series" not in plan
    assert plan["key_frames"] == [key["index"] for key in plan["keys"]] == [0, 2, 4]
    assert (plan["max_frames"], plan["fps"], plan["pseudo_cadence"]) == (6, 12, 2.0)
    assert (plan["distribution"], plan["alignment"]) == ("Uniform Spacing", "Exact")
    assert [key["seed"] for key in plan["keys"]] == [7, 8, 9]
    assert {key["clip_skip"] for key in plan["keys"]} == {2}
    assert {key["strength"] for key in plan["keys"]} == {0.5}
    assert {key["prompt"] for key in plan["keys"]} == {"a lighthouse at dusk"}


def test_all_series_come_with_a_value_per_frame(tmp_path, capsys):
    plan = plan_of(capsys, write_settings(tmp_path, zoom="0: (1 + t/10)", max_frames=4), "--series")
    assert set(plan["series"]) == {spec.name for spec in SERIES}
    assert {len(values) for values in plan["series"].values()} == {4}
    assert plan["series"]["zoom_series"] == [1.0, 1.1, 1.2, 1.3]


def test_numbers_that_are_none_are_null(tmp_path, capsys):
    # In 2D the field of view takes no part, so it may be anything.
    plan = plan_of(capsys, write_settings(tmp_path, fov_schedule="0: (1/t)"), "--series")
    assert plan["series"]["fov_series"][0] is None
    assert plan["series"]["fov_series"][1] == 1.0


def test_warnings_are_data_and_texts_keep_their_letters(tmp_path, capsys):
    plan = plan_of(capsys, write_settings(tmp_path, prompts={"0": 'a "café" 猫\u2028 <b>', "99": "never"}))
    assert plan["keys"][0]["prompt"] == 'a "café" 猫\u2028 <b>'
    assert any("99" in text for text in plan["warnings"])


def test_the_plan_is_what_is_rendered_with_a_drawn_seed(tmp_path, capsys):
    settings = write_settings(tmp_path, seed=-1)
    assert plan_of(capsys, settings) == plan_of(capsys, settings)
    assert plan_of(capsys, settings)["seed"] >= 0


@pytest.mark.parametrize("options", [(), ("--json", "--series")])
def test_a_terminal_that_knows_few_letters_is_no_obstacle(tmp_path, options):
    settings = write_settings(tmp_path, prompts={"0": "a 猫 \ud800"})
    said = run_process("plan", settings, *options, env=environment(PYTHONIOENCODING="ascii"))
    assert said.code == 0, said.err
    assert "a \\u732b \\ud800" in said.out


@pytest.mark.parametrize("command", ["plan", "lint"])
def test_stdout_holds_the_report_only(tmp_path, command):
    settings = write_settings(tmp_path, prompts={"0": "a", "99": "never"})
    said = run_process(command, settings)
    assert said.code == 0
    assert said.err == ""
    assert "warning: prompts: " in said.out
    last = said.out.splitlines()[-1]
    assert last == f"{settings}: no errors." if command == "lint" else last.startswith(("note: ", "warning: "))


def test_lint_calls_a_file_fine_or_lists_errors_only_on_stderr(tmp_path, capsys):
    said = run_main(capsys, "lint", write_settings(tmp_path, zoom="0: (1"))
    assert (said.code, said.out) == (1, "")
    assert len(said.errors) == 1


@pytest.mark.parametrize("frames", [1, 120, 1200])
@pytest.mark.parametrize("moving", [True, False])
def test_the_plot_is_a_picture_with_something_in_it(tmp_path, capsys, frames, moving):
    settings = write_settings(tmp_path, max_frames=frames, zoom="0: (1 + 0.01*sin(t/9))" if moving else "0: (1)")
    target = tmp_path / "plan.png"
    said = run_main(capsys, "plan", settings, "--plot", target, "--json")
    assert said.code == 0, said.err
    assert said.err == f"Plot: {target}\n"
    json.loads(said.out)
    picture = read_image(target)
    height, width, _ = picture.shape
    assert width == 1400
    rows_drawn = 1 + (moving and frames > 1)
    assert height == pytest.approx(240 + 115 * (rows_drawn - 1), abs=1)
    assert (picture[..., 0].astype(int) - picture[..., 1] > 40).any()  # the diffused frames, in red


def test_a_whole_song_is_planned_and_plotted(tmp_path, capsys):
    keys, settings = headline(tmp_path)
    target = tmp_path / "plan.png"
    plan = plan_of(capsys, settings, "--plot", target)
    assert plan["key_frames"] == keys
    assert len(plan["keys"]) == HEADLINE_KEYS
    assert plan["pseudo_cadence"] == pytest.approx(HEADLINE_FRAMES / HEADLINE_KEYS)
    assert plan["fps"] == 30
    assert read_image(target).shape[1] == 3600  # wide enough to tell the key frames apart


@pytest.mark.parametrize("target", ["gone/plan.png", "plan.xyz"])
def test_a_plot_that_cannot_be_written(tmp_path, capsys, target):
    said = run_main(capsys, "plan", write_settings(tmp_path), "--plot", tmp_path / target)
    assert said.code == 2
    assert said.out == ""
    (error,) = said.errors
    assert str(tmp_path / target) in error
    assert "Traceback" not in said.err
