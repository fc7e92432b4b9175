import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

from deforum_helpers.errors import InputError
from deforum_helpers.media import pictures
from deforum_helpers.media.pictures import load_mask, load_picture, load_picture_and_alpha
from deforum_helpers.web import Limits
from media_samples import grey, picture

SIZE = {"width": 64, "height": 48, "key": "init_image"}


def saved(path, image, mode=None):
    Pillow.fromarray(image, mode).save(path)
    return str(path)


def pasted(image, kind="png"):
    data = io.BytesIO()
    Pillow.fromarray(image).save(data, kind)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def see_through(left=0, right=255):
    image = np.full((48, 64, 4), 200, np.uint8)
    image[:, :32, 3], image[:, 32:, 3] = left, right
    return image


def test_a_pasted_picture_is_the_picture():
    image = picture()
    assert np.array_equal(load_picture(pasted(image), **SIZE), image)
    assert np.array_equal(load_picture("\n" + pasted(image) + "\n", **SIZE), image)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("data:image/png;base64,%%%", "damaged"),
        ("data:image/png;base64,AAAA", "cannot be read as a picture"),
        ("data:image/png,abc", "base64"),
        ("", "no picture is named"),
    ],
)
def test_a_damaged_paste_is_an_input_error(text, match):
    with pytest.raises(InputError, match=match) as caught:
        load_picture(text, **SIZE)
    assert caught.value.findings[0].key == "init_image"


def test_a_paste_has_a_limit(monkeypatch):
    monkeypatch.setattr(pictures, "PICTURE_LIMITS", Limits(size=1000, timeout=1, deadline=1))
    with pytest.raises(InputError, match="larger than"):
        load_picture(pasted(picture()), **SIZE)


def test_alpha_is_told_and_laid_on_black(tmp_path):
    image, alpha = load_picture_and_alpha(saved(tmp_path / "a.png", see_through()), **SIZE)
    assert (image[:, :32].max(), image[:, 32:].min()) == (0, 200)
    assert (alpha[:, :32].max(), alpha[:, 32:].min(), alpha.shape) == (0, 255, (48, 64))


def test_alpha_is_resized_with_the_picture(tmp_path):
    path = saved(tmp_path / "a.png", see_through())
    image, alpha = load_picture_and_alpha(path, width=32, height=24, key="k")
    assert image.shape == (24, 32, 3)
    assert (alpha.shape, alpha[12, 4], alpha[12, 28]) == ((24, 32), 0, 255)


def test_without_alpha_or_opaque_there_is_none(tmp_path):
    assert load_picture_and_alpha(saved(tmp_path / "a.png", see_through(255, 255)), **SIZE)[1] is None
    assert load_picture_and_alpha(saved(tmp_path / "b.jpg", picture()), **SIZE)[1] is None


def test_a_mask_is_the_brightness_of_its_picture(tmp_path):
    image = grey(0)
    image[:24] = 255
    image[24:, :, 0] = 255
    mask = load_mask(saved(tmp_path / "m.png", image), **SIZE)
    assert (mask.shape, mask.dtype, mask[0, 0], mask[40, 0]) == ((48, 64), np.uint8, 255, 76)
    assert load_mask(saved(tmp_path / "n.png", see_through()), **SIZE)[:, :32].max() == 0


def test_sixteen_bits_become_eight(tmp_path):
    deep = np.full((48, 64), 100 * 257, np.uint16)
    deep[0] = 65535
    mask = load_mask(saved(tmp_path / "m.png", deep), **SIZE)
    assert (mask[0, 0], mask[40, 0]) == (255, 100)
