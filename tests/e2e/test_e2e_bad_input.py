"""Wrong input: exit code 1, one clear message per mistake, no traceback, nothing written."""

from __future__ import annotations

import json
import re

import pytest
from e2e_parts import manifest_text, only_run, run_main, run_process, write_settings


@pytest.fixture
def refused(tmp_path, capsys):
    """Renders what must be refused and returns the errors told, whole, with their carets."""

    def render(settings, *options, command="render"):
        out = tmp_path / "out"
        target = ("--out", out) if command == "render" else ()
        said = run_main(capsys, command, settings, *target, *options)
        assert said.code == 1, said
        assert said.out == ""
        assert "Traceback" not in said.err
        assert not out.exists()
        return [text.strip("\n") for text in re.split(r"^(?=error: |note: |warning: )", said.err, flags=re.M) if text]

    return render


def only_error(told):
    errors = [text for text in told if text.startswith("error: ")]
    assert len(errors) == 1, told
    return errors[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello {", "not valid JSON"),
        (b'{"W": 64,\n "H": 4', "line 2 is not valid JSON"),
        (b"", "is empty"),
        (b"[deforum]\nW = 512\n", "INI file; settings files are JSON"),
        (b"[1, 2]", "JSON object"),
        (bytes(range(256)), "binary file"),
        (b"<html><body>Not found</body></html>", "web page"),
        (manifest_text(2, (0,)).encode(), "Parseq manifest, not a settings file"),
    ],
    ids=["text", "cut off", "empty", "INI", "list", "binary", "HTML", "manifest"],
)
@pytest.mark.parametrize("command", ["render", "plan", "lint"])
def test_a_file_that_is_no_settings_file(tmp_path, refused, content, says, command):
    (tmp_path / "wrong.txt").write_bytes(content)
    error = only_error(refused(tmp_path / "wrong.txt", command=command))
    assert "wrong.txt" in error
    assert says in error


def test_a_settings_file_that_is_not_there_or_a_folder(tmp_path, refused):
    assert "gone.txt: there is no such file" in only_error(refused(tmp_path / "gone.txt"))
    error = only_error(refused(tmp_path))
    assert str(tmp_path) in error
    assert "a folder" in error


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("animation_mode", "4D", "Allowed: 2D, 3D, Video Input, Interpolation"),
        ("max_frames", 0, "Allowed: whole numbers from 1"),
        ("max_frames", -5, "Allowed: whole numbers from 1"),
        ("max_frames", 1.5, "not a whole number"),
        ("max_frames", "many", "not a number"),
        ("max_frames", 10**9, "allowed are 1000000"),
        ("diffusion_cadence", 0, "Allowed: whole numbers from 1"),
        ("diffusion_cadence", -2, "Allowed: whole numbers from 1"),
        ("W", [64], "not a number"),
        ("H", 0, "Allowed: whole numbers from 8"),
        ("fps", 0, "above 0"),
        ("fps", -24, "above 0"),
        ("fps", "fast", "not a number"),
        ("seed", 2**32, "from -1 to 4294967295"),
        ("use_init", "perhaps", "Allowed: true, false"),
        ("seed_behavior", "never", "Allowed: iter, fixed"),
        ("neocore_key_index_distribution", "Uniform", "'Uniform Spacing' comes closest"),
        ("prompts", {}, '{"0": "what to show"}'),
        ("prompts", None, '{"0": "what to show"}'),
        ("zoom", "0: (0)", "1 means no zoom"),
        ("zoom", "0: (1 / t)", "division by zero"),
        ("parseq_manifest", "gone.json", "No such file; looked for"),
    ],
)
def test_a_value_that_cannot_be_used(tmp_path, refused, key, value, says):
    error = only_error(refused(write_settings(tmp_path, **{key: value})))
    assert error.startswith(f"error: {key}")
    assert says in error


def test_perlin_noise_with_less_than_one_cell(tmp_path, refused):
    noisy = write_settings(tmp_path, noise_type="perlin", noise_schedule="0: (0.1)", perlin_w=0.5)
    assert only_error(refused(noisy)) == "error: perlin_w: 0 is not a whole number above 0."


def test_a_depth_network_that_does_not_exist(tmp_path, refused):
    error = only_error(refused(write_settings(tmp_path, animation_mode="3D", depth_algorithm="Bogus")))
    assert error.startswith("error: depth_algorithm: 'Bogus' is no depth algorithm; there are Midas-3-Hybrid")


