"""Options of the settings page become options of a run."""

from __future__ import annotations

import pytest

from deforum_helpers.errors import InputError
from deforum_helpers.jobs.options import with_overrides
from deforum_helpers.media.encode import EncodeOptions
from deforum_helpers.run_deforum import RunOptions

GIVEN = RunOptions(encode=EncodeOptions(threads=1), subtitles=("Zoom",), preview_every=50)


def test_what_is_not_overridden_stays():
    assert with_overrides(GIVEN, {}) == GIVEN
    assert with_overrides(RunOptions(), {"sd_model_checkpoint": "x"}) == RunOptions()


def test_each_option():
    changed = with_overrides(
        GIVEN,
        {
            "deforum_ffmpeg_crf": 30,
            "deforum_ffmpeg_preset": "veryfast",
            "deforum_preview_interval_frames": 20,
            "deforum_embed_srt": True,
            "deforum_save_gen_info_as_srt_params": ["Noise Schedule", "Prompt"],
        },
    )
    assert changed.encode == EncodeOptions(crf=30, preset="veryfast", threads=1)
    assert (changed.preview_every, changed.embed_subtitles) == (20, True)
    assert changed.subtitles == ("Noise Schedule", "Prompt")
    off = with_overrides(changed, {"deforum_preview": "Off", "deforum_save_gen_info_as_srt": False})
    assert (off.preview_every, off.subtitles) == (0, None)
    assert with_overrides(off, {"deforum_preview": "On"}).preview_every == 100


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deforum_ffmpeg_crf", 99),
        ("deforum_ffmpeg_crf", True),
        ("deforum_ffmpeg_crf", "17; rm -rf"),
        ("deforum_ffmpeg_preset", "-i /etc/passwd"),
        ("deforum_ffmpeg_preset", None),
        ("deforum_preview", True),
        ("deforum_preview_interval_frames", 0),
        ("deforum_save_gen_info_as_srt", "yes"),
        ("deforum_save_gen_info_as_srt_params", ["No such label"]),
        ("deforum_save_gen_info_as_srt_params", "Zoom"),
    ],
)
def test_wrong_values(key, value):
    with pytest.raises(InputError) as caught:
        with_overrides(RunOptions(), {key: value})
    assert caught.value.findings[0].key == key
