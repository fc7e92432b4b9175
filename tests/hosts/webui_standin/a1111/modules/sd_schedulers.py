"""The schedulers of AUTOMATIC1111 1.10.1."""

from __future__ import annotations

from types import SimpleNamespace

_SCHEDULERS = {
    "automatic": "Automatic",
    "uniform": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "kl_optimal": "KL Optimal",
    "align_your_steps": "Align Your Steps",
    "simple": "Simple",
    "normal": "Normal",
    "ddim": "DDIM",
    "beta": "Beta",
}
schedulers = [
    SimpleNamespace(name=name, label=label, aliases=["SGMUniform"] if name == "sgm_uniform" else None)
    for name, label in _SCHEDULERS.items()
]