@pytest.mark.parametrize(
    ("schedule", "marked", "says"),
    [
        ("0: (1 + ), 5: (2)", ")", "a value is missing"),
        ("0: (1 + q)", "q", "unknown name q. Known variables: max_f, s, t"),
        ("0: (1), 3: (sine(t))", "sine", "unknown name sine. Did you mean sin?"),
        ("0: (1), 2: (1 + t", "(1 + t", "never closed"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_shown_with_a_caret(tmp_path, refused, schedule, marked, says):
    error = only_error(refused(write_settings(tmp_path, angle=schedule)))
    assert error.startswith("error: angle")
    assert says in error
    _, shown, caret = error.splitlines()
    assert shown.strip() == schedule
    assert shown[caret.index("^") :].startswith(marked)


def test_all_mistakes_are_listed_at_once(tmp_path, refused):
    told = refused(write_settings(tmp_path, zoom="0: (1 + ), 9: (q)", angle="0: (foo(t))", prompts={}))
    keys = sorted(re.match(r"error: (\w+)", text)[1] for text in told if text.startswith("error: "))
    assert keys == ["angle", "prompts", "zoom", "zoom"]


def test_all_values_of_a_wrong_type_are_listed_at_once(tmp_path, refused):
    told = refused(write_settings(tmp_path, max_frames="many", W=[1], use_init="perhaps"))
    assert sorted(re.match(r"error: (\w+)", text)[1] for text in told) == ["W", "max_frames", "use_init"]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("max_frames", "--set takes KEY=VALUE, got 'max_frames'"),
        ("=3", "--set takes KEY=VALUE, got '=3'"),
        ("max_frame=3", "max_frame: there is no such setting. Did you mean max_frames?"),
        ("max_frames=lots", "max_frames: 'lots' is not a number"),
        ("max_frames=", "max_frames: '' is not a number"),
        ("zoom=0:(1+", "zoom, column 3: this ( is never closed"),
    ],
)
@pytest.mark.parametrize("command", ["render", "plan", "lint"])
def test_a_wrong_override(tmp_path, refused, override, says, command):
    assert says in only_error(refused(write_settings(tmp_path), "--set", override, command=command))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--threads", "0"), "--threads: '0' is not a whole number from 1"),
        (("--threads", "many"), "--threads: 'many' is not a whole number from 1"),
        (("--latency", "-1"), "--latency: '-1' is not a number of seconds from 0 to 3600"),
        (("--latency", "nan"), "--latency: 'nan' is not a number of seconds"),
        (("--latency", "soon"), "--latency: 'soon' is not a number of seconds"),
        (("--crf", "99"), "CRF goes from 0 to 51"),
        (("--preset", "quick"), "'quick' is no preset of x264"),
        (("--subtitles", "Zoom,Nope"), "no subtitle parameter 'Nope'"),
        (("--engine", "magic"), "invalid choice: 'magic'"),
        (("--frobnicate",), "unrecognized arguments: --frobnicate"),
    ],
)
def test_a_wrong_option(tmp_path, capsys, options, says):
    said = run_main(capsys, "render", write_settings(tmp_path), "--out", tmp_path / "out", *options)
    assert said.code == 1
    assert said.out == ""
    (error,) = said.errors
    assert says in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [(), ("frobnicate",), ("plan",), ("plan", "a", "b")])
def test_a_wrong_command_line(capsys, arguments):
    said = run_main(capsys, *arguments)
    assert said.code == 1
    assert said.out == ""
    assert len(said.errors) == 1
    assert said.err.startswith("usage: deforum")


def test_a_render_of_nothing(tmp_path, capsys):
    said = run_main(capsys, "render", "--out", tmp_path / "out")
    assert said.code == 1
    assert said.errors == ["error: render needs a settings file. Or a run to go on with: --resume last"]


def test_a_video_that_is_none_is_named_before_anything_is_written(tmp_path, capsys, refused):
    (tmp_path / "video.mp4").write_bytes(b"not looked into while planning")
    settings = write_settings(tmp_path, animation_mode="Video Input", video_init_path="video.mp4")
    error = only_error(refused(settings))
    assert error.startswith("error: video_init_path: ")
    assert "video.mp4 cannot be read as a video or picture" in error
    assert run_main(capsys, "plan", settings).code == 0


def test_a_mistake_seen_from_outside(tmp_path):
    """In a process of its own: exit code, an empty stdout, and no traceback or warning of Python."""
    settings = write_settings(tmp_path, zoom="0: (1 + )")
    said = run_process("render", settings, "--out", tmp_path / "out", "--json")
    assert said.code == 1
    assert said.out == ""
    assert len(said.errors) == 1
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_notes_do_not_stop_a_run_and_stay_off_stdout(tmp_path, capsys):
    settings = write_settings(tmp_path, max_frame=3, diffusion_cadence=50)
    said = run_main(capsys, "render", settings, "--out", tmp_path / "out", "--no-video", "--json")
    assert said.code == 0
    assert "warning: max_frame: there is no such setting, so it has no effect. Did you mean max_frames?" in said.err
    assert "note: diffusion_cadence: " in said.err
    assert json.loads(said.out)["outdir"] == str(only_run(tmp_path / "out"))


@pytest.mark.parametrize("command", ["render", "lint"])
def test_a_damaged_picture_is_told_before_a_render(tmp_path, refused, command):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    settings = write_settings(tmp_path, use_init=True, init_image="broken.png")
    error = only_error(refused(settings, command=command))
    assert "init_image: " in error
    assert "cannot be read as a picture" in error


@pytest.mark.parametrize("command", ["render", "lint", "plan"])
def test_a_size_no_video_can_have(tmp_path, refused, command):
    error = only_error(refused(write_settings(tmp_path, W=16400), command=command))
    assert "A video's sides go from 1 to 16384 pixels, got 16400×" in error
