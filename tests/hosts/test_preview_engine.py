from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.preview.engine import IGNORED_FIELDS, PreviewEngine
from deforum_helpers.ports import ControlUnit, DiffusionRequest, Inpainting

GOLDENS = Path(__file__).parent.parent / "goldens" / "preview_pictures.json"
TEAL = DiffusionRequest(192, 108, "golden sunset over a teal ocean", seed=7)


def paint(request, **changes):
    return PreviewEngine().diffuse(replace(request, **changes)).image


def difference(a, b):
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())


def sharpness(image):
    return float(cv2.Laplacian(image[..., 1], cv2.CV_64F).std())


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class TestPicture:
    @pytest.mark.parametrize("case", json.loads(GOLDENS.read_text("utf-8")), ids=lambda case: case["prompt"])
    def test_pictures_stay_the_same_from_version_to_version(self, case):
        """4×6 means of the picture; 2 levels of tolerance for another rasteriser's edges."""
        image = paint(TEAL, prompt=case["prompt"], seed=case["seed"])
        means = image.reshape(4, 27, 6, 32, 3).mean(axis=(1, 3))
        assert np.abs(means - np.array(case["means"])).max() <= 2.0

    def test_named_colours_steer_the_palette(self):
        hues = {}
        for colour in ("red", "green", "blue"):
            hues[colour] = paint(TEAL, prompt=f"a {colour} landscape").reshape(-1, 3).mean(axis=0)
        assert hues["red"].argmax() == 0
        assert hues["green"].argmax() == 1
        assert hues["blue"].argmax() == 2

    def test_night_is_darker_than_winter(self):
        assert paint(TEAL, prompt="night").mean() + 40 < paint(TEAL, prompt="winter").mean()

    def test_a_negative_colour_pushes_away(self):
        plain = paint(TEAL, prompt="red and blue hills").reshape(-1, 3).mean(axis=0)
        pushed = paint(TEAL, prompt="red and blue hills", negative_prompt="blue").reshape(-1, 3).mean(axis=0)
        assert pushed[0] - pushed[2] > plain[0] - plain[2] + 2

    def test_negative_words_without_colour_matter_a_little(self):
        change = difference(paint(TEAL), paint(TEAL, negative_prompt="watermark, logo, text"))
        assert 0.1 < change < difference(paint(TEAL), paint(TEAL, prompt="neon city"))

    def test_small_changes_of_a_weight_change_little(self):
        """Parseq writes weights with five digits that move every frame."""
        pictures = [paint(TEAL, prompt=f"neon city street, (rain:{w:.5f})") for w in (0.94, 0.945, 0.4)]
        assert difference(pictures[0], pictures[1]) < 2.0
        assert difference(pictures[0], pictures[2]) > 2 * difference(pictures[0], pictures[1])

    def test_weighted_parts_cross_fade_the_palette(self):
        def blueness(share):
            prompt = f"red desert: {1 - share:.2f} AND blue ocean: {share:.2f}"
            mean = paint(TEAL, prompt=prompt).reshape(-1, 3).mean(axis=0)
            return mean[2] - mean[0]

        values = [blueness(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert values == sorted(values)
        assert values[-1] - values[0] > 60

    def test_subseed_blends_between_two_pictures(self):
        seed, subseed = paint(TEAL), paint(TEAL, seed=8)
        blends = [paint(TEAL, subseed=8, subseed_strength=share) for share in (0.0, 0.1, 0.9, 1.0)]
        assert np.array_equal(blends[0], seed)
        assert difference(blends[1], seed) < difference(blends[1], subseed)
        assert difference(blends[2], subseed) < difference(blends[2], seed)
        assert difference(blends[3], subseed) < 4.0  # the grain is the seed's

    def test_no_subseed_means_none(self):
        assert np.array_equal(paint(TEAL, subseed=-1, subseed_strength=0.7), paint(TEAL))

    def test_guidance_is_vividness(self):
        def chroma(image):
            return float((image.max(axis=2).astype(int) - image.min(axis=2)).mean())

        assert chroma(paint(TEAL, cfg_scale=3)) < chroma(paint(TEAL, cfg_scale=7)) < chroma(paint(TEAL, cfg_scale=14))

    def test_steps_add_detail(self):
        assert sharpness(paint(TEAL, steps=5)) < sharpness(paint(TEAL, steps=50))

    def test_has_edges_to_judge_motion_by(self):
        for prompt in ("", "a cup of coffee", "neon city", "forest", "sea", "mountains", "desert"):
            image = paint(TEAL, prompt=prompt, width=640, height=360)
            assert sharpness(image) > 6.0
            assert 20 < image.mean() < 230
            assert image.std() > 20

    @pytest.mark.parametrize(
        "prompt", ["", "   ", "()[]((", "(x:1e9)", "<lora:foo:1>", "猫と月", "a AND b:0", "\ud800 x"]
    )
    def test_any_text_is_a_prompt(self, prompt):
        assert paint(TEAL, prompt=prompt, negative_prompt=prompt).shape == (108, 192, 3)

    def test_ignored_fields_change_nothing(self):
        other = {
            "sampler": "DDIM", "scheduler": "Karras", "checkpoint": "x", "clip_skip": 2, "ddim_eta": 0.5,
            "ancestral_eta": 0.5, "noise_multiplier": 0.9, "pix2pix_cfg_scale": 2.0, "tiling": True,
            "restore_faces": True, "seed_resize": (64, 64), "vae_full_precision": True, "frame": 5, "vae": "x",
            "distilled_cfg_scale": 2.0, "control_units": (ControlUnit(1, "none", "x"),),
        }  # fmt: skip
        assert set(other) == set(IGNORED_FIELDS) <= {field.name for field in fields(DiffusionRequest)}
        for name, value in other.items():
            assert np.array_equal(paint(TEAL, **{name: value}), paint(TEAL)), name
            told = () if name == "frame" else (name,)
            assert PreviewEngine.ignored(DiffusionRequest(8, 8, "", **{name: value})) == told


class TestImageToImage:
    init = paint(TEAL, prompt="red desert", seed=1)

    def test_change_grows_about_as_one_minus_strength(self):
        full = difference(self.init, paint(TEAL))
        for denoising in (0.1, 0.35, 0.5, 0.65, 0.9):
            change = difference(paint(TEAL, init_image=self.init, strength=1 - denoising), self.init)
            assert 0.7 * denoising < change / full < 1.1 * denoising

    def test_large_shapes_follow_the_init(self):
        """Same palette, another layout: at strength 0.65 the picture is still the init's."""
        init = paint(TEAL, seed=1)
        image = paint(TEAL, seed=2, init_image=init, strength=0.65)
        assert difference(image, init) < 0.5 * difference(image, paint(TEAL, seed=2))

    def test_lights_of_the_seed_appear_first(self):
        init = np.full((108, 192, 3), 90, np.uint8)
        change = np.abs(paint(TEAL, init_image=init, strength=0.8).astype(int) - init).max(axis=2)
        assert np.percentile(change, 99) > 1.5 * np.percentile(change, 50)

    def test_strength_beyond_its_range_is_its_limit(self):
        assert np.array_equal(paint(TEAL, init_image=self.init, strength=1.5), self.init)
        assert np.array_equal(paint(TEAL, init_image=self.init, strength=-1.0), paint(TEAL))

    def test_any_memory_layout_of_the_init_will_do(self):
        strided = np.asfortranarray(self.init)
        for strength in (1.0, 0.5):
            image = paint(TEAL, init_image=strided, strength=strength)
            assert image.flags.c_contiguous
            assert np.array_equal(image, paint(TEAL, init_image=self.init, strength=strength))

    def test_half_a_mask_mixes_half(self):
        mask = np.full((108, 192), 128, np.uint8)
        mixed = paint(TEAL, init_image=self.init, strength=0.0, inpainting=Inpainting(mask)).astype(int)
        assert np.abs(mixed - (self.init.astype(int) + paint(TEAL)) / 2).max() <= 1.5

    def test_mask_without_init_is_txt2img(self):
        assert np.array_equal(paint(TEAL, inpainting=Inpainting(np.zeros((108, 192), np.uint8))), paint(TEAL))

    @pytest.mark.parametrize("strength", [0.4, 0.65, 0.85])
    @pytest.mark.parametrize("seed_step", [0, 1])
    def test_two_hundred_frames_neither_dissolve_nor_overcook(self, strength, seed_step):
        engine = PreviewEngine()
        request = replace(TEAL, width=256, height=144)
        first = image = engine.diffuse(request).image
        turn = cv2.getRotationMatrix2D((128, 72), 0.5, 1.02)
        for i in range(200):
            warped = cv2.warpAffine(image, turn, (256, 144), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            image = engine.diffuse(replace(request, seed=7 + i * seed_step, init_image=warped, strength=strength)).image
        assert 0.3 * sharpness(first) < sharpness(image) < 1.2 * sharpness(first)
        assert 0.85 * first.std() < image.std() < 1.15 * first.std()
        assert np.abs(image.mean(axis=(0, 1)) - first.mean(axis=(0, 1))).max() < 12

    @pytest.mark.parametrize("strength", [0.65, 0.85])
    def test_added_noise_and_sharpening_do_not_pile_up(self, strength):
        """What the pipeline adds before each diffusion with its default settings, without any motion."""
        rng = np.random.default_rng(3)
        engine = PreviewEngine()
        request = replace(TEAL, width=128, height=72)
        first = image = engine.diffuse(request).image
        for _ in range(100):
            sharper = cv2.addWeighted(image, 1.1, cv2.GaussianBlur(image, (5, 5), 1.0), -0.1, 0)
            noisy = np.clip(sharper + rng.normal(0, 4, (72, 128, 1)), 0, 255).astype(np.uint8)
            image = engine.diffuse(replace(request, init_image=noisy, strength=strength)).image
        assert sharpness(image) < 1.3 * sharpness(first)
        assert difference(image, first) < 12


class TestEngine:
    def test_last_picture_is_kept_without_changing_results(self):
        engine = PreviewEngine()
        requests = [replace(TEAL, seed=seed, width=width) for seed in (1, 2) for width in (64, 96)]
        for request in [*requests, *reversed(requests), *requests]:
            assert np.array_equal(engine.diffuse(request).image, paint(request))

    def test_latency_is_the_least_a_call_takes(self):
        clock = Clock()
        engine = PreviewEngine(0.25, sleep=clock.sleep, clock=clock)
        assert np.array_equal(engine.diffuse(TEAL).image, paint(TEAL))
        assert clock.slept == [0.25]

    def test_time_spent_painting_counts(self):
        ticks = iter([0.0, 0.2])
        slept = []
        PreviewEngine(0.5, sleep=slept.append, clock=lambda: next(ticks)).diffuse(TEAL)
        assert slept == [pytest.approx(0.3)]

    def test_no_latency_no_sleep(self):
        clock = Clock()
        PreviewEngine(sleep=clock.sleep, clock=clock).diffuse(TEAL)
        assert clock.slept == []

    def test_real_sleep(self):
        assert PreviewEngine(0.001).diffuse(replace(TEAL, width=8, height=8)).image.shape == (8, 8, 3)

    @pytest.mark.parametrize("latency", [-0.1, float("nan"), float("inf")])
    def test_latency_must_be_a_duration(self, latency):
        with pytest.raises(EngineError, match="latency"):
            PreviewEngine(latency)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"width": 0}, "0×108"),
            ({"height": -8}, "192×-8"),
            ({"init_image": np.zeros((100, 192, 3), np.uint8)}, "init image.*100.*108, 192, 3"),
            ({"init_image": np.zeros((108, 192), np.uint8)}, "init image"),
            ({"init_image": np.zeros((108, 192, 3), np.float32)}, "float32"),
            ({"inpainting": Inpainting(np.zeros((108, 191), np.uint8))}, "mask.*191"),
        ],
    )
    def test_unusable_requests(self, changes, message):
        with pytest.raises(EngineError, match=message):
            paint(TEAL, **changes)
