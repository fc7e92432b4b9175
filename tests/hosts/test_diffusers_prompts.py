"""The prompt syntax of A1111, and what it does to pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.diffusers.syntax import Fragment, Network, plain_text, read_prompt, split_networks
from deforum_helpers.ports import DiffusionRequest
from tiny_diffusion import write_lora

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

REQUEST = DiffusionRequest(64, 64, "a red lighthouse on a cliff", "blurry", seed=5, steps=4)


def fragments(text):
    (part,) = read_prompt(text, 1)
    (chunk,) = part.steps[0]
    return [(f.text, round(f.weight, 4)) for f in chunk]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
        ("a (red:1.3) cat", [("a ", 1), ("red", 1.3), (" cat", 1)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 0.9091)]),
        ("(a (red:1.5) cat:0.5)", [("a ", 0.5), ("red", 0.75), (" cat", 0.5)]),
        (r"a \(red\) cat", [("a (red) cat", 1)]),
        ("(red", [("red", 1.1)]),
        ("red) cat", [("red) cat", 1)]),
        ("ratio 4:3", [("ratio 4:3", 1)]),
        ("[red: cat]", [("red: cat", 0.9091)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(red:-1)", [("red", -1.0)]),
        ("", []),
    ],
)
def test_weights(text, wanted):
    assert fragments(text) == wanted


@given(st.text(alphabet="ab ()[]:|\\.123<>ANDBREK,", max_size=40), st.integers(1, 5))
def test_any_text_is_read(text, steps):
    parts = read_prompt(text, steps)
    assert parts
    for part in parts:
        assert len(part.steps) == steps
        for chunks in part.steps:
            assert chunks
            assert all(isinstance(f, Fragment) and f.text for chunk in chunks for f in chunk)


@given(st.lists(st.tuples(st.text("abc ", min_size=1, max_size=6), st.floats(0.1, 3).map(lambda w: round(w, 3)))))
def test_weights_come_back(pieces):
    text = "".join(f"({word}:{weight})" for word, weight in pieces).strip()
    read = read_prompt(text, 1)[0].steps[0][0]
    assert "".join(f.text for f in read) == "".join(word for word, _ in pieces)
    words = [w for f in read for w in [f.weight] * len(f.text)]
    assert words == pytest.approx([w for word, weight in pieces for w in [weight] * len(word)])


def at_steps(text, steps):
    return [plain_text(chunks) for chunks in read_prompt(text, steps)[0].steps]


def test_text_that_changes_between_steps():
    assert at_steps("a [cat:dog:2]", 4) == ["a cat", "a cat", "a dog", "a dog"]
    assert at_steps("a [cat:dog:0.25]", 4) == ["a cat", "a dog", "a dog", "a dog"]
    assert at_steps("a [dog:2]", 4) == ["a", "a", "a dog", "a dog"]
    assert at_steps("a [cat::2]", 4) == ["a cat", "a cat", "a", "a"]
    assert at_steps("a [cat|dog]", 4) == ["a cat", "a dog", "a cat", "a dog"]
    assert at_steps("a [cat:(big dog:1.2):9]", 2) == ["a cat", "a cat"]


def test_parts_and_chunks():
    parts = read_prompt("a cat :1.2 AND a dog AND sand:0.5", 1)
    assert [(part.weight, plain_text(part.steps[0])) for part in parts] == [(1.2, "a cat"), (1, "a dog"), (0.5, "sand")]
    (part,) = read_prompt("a cat BREAK a (dog BREAK house:1.2)", 1)
    assert [[(f.text, f.weight) for f in chunk] for chunk in part.steps[0]] == [
        [("a cat", 1.0)],
        [("a ", 1.0), ("dog", 1.2)],
        [("house", 1.2)],
    ]


def test_network_tags():
    text, networks = split_networks("a <lora:Style:0.8> cat<lora:other> <lora:both:0.5:1.5><hypernet:x:1>")
    assert text == "a  cat <hypernet:x:1>"
    assert networks == (Network("Style", 0.8, 0.8), Network("other", 1.0, 1.0), Network("both", 0.5, 1.5))


def picture(engine, prompt, **changes):
    return engine.diffuse(replace(REQUEST, prompt=prompt, **changes)).image


def difference(a, b):
    return float(np.abs(a.astype(int) - b).mean())


def encoded(engine, prompt):
    """What the UNet is told of a prompt, tokens×values, and how many tokens come before ``red``."""
    return engine._painter._prompts.conditions(prompt, "", 1, None).positive[0][0][1].words[0]


@pytest.mark.parametrize("weight", [1.6, 0.5, 0.0, -1.0])
def test_weights_are_those_of_a1111(open_tiny, weight):
    """Values of a word times its weight, then the mean of all as before."""
    engine = open_tiny("sd")
    plain, weighted = encoded(engine, "a red cat"), encoded(engine, f"a (red:{weight}) cat")
    wanted = plain.clone()
    wanted[2] *= weight  # after the start and "a"
    wanted *= plain.mean() / wanted.mean()
    assert np.allclose(weighted, wanted, atol=1e-5)
    assert np.array_equal(encoded(engine, "a (red:1.0) cat"), plain)


def test_nested_weights_multiply_in_every_chunk(open_tiny):
    engine = open_tiny("sd")
    long = " ".join(["a big old tree"] * 25)
    plain, weighted = encoded(engine, f"{long} red cat"), encoded(engine, f"{long} ((red):0.5) cat")
    assert plain.shape == weighted.shape
    assert plain.shape[0] >= 2 * 77
    assert np.array_equal(plain[:-77], weighted[:-77])
    assert not np.array_equal(plain[-77:], weighted[-77:])
    assert abs(float(plain[-77:].mean() - weighted[-77:].mean())) < 1e-5


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_weights_change_the_picture_gradually(open_tiny, model):
    engine = open_tiny(model)
    plain = picture(engine, "a red cat")
    assert np.array_equal(picture(engine, "a (red:1.0) cat"), plain)
    little, much = (difference(picture(engine, f"a (red:{w}) cat"), plain) for w in (1.02, 1.6))
    assert 0 < little < much
    assert difference(picture(engine, "a (red:0.3) cat"), plain) > 0
    assert difference(picture(engine, "a red cat", negative_prompt="(blurry:1.5)"), plain) > 0


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_parts_of_a_prompt_are_mixed(open_tiny, model):
    engine = open_tiny(model)
    cat, dog = picture(engine, "a cat"), picture(engine, "a dog")
    # Weights of 1 and 0 are the first part alone; what is left is rounding of a larger batch.
    assert difference(picture(engine, "a cat:1 AND a dog:0"), cat) < 0.02
    assert difference(picture(engine, "a cat:0 AND a dog:1"), dog) < 0.02
    both = picture(engine, "a cat:0.5 AND a dog:0.5")
    assert difference(both, cat) > 1
    assert difference(both, dog) > 1
    assert (
        difference(picture(engine, "a cat:1 AND a dog:0", cfg_scale=1.0), picture(engine, "a cat", cfg_scale=1.0))
        < 0.02
    )


def test_prompts_that_change_between_steps_are_followed(open_tiny):
    engine = open_tiny("sd")
    cat, dog = picture(engine, "a cat"), picture(engine, "a dog")
    assert difference(picture(engine, "a [cat:dog:4]"), cat) < 0.02
    assert difference(picture(engine, "a [cat:dog:0]"), dog) < 0.02
    half = picture(engine, "a [cat:dog:2]")
    assert difference(half, cat) > 0.05
    assert difference(half, dog) > 0.05
    assert difference(picture(engine, "a cat", negative_prompt="[blurry:dog:2]"), cat) > 0.05


def test_long_prompts_and_breaks(open_tiny):
    engine = open_tiny("sd")
    long = "a red cat on the cliff, " * 20
    assert difference(picture(engine, long), picture(engine, long[: len(long) // 2])) > 0.1
    assert difference(picture(engine, "a cat BREAK a dog"), picture(engine, "a cat a dog")) > 0.1
    assert picture(engine, "", negative_prompt="").std() > 0


def test_clip_skip(open_tiny):
    engine = open_tiny("sd")
    pictures = [picture(engine, "a cat", clip_skip=skip) for skip in (None, 1, 2, 3)]
    assert np.array_equal(pictures[0], pictures[1])
    assert difference(pictures[1], pictures[2]) > 0.1
    assert difference(pictures[2], pictures[3]) > 0.1


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_lora_tags(tmp_path, tiny_model, open_tiny, model):
    write_lora(tmp_path / "my.style.safetensors", tiny_model(model))
    engine = open_tiny(model, lora_folder=tmp_path)
    plain = picture(engine, "a cat")
    styled = picture(engine, "a cat<lora:my.style:1>")
    assert difference(styled, plain) > 1
    assert 0 < difference(picture(engine, "a cat<lora:my.style:0.02>"), plain) < difference(styled, plain)
    assert np.array_equal(picture(engine, "a cat<lora:my.style:0.5:1>"), styled)  # nothing of it is for texts
    assert np.array_equal(picture(engine, "a cat"), plain)
    assert np.array_equal(picture(engine, "a cat<lora:my.style:1>"), styled)
    engine.free_memory()
    assert np.array_equal(picture(engine, "a cat<lora:my.style:1>"), styled)
    picture(engine, "a cat")
    engine.free_memory()
    assert np.array_equal(picture(engine, "a cat"), plain)
    assert np.array_equal(picture(engine, "a cat<lora:my.style:1>"), styled)
    with pytest.raises(EngineError, match=r"no LoRA 'my.stile' \(looked in .*Nearest: my.style"):
        picture(engine, "a cat<lora:my.stile:1>")


def test_a_lora_of_another_architecture_is_told(tmp_path, tiny_model, open_tiny):
    write_lora(tmp_path / "big.safetensors", tiny_model("sdxl"))
    engine = open_tiny("sd", lora_folder=tmp_path)
    with pytest.raises(EngineError, match=r"LoRA big.safetensors does not fit sd \(SD\)"):
        picture(engine, "a cat<lora:big:1>")
    assert picture(engine, "a cat").any()


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_textual_inversions(tmp_path, tiny_model, open_tiny, model):
    import torch
    from safetensors.torch import save_file

    source = torch.Generator().manual_seed(2)
    widths = {"magicword": 32} if model == "sd" else {"clip_l": 32, "clip_g": 48}
    state = {key: torch.randn(2, width, generator=source) for key, width in widths.items()}
    save_file(state, tmp_path / "magicword.safetensors")
    without, engine = open_tiny(model), open_tiny(model, embeddings_folder=tmp_path)
    assert np.array_equal(picture(engine, "a cat"), picture(without, "a cat"))
    assert difference(picture(engine, "a magicword cat"), picture(without, "a magicword cat")) > 0.1
    assert np.array_equal(picture(engine, "a cat"), picture(without, "a cat"))
