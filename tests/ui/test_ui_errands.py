"""What is asked of the whole page, and the ControlNet units that share their fields; no browser, no gradio."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

pytest.importorskip("gradio", reason="gradio is not installed: pip install -r requirements-ui.txt")

from deforum_helpers.errors import InputError
from deforum_helpers.ui.errands import request
from deforum_helpers.ui.findings_view import jump
from deforum_helpers.ui.presets import presets_html
from deforum_helpers.ui.thumbnails import WIDTH, thumbnail
from deforum_helpers.ui.tree import of_unit, settings_tree, unit_of
from deforum_helpers.ui.values import base_of, read


def test_no_two_requests_are_the_same_text():
    asked = [request("save settings", "a.txt") for _ in range(50)]
    assert len(set(asked)) == 50
    assert json.loads(asked[0])["given"] == ["a.txt"]


def test_a_setting_of_a_unit_has_its_like_in_every_unit():
    assert of_unit("cn_4_weight", 1) == "cn_1_weight"
    assert of_unit("steps", 3) == "steps"
    assert [unit_of(key) for key in ("cn_5_model", "cn_6_model", "steps")] == [5, None, None]
    mine = {of_unit(key, 1) for key in settings_tree().keys() if unit_of(key)}  # noqa: SIM118 - a method of its own
    assert mine == {key for key in settings_tree().keys() if unit_of(key) == 1}  # noqa: SIM118


def test_a_unit_that_is_not_on_display_is_kept_in_the_base():
    base = base_of(read({"cn_3_enabled": True, "cn_3_weight": "0: (0.5)"}))
    draft = read({"cn_1_enabled": True, "steps": 30}, base)
    held = draft.held
    assert (held["cn_3_enabled"], held["cn_3_weight"], held["cn_1_enabled"], held["steps"]) == (
        True,
        "0: (0.5)",
        True,
        30,
    )


def test_a_link_to_a_unit_says_which():
    assert 'data-unit="4"' in jump("cn_4_weight")
    assert "data-unit" not in jump("zoom")


def test_cards_of_presets_name_nothing_that_is_not_escaped():
    from pathlib import Path

    from deforum_helpers.ui.door import Preset

    cards = presets_html([Preset('a"<b>', Path("a.txt")), Preset("b", Path("b.txt"), Path("b.jpg"))], str)
    assert "<b>" not in cards
    assert 'src="b.jpg"' in cards
    assert "no picture" in cards


class TestThumbnail:
    def test_it_is_small(self):
        stream = io.BytesIO()
        Image.new("RGBA", (1600, 800), (200, 10, 10, 255)).save(stream, "PNG")
        small = Image.open(io.BytesIO(thumbnail(stream.getvalue())))
        assert (small.format, small.size) == ("JPEG", (WIDTH, WIDTH // 2))

    @pytest.mark.parametrize("data", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
    def test_what_is_no_picture_is_refused(self, data):
        with pytest.raises(InputError):
            thumbnail(data)
