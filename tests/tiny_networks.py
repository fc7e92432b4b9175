"""Networks of the real architectures, tiny and randomly initialised, written to disk as the real ones lie there."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

NECK = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8}
SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
STAGES = ["stage1", "stage2", "stage3", "stage4"]
LABELS = {0: "wall", 1: "person", 2: "sky"}


def transformers_or_skip(network: str = "", since: tuple[int, int] = (0, 0)):
    """The module transformers, if it and PyTorch are installed and it offers the class ``network``."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    with warnings.catch_warnings():
        # Its modules are imported here for the first time, and some use what PyTorch deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        missing = network and not hasattr(transformers, network)
    version = tuple(int(number) for number in transformers.__version__.split(".")[:2])
    if missing or version < since:
        pytest.skip(f"transformers {transformers.__version__} has no such {network}")
    return transformers


def write_network(folder: Path, name: str) -> None:
    """Write the tiny network ``name`` into ``folder/name``, or skip the test where it cannot be made."""
    transformers = transformers_or_skip()
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = _BUILDERS[name](transformers).eval()
        for weights in network.parameters():
            # Wider than by default, or so small a network answers with nearly nothing.
            if weights.dim() > 1:
                torch.nn.init.kaiming_normal_(weights)
    network.save_pretrained(folder / name, safe_serialization=True)
    if name.startswith("clipseg"):
        _write_tokenizer(folder / name)


def write_anime_network(folder: Path, side: int | str = 64, *, bias: float = -16.0, colours: int = 3) -> Path:
    """Write a network of the form of anime-seg's, or skip the test: red things are characters.

    Args:
        folder: where ``isnetis.onnx`` goes.
        side: of its square picture; a text where the network takes any.
        bias: of its only convolution.
        colours: channels it takes.
    """
    onnx = pytest.importorskip("onnx", reason="pip install -r requirements-dev.txt")
    make, float32 = onnx.helper, onnx.TensorProto.FLOAT
    red = [40.0, -40.0, -40.0, 0.0][:colours]
    weights = [
        make.make_tensor("weights", float32, (1, colours, 1, 1), red),
        make.make_tensor("bias", float32, (1,), [bias]),
    ]
    nodes = [
        make.make_node("Conv", ["img", "weights", "bias"], ["level"]),
        make.make_node("Sigmoid", ["level"], ["mask"]),
    ]
    shapes = [(1, channels, side, side) for channels in (colours, 1)]
    ends = [
        make.make_tensor_value_info(name, float32, shape) for name, shape in zip(("img", "mask"), shapes, strict=True)
    ]
    graph = make.make_graph(nodes, "red", ends[:1], ends[1:], weights)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "isnetis.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def _hybrid(transformers):
    backbone = {
        "global_padding": "same",
        "layer_type": "bottleneck",
        "depths": [1, 1, 1],
        "hidden_sizes": [8, 16, 32],
        "embedding_size": 8,
        "num_groups": 2,
        "out_features": STAGES[:3],
        "embedding_dynamic_padding": True,
    }
    config = transformers.DPTConfig(
        is_hybrid=True,
        image_size=384,
        patch_size=16,
        backbone_featmap_shape=[1, 32, 24, 24],
        backbone_out_indices=[0, 1, 2, 3],
        backbone_config=backbone,
        neck_hidden_sizes=[8, 16, 32, 32],
        fusion_hidden_size=8,
        **SMALL,
    )
    return transformers.DPTForDepthEstimation(config)


def _large(transformers):
    config = transformers.DPTConfig(image_size=384, patch_size=16, backbone_out_indices=[0, 1, 2, 3], **SMALL, **NECK)
    return transformers.DPTForDepthEstimation(config)


def _beit_backbone(transformers, image_size):
    return transformers.BeitConfig(
        image_size=image_size,
        patch_size=16,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=STAGES,
        **SMALL,
    )


def _beit(transformers):
    transformers_or_skip("DPTForDepthEstimation", since=(4, 46))
    config = transformers.DPTConfig(backbone_config=_beit_backbone(transformers, 512), hidden_size=32, **NECK)
    return transformers.DPTForDepthEstimation(config)


def _zoe(transformers):
    transformers_or_skip("ZoeDepthForDepthEstimation")
    rooms = [
        {"n_bins": 8, "min_depth": 1e-3, "max_depth": 10.0, "name": "nyu"},
        {"n_bins": 8, "min_depth": 1e-3, "max_depth": 80.0, "name": "kitti"},
    ]
    config = transformers.ZoeDepthConfig(
        backbone_config=_beit_backbone(transformers, 384),
        bottleneck_features=8,
        num_relative_features=8,
        bin_embedding_dim=8,
        num_attractors=[4, 2, 2, 1],
        patch_transformer_hidden_size=128,
        patch_transformer_intermediate_size=16,
        patch_transformer_num_attention_heads=2,
        num_patch_transformer_layers=4,
        bin_configurations=rooms,
        **NECK,
    )
    return transformers.ZoeDepthForDepthEstimation(config)


