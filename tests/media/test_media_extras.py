import os
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import Interrupted
from deforum_helpers.media.extras import (
    DepthMaps,
    HumanMasks,
    HybridFrames,
    InputFrames,
    delete_input_frames,
    flow_picture,
)
from deforum_helpers.media.frames import FrameSources, Selection
from media_samples import FAST, decode_frames, grey, make_video


@pytest.fixture
def sources():
    with FrameSources(64, 48) as opened:
        yield opened


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", range(0, 100, 10))


def names(folder):
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))


def level(path):
    with Pillow.open(path) as picture:
        return round(float(np.asarray(picture).mean()))


def test_input_frames_are_written_and_used_again(tmp_path, sources, clip):
    told = []
    written = InputFrames(tmp_path / "run", sources.open(str(clip), key="k"))
    assert not written.is_complete()
    assert written.write_all(progress=lambda done, count: told.append((done, count)))
    assert names(written.folder) == [f"clip{index:09}.jpg" for index in range(10)]
    assert [abs(level(written.path(index)) - 10 * index) <= 2 for index in range(10)] == [True] * 10
    assert told == [(done, 10) for done in range(1, 11)]
    written.path(3).write_bytes(b"mine")
    assert not written.write_all()
    assert written.path(3).read_bytes() == b"mine"
    assert written.write_all(overwrite=True)
    assert abs(level(written.path(3)) - 30) <= 2


def test_other_frames_replace_them(tmp_path, sources, clip):
    run = tmp_path / "run"
    InputFrames(run, sources.open(str(clip), key="k")).write_all()
    fewer = InputFrames(run, sources.open(str(clip), key="k", selection=Selection(first=4, last=6)))
    assert fewer.write_all()
    assert names(fewer.folder) == [f"clip{index:09}.jpg" for index in range(3)]
    # As many of another part, and as many of a changed file.
    moved = InputFrames(run, sources.open(str(clip), key="k", selection=Selection(first=6, last=8)))
    assert moved.write_all()
    assert abs(level(moved.path(0)) - 60) <= 2
    os.utime(clip, ns=(1, 1))
    assert InputFrames(run, sources.open(str(clip), key="k", selection=Selection(first=6, last=8))).write_all()


def test_a_missing_frame_means_all_anew(tmp_path, sources, clip):
    written = InputFrames(tmp_path, sources.open(str(clip), key="k"))
    written.write_all()
    written.path(5).unlink()
    assert written.write_all()
    assert written.path(5).is_file()


def test_a_stopped_extraction_is_not_complete(tmp_path, sources, clip):
    written = InputFrames(tmp_path, sources.open(str(clip), key="k"))
    asked = iter([False] * 4 + [True])
    with pytest.raises(Interrupted):
        written.write_all(should_stop=lambda: next(asked))
    assert len(names(written.folder)) == 4
    assert not written.is_complete()
    assert written.write_all()


def test_hybrid_frames_have_the_names_users_know(tmp_path):
    hybrid = HybridFrames(tmp_path, "clip")
    for kind in ("mask", "comp", "prev", "vid_depth"):
        hybrid.write(kind, 7, grey(90)[..., 0] if kind == "mask" else grey(90))
    hybrid.write_flow(7, np.ones((48, 64, 2), np.float32))
    hybrid.write_flow_mask(7, np.full((48, 64), 255, np.uint8))
    kinds = ("clip_comp", "clip_mask", "clip_prev", "clip_vid_depth", "flow", "flow_mask")
    assert names(tmp_path / "hybridframes") == [f"{kind}000000007.jpg" for kind in kinds]
    assert level(tmp_path / "hybridframes" / "clip_mask000000007.jpg") == 90


def test_a_flow_is_drawn_by_direction_and_length():
    flow = np.zeros((4, 6, 2), np.float32)
    flow[:, 1] = (5, 0)
    flow[:, 2] = (-5, 0)
    flow[:, 3] = (0, 5)
    flow[:, 4] = (0, -5)
    flow[:, 5] = (2.5, 0)
    still, right, left, down, up, slow = flow_picture(flow)[0].tolist()
    assert (still, right, left) == ([0, 0, 0], [255, 0, 0], [0, 255, 255])
    assert down[1] == 255 > down[0] > down[2]
    assert up[2] == 255 > up[0] > up[1]
    assert slow == [128, 0, 0]
    assert flow_picture(flow, longest=10)[0, 1].tolist() == [128, 0, 0]
    assert not flow_picture(np.zeros((4, 6, 2), np.float32)).any()


def test_depth_maps_are_grey_pngs(tmp_path):
    depth = np.linspace(-0.5, 1.5, 64, dtype=np.float32)[np.newaxis].repeat(48, 0)
    depth[0, 0] = np.nan
    path = DepthMaps(tmp_path, "20240102030405").write(12, depth)
    assert path.name == "20240102030405_depth_000000012.png"
    with Pillow.open(path) as picture:
        assert (picture.mode, picture.size) == ("RGB", (64, 48))
        seen = np.asarray(picture)
    assert np.array_equal(seen[..., 0], seen[..., 2])
    assert (seen[9, 0, 0], seen[9, 63, 0], seen[0, 0, 0]) == (0, 255, 0)
    assert seen[9, 32, 0] == round(255 * float(depth[9, 32]))


@dataclass
class _Levels:
    count: int = 5

    def frame(self, index):
        return grey(40 * index)


def bright(image):
    return np.where(image[..., 0] > 70, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("files", ["PNGs", "Video", "Both"])
def test_human_masks(tmp_path, files):
    told = []
    masks = HumanMasks(tmp_path, files, FAST)
    masks.write_all(_Levels(), bright, progress=lambda done, count: told.append((done, count)))
    pictures = [f"{index:09}.png" for index in range(5)] if files != "Video" else []
    assert names(masks.folder) == [*pictures, *(["human_masked_video.mp4"] if files != "PNGs" else [])]
    if pictures:
        assert [level(masks.path(index)) for index in range(5)] == [0, 0, 255, 255, 255]
    if files != "PNGs":
        assert np.rint(decode_frames(masks.video).mean(axis=(1, 2, 3)) / 255).tolist() == [0, 0, 1, 1, 1]
    assert told == [(done, 5) for done in range(1, 6)]


def test_stopped_human_masks_leave_no_half_video(tmp_path):
    asked = iter([False, False, True])
    masks = HumanMasks(tmp_path, "Both", FAST)
    with pytest.raises(Interrupted):
        masks.write_all(_Levels(), bright, should_stop=lambda: next(asked))
    assert names(masks.folder) == ["000000000.png", "000000001.png"]


def test_input_frames_are_deleted_and_nothing_else(tmp_path):
    for name in ("inputframes", "controlnet_1_inputframes", "controlnet_2_inputframes", "hybridframes", "maskframes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep.jpg").write_bytes(b"x")
    (tmp_path / "controlnet_3_inputframes").symlink_to(elsewhere)
    assert len(delete_input_frames(tmp_path)) == 4
    assert names(tmp_path) == ["elsewhere", "hybridframes", "maskframes"]
    assert names(elsewhere) == ["keep.jpg"]
    assert delete_input_frames(tmp_path) == ()
