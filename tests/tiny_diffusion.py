"""Diffusion models of the real architectures, tiny and randomly initialised, written to disk as the real ones lie.

They are folders of diffusers, and single files with the names of weights that Stability AI's own code gives them, each
beside a folder that holds its configuration and no weights.
"""

from __future__ import annotations

import json
import re
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

WORDS = (
    *("a", "an", "the", "of", "on", "at", "in", "and", "with", "red", "teal", "blue", "green", "old", "new", "big"),
    *("lighthouse", "cliff", "ocean", "night", "blurry", "something", "else", "dog", "cat", "tree", "house", "sky"),
)
TOKENS = 77
HIDDEN = {"SD": 32, "SD2": 32, "SDXL": 32 + 48}


def diffusers_or_skip():
    """The module diffusers, if it and what it needs are installed."""
    for name in ("torch", "transformers", "compel", "peft", "accelerate"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("diffusers", reason="diffusers is not installed")


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of CLIP's kind that knows letters and a few words."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(c) for c in range(33, 127)]
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    merges = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pair = f"{pieces[0]} {pieces[1]}"
            if pair not in merges:
                merges.append(pair)
            pieces[:2] = [pieces[0] + pieces[1]]
            if pieces[0] not in vocabulary:
                vocabulary.append(pieces[0])
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    config = {**special, "pad_token": "<|endoftext|>", "model_max_length": TOKENS, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps({**special, "pad_token": "<|endoftext|>"}))


def _tokenizer(folder):
    from transformers import CLIPTokenizer

    write_tokenizer(folder)
    return CLIPTokenizer.from_pretrained(folder)


def _lively(network, gain=1.0):
    """Wider weights than by default, or so small a network answers with nearly nothing."""
    import torch

    for weights in network.parameters():
        if weights.dim() > 1:
            torch.nn.init.kaiming_normal_(weights)
            weights.data *= gain
    return network.eval()


def _text_encoder(tokenizer, hidden, *, projected=False, layers=3):
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        projection_dim=hidden,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    network = _lively((CLIPTextModelWithProjection if projected else CLIPTextModel)(config))
    # Or the mean of what it answers would be nothing but rounding, which no trained one's is.
    torch.nn.init.normal_(network.text_model.final_layer_norm.bias, mean=0.2, std=0.3)
    return network


@contextmanager
def one_thread():
    """So small networks are fastest so, and two at work on a busy machine wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _vae(shift=None):
    """Smooth, with a last layer that gives contrast."""
    import torch
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        shift_factor=shift,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=4.0,  # what makes of its answers numbers as large as the noise
    )
    torch.nn.init.kaiming_normal_(vae.decoder.conv_out.weight)
    return vae.eval()


def _unet(family, channels=4):
    from diffusers import UNet2DConditionModel

    blocks = (16, 32)
    extra = {"use_linear_projection": True} if family == "SD2" else {}
    if family == "SDXL":
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 8 * 6 + 48,
            "use_linear_projection": True,
        }
    unet = UNet2DConditionModel(
        block_out_channels=blocks,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=HIDDEN[family],
        attention_head_dim=4,
        norm_num_groups=4,
        in_channels=channels,
        sample_size=8,
        **extra,
    )
    return _lively(unet, 0.5)


def _seeded(build):
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build()


def _sd(folder, channels=4, family="SD", prediction="epsilon"):
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    tokenizer = _tokenizer(folder / "tokenizer")
    return StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(tokenizer, HIDDEN[family]),
        tokenizer=tokenizer,
        unet=_unet(family, channels),
        scheduler=PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
            prediction_type=prediction,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(folder):
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    tokenizers = [_tokenizer(folder / name) for name in ("tokenizer", "tokenizer_2")]
    return StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(tokenizers[0], 32),
        text_encoder_2=_text_encoder(tokenizers[1], 48, projected=True),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=_unet("SDXL"),
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        add_watermarker=False,
    )


def _sd3(folder):
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    tokenizers = [_tokenizer(folder / name) for name in ("tokenizer", "tokenizer_2")]
    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=32 + 48,
        caption_projection_dim=32,
        pooled_projection_dim=32 + 48,
        out_channels=4,
        pos_embed_max_size=32,
    )
    first = _text_encoder(tokenizers[0], 32, projected=True)
    torch.nn.init.eye_(first.text_projection.weight)  # as it is in the real one, whose single file leaves it out
    return StableDiffusion3Pipeline(
        vae=_vae(shift=0.1),
        text_encoder=first,
        text_encoder_2=_text_encoder(tokenizers[1], 48, projected=True),
        text_encoder_3=None,
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        tokenizer_3=None,
        transformer=_lively(transformer, 0.5),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _flux(folder):
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    tokenizers = [_tokenizer(folder / name) for name in ("tokenizer", "tokenizer_2")]
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    t5 = T5Config(
        vocab_size=len(tokenizers[1]), d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=2, tie_word_embeddings=False
    )
    return FluxPipeline(
        vae=_vae(shift=0.1),
        text_encoder=_text_encoder(tokenizers[0], 32),
        text_encoder_2=_lively(T5EncoderModel(t5)),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        transformer=_lively(transformer, 0.7),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
    )


_BUILDERS = {
    "sd": _sd,
    "sd-inpainting": lambda folder: _sd(folder, 9),
    "sd2": lambda folder: _sd(folder, family="SD2"),
    "sd2-v": lambda folder: _sd(folder, family="SD2", prediction="v_prediction"),
    "sdxl": _sdxl,
    "sd3": _sd3,
    "flux": _flux,
}


def write_model(folder: Path, name: str) -> Path:
    """Write the tiny model ``name`` as a diffusers folder ``folder/name``."""
    diffusers_or_skip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe = _seeded(lambda: _BUILDERS[name](folder / f".{name}"))
        pipe.save_pretrained(folder / name, safe_serialization=True)
    shutil.rmtree(folder / f".{name}")
    return folder / name


@contextmanager
def flux_of_any_size():
    """diffusers splits a layer of Flux's single files at the one width that Flux has; here at that of the tiny one."""
    from types import FunctionType
    from unittest.mock import patch

    from diffusers.loaders import single_file_model

    loadable = single_file_model.SINGLE_FILE_LOADABLE_CLASSES["FluxTransformer2DModel"]
    convert = loadable["checkpoint_mapping_fn"]
    constants = tuple(32 if constant == 3072 else constant for constant in convert.__code__.co_consts)
    tiny = FunctionType(convert.__code__.replace(co_consts=constants), convert.__globals__)
    with patch.dict(loadable, checkpoint_mapping_fn=tiny):
        yield


def write_controlnet(folder: Path, name: str, model: Path) -> Path:
    """Write a ControlNet for the UNet of the diffusers folder ``model`` that really says something."""
    import torch
    from diffusers import ControlNetModel, UNet2DConditionModel

    def build():
        unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet")
        network = ControlNetModel.from_unet(unet, conditioning_channels=3)
        for zero in (*network.controlnet_down_blocks, network.controlnet_mid_block):
            torch.nn.init.normal_(zero.weight, std=0.3)
        torch.nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.3)
        return network

    _seeded(build).save_pretrained(folder / name, safe_serialization=True)
    return folder / name


