from __future__ import annotations

import pytest
import webui_host

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.webui.host import open_host
from deforum_helpers.hosts.webui.infotext import parse_infotext
from deforum_helpers.hosts.webui.samplers import nearest, resolve_sampler, sampler_names, scheduler_names
from deforum_helpers.settings.schema import SETTINGS


@pytest.fixture
def resolve(monkeypatch):
    webui_host.put_in_place(monkeypatch, "a1111")
    host = open_host()
    samplers, schedulers = sampler_names(host.sd_samplers), scheduler_names(host.sd_schedulers)
    yield lambda sampler, scheduler="Automatic": resolve_sampler(sampler, scheduler, samplers, schedulers)
    webui_host.take_away()


@pytest.mark.parametrize(
    ("sampler", "scheduler", "found"),
    [
        ("Euler a", "Automatic", ("Euler a", "Automatic")),
        ("EULER A", "", ("Euler a", "Automatic")),
        ("k_euler_ancestral", "Automatic", ("Euler a", "Automatic")),
        ("DPM++ 2M Karras", "Automatic", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M SDE Heun Exponential", "Automatic", ("DPM++ 2M SDE Heun", "Exponential")),
        ("DPM++ 2M SDE SGMUniform", "Automatic", ("DPM++ 2M SDE", "SGM Uniform")),
        ("k_dpmpp_2m_ka", "Automatic", ("DPM++ 2M", "Karras")),
        ("DPM++  2m", "karras", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M Karras", "Exponential", ("DPM++ 2M", "Exponential")),
        ("DDIM", "sgm_uniform", ("DDIM", "SGM Uniform")),
        ("DDIM CFG++", "Automatic", ("DDIM CFG++", "Automatic")),
    ],
)
def test_names_of_any_era(resolve, sampler, scheduler, found):
    assert resolve(sampler, scheduler) == found


def test_all_names_that_settings_offer(resolve):
    for key in ("sampler", "scheduler"):
        choices = SETTINGS[key].choices
        assert choices
        for name in choices:
            resolve(name) if key == "sampler" else resolve("Euler", name)


def test_before_there_were_schedulers():
    samplers = {"dpm++ 2m": "DPM++ 2M", "dpm++ 2m karras": "DPM++ 2M Karras"}
    assert resolve_sampler("DPM++ 2M Karras", "Automatic", samplers, {}) == ("DPM++ 2M Karras", "Automatic")
    assert resolve_sampler("DPM++ 2M", "Karras", samplers, {}) == ("DPM++ 2M Karras", "Automatic")


@pytest.mark.parametrize(
    ("sampler", "scheduler", "message"),
    [
        ("Euler z", "Automatic", "The sampler 'Euler z' is unknown. Did you mean Euler"),
        ("qqq", "Automatic", "There are: DDIM, "),
        ("Euler", "karas", "The scheduler 'karas' is unknown. Did you mean Karras"),
        ("", "Automatic", "The sampler '' is unknown"),
    ],
)
def test_unknown(resolve, sampler, scheduler, message):
    with pytest.raises(EngineError) as caught:
        resolve(sampler, scheduler)
    assert message in str(caught.value)


def test_nearest_of_nothing():
    assert nearest("x", {}) == "There are none."


def test_none_is_no_advice():
    assert nearest("nope", ["None", "canny"]) == "There are: None, canny."


class TestInfotext:
    def test_values(self):
        text = (
            "a cat: sitting, Steps: no\nNegative prompt: dog\n"
            "Steps: 8, Sampler: Euler a, CFG scale: 7.5, Seed: 4294967295, "
            'Size: 64x64, Model: "a, \\"b\\"", Denoising strength: .5, Version: v1.10.1'
        )
        assert parse_infotext(text) == {
            "Steps": 8,
            "Sampler": "Euler a",
            "CFG scale": 7.5,
            "Seed": 4294967295,
            "Size": "64x64",
            "Model": 'a, "b"',
            "Denoising strength": 0.5,
            "Version": "v1.10.1",
        }

    @pytest.mark.parametrize("text", ["", "just a prompt", "a\nb: c"])
    def test_none(self, text):
        assert parse_infotext(text) == {}
