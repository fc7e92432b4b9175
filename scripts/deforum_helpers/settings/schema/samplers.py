"""Names of samplers and schedulers: those on offer, and the others that engines understand.

A scheduler may also stand at the end of a sampler's name, as web UIs had it before 1.9: "DPM++ 2M Karras", or in
scripts "k_dpmpp_2m_ka".
"""

from __future__ import annotations

from itertools import product

SAMPLERS = (
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "DPM++ 2S a",
    "DPM++ 2M",
    "DPM++ 2M SDE",
    "DPM++ SDE",
    "DPM fast",
    "DPM adaptive",
    "DPM++ 2M SDE Heun",
    "DPM++ 3M SDE",
    "DDIM",
    "PLMS",
    "UniPC",
    "Restart",
    "LCM",
)
SCHEDULERS = ("Automatic", "Uniform", "Karras", "Exponential", "Polyexponential", "SGM Uniform")

_NEWER_SAMPLERS = ("DDIM CFG++", "HeunPP2", "IPNDM", "IPNDM_V", "DEIS", "DDPM", "DPM++ 2S Ancestral")
_IN_SCRIPTS = (
    *("k_euler", "k_euler_a", "k_euler_ancestral", "k_lms", "k_heun", "k_lcm", "k_dpm_2", "k_dpm_2_a", "k_dpm_fast"),
    *("k_dpm_ad", "k_dpmpp_2m", "k_dpmpp_sde", "k_dpmpp_2m_sde", "k_dpmpp_2m_sde_heun", "k_dpmpp_2s_a"),
    *("k_dpmpp_3m_sde", "ddim_cfgpp"),
)
_NEWER_SCHEDULERS = (
    *("Simple", "Normal", "Beta", "DDIM", "KL Optimal", "Turbo", "SGMUniform"),
    *("Align Your Steps", "Align Your Steps GITS", "Align Your Steps 11", "Align Your Steps 32"),
)

_LABELS = (*SCHEDULERS, *_NEWER_SCHEDULERS)
OTHER_SCHEDULERS = (*_NEWER_SCHEDULERS, *(label.lower().replace(" ", "_") for label in _LABELS if " " in label))
"""Schedulers that are known without being on offer."""

_BARE = (*SAMPLERS, *_NEWER_SAMPLERS, *_IN_SCRIPTS)
OTHER_SAMPLERS = (
    *_BARE[len(SAMPLERS) :],
    *(f"{sampler} {scheduler}" for sampler, scheduler in product(_BARE, (*_LABELS, *OTHER_SCHEDULERS))),
    *(f"{sampler}{ending}" for sampler, ending in product(_IN_SCRIPTS, ("_ka", "_exp", "_ex"))),
)
"""Samplers that are known without being on offer, with the schedulers at their ends."""