def write_single_file(folder: Path, model: Path, *, suffix: str = ".safetensors", config: bool = True) -> Path:
    """The diffusers folder ``model`` as one file in ``folder`` with its configuration beside it.

    Flux as it is given away: the transformer alone.
    """
    import torch
    from safetensors.torch import load_file, save_file

    def part(name):
        (path,) = (model / name).glob("*.safetensors")
        return load_file(path)

    folder.mkdir(parents=True, exist_ok=True)
    family = json.loads((model / "model_index.json").read_text())["_class_name"]
    if family.startswith("Flux"):
        state = _flux_weights(part("transformer"))
    elif family.startswith("StableDiffusion3"):
        state = {f"model.diffusion_model.{k}": v for k, v in _sd3_weights(part("transformer")).items()}
        state |= {
            f"text_encoders.clip_l.transformer.{k}": v
            for k, v in part("text_encoder").items()
            if not k.startswith("text_projection")
        }
        state |= {f"text_encoders.clip_g.transformer.{k}": v for k, v in part("text_encoder_2").items()}
    else:
        state = {f"model.diffusion_model.{_unet_key(key)}": value for key, value in part("unet").items()}
        if (model / "text_encoder_2").is_dir():
            state |= {f"conditioner.embedders.0.transformer.{k}": v for k, v in part("text_encoder").items()}
            state |= _open_clip(part("text_encoder_2"), "conditioner.embedders.1.model.")
        elif model.name.startswith("sd2"):
            state |= _open_clip(part("text_encoder"), "cond_stage_model.model.")
        else:
            state |= {f"cond_stage_model.transformer.{k}": v for k, v in part("text_encoder").items()}
    if not family.startswith("Flux"):
        state |= dict(_vae_weight(key, value) for key, value in part("vae").items())
    path = folder / f"{model.name}{suffix}"
    state = {key: value.clone().contiguous() for key, value in state.items()}
    save_file(state, path) if suffix == ".safetensors" else torch.save({"state_dict": state}, path)
    if config:
        shutil.copytree(model, folder / model.name, ignore=shutil.ignore_patterns("*.safetensors"))
    return path


