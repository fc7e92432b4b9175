"""The diffusers engine from the command line."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.cli import main
from deforum_helpers.hosts.webui.infotext import parse_infotext
from deforum_helpers.media.store import read_image
from tiny_diffusion import flux_of_any_size, one_thread, write_single_file

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

SETTINGS = {
    "W": 64,
    "H": 48,
    "max_frames": 12,
    "animation_mode": "3D",
    "diffusion_cadence": 3,
    "neocore_key_index_distribution": "Uniform Spacing",
    "color_coherence": "LAB",
    "strength_schedule": "0: (0.6)",
    "translation_z": "0: (2)",
    "rotation_3d_y": "0: (1)",
    "steps": 4,
    "sampler": "DPM++ 2M Karras",
    "seed": 7,
    "add_soundtrack": "None",
    "use_depth_warping": False,
    "prompts": {"0": "a (red:1.2) lighthouse --neg blurry", "6": "a teal ocean AND a cliff:0.3"},
}


@pytest.fixture
def render(tmp_path, capsys):
    (tmp_path / "settings.txt").write_text(json.dumps(SETTINGS))

    def run(name, *options):
        out = tmp_path / name
        with one_thread():
            code = main(["render", str(tmp_path / "settings.txt"), "--out", str(out), *map(str, options)])
        said = capsys.readouterr()
        frames = [read_image(path) for path in sorted(out.rglob("*_?????????.png"))] if out.is_dir() else []
        return code, frames, said

    return run


def test_a_3d_render_with_cadence_and_colour_coherence(tmp_path, tiny_model, render):
    file = write_single_file(tmp_path / "models", tiny_model("sd"))
    code, frames, said = render("one", "--engine", "diffusers", "--model", file, "--device", "cpu", "--json")
    assert code == 0, said.err
    report = json.loads(said.out.splitlines()[-1])
    assert (report["frames"], report["key_frames"]) == (12, 4)
    assert Path(report["video"]).is_file()
    assert len(frames) == 12
    for before, after in itertools.pairwise(frames):
        assert not np.array_equal(before, after)
    _, again, _ = render("two", "--engine", "diffusers", "--model", file, "--device", "cpu", "--no-video")
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))
    _, other, _ = render(
        "three", "--engine", "diffusers", "--model", file, "--device", "cpu", "--no-video", "--set", "seed=8"
    )
    assert not np.array_equal(other[0], frames[0])


def test_a_folder_and_what_is_not_heeded(tiny_model, render):
    code, frames, said = render(
        *("xl", "--engine", "diffusers", "--model", tiny_model("sdxl"), "--no-video", "--set", "max_frames=3"),
        *("--set", "restore_faces=true", "--set", "sampler=Restart"),
    )
    assert code == 0, said.err
    assert len(frames) == 3
    assert said.err.count("does not heed: restore_faces.") == 1
    assert said.err.count("in its place comes Heun") == 1


@pytest.mark.parametrize("name", ["sd2-v", "sd3", "flux"])
def test_single_files_of_every_architecture(tmp_path, tiny_model, render, name):
    file = write_single_file(tmp_path / "models", tiny_model(name), config=False)
    options = ("--engine", "diffusers", "--model", file, "--model-config", tiny_model(name), "--device", "cpu")
    with flux_of_any_size():
        code, frames, said = render("out", *options, "--no-video", "--set", "max_frames=7", "--set", "steps=2")
    assert code == 0, said.err
    assert len(frames) == 7
    for before, after in itertools.pairwise(frames):
        assert not np.array_equal(before, after)


def test_frames_say_what_they_were_made_with(tmp_path, tiny_model, render):
    code, _, said = render(
        *("told", "--engine", "diffusers", "--model", tiny_model("sd"), "--no-video", "--set", "max_frames=5"),
        "--infotext",
    )
    assert code == 0, said.err
    with Pillow.open(sorted((tmp_path / "told").rglob("*_?????????.png"))[4]) as picture:
        text = picture.info["parameters"]
    assert text.splitlines()[:2] == ["a (red:1.2) lighthouse", "Negative prompt: blurry"]
    used = parse_infotext(text)
    assert (used["Steps"], used["Sampler"], used["Schedule type"]) == (4, "DPM++ 2M", "Karras")
    assert (used["Size"], used["Denoising strength"]) == ("64x48", 0.4)
    assert (used["Deforum frame"], used["Deforum key frame"]) == (4, 3)


def test_mistakes_are_told_before_anything_is_written(tmp_path, render):
    code, _, said = render("none", "--engine", "diffusers")
    assert code == 1
    assert "--engine diffusers needs a model" in said.err
    code, _, said = render("none", "--engine", "diffusers", "--model", tmp_path / "gone.safetensors")
    assert code == 2
    assert "There is no model" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("missing", ["diffusers", "compel"])
def test_without_its_packages_the_engine_says_so(render, monkeypatch, missing):
    for name in [name for name in sys.modules if name.startswith("deforum_helpers.hosts.diffusers")]:
        monkeypatch.delitem(sys.modules, name)
    for name in {missing, *(name for name in sys.modules if name.startswith(f"{missing}."))}:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, said = render("none", "--engine", "diffusers", "--model", "x")
    assert code == 2
    assert "pip install -r requirements-diffusers.txt" in said.err


def test_doctor_says_which_engines_work(capsys, monkeypatch):
    main(["doctor"])
    said = capsys.readouterr().out
    assert "engine preview" in said
    assert "engine diffusers" in said
    assert "pix2pix_cfg_scale" in said
    from deforum_helpers.cli import doctor

    found = doctor.importlib.util.find_spec
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name == "peft" else found(name))
    (check,) = (check for check in doctor.examine(Path()) if check.name == "engine diffusers")
    assert check.state == "optional"
    assert "peft" in check.detail
    assert "requirements-diffusers.txt" in check.fix
