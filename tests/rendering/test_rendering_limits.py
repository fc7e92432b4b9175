"""What would stop a render at a late frame stops the plan."""

from __future__ import annotations

import json

import pytest

from deforum_helpers.errors import InputError
from deforum_helpers.imaging.camera import perspective_flip
from deforum_helpers.parseq.manifest import parse_manifest
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.settings.schema import Settings

BASE = Settings().replace(
    max_frames=60, diffusion_cadence=5, neocore_key_index_distribution="Uniform Spacing", W=64, H=64
)
FLIP = {"enable_perspective_flip": True, "perspective_flip_theta": "0: (1)"}


@pytest.mark.parametrize(
    ("changes", "key", "frame", "text"),
    [
        ({"animation_mode": "3D", "fov_schedule": "0: (70), 40: (180)"}, "fov_schedule", 40, "of 180 degrees"),
        (
            {"animation_mode": "3D", "aspect_ratio_use_old_formula": False, "aspect_ratio_schedule": "0: (1), 30: (0)"},
            *("aspect_ratio_schedule", 30, "aspect ratio of 0"),
        ),
        ({**FLIP, "perspective_flip_fv": "0: (53), 20: (0)"}, "perspective_flip_fv", 20, "of 0 degrees"),
        ({**FLIP, "perspective_flip_phi": "0: (0), 45: (90)"}, "perspective_flip_phi", 45, "edge on"),
        ({"amount_schedule": "0: (0.1)", "kernel_schedule": "0: (5), 11: (6)"}, "kernel_schedule", 15, "kernel of 6"),
        ({"amount_schedule": "0: (0.1)", "sigma_schedule": "0: (1), 50: (-1)"}, "sigma_schedule", 30, "negative"),
    ],
)
def test_is_told_at_its_frame(changes, key, frame, text):
    with pytest.raises(InputError) as caught:
        build_render_data(BASE.replace(animation_mode=changes.pop("animation_mode", "2D"), **changes))
    (found,) = (finding for finding in caught.value.findings if finding.severity == "error")
    assert (found.key, found.frame) == (key, frame)
    assert text in found.message


@pytest.mark.parametrize(
    "changes",
    [
        {"fov_schedule": "0: (0)"},
        {"animation_mode": "3D", "aspect_ratio_schedule": "0: (-1)", "aspect_ratio_use_old_formula": True},
        {"perspective_flip_fv": "0: (0)", "perspective_flip_phi": "0: (90)"},
        {"amount_schedule": "0: (0)", "kernel_schedule": "0: (6)"},
        {"animation_mode": "Interpolation", **FLIP, "perspective_flip_phi": "0: (90)"},
    ],
)
def test_what_takes_no_part_does_no_harm(changes):
    build_render_data(BASE.replace(**changes))


def test_a_flip_edge_on_is_one_for_the_camera_as_well():
    with pytest.raises(InputError, match="edge on"):
        perspective_flip(width=64, height=64, theta=1.0, phi=90.0)


def test_every_switch_that_is_off_is_told_of_what_parseq_manages():
    frames = [{"frame": f, "subseed": 5 + f, "mask": "{everywhere}", "steps_schedule": 9} for f in range(60)]
    text = json.dumps({"options": {"output_fps": 12}, "rendered_frames": frames, "keyframes": [{"frame": 0}]})
    manifest = parse_manifest(text)
    told = {finding.key for finding in build_render_data(BASE, manifest).findings if "while" in finding.message}
    assert {"enable_subseed_scheduling", "enable_steps_scheduling"} <= told
    assert "use_looper" not in told
