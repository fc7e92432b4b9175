"""Interpolating and upscaling in the tab: what they ask for and what they do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import AccessError, InputError
from deforum_helpers.jobs.access import Access
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.upscaling import upscaling_model
from deforum_helpers.run_deforum import RunOptions
from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.ui.door import Tooling
from deforum_helpers.ui.queue_door import QueueDoor
from deforum_helpers.ui.tools import INTERPOLATE, UPSCALE
from deforum_helpers.ui.uploads import TOOLS_TAKE
from media_samples import grey, make_video
from tiny_networks import write_upscaler

FLOW = {"frame_interpolation_engine": "Optical Flow"}


def values_of(tool, **changed):
    settings = {key: SETTINGS[key].default for key in tool.reads}
    return {**settings, **{field.key: field.default for field in tool.fields}, **changed}


@pytest.fixture
def door(tmp_path):
    return QueueDoor(None, tmp_path / "out")


def done(door, tool, **changed):
    door.start_tool(tool.name, partial(tool.work, values_of(tool, **changed)), networks=tool.networks)
    door.bench.wait()
    return door.tool()


def test_known_element_ids_and_uploads():
    ids = {field.elem_id for tool in (INTERPOLATE, UPSCALE) for field in tool.fields}
    assert {"vid_to_interpolate_chosen_file", "pics_to_interpolate_chosen_file", "vid_to_upscale_chosen_file"} <= ids
    assert {"vid_to_interpolate_chosen_file", "vid_to_upscale_chosen_file"} <= set(TOOLS_TAKE)


def test_a_video_goes_by_the_settings_above_it(door, tmp_path):
    video = make_video(tmp_path / "clip.mp4", [10, 60, 110])
    slow = {"frame_interpolation_slow_mo_enabled": True, "frame_interpolation_slow_mo_amount": 4}
    status = done(
        door,
        INTERPOLATE,
        vid_to_interpolate_chosen_file=str(video),
        frame_interpolation_x_amount=4,
        frame_interpolation_keep_imgs=True,
        **FLOW,
        **slow,
    )
    assert status.made.video == tmp_path / "out" / "frame-interpolation" / "clip" / "clip_Flow_x4_slomo_x4.mp4"
    assert (status.made.frames, probe(status.made.video).fps) == (9, 24)
    assert len(list(status.made.folder.iterdir())) == 9
    assert door.shows(status.made.video)


def test_pictures_are_shown_at_the_rate_of_the_video_settings(door, tmp_path):
    folder = tmp_path / "out" / "views"
    folder.mkdir(parents=True)
    for number in range(3):
        Pillow.fromarray(grey(60 * number)).save(folder / f"f_{number:03}.png")
    status = done(door, INTERPOLATE, pics_to_interpolate="views", fps=10, **FLOW)
    assert (status.made.frames, probe(status.made.video).fps) == (5, 20)
    assert status.made.folder is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [({}, "no engine is chosen"), (FLOW, "no file is named"), ({"frame_interpolation_engine": "FILM"}, "no file")],
)
def test_what_is_missing_is_said(door, changed, said):
    status = done(door, INTERPOLATE, **changed)
    assert isinstance(status.error, InputError)
    assert said in str(status.error)


def test_strangers_reach_no_further_than_elsewhere(tmp_path):
    video = make_video(tmp_path / "secret.mp4", [10, 60])
    stranger = QueueDoor(None, tmp_path / "out", access=Access(()))
    for tool, key in ((INTERPOLATE, "vid_to_interpolate_chosen_file"), (UPSCALE, "vid_to_upscale_chosen_file")):
        status = done(stranger, tool, **{key: str(video)}, **(FLOW if tool is INTERPOLATE else {}))
        assert isinstance(status.error, AccessError)
    status = done(stranger, INTERPOLATE, pics_to_interpolate=str(tmp_path), **FLOW)
    assert isinstance(status.error, AccessError)


def test_upscaling(tmp_path):
    pytest.importorskip("spandrel", reason="spandrel is not installed")
    models = tmp_path / "models"
    write_upscaler(models / upscaling_model("realesr-animevideov3").weights.name)
    video = make_video(tmp_path / "clip.mp4", [10, 60])
    door = QueueDoor(None, tmp_path / "out")
    seen = []

    def work(tooling: Tooling):
        options = RunOptions(out=tooling.options.out, models=models, device="cpu", encode=tooling.options.encode)
        seen.append(tooling.options.out)
        values = values_of(UPSCALE, vid_to_upscale_chosen_file=str(video), upscale_factor="x3")
        return UPSCALE.work(values, replace(tooling, options=options))

    door.start_tool(UPSCALE.name, work, networks=True)
    door.bench.wait()
    made = door.tool().made
    assert made.video == tmp_path / "out" / "frame-upscaling" / "clip" / "clip_Upscaled_x3.mp4"
    assert (probe(made.video).width, probe(made.video).height) == (192, 144)
    assert len(list(made.folder.iterdir())) == 2
