from collections import Counter

from deforum_helpers.schedule.series import SERIES, SERIES_BY_KEY, SERIES_BY_NAME


def test_every_scheduled_value_is_listed_once():
    assert Counter(spec.group for spec in SERIES) == {"anim": 47, "looper": 5, "controlnet": 15}
    assert len(SERIES_BY_NAME) == len(SERIES_BY_KEY) == len(SERIES)


def test_texts():
    assert {spec.settings_key for spec in SERIES if spec.kind == "text"} == {
        "checkpoint_schedule",
        "sampler_schedule",
        "mask_schedule",
        "noise_mask_schedule",
    }


def test_deltas_are_the_motions():
    assert {spec.parseq_field for spec in SERIES if spec.delta} == {
        *("angle", "zoom", "translation_x", "translation_y", "translation_z"),
        *("rotation_3d_x", "rotation_3d_y", "rotation_3d_z"),
        *("perspective_flip_theta", "perspective_flip_phi", "perspective_flip_gamma"),
    }


def test_names_that_do_not_follow_from_the_key():
    assert SERIES_BY_KEY["fov_schedule"].name == "fov_series"
    assert SERIES_BY_KEY["cfg_scale_schedule"].parseq_field == "scale"
    assert SERIES_BY_KEY["kernel_schedule"].parseq_field == "antiblur_kernel"
    assert SERIES_BY_KEY["image_strength_schedule"].parseq_field == "strength"
    assert SERIES_BY_NAME["cn_5_guidance_end_schedule_series"].settings_key == "cn_5_guidance_end"
    assert SERIES_BY_NAME["blendFactorMax_series"].parseq_field == "guided_blendFactorMax"
