"""Going on with runs that keep compressed images, or none: the video is that of a run that was never cut off."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from deforum_helpers.cli import main
from deforum_helpers.media.ffmpeg import find_ffmpeg, probe
from deforum_helpers.media.journal import Journal

FRAMES = 40
SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": FRAMES,
    "diffusion_cadence": 3,
    "seed": 5,
    "zoom": "0:(1.03)",
    "color_coherence": "LAB",
    "noise_schedule": "0:(0.05)",
    "legacy_colormatch": False,
    "prompts": {"0": "a harbour at dusk"},
}
JPEG, WEBP, NONE = ("--image-format", "jpg"), ("--image-format", "webp"), ("--no-images",)
KINDS = pytest.mark.parametrize("kind", [JPEG, WEBP, NONE], ids=["jpg", "webp", "none"])


@pytest.fixture
def render(tmp_path, capsys) -> Callable[..., tuple[int, dict, str]]:
    """Render in this process: exit code, the JSON result if it worked, and what was said."""
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))

    def run(*arguments: str) -> tuple[int, dict, str]:
        chosen = ("--out", str(tmp_path / "runs"), "--json", "--threads", "2", "--preset", "ultrafast")
        code = main(["render", *chosen, *arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1]) if code == 0 else {}, said.err

    return run


@pytest.fixture
def whole(render, tmp_path) -> Callable[..., Path]:
    """The folder of a finished run whose journal was kept."""

    def make(*options: str) -> Path:
        code, result, said = render(str(tmp_path / "settings.txt"), "--keep-journal", *options)
        assert code == 0, said
        return Path(result["outdir"])

    return make


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*_0????????.*"))}


def video_of(folder: Path) -> Path:
    (video,) = folder.glob("*.mp4")
    return video


def diffused(folder: Path) -> int:
    (report,) = folder.glob("*_report.json")
    return json.loads(report.read_text())["diffused"]


def journal_of(folder: Path) -> Journal:
    (path,) = folder.glob("*_journal")
    return Journal(path)


def cut_off(folder: Path, frame: int, key: int) -> None:
    """As if the run had died before that frame and that key frame were written."""
    for path in sorted(folder.glob("*_0????????.*"))[frame:]:
        path.unlink()
    for path in sorted(journal_of(folder).folder.glob("key_*.zip"))[key:]:
        path.unlink()
    video_of(folder).unlink()


@pytest.mark.parametrize(("kind", "extension"), [(JPEG, "jpg"), (WEBP, "webp")], ids=["jpg", "webp"])
def test_every_frame_is_an_image_of_the_chosen_format(whole, kind, extension):
    folder = whole(*kind)
    found = sorted(folder.glob("*_0????????.*"))
    assert [path.name[14:] for path in found] == [f"_{index:09}.{extension}" for index in range(FRAMES)]
    with Image.open(found[3]) as opened:
        assert (opened.size, opened.format) == ((64, 48), {"jpg": "JPEG", "webp": "WEBP"}[extension])


def test_without_images_the_video_is_all_there_is(render, whole, tmp_path):
    with_images = video_of(whole()).read_bytes()
    _, result, _ = render(str(tmp_path / "settings.txt"), *NONE)
    folder = Path(result["outdir"])
    stamp = result["timestring"]
    assert {path.name for path in folder.iterdir()} == {
        f"{stamp}.mp4",
        f"{stamp}_settings.txt",
        f"{stamp}_report.json",
    }
    assert Path(result["video"]).read_bytes() == with_images


@KINDS
@pytest.mark.parametrize(("frame", "key"), [(0, 1), (7, 4), (30, 12), (39, 14)])
def test_a_resumed_run_equals_one_that_was_not_cut_off(render, whole, kind, frame, key):
    folder = whole(*kind)
    expected, video, keys = images(folder), video_of(folder).read_bytes(), len(journal_of(folder).positions())
    cut_off(folder, frame, key)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*_0????????.*")}
    code, result, said = render("--resume", str(folder))
    assert code == 0, said
    assert images(folder) == expected
    assert video_of(folder).read_bytes() == video
    assert result["frames"] == FRAMES
    assert diffused(folder) == keys - key
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(folder.glob("*_journal"))


@KINDS
def test_a_damaged_key_frame_is_diffused_again(render, whole, kind):
    folder = whole(*kind)
    expected, video, keys = images(folder), video_of(folder).read_bytes(), len(journal_of(folder).positions())
    cut_off(folder, 25, 10)
    damaged = journal_of(folder).folder / "key_000006.zip"
    damaged.write_bytes(damaged.read_bytes()[:-60])
    assert render("--resume", str(folder))[0] == 0
    assert diffused(folder) == keys - 6
    assert images(folder) == expected
    assert video_of(folder).read_bytes() == video


def test_a_damaged_image_is_written_again(render, whole):
    folder = whole(*JPEG)
    expected = images(folder)
    video_of(folder).unlink()
    damaged = sorted(folder.glob("*_0????????.jpg"))[4]
    damaged.write_bytes(damaged.read_bytes()[:300])
    assert render("--resume", str(folder))[0] == 0
    assert images(folder) == expected


def test_without_a_journal_the_compressed_images_are_better_than_nothing(render, whole):
    folder = whole(*JPEG)
    cut_off(folder, 25, 0)
    before = images(folder)
    for path in journal_of(folder).folder.iterdir():
        path.unlink()
    code, _, said = render("--resume", str(folder))
    assert code == 0
    assert "no journal" in said
    assert len(images(folder)) == FRAMES
    assert images(folder).items() >= before.items()
    assert probe(video_of(folder), count_frames=True).frames == FRAMES


def test_compressed_images_without_a_video_are_taken_as_they_are(render, whole):
    folder = whole(*JPEG, "--no-video")
    expected = images(folder)
    # Nothing has to be made again but what is missing, so the journal holds the last key frames only.
    assert journal_of(folder).positions()[0] > 0
    for path in sorted(folder.glob("*_0????????.jpg"))[36:]:
        path.unlink()
    assert render("--resume", str(folder), "--no-video")[0] == 0
    assert images(folder) == expected


@pytest.mark.skipif(os.name != "posix", reason="needs a shell script")
@KINDS
def test_a_dying_ffmpeg_changes_nothing_of_the_video(render, whole, kind, tmp_path, monkeypatch):
    folder = whole(*kind)
    expected = video_of(folder).read_bytes()
    real, count = shlex.quote(str(find_ffmpeg())), shlex.quote(str(tmp_path / "encodings"))
    script = tmp_path / "ffmpeg.sh"
    script.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *pipe:0*) echo x >> {count}\n'
        f"  if [ $(wc -l < {count}) -le 1 ]; then head -c 90000 > /dev/null; echo 'lost heart' >&2; exit 3; fi;;\n"
        f'esac\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("DEFORUM_FFMPEG", str(script))
    code, result, said = render(str(tmp_path / "settings.txt"), *kind)
    assert code == 0, said
    assert "the video was made again" in said
    assert "lost heart" in said
    assert Path(result["video"]).read_bytes() == expected
    assert diffused(Path(result["outdir"])) == len(journal_of(folder).positions())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--no-video",), "nothing would be left"),
        (("--set", "skip_video_creation=true"), "nothing would be left"),
        (("--preview-every", "5"), "made of the images"),
    ],
)
def test_what_makes_no_sense_without_images_is_refused(render, tmp_path, options, says):
    code, _, said = render(str(tmp_path / "settings.txt"), "--no-images", *options)
    assert code == 1
    assert says in said
    assert not (tmp_path / "runs").exists()


def test_a_preview_video_can_be_made_of_compressed_images(render, tmp_path):
    for kind in (JPEG, WEBP):
        _, result, said = render(str(tmp_path / "settings.txt"), *kind, "--preview-every", "10")
        assert "no further previews" not in said
        preview = Path(result["outdir"]) / f"{result['timestring']}_preview.mp4"
        assert probe(preview, count_frames=True).frames >= 10
