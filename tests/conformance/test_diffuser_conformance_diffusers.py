"""The diffusers engine keeps what every Diffuser promises, with a model of each family."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_diffuser_conformance import DiffuserConformance, difference

from tiny_diffusion import diffusers_or_skip, one_thread, write_model

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries below

FAMILIES = ("sd", "sd-inpainting", "sdxl", "sd3", "flux")


class TestDiffusersEngine(DiffuserConformance):
    sizes = ((64, 64), (96, 64), (70, 52))
    steps = 6

    @pytest.fixture(scope="class", params=FAMILIES)
    def loaded(self, request, tmp_path_factory):
        diffusers_or_skip()
        from deforum_helpers.hosts.diffusers.engine import DiffusersEngine
        from deforum_helpers.hosts.diffusers.options import EngineOptions

        with one_thread():
            folder = write_model(tmp_path_factory.mktemp("models"), request.param)
            yield DiffusersEngine(EngineOptions(str(folder), device="cpu"))

    @pytest.fixture
    def engine(self, loaded):
        return loaded

    def test_less_strength_changes_more(self, engine, request_, init):
        # A VAE of random weights does not give the init back, so changes are counted from what it makes of it.
        def diffused(strength):
            return engine.diffuse(replace(request_, steps=20, init_image=init, strength=strength)).image

        same = diffused(0.99)
        changes = [difference(diffused(strength), same) for strength in (0.85, 0.5, 0.1)]
        assert changes == sorted(changes)
        assert changes[2] > changes[0] + 1.0
