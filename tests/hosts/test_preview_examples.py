from __future__ import annotations

import importlib.util
import json
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.ports import DiffusionRequest
from deforum_helpers.rendering.data.step.key_index_distribution import KeyIndexDistribution
from deforum_helpers.settings.files import dump_settings, load_settings

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
BEAT = EXAMPLES / "beat_sync"
NEO = EXAMPLES / "neo_core"
FRAMES_PER_BEAT = 30


@pytest.fixture(scope="module")
def clicks():
    spec = importlib.util.spec_from_file_location("make_click_track", BEAT / "make_click_track.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def manifest():
    return json.loads((BEAT / "parseq.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def settings():
    return load_settings(NEO / "deforum_settings.txt").settings


@pytest.fixture(scope="module")
def track():
    with wave.open(str(BEAT / "clicks.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        return sound.getframerate(), np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(int)


@pytest.mark.parametrize("example", ["beat_sync", "cadence", "neo_core"])
def test_settings_are_complete_and_clean(example):
    path = EXAMPLES / example / "deforum_settings.txt"
    loaded = load_settings(path)
    assert loaded.findings == ()
    again = json.loads(dump_settings(loaded.settings, kind="save"))
    assert list(json.loads(path.read_text("utf-8"))) == list(again)


@pytest.mark.parametrize("example", ["beat_sync", "cadence", "neo_core"])
def test_sizes_suit_every_engine_and_encoder(example):
    settings = load_settings(EXAMPLES / example / "deforum_settings.txt").settings
    assert settings.value("W") % 8 == 0
    assert settings.value("H") % 8 == 0


@pytest.mark.parametrize("folder", [BEAT, NEO])
def test_files_named_by_the_settings_are_there(folder):
    settings = load_settings(folder / "deforum_settings.txt").settings
    for key in ("parseq_manifest", "soundtrack_path"):
        assert (folder / settings.value(key)).is_file()


def test_settings_agree_with_the_manifest(settings, manifest):
    assert settings.value("fps") == manifest["options"]["output_fps"]
    assert settings.value("max_frames") == len(manifest["rendered_frames"])
    assert settings.value("parseq_non_schedule_overrides") is False


def test_every_beat_is_a_key_frame(settings, manifest):
    distribution = KeyIndexDistribution(settings.value("neocore_key_index_distribution"))
    parseq_keys = [key["frame"] for key in manifest["keyframes"]]
    keys = distribution.calculate(0, settings.value("max_frames"), settings.value("diffusion_cadence"), parseq_keys)
    assert set(range(0, settings.value("max_frames"), FRAMES_PER_BEAT)) <= set(keys)
    assert len(keys) == 200


def test_strength_falls_on_the_beat_and_recovers(settings, manifest):
    strength = [frame["strength"] for frame in manifest["rendered_frames"]]
    for beat in range(FRAMES_PER_BEAT, len(strength), FRAMES_PER_BEAT):
        assert strength[beat] <= 0.5
        assert strength[beat - settings.value("diffusion_cadence")] >= 0.64
        assert strength[beat + 12] >= 0.64


def test_the_picture_changes_most_on_the_beat(settings, manifest):
    """Without motion: the change that each diffusion makes, in mean levels."""
    engine = PreviewEngine()
    image = None
    change = {}
    for key in range(0, 240, settings.value("diffusion_cadence")):
        frame = manifest["rendered_frames"][key]
        prompt, _, negative = frame["deforum_prompt"].partition("--neg")
        before = image
        image = engine.diffuse(
            DiffusionRequest(
                160, 90, prompt, negative, seed=frame["seed"], strength=frame["strength"], init_image=before
            )
        ).image
        if before is not None:
            change[key] = float(np.abs(image.astype(int) - before).mean())
    beats = [value for key, value in change.items() if key % FRAMES_PER_BEAT == 0]
    others = [value for key, value in change.items() if key % FRAMES_PER_BEAT]
    assert min(beats) > 1.3 * max(others)


def test_clicks_start_exactly_on_their_frames(track, manifest):
    rate, samples = track
    fps = manifest["options"]["output_fps"]
    assert len(samples) == len(manifest["rendered_frames"]) * rate // fps
    loud = np.flatnonzero(samples)
    onsets = loud[np.diff(loud, prepend=-rate) > rate // 10]
    keys = [key["frame"] for key in manifest["keyframes"][:-1]]
    assert onsets.tolist() == [frame * rate // fps for frame in keys]


def test_every_fourth_click_is_an_accent(track):
    rate, samples = track
    peaks = np.abs(samples).reshape(-1, rate // 2).max(axis=1)
    accents = peaks == peaks.max()
    assert np.flatnonzero(accents).tolist() == list(range(0, 40, 4))
    assert peaks[~accents].max() < 0.7 * peaks.max()


def test_click_track_can_be_made_again(clicks, track, manifest):
    rate, samples = track
    bpm, seconds = clicks.length_of(manifest)
    assert (bpm, seconds) == (120, 20)
    made = np.array(clicks.click_track(bpm, seconds, rate), int)
    assert np.abs(made - samples).max() <= 1


def test_beats_do_not_drift(clicks):
    starts = clicks.beat_samples(Fraction(140), Fraction(600), 44100)
    assert starts[1400 - 1] == round(Fraction(60, 140) * 1399 * 44100)
    assert len(starts) == 1400
