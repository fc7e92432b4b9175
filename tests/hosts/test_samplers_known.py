"""Samplers: whatever an engine understands is no stranger to the linter, and the rest is named its nearest."""

from __future__ import annotations

from itertools import product

import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.webui.samplers import resolve_sampler, sampler_names, scheduler_names
from deforum_helpers.job import job_of, plan_job
from deforum_helpers.settings.coercion import remarks
from deforum_helpers.settings.files import with_overrides
from deforum_helpers.settings.schema import SETTINGS, Settings


def notes(key, name):
    return with_overrides(Settings(), {key: name}).findings


def strange(key, names):
    return [name for name in names if remarks(SETTINGS[key], name)]


def test_all_names_of_web_uis_are_known(host):
    samplers, schedulers = sampler_names(host.sd_samplers), scheduler_names(host.sd_schedulers)
    endings = (*(f" {name}" for name in schedulers), "_ka", "_exp", "_ex")
    joined = [f"{name}{ending}" for name, ending in product(samplers, endings) if "_" in name or ending[0] == " "]
    for name in joined:
        resolve_sampler(name, "Automatic", samplers, schedulers)
    assert strange("sampler", [*samplers, *samplers.values(), *joined]) == []
    assert strange("scheduler", [*schedulers, *schedulers.values()]) == []


def test_all_names_of_diffusers_are_known():
    pytest.importorskip("diffusers")
    from deforum_helpers.hosts.diffusers import samplers

    names = [*samplers.SAMPLERS, *samplers._OTHER_NAMES]
    joined = [f"{name} {schedule}" for name, schedule in product(names, samplers.SCHEDULES)]
    for name in joined:
        samplers.resolve(name, "Automatic")
    assert strange("sampler", [*names, *joined]) == []
    assert strange("scheduler", [*samplers.SCHEDULES, "Automatic"]) == []


@pytest.mark.parametrize(
    ("key", "name", "near"),
    [
        ("sampler", "DPM++ 2M Kerras", "DPM++ 2M Karras"),
        ("sampler", "Euler ancestal", ""),
        ("sampler", "Eular a", "Euler a"),
        ("scheduler", "Karas", "Karras"),
        ("sampler", "My own sampler of 2031", ""),
    ],
)
def test_others_are_told_with_the_nearest(host, key, name, near):
    (note,) = notes(key, name)
    assert (note.severity, note.key) == ("note", key)
    assert "not in the list of known ones" in note.message
    if near:
        assert note.hint == f"Did you mean {near}?"
    if key == "sampler":
        with pytest.raises(EngineError):
            resolve_sampler(name, "", sampler_names(host.sd_samplers), scheduler_names(host.sd_schedulers))


def test_names_in_a_schedule_are_told_by_the_plan(tmp_path):
    schedule = '0: ("Euler a"), 10: ("DPM++ 2M Karras"), 15: ("Eular")'
    changes = {"enable_sampler_scheduling": True, "sampler_schedule": schedule, "max_frames": 20}
    settings = Settings().replace(**changes, neocore_key_index_distribution="Uniform Spacing", diffusion_cadence=5)
    _, findings = plan_job(job_of(settings, tmp_path))
    (note,) = (finding for finding in findings if finding.key == "sampler_schedule")
    assert (note.severity, note.frame, note.hint) == ("note", 15, "Did you mean Euler?")
