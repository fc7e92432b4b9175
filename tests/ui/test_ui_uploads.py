"""Files that pages send: kept if they are what they should be; and what is shown of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from deforum_helpers.errors import InputError
from deforum_helpers.settings.schema import SETTINGS
from deforum_helpers.ui.pictures_view import pictures_html
from deforum_helpers.ui.uploads import SHOWN, TAKEN, keep_upload
from media_samples import make_video

CLICKS = Path(__file__).parents[2] / "examples" / "beat_sync" / "clicks.wav"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "my picture.png"
    Image.new("RGB", (8, 8), (200, 0, 0)).save(path)
    return path


def test_a_picture_is_kept_once_under_a_name_of_ours(picture, tmp_path):
    out = tmp_path / "out" / "uploads"
    kept = keep_upload(picture, "init_image", out)
    assert kept == keep_upload(picture, "init_images", out)
    assert kept.parent == out
    assert kept.read_bytes() == picture.read_bytes()
    assert " " not in kept.name


def test_a_sound_is_kept_for_what_takes_sound(tmp_path):
    assert keep_upload(CLICKS, "soundtrack_path", tmp_path / "out").suffix == ".wav"


def test_every_unit_takes_a_video(picture, tmp_path):
    assert keep_upload(picture, "cn_5_vid_path", tmp_path / "out").is_file()


def test_what_is_for_a_tool_keeps_its_name(tmp_path):
    clicks = tmp_path / "my, clip.v1.mp4"
    make_video(clicks)
    kept = keep_upload(clicks, "vid_to_depth_chosen_file", tmp_path / "out")
    assert kept.name == "my__clip_v1.mp4"
    assert kept == keep_upload(clicks, "vid_to_depth_chosen_file", tmp_path / "out")
    assert kept.parent.parent == tmp_path / "out"


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.svg", b"<svg/>", "init_image"),
        ("a.exe", b"MZ", "video_init_path"),
        ("a.png", b"no picture", "init_image"),
        ("a.png", b"%!PS-Adobe-3.0 EPSF-3.0", "mask_file"),
        ("a.mp4", b"#EXTM3U\nhttp://127.0.0.1/x.ts", "video_init_path"),
        ("a.mp4", b"", "soundtrack_path"),
        ("a.png", b"\x89PNG", "vid_to_depth_chosen_file"),
        ("a.png", b"\x89PNG", "steps"),
        ("a.png", b"\x89PNG", ""),
        ("a.png", b"\x89PNG", "../../etc"),
    ],
)
def test_what_is_not_what_it_should_be_is_refused(name, content, key, tmp_path):
    upload = tmp_path / name
    upload.write_bytes(content)
    with pytest.raises(InputError):
        keep_upload(upload, key, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_lists_name_settings_that_name_files():
    assert {SETTINGS[key].kind for key in TAKEN} == {"path", "json"}
    assert set(SHOWN) <= set(TAKEN)


class TestPictures:
    def test_guided_images_show_their_frames(self):
        html = pictures_html("init_images", '{"0": "/a/b.png", "max_f-20": "https://example.org/c.png"}', str)
        assert html.count("<img") == 2
        assert "max_f-20" in html
        assert 'src="https://example.org/c.png"' in html

    def test_json_that_is_none_is_an_error(self):
        assert "deforum-error" in pictures_html("init_images", "{broken", str)

    def test_nothing_is_shown_for_nothing(self):
        assert pictures_html("init_image", "  ", str) == pictures_html("init_images", "", str) == ""

    def test_what_people_type_is_escaped(self):
        for nasty in ('"><script>alert(1)</script>', '/"><script>alert(1)</script>'):
            assert "<script" not in pictures_html("init_image", nasty, str)

    def test_only_links_and_files_become_addresses(self):
        assert "<img" not in pictures_html("init_image", "javascript:alert(1)", str)
        assert "<img" not in pictures_html("init_image", "images/a.png", str)
        assert 'src="/out/a.png"' in pictures_html("init_image", "/out/a.png", str)
