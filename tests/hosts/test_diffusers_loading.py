"""Models from folders and single files, names, and what is said when there are none."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.diffusers.names import find_weights, weights_in
from deforum_helpers.ports import DiffusionRequest
from tiny_diffusion import diffusers_or_skip, write_lora, write_single_file

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

REQUEST = DiffusionRequest(64, 64, "a red lighthouse", "blurry", seed=5, steps=2)


@pytest.mark.parametrize(("name", "suffix"), [("sd", ".safetensors"), ("sd", ".ckpt"), ("sdxl", ".safetensors")])
def test_a_single_file_is_the_same_model_as_the_folder(tmp_path, tiny_model, open_tiny, name, suffix):
    file = write_single_file(tmp_path, tiny_model(name), suffix=suffix)
    of_file = open_tiny(name, model=str(file)).diffuse(REQUEST)
    of_folder = open_tiny(name).diffuse(REQUEST)
    assert np.array_equal(of_file.image, of_folder.image)
    assert of_file.used["Model"] == name


def test_an_inpainting_model_by_its_own_class(tmp_path, tiny_model, open_tiny):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model("sd-inpainting"), folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "StableDiffusionInpaintPipeline"}))
    of_its_class = open_tiny("sd", model=str(folder)).diffuse(REQUEST).image
    assert np.array_equal(of_its_class, open_tiny("sd-inpainting").diffuse(REQUEST).image)


def test_a_file_finds_its_configuration_where_it_is_told(tmp_path, tiny_model, open_tiny, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file = write_single_file(tmp_path, tiny_model("sd"), config=False)
    with pytest.raises(EngineError, match=r"holds weights only.*--model-config"):
        open_tiny("sd", model=str(file))
    assert open_tiny("sd", model=str(file), config=tiny_model("sd")).diffuse(REQUEST).image.any()


def test_what_is_no_model_is_refused(tmp_path, tiny_model, open_tiny):
    with pytest.raises(EngineError, match=r"no model 'nowhere'; looked at .*nowhere.*--download"):
        open_tiny("sd", model="nowhere")
    with pytest.raises(EngineError, match=r"cache of Hugging Face for some/thing"):
        open_tiny("sd", model="some/thing")
    with pytest.raises(EngineError, match=r"model_index.json is not in it"):
        open_tiny("sd", model=str(tmp_path))
    (tmp_path / "text.txt").write_text("x")
    with pytest.raises(EngineError, match=r"must end in .safetensors or .ckpt"):
        open_tiny("sd", model=str(tmp_path / "text.txt"))
    (tmp_path / "broken.safetensors").write_bytes(b"\1\0\0\0\0\0\0\0x")
    with pytest.raises(EngineError, match=r"Loading the model .*broken.safetensors failed"):
        open_tiny("sd", model=str(tmp_path / "broken.safetensors"))
    lora = write_lora(tmp_path / "style.safetensors", tiny_model("sd"))
    with pytest.raises(EngineError, match=r"looks like a LoRA"):
        open_tiny("sd", model=str(lora))


def test_an_architecture_that_is_not_driven_is_named(tmp_path, open_tiny):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableCascadeCombinedPipeline"}))
    with pytest.raises(EngineError, match=r"StableCascadeCombinedPipeline.*Supported are"):
        open_tiny("sd", model=str(tmp_path))


def test_a_device_or_precision_that_is_not_there_is_refused(open_tiny):
    with pytest.raises(EngineError, match=r"'cuda:77' is not there. Allowed here: auto, cpu"):
        open_tiny("sd", device="cuda:77")
    with pytest.raises(EngineError, match=r"fp16 needs a GPU"):
        open_tiny("sd", precision="fp16")


def test_bf16_computes(open_tiny):
    exact, rounded = (open_tiny("sd", precision=p).diffuse(REQUEST).image.astype(int) for p in ("fp32", "bf16"))
    assert 0 < np.abs(exact - rounded).mean() < 60


def test_the_checkpoint_of_a_request_is_used_and_an_unknown_one_named(tmp_path, tiny_model, open_tiny):
    for name in ("sd", "sdxl"):
        write_single_file(tmp_path, tiny_model(name))
    engine = open_tiny("sd", model=str(tmp_path / "sd.safetensors"))
    before = engine.diffuse(REQUEST).image
    other = engine.diffuse(replace(REQUEST, checkpoint="SDXL.safetensors [0123abcd]"))
    assert other.used["Model"] == "sdxl"
    assert np.array_equal(other.image, open_tiny("sdxl").diffuse(REQUEST).image)
    assert np.array_equal(engine.diffuse(replace(REQUEST, checkpoint="sd")).image, before)
    with pytest.raises(EngineError, match=rf"no checkpoint 'sdx' \(looked in {tmp_path}\). Nearest: sd"):
        engine.diffuse(replace(REQUEST, checkpoint="sdx"))
    assert np.array_equal(engine.diffuse(REQUEST).image, before)


def test_a_checkpoint_that_cannot_be_loaded_leaves_the_old_one(tmp_path, tiny_model, open_tiny):
    write_single_file(tmp_path, tiny_model("sd"))
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    engine = open_tiny("sd", model=str(tmp_path / "sd.safetensors"))
    before = engine.diffuse(REQUEST).image
    with pytest.raises(EngineError, match="broken"):
        engine.diffuse(replace(REQUEST, checkpoint="broken"))
    assert np.array_equal(engine.diffuse(REQUEST).image, before)


def test_a_vae_takes_the_place_of_the_models_own(tmp_path, tiny_model, open_tiny):
    diffusers_or_skip()
    import diffusers
    import torch

    vae = diffusers.AutoencoderKL.from_pretrained(tiny_model("sd"), subfolder="vae")
    with torch.no_grad():
        vae.decoder.conv_out.bias.add_(0.5)
    vae.save_pretrained(tmp_path / "bright")
    own, bright = (open_tiny("sd", vae=v).diffuse(REQUEST) for v in (None, tmp_path / "bright"))
    assert "VAE" not in own.used
    assert bright.used["VAE"] == "bright"
    assert bright.image.mean() > own.image.mean() + 5
    engine = open_tiny("sd", models_folder=tmp_path)
    assert np.array_equal(engine.diffuse(replace(REQUEST, vae="bright")).image, bright.image)
    assert np.array_equal(engine.diffuse(replace(REQUEST, vae="Automatic")).image, own.image)
    with pytest.raises(EngineError, match=r"no VAE 'brigth'.*Nearest: bright"):
        engine.diffuse(replace(REQUEST, vae="brigth"))


def test_names_of_files(tmp_path):
    (tmp_path / "styles").mkdir()
    for name in ("Alpha.safetensors", "styles/beta.v2.safetensors", "notes.txt"):
        (tmp_path / name).write_text("")
    assert list(weights_in(tmp_path)) == ["Alpha", "styles/beta.v2"]
    for name, file in (
        ("alpha", "Alpha.safetensors"),
        ("Alpha.safetensors", "Alpha.safetensors"),
        ("Alpha.safetensors [0a1b2c]", "Alpha.safetensors"),
        ("beta.v2", "styles/beta.v2.safetensors"),
        ("styles/beta.v2", "styles/beta.v2.safetensors"),
    ):
        assert find_weights(name, (None, tmp_path), "LoRA", "--lora-dir") == tmp_path / file
    with pytest.raises(EngineError, match=r"no folder is set; name it with --lora-dir DIR"):
        find_weights("alpha", (None,), "LoRA", "--lora-dir")
