"""The input is fine, but something around it is not: what was made is kept, and the message says what to do."""

from __future__ import annotations

import os
import shlex

import pytest
from e2e_parts import (
    closed_address,
    decode_frames,
    environment,
    frame_files,
    frame_indices,
    only_run,
    run_main,
    run_process,
    write_clicks,
    write_settings,
)

from deforum_helpers.media.ffmpeg import find_ffmpeg, probe
from deforum_helpers.media.store import read_image

posix = pytest.mark.skipif(os.name != "posix", reason="needs shell scripts and resource limits")
NO_FFMPEG = {"PATH": "", "DEFORUM_FFMPEG": "/nowhere/ffmpeg"}


def whole_and_alone(folder):
    """Every frame can be read, and no file is half written."""
    assert not [path for path in folder.iterdir() if ".part" in path.name]
    for path in frame_files(folder):
        read_image(path)
    return frame_indices(folder)


# --- sound ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("gone.wav", "is not a file. Check soundtrack_path"),
        ("notes.txt", "ffmpeg failed"),
        (closed_address() + "/x.mp3", "cannot be fetched"),
    ],
    ids=["missing", "no sound", "refused"],
)
def test_without_its_soundtrack_the_video_is_silent_and_says_why(tmp_path, capsys, path, says):
    (tmp_path / "notes.txt").write_text("no sound in here")
    settings = write_settings(tmp_path, add_soundtrack="File", soundtrack_path=path)
    said = run_main(capsys, "render", settings, "--out", tmp_path / "out", "--preset", "ultrafast")
    assert said.code == 0
    (video,) = only_run(tmp_path / "out").glob("*.mp4")
    assert said.out.splitlines() == [str(video)]
    assert "warning: soundtrack_path: the video has no sound." in said.err
    assert says in said.err
    assert len(decode_frames(video, 64, 48)) == 6
    assert not probe(video).has_audio


def test_a_soundtrack_of_a_short_and_of_a_long_sound_keeps_all_frames(tmp_path, capsys):
    for seconds in (0.2, 3.0):
        write_clicks(tmp_path / "sound.wav", seconds, [0.0])
        settings = write_settings(tmp_path, add_soundtrack="File", soundtrack_path="sound.wav")
        out = tmp_path / f"out{seconds}"
        said = run_main(capsys, "render", settings, "--out", out, "--preset", "ultrafast")
        assert said.code == 0
        assert "no sound" not in said.err
        info = probe(next(only_run(out).glob("*.mp4")), count_frames=True)
        assert (info.frames, info.has_audio) == (6, True)
        assert info.duration <= 0.6


# --- ffmpeg -----------------------------------------------------------------------------------------------------------


def test_without_ffmpeg_nothing_is_started(tmp_path):
    settings = write_settings(tmp_path)
    said = run_process("render", settings, "--out", tmp_path / "out", env=environment(**NO_FFMPEG))
    assert said.code == 2
    assert said.out == ""
    (error,) = said.errors
    assert "'/nowhere/ffmpeg', which is no program that can be run" in error
    assert "pip install imageio-ffmpeg" in error
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [("--no-video",), ("--set", "skip_video_creation=true")])
def test_without_ffmpeg_frames_can_be_had(tmp_path, how):
    said = run_process(
        "render", write_settings(tmp_path), "--out", tmp_path / "out", *how, env=environment(**NO_FFMPEG)
    )
    assert said.code == 0, said.err
    folder = only_run(tmp_path / "out")
    assert said.out.splitlines() == [str(folder)]
    assert whole_and_alone(folder) == list(range(6))


def dying_ffmpeg(folder, frames, times):
    """A program that is ffmpeg, but dies after some ``frames`` of the first ``times`` encodings."""
    real = shlex.quote(str(find_ffmpeg()))
    count = shlex.quote(str(folder / "encodings"))
    script = folder / "ffmpeg.sh"
    script.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *pipe:0*) echo x >> {count}\n'
        f"  if [ $(wc -l < {count}) -le {times} ]; then\n"
        f"    head -c {frames * 64 * 48 * 3} > /dev/null; echo 'the encoder lost heart' >&2; exit 3; fi;;\n"
        f'esac\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    return {"DEFORUM_FFMPEG": str(script)}