_UNET_NAMES = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESNET_NAMES = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}


def _unet_key(key):
    """The original name of a weight of a UNet with one layer per block."""
    for ours, theirs in _UNET_NAMES.items():
        if key.startswith(f"{ours}."):
            return theirs + key[len(ours) :]
    place, *rest = key.split(".")
    block = int(rest.pop(0)) if place != "mid_block" else 0
    kind, layer, rest = rest[0], int(rest[1]), rest[2:]
    if kind == "resnets":
        rest[0] = _RESNET_NAMES[rest[0]]
    tail = ".".join(rest)
    if place == "mid_block":
        return f"middle_block.{2 * layer if kind == 'resnets' else 1}.{tail}"
    if place == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{2 * block + 2}.0.op.{rest[-1]}"
        return f"input_blocks.{2 * block + 1 + layer}.{int(kind == 'attentions')}.{tail}"
    if kind == "upsamplers":
        return f"output_blocks.{2 * block + 1}.2.conv.{rest[-1]}"  # only the block with attentions has one
    return f"output_blocks.{2 * block + layer}.{int(kind == 'attentions')}.{tail}"


_VAE_NAMES = (
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"down_blocks\.(\d)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0\.", "up.3."),
    (r"up_blocks\.1\.", "up.2."),
    (r"up_blocks\.2\.", "up.1."),
    (r"up_blocks\.3\.", "up.0."),
    (r"up\.(\d)\.resnets\.", r"up.\1.block."),
    (r"upsamplers\.0", "upsample"),
    (r"conv_shortcut", "nin_shortcut"),
    (r"conv_norm_out", "norm_out"),
    (r"group_norm", "norm"),
    (r"to_([qkv])", r"\1"),
    (r"to_out\.0", "proj_out"),
)


def _vae_weight(key, value):
    """Original name and shape of a weight of a VAE with four blocks."""
    name = key
    for ours, theirs in _VAE_NAMES:
        name = re.sub(ours, theirs, name)
    return f"first_stage_model.{name}", value[..., None, None] if "attn_1" in name and value.dim() == 2 else value


def _renamed(state, names, parts):
    """``state`` by its original names, and ``parts`` that are made of several: name → theirs."""
    import torch

    found = {}
    taken = set()
    for name, sources in parts.items():
        for end in ("weight", "bias"):
            if f"{sources[0]}.{end}" in state:
                found[f"{name}.{end}"] = torch.cat([state[f"{source}.{end}"] for source in sources])
                taken |= {f"{source}.{end}" for source in sources}
    for key, value in state.items():
        if key in taken:
            continue
        name = key
        for ours, theirs in names:
            name = re.sub(ours, theirs, name)
        found[name] = value
    return found


def _swapped(value):
    """Scale and shift stand the other way round in the original."""
    import torch

    return torch.cat(value.chunk(2)[::-1])


