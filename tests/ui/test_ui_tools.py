"""The tools of the tab: their table, what they do for the page, and how they are shown."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import Finding, InputError, Interrupted, RunError
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.workbench import ToolStatus
from deforum_helpers.media.ffmpeg import probe
from deforum_helpers.models.registry import DEPTH_MODELS
from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.tools.clips import Made
from deforum_helpers.ui.queue_door import QueueDoor
from deforum_helpers.ui.tool_view import tool_html
from deforum_helpers.ui.tools import FRAMES_TO_VIDEO, TOOLS, VID2DEPTH
from deforum_helpers.ui.uploads import TOOLS_TAKE
from deforum_helpers.ui.visibility import condition
from media_samples import decode_frames, grey, make_clicks, make_video


def values_of(tool, **changed):
    settings = {key: SETTINGS[key].default for key in tool.reads}
    return {**settings, **{field.key: field.default for field in tool.fields}, **changed}


@pytest.fixture
def door(tmp_path):
    return QueueDoor(None, tmp_path / "out")


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "out" / "my run"
    folder.mkdir(parents=True)
    for number in range(4):
        Pillow.fromarray(grey(50 * number)).save(folder / f"f_{number:03}.png")
    return folder


def done(door, tool, **changed):
    door.start_tool(tool.name, partial(tool.work, values_of(tool, **changed)), networks=tool.networks)
    door.bench.wait()
    return door.tool()


class TestTheTable:
    def test_names_and_keys_are_unique(self):
        keys = [field.key for tool in TOOLS for field in tool.fields]
        assert len(set(keys)) == len(keys)
        assert len({tool.name for tool in TOOLS}) == len(TOOLS)

    def test_conditions_look_at_the_tools_own_fields(self):
        for tool in TOOLS:
            names = frozenset(field.key for field in tool.fields)
            for field in tool.fields:
                if field.visible_when:
                    assert condition(field.visible_when, names).keys

    def test_every_field_says_what_it_is(self):
        for tool in TOOLS:
            for field in tool.fields:
                assert field.label
                assert field.help.endswith(".")

    def test_the_networks_are_those_there_are(self):
        network = next(field for field in VID2DEPTH.fields if field.key == "depth_network")
        assert set(network.choices) == {model.name for model in DEPTH_MODELS}
        assert network.default in network.choices

    def test_known_element_ids(self):
        ids = {field.elem_id for field in VID2DEPTH.fields}
        assert {"vid_to_depth_chosen_file", "mode", "invert", "depth_keep_imgs"} <= ids

    def test_fields_of_files_take_uploads(self):
        assert "vid_to_depth_chosen_file" in TOOLS_TAKE


class TestFramesToVideo:
    def test_with_rate_and_sound_of_the_video_settings(self, door, frames, tmp_path):
        sound = make_clicks(tmp_path / "x.wav", 1, [0.1])
        status = done(
            door, FRAMES_TO_VIDEO, image_path="my run", fps=23.976, add_soundtrack="File", soundtrack_path=str(sound)
        )
        assert status.made.video == frames / "my run.mp4"
        info = probe(status.made.video)
        assert (info.fps, info.has_audio) == (Fraction(24000, 1001), True)
        assert (status.done, status.count) == (4, 4)
        assert door.shows(status.made.video)

    def test_the_sound_of_the_init_video_only_if_it_is_wanted(self, door, frames, tmp_path):
        sound = str(make_clicks(tmp_path / "x.wav", 1, [0.1]))
        for wanted in ("Init Video", "None"):
            status = done(
                door,
                FRAMES_TO_VIDEO,
                image_path=str(frames),
                add_soundtrack=wanted,
                video_init_path=sound,
                soundtrack_path=sound,
            )
            assert probe(status.made.video).has_audio == (wanted == "Init Video")

    def test_without_frames_it_says_so(self, door):
        assert "no frames are named" in str(done(door, FRAMES_TO_VIDEO).error)

    def test_strangers_stay_below_the_folder_of_all_runs(self, frames, tmp_path):
        outside = tmp_path / "examples"
        frames.rename(outside)
        door = QueueDoor(None, tmp_path / "out", access=Access((tmp_path / "out", outside)))
        assert "nothing may be written" in str(done(door, FRAMES_TO_VIDEO, image_path=str(outside)).error)
        assert "outside the allowed folders" in str(done(door, FRAMES_TO_VIDEO, image_path="/etc").error)
        assert not list(outside.glob("*.mp4"))
        outside.rename(frames)
        link = {"add_soundtrack": "File", "soundtrack_path": "http://127.0.0.1:1/x.wav"}
        assert "private address" in str(done(door, FRAMES_TO_VIDEO, image_path="my run", **link).error)
        assert done(door, FRAMES_TO_VIDEO, image_path="my run").made.frames == 4


class TestVid2depth:
    def test_in_greys_without_a_network(self, door, tmp_path):
        video = make_video(tmp_path / "some clip.mp4", [0, 100, 200])
        chosen = {"vid_to_depth_chosen_file": str(video), "depth_mode": "None (just grayscale)"}
        status = done(door, VID2DEPTH, **chosen, depth_thresholding="Simple", depth_upper=200)
        folder = tmp_path / "out" / "frame-depth" / "some_clip"
        assert status.made.video == folder / "some_clip_depth_Simple.mp4"
        assert len(list(status.made.folder.iterdir())) == 3
        np.testing.assert_allclose(decode_frames(status.made.video).mean(axis=(1, 2, 3)), [0, 0, 200], atol=3)

    def test_without_a_video_it_says_so(self, door):
        assert "no file is named" in str(done(door, VID2DEPTH).error)

    def test_values_that_cannot_be(self, door, tmp_path):
        video = make_video(tmp_path / "x.mp4", [1])
        status = done(door, VID2DEPTH, vid_to_depth_chosen_file=str(video), depth_block_size=4)
        assert "Block size: a block has an odd number" in str(status.error)

    def test_strangers_may_not_name_any_video(self, tmp_path):
        video = make_video(tmp_path / "x.mp4", [1])
        door = QueueDoor(None, tmp_path / "out", access=Access((tmp_path / "out",)))
        assert "outside the allowed folders" in str(done(door, VID2DEPTH, vid_to_depth_chosen_file=str(video)).error)


class TestShowing:
    def test_at_work(self):
        html = tool_html(ToolStatus("Vid2depth", 30, 120, 10, 61))
        assert 'data-live="1"' in html
        assert "Vid2depth · frame 30 of 120 · 25% · 1:01 left" in html
        assert "width:25.0%" in html
        assert "deforum-tool-stop" in html

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (ToolStatus("T"), "Preparing"),
            (ToolStatus("T", stopping=True), "Stopping"),
            (ToolStatus("T", 3), "T · frame 3"),
            (ToolStatus("T", 3, 9, stopping=True), "Stopping after this frame · frame 3 of 9"),
        ],
    )
    def test_other_states(self, status, said):
        assert f">{said}" in tool_html(status)

    def test_done(self):
        finding = Finding("warning", "the video has no <sound>.")
        made = Made(Path("/out/a&b.mp4"), 12, findings=(finding,), folder=Path("/out/frames"))
        html = tool_html(ToolStatus("T", 12, 12, 5, made=made), "file=/out/a%26b.mp4")
        assert 'data-live="0"' in html
        assert "Done · 12 frames · took 0:05" in html
        assert '<video controls loop preload="metadata" src="file=/out/a%26b.mp4">' in html
        assert "a&amp;b.mp4" in html
        assert "no &lt;sound&gt;" in html
        assert "Frames in /out/frames" in html
        assert "base64" not in html
        assert "<video" not in tool_html(ToolStatus("T", 12, 12, 5, made=made))

    def test_stopped(self):
        html = tool_html(ToolStatus("T", 3, 12, 5, made=Made(Path("x.mp4"), 3, stopped=True)))
        assert "Stopped, with a video of the frames that were done · 3 frames" in html

    @pytest.mark.parametrize("error", [InputError("no <video>."), RunError("no <video>."), Interrupted("no <video>.")])
    def test_errors(self, error):
        html = tool_html(ToolStatus("T", error=error))
        assert "no &lt;video&gt;." in html
        assert 'data-live="0"' in html
        assert ("deforum-error" in html) == (not isinstance(error, Interrupted))
