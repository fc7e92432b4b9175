"""Which depth network a name means."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import RunError, SettingsError
from deforum_helpers.models.registry import DEPTH_MODELS, NEAREST, choose_depth_model, depth_model_names, works_with

A1111 = SimpleNamespace(__version__="4.30.2", DPTForDepthEstimation=object)
FORGE = SimpleNamespace(
    __version__="4.46.1",
    DPTForDepthEstimation=object,
    DepthAnythingForDepthEstimation=object,
    ZoeDepthForDepthEstimation=object,
)


def test_the_table_is_sound():
    names = [name.casefold() for name in depth_model_names()]
    assert len(set(names)) == len(names)
    known = {model.name for model in DEPTH_MODELS}
    assert {model.instead for model in DEPTH_MODELS} <= known | {""}
    assert {stand_in for stand_in, _ in NEAREST.values()} <= known
    folders = [model.repo.split("/")[1] for model in DEPTH_MODELS]
    assert len(set(folders)) == len(folders)


def test_every_choice_of_the_settings_is_known():
    from deforum_helpers.settings.schema import SETTINGS

    for name in SETTINGS["depth_algorithm"].choices:
        assert choose_depth_model(name).model in DEPTH_MODELS


@given(st.sampled_from(depth_model_names()), st.sampled_from([str.upper, str.lower, str.title, "  {} ".format]))
def test_case_does_not_matter(name, changed):
    assert choose_depth_model(changed(name)) == choose_depth_model(name)


@pytest.mark.parametrize("name", depth_model_names())
@pytest.mark.parametrize("transformers", [A1111, FORGE], ids=["4.30.2", "4.46.1"])
def test_every_name_leads_to_a_network_that_works(name, transformers):
    choice = choose_depth_model(name, works_with(transformers))
    assert works_with(transformers)(choice.model)
    # Whatever is not what was asked for is said.
    assert bool(choice.findings) == (choice.model.name != name)
    assert all(finding.severity == "warning" and finding.key == "depth_algorithm" for finding in choice.findings)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Midas-3-Hybrid", "Midas-3-Hybrid", "Midas-3-Hybrid"),
        ("Midas-3.1-BeiTLarge", "Midas-3-Large", "Midas-3.1-BeiTLarge"),
        ("Zoe", "Midas-3-Hybrid", "Zoe"),
        ("AdaBins", "Midas-3-Hybrid", "Zoe"),
        ("Midas+AdaBins (old)", "Midas-3-Hybrid", "Zoe"),
        ("Leres", "Midas-3-Large", "Midas-3-Large"),
        ("Depth-Anything-V2-small", "Midas-3-Hybrid", "Depth-Anything-V2-small"),
    ],
)
def test_what_stands_in(name, old, new):
    assert choose_depth_model(name, works_with(A1111)).model.name == old
    assert choose_depth_model(name, works_with(FORGE)).model.name == new


def test_a_class_that_cannot_be_loaded_is_not_there():
    class Broken:
        __version__ = "5.0"
        DPTForDepthEstimation = object

        def __getattr__(self, name):
            raise RuntimeError(f"Failed to import {name}")

    assert choose_depth_model("Zoe", works_with(Broken())).model.name == "Midas-3-Hybrid"


def test_unknown_names():
    with pytest.raises(SettingsError, match="Depth-Anything-V2-base") as caught:
        choose_depth_model("MiDaS v9")
    assert caught.value.findings[0].key == "depth_algorithm"


def test_nothing_works():
    with pytest.raises(RunError, match="transformers"):
        choose_depth_model("Zoe", works_with(SimpleNamespace(__version__="3.0", DPTForDepthEstimation=object)))
