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
from tiny_diffusion import diffusers_or_skip, flux_of_any_size, write_lora, write_single_file

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

REQUEST = DiffusionRequest(64, 64, "a red lighthouse", "blurry", seed=5, steps=2)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("sd", ".safetensors"), ("sd", ".ckpt"), *((name, ".safetensors") for name in ("sd2", "sd2-v", "sdxl", "sd3"))],
)
def test_a_single_file_is_the_same_model_as_the_folder(tmp_path, tiny_model, open_tiny, name, suffix):
    file = write_single_file(tmp_path, tiny_model(name), suffix=suffix)
    of_file = open_tiny(name, model=str(file)).diffuse(REQUEST)
    of_folder = open_tiny(name).diffuse(REQUEST)
    assert_same(of_file.image, of_folder.image)
    assert of_file.used["Model"] == name


class TestStableDiffusion2:
    """Whether it predicts noise or velocity is not in the file."""

    def prediction(self, open_tiny, file, **options):
        return open_tiny("sd2", model=str(file), **options)._model.scheduler.config.prediction_type

    def test_the_configuration_says_it(self, tmp_path, tiny_model, open_tiny):
        for name, prediction in (("sd2", "epsilon"), ("sd2-v", "v_prediction")):
            file = write_single_file(tmp_path, tiny_model(name))
            assert self.prediction(open_tiny, file) == prediction
            assert self.prediction(open_tiny, file, config=tiny_model(name)) == prediction

    def test_the_yaml_of_web_uis_says_it(self, tmp_path, tiny_model, open_tiny):
        file = write_single_file(tmp_path, tiny_model("sd2"))
        file.with_suffix(".yaml").write_text('model:\n  params:\n    parameterization: "v"\n')
        assert self.prediction(open_tiny, file) == "v_prediction"

    @pytest.mark.parametrize(("mean", "prediction"), [(-3.0, "v_prediction"), (0.0, "epsilon")])
    def test_where_nothing_says_it_the_model_is_asked(
        self, tmp_path, tiny_model, open_tiny, monkeypatch, mean, prediction
    ):
        import torch
        from diffusers import UNet2DConditionModel

        folder = tmp_path / "made" / "sd2"
        shutil.copytree(tiny_model("sd2"), folder)
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        with torch.no_grad():
            unet.conv_out.weight.zero_()
            unet.conv_out.bias.fill_(mean)
        unet.save_pretrained(folder / "unet")
        file = write_single_file(tmp_path, folder, config=False)
        monkeypatch.setattr("deforum_helpers.hosts.diffusers.single_file._cached_config", lambda _: tiny_model("sd2-v"))
        assert self.prediction(open_tiny, file) == prediction


def assert_same(image, other):
    """But for rounding: how weights lie in memory decides how their products are summed up."""
    assert np.abs(image.astype(int) - other).max() <= 1


class TestPartsThatAFileLacks:
    def test_stand_in_the_folder_of_its_configuration(self, tmp_path, tiny_model, open_tiny):
        file = write_single_file(tmp_path, tiny_model("flux"), config=False)
        with flux_of_any_size():
            of_file = open_tiny("flux", model=str(file), config=tiny_model("flux")).diffuse(REQUEST).image
        assert_same(of_file, open_tiny("flux").diffuse(REQUEST).image)

    def test_are_all_named_where_they_are_nowhere(self, tmp_path, tiny_model, open_tiny):
        file = write_single_file(tmp_path, tiny_model("flux"))
        with pytest.raises(EngineError) as caught:
            open_tiny("flux", model=str(file))
        told = str(caught.value)
        assert "text_encoder (CLIPTextModel), text_encoder_2 (T5EncoderModel), vae (AutoencoderKL)" in told
        assert str(tmp_path / "flux") in told
        assert "--model-config, or name a VAE file with --vae" in told

    def test_a_vae_may_be_named_alone(self, tmp_path, tiny_model, open_tiny):
        config = tmp_path / "config"
        shutil.copytree(tiny_model("flux"), config)
        (weights,) = (config / "vae").glob("*.safetensors")
        weights.unlink()
        file = write_single_file(tmp_path, tiny_model("flux"), config=False)
        with pytest.raises(EngineError, match=r"lacks parts of the model: vae \(AutoencoderKL\)"):
            open_tiny("flux", model=str(file), config=config)
        with flux_of_any_size():
            made = open_tiny("flux", model=str(file), config=config, vae=tiny_model("flux")).diffuse(REQUEST)
        assert_same(made.image, open_tiny("flux").diffuse(REQUEST).image)

    def test_stable_diffusion_3_does_without_t5_and_says_so(self, tmp_path, tiny_model, open_tiny):
        file = write_single_file(tmp_path, tiny_model("sd3"))
        index = tmp_path / "sd3" / "model_index.json"
        parts = json.loads(index.read_text())
        wanted = {"text_encoder_3": ["transformers", "T5EncoderModel"], "tokenizer_3": ["transformers", "T5Tokenizer"]}
        index.write_text(json.dumps(parts | wanted))
        engine = open_tiny("sd3", model=str(file))
        assert "no T5 text encoder" in str(engine.findings[0])
        assert_same(engine.diffuse(REQUEST).image, open_tiny("sd3").diffuse(REQUEST).image)


@pytest.mark.parametrize(
    ("keys", "architecture"),
    [
        ({"cond_stage_model.transformer.x": (1,), "model.diffusion_model.x": (1,)}, "SD 1"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}, "SD 1 inpainting"),
        ({"cond_stage_model.model.x": (1,), "model.diffusion_model.x": (1,)}, "SD 2"),
        ({"conditioner.embedders.0.x": (1,)}, "SDXL"),
        ({"model.diffusion_model.joint_blocks.0.x": (1,)}, "SD3"),
        ({"model.diffusion_model.joint_blocks.37.x": (1,)}, "SD3.5 large"),
        ({"model.diffusion_model.joint_blocks.0.x_block.attn2.qkv.weight": (1,)}, "SD3.5 medium"),
        ({"double_blocks.0.x": (1,), "guidance_in.in_layer.weight": (1,)}, "Flux dev"),
        ({"double_blocks.0.x": (1,)}, "Flux schnell"),
    ],
)
def test_architectures_are_told_apart_by_their_weights(keys, architecture):
    diffusers_or_skip()
    from deforum_helpers.hosts.diffusers.single_file import architecture_in

    assert architecture_in(keys) == architecture


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