def _depth_anything(transformers):
    transformers_or_skip("DepthAnythingForDepthEstimation")
    backbone = transformers.Dinov2Config(
        image_size=518,
        patch_size=14,
        out_features=STAGES,
        reshape_hidden_states=False,
        apply_layernorm=True,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=1,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=32, head_hidden_size=8, head_in_index=-1, **NECK
    )
    return transformers.DepthAnythingForDepthEstimation(config)


def _clipseg(transformers):
    shared = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = transformers.CLIPSegConfig(
        text_config={"vocab_size": 520, "num_hidden_layers": 2, "bos_token_id": 512, "eos_token_id": 513, **shared},
        vision_config={"image_size": 224, "patch_size": 16, "num_hidden_layers": 4, **shared},
        projection_dim=16,
        extract_layers=[0, 1, 2],
        reduce_dim=8,
        decoder_intermediate_size=16,
        decoder_num_attention_heads=2,
        use_complex_transposed_convolution=True,
    )
    return transformers.CLIPSegForImageSegmentation(config)


def _write_tokenizer(folder: Path) -> None:
    """A tokenizer that knows single letters, alone and at the end of a word."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [256 + index for index in range(256 - len(visible))]
    letters = [chr(code) for code in visible + hidden]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")


def _upernet(transformers):
    backbone = transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=STAGES)
    config = transformers.UperNetConfig(
        backbone_config=backbone,
        hidden_size=8,
        auxiliary_channels=8,
        auxiliary_in_channels=16,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
    )
    return transformers.UperNetForSemanticSegmentation(config)


def _segformer(transformers):
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 8, 8, 16],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 1, 2],
        decoder_hidden_size=8,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
    )
    return transformers.SegformerForSemanticSegmentation(config)


_BUILDERS = {
    "dpt-hybrid-midas": _hybrid,
    "dpt-large": _large,
    "dpt-beit-large-512": _beit,
    "zoedepth-nyu-kitti": _zoe,
    "Depth-Anything-V2-Small-hf": _depth_anything,
    "clipseg-rd64-refined": _clipseg,
    "upernet-convnext-small": _upernet,
    "segformer": _segformer,
}


def write_rife(path: Path, widths=(8, 8, 8, 8), shift=None) -> None:
    """Write weights of RIFE's architecture, as they are published: parameters of a parallel module.

    Random ones; or, with ``shift``, weights that say of every pixel that it is ``shift`` (x, y) further in the first
    picture and as far back in the second, and that both count the same.
    """
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from deforum_helpers.models.rife import ifnet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = ifnet(torch, widths)
        if shift is not None:
            for name, values in network.named_parameters():
                if ".lastconv." in name:
                    torch.nn.init.zeros_(values)
            # Each channel of an answer comes from four of the convolution, which the pixel shuffle lays side by side.
            way = torch.tensor([*shift, -shift[0], -shift[1], 0, 0]).repeat_interleave(4)
            network.state_dict()["block3.lastconv.0.bias"].copy_(way)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({f"module.{name}": values for name, values in network.state_dict().items()}, path)


def write_film(path: Path) -> None:
    """Write a TorchScript network that is called as FILM is, and fades from one picture to the other."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Fades(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, first, second, time):
            share = time.view(-1, 1, 1, 1) * self.one
            return first * (1 - share) + second * share

    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch would rather have other formats.
        picture = torch.zeros(1, 3, 64, 64)
        torch.jit.trace(Fades().half().float(), (picture, picture, torch.zeros(1, 1))).half().save(str(path))


def write_upscaler(path: Path, factor=4, features=8, layers=2, random=True) -> None:
    """Write weights of the architecture of realesr-animevideov3; unless ``random``, of one that repeats pixels."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for index in range(layers + 2):
        last = index == layers + 1
        shape = (3 * factor**2 if last else features, 3 if index == 0 else features, 3, 3)
        weights[f"body.{2 * index}.weight"] = torch.randn(shape, generator=generator) * 0.1 * random
        weights[f"body.{2 * index}.bias"] = torch.zeros(shape[0])
        if not last:
            weights[f"body.{2 * index + 1}.weight"] = torch.full((features,), 0.2)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params": weights}, path)