@posix
@pytest.mark.parametrize("dies_at", [0, 20, 60])
def test_ffmpeg_dying_in_the_middle_costs_nothing(tmp_path, dies_at):
    settings = write_settings(tmp_path, max_frames=60)
    env = environment(**dying_ffmpeg(tmp_path, dies_at, times=1))
    said = run_process("render", settings, "--out", tmp_path / "out", "--preset", "ultrafast", env=env)
    assert said.code == 0, said.err
    folder = only_run(tmp_path / "out")
    assert whole_and_alone(folder) == list(range(60))
    assert len(decode_frames(next(folder.glob("*.mp4")), 64, 48)) == 60
    assert "warning: the video was made again from the frames" in said.err
    assert "the encoder lost heart" in said.err


@posix
def test_ffmpeg_dying_again_and_again_keeps_the_frames(tmp_path):
    settings = write_settings(tmp_path, max_frames=60)
    env = environment(**dying_ffmpeg(tmp_path, 20, times=9))
    said = run_process("render", settings, "--out", tmp_path / "out", "--preset", "ultrafast", env=env)
    assert said.code == 2
    assert said.out == ""
    folder = only_run(tmp_path / "out")
    assert whole_and_alone(folder) == list(range(60))
    assert not list(folder.glob("*.mp4"))
    assert len(said.errors) == 1
    assert "the encoder lost heart" in said.err
    assert f"The frames made so far are kept.\nTo go on: render --resume {folder}" in said.err
    assert "Traceback" not in said.err


# --- disk -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_an_output_folder_that_cannot_be(tmp_path, capsys, where):
    (tmp_path / "file").write_text("in the way")
    said = run_main(capsys, "render", write_settings(tmp_path), "--out", tmp_path / where)
    assert said.code == 2
    assert said.out == ""
    (error,) = said.errors
    assert str(tmp_path / where) in error
    assert "a part of the path is a file" in error
    assert (tmp_path / "file").read_text() == "in the way"


def limited(size):
    """Options of a process whose files cannot grow beyond ``size`` bytes, as if the disk were full."""
    import resource

    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


@posix
def test_a_full_disk_stops_the_run_which_goes_on_once_there_is_room(tmp_path):
    # Cuts make pictures, and so files, of different sizes.
    values = {"W": 160, "H": 128, "max_frames": 24, "diffusion_cadence": 1, "strength_schedule": "0: (0)"}
    settings = write_settings(tmp_path, **values)
    assert run_process("render", settings, "--out", tmp_path / "roomy", "--no-video").code == 0
    roomy = [path.read_bytes() for path in frame_files(only_run(tmp_path / "roomy"))]
    sizes = [len(data) for data in roomy]
    too_large = next(f for f in range(3, 24) if sizes[f] > max(sizes[:f]))
    limit = limited(sizes[too_large] - 1)
    said = run_process("render", settings, "--out", tmp_path / "full", "--no-video", **limit)
    assert said.code == 2
    assert said.out == ""
    folder = only_run(tmp_path / "full")
    kept = whole_and_alone(folder)
    assert kept[0] == 0
    assert too_large not in kept
    (error,) = said.errors
    assert " could not be written: " in error
    assert "Make room or choose another output folder" in error
    assert f"The {24 - len(kept)} frames still to come need about " in error
    assert f"The frames made so far are kept.\nTo go on: render --resume {folder}" in said.err
    assert "Traceback" not in said.err
    assert run_process("render", "--resume", folder, "--no-video").code == 0
    assert [path.read_bytes() for path in frame_files(folder)] == roomy


@posix
def test_a_disk_too_full_for_the_video_keeps_all_frames(tmp_path):
    settings = write_settings(tmp_path, max_frames=60, diffusion_cadence=1, strength_schedule="0: (0)")
    said = run_process("render", settings, "--out", tmp_path / "out", "--crf", "0", **limited(40_000))
    assert said.code == 2
    folder = only_run(tmp_path / "out")
    assert whole_and_alone(folder) == list(range(60))
    assert not list(folder.glob("*.mp4"))
    assert f"The frames made so far are kept.\nTo go on: render --resume {folder}" in said.err
    assert "Traceback" not in said.err