_SD3_NAMES = (
    (r"^pos_embed\.proj", "x_embedder.proj"),
    (r"^pos_embed\.pos_embed", "pos_embed"),
    (r"^time_text_embed\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
    (r"^time_text_embed\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
    (r"^time_text_embed\.text_embedder\.linear_1", "y_embedder.mlp.0"),
    (r"^time_text_embed\.text_embedder\.linear_2", "y_embedder.mlp.2"),
    (r"^transformer_blocks\.(\d+)\.", r"joint_blocks.\1."),
    (r"attn\.to_out\.0", "x_block.attn.proj"),
    (r"attn\.to_add_out", "context_block.attn.proj"),
    (r"norm1\.linear", "x_block.adaLN_modulation.1"),
    (r"norm1_context\.linear", "context_block.adaLN_modulation.1"),
    (r"ff\.net\.0\.proj", "x_block.mlp.fc1"),
    (r"ff\.net\.2", "x_block.mlp.fc2"),
    (r"ff_context\.net\.0\.proj", "context_block.mlp.fc1"),
    (r"ff_context\.net\.2", "context_block.mlp.fc2"),
    (r"^proj_out", "final_layer.linear"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
)


def _sd3_weights(state):
    """A transformer of two blocks by the names of Stability AI."""
    parts = {}
    for block in range(2):
        ours, theirs = f"transformer_blocks.{block}.attn.", f"joint_blocks.{block}."
        parts[f"{theirs}x_block.attn.qkv"] = [f"{ours}to_{letter}" for letter in "qkv"]
        parts[f"{theirs}context_block.attn.qkv"] = [f"{ours}add_{letter}_proj" for letter in "qkv"]
    found = _renamed(state, _SD3_NAMES, parts)
    for name in ("joint_blocks.1.context_block.adaLN_modulation.1", "final_layer.adaLN_modulation.1"):
        for end in ("weight", "bias"):
            found[f"{name}.{end}"] = _swapped(found[f"{name}.{end}"])
    return found


_FLUX_NAMES = (
    (r"^time_text_embed\.timestep_embedder\.linear_", "time_in.linear_"),
    (r"^time_text_embed\.text_embedder\.linear_", "vector_in.linear_"),
    (r"^time_text_embed\.guidance_embedder\.linear_", "guidance_in.linear_"),
    (r"_in\.linear_1", "_in.in_layer"),
    (r"_in\.linear_2", "_in.out_layer"),
    (r"^context_embedder", "txt_in"),
    (r"^x_embedder", "img_in"),
    (r"^proj_out", "final_layer.linear"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
    (r"^transformer_blocks\.(\d+)\.", r"double_blocks.\1."),
    (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
    (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"norm1\.linear", "img_mod.lin"),
    (r"norm1_context\.linear", "txt_mod.lin"),
    (r"attn\.norm_q\.weight", "img_attn.norm.query_norm.scale"),
    (r"attn\.norm_k\.weight", "img_attn.norm.key_norm.scale"),
    (r"attn\.norm_added_q\.weight", "txt_attn.norm.query_norm.scale"),
    (r"attn\.norm_added_k\.weight", "txt_attn.norm.key_norm.scale"),
    (r"ff\.net\.0\.proj", "img_mlp.0"),
    (r"ff\.net\.2", "img_mlp.2"),
    (r"ff_context\.net\.0\.proj", "txt_mlp.0"),
    (r"ff_context\.net\.2", "txt_mlp.2"),
    (r"attn\.to_out\.0", "img_attn.proj"),
    (r"attn\.to_add_out", "txt_attn.proj"),
)


def _flux_weights(state):
    """A transformer of one block of each kind by the names of Black Forest Labs."""
    double, single = "transformer_blocks.0.attn.", "single_transformer_blocks.0."
    parts = {
        "double_blocks.0.img_attn.qkv": [f"{double}to_{letter}" for letter in "qkv"],
        "double_blocks.0.txt_attn.qkv": [f"{double}add_{letter}_proj" for letter in "qkv"],
        "single_blocks.0.linear1": [*(f"{single}attn.to_{letter}" for letter in "qkv"), f"{single}proj_mlp"],
    }
    found = _renamed(state, _FLUX_NAMES, parts)
    for end in ("weight", "bias"):
        found[f"final_layer.adaLN_modulation.1.{end}"] = _swapped(found[f"final_layer.adaLN_modulation.1.{end}"])
    return found


def _open_clip(state, prefix):
    """A text encoder by the names of OpenCLIP."""
    import torch

    positions = state["text_model.embeddings.position_embedding.weight"]
    projection = state.get("text_projection.weight", torch.eye(positions.shape[1]))
    found = {
        "positional_embedding": positions,
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "text_projection": projection.T,
    }
    for end in ("weight", "bias"):
        found[f"ln_final.{end}"] = state[f"text_model.final_layer_norm.{end}"]
    layers = {int(key.split(".")[3]) for key in state if ".layers." in key}
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for layer in layers:
        ours, theirs = f"text_model.encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
        for end in ("weight", "bias"):
            for name, other in {**names, "self_attn.out_proj": "attn.out_proj"}.items():
                found[f"{theirs}{other}.{end}"] = state[f"{ours}{name}.{end}"]
            found[f"{theirs}attn.in_proj_{end}"] = torch.cat(
                [state[f"{ours}self_attn.{letter}_proj.{end}"] for letter in "qkv"]
            )
    return {prefix + key: value for key, value in found.items()}


def write_lora(path: Path, model: Path, *, strength: float = 2.0) -> Path:
    """A LoRA for the attention of the UNet of the diffusers folder ``model``."""
    import torch
    from safetensors.torch import load_file, save_file

    (weights,) = (model / "unet").glob("*.safetensors")
    random = torch.Generator().manual_seed(5)
    state = {}
    for key, value in load_file(weights).items():
        if key.endswith((".to_q.weight", ".to_v.weight")):
            name = f"unet.{key.removesuffix('.weight')}"
            state[f"{name}.lora_A.weight"] = torch.randn(2, value.shape[1], generator=random)
            state[f"{name}.lora_B.weight"] = torch.randn(value.shape[0], 2, generator=random) * strength
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    return path
