import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from deforum_helpers.media import png
from deforum_helpers.media.png import encode_png
from media_samples import picture


@pytest.fixture(params=["zlib", "ISA-L"])
def coder(request, monkeypatch):
    """Both coders of the default level."""
    if request.param == "zlib":
        monkeypatch.setattr(png, "_fast", None)
    elif png._fast is None:
        pytest.skip("isal is not installed")


def decoded(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.mode == "RGB"
        return np.array(image), image.info


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 99))
def test_small_pictures_survive(height, width, level, seed):
    image = picture(height, width, seed)
    assert np.array_equal(decoded(encode_png(image, level))[0], image)


@pytest.mark.parametrize("level", [0, 1, 6])
@pytest.mark.usefixtures("coder")
def test_large_pictures_survive_in_two_decoders(level):
    image = cv2.GaussianBlur(picture(480, 640), (0, 0), 5)
    data = encode_png(image, level)
    pixels, info = decoded(data)
    assert np.array_equal(pixels, image)
    assert info == {}
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], image)


@pytest.mark.usefixtures("coder")
def test_the_stream_is_one_valid_zlib_stream_of_filtered_rows():
    image = picture(480, 640)
    data = encode_png(image)
    parts, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        parts.append((kind, body))
        at += 12 + size
    assert {kind for kind, _ in parts} == {b"IHDR", b"IDAT", b"IEND"}
    rows = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    assert len(rows) == 480 * (1 + 3 * 640)


def test_views_are_fine():
    image = picture(20, 30)[::-1, ::2]
    assert np.array_equal(decoded(encode_png(image))[0], image)


@pytest.mark.usefixtures("coder")
def test_the_default_level_pays_on_pictures():
    image = cv2.GaussianBlur(picture(480, 640), (0, 0), 5)
    assert len(encode_png(image)) < 0.6 * image.nbytes


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 4), np.uint8), ((4, 4, 4), np.uint8), ((4, 4, 3), np.float64), ((0, 4, 3), np.uint8)]
)
def test_anything_else_is_refused(shape, dtype):
    with pytest.raises(ValueError, match="H×W×3 uint8"):
        encode_png(np.zeros(shape, dtype))


def test_levels_are_checked():
    with pytest.raises(ValueError, match="0 to 9"):
        encode_png(picture(), 10)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example("a café at night\nSteps: 5, Seed: 7")
@example("灯台 in the fog")
def test_a_text_goes_with_the_picture(text):
    image = picture(4, 6)
    pixels, info = decoded(encode_png(image, text=text))
    assert info == {"parameters": text}
    assert np.array_equal(pixels, image)


def test_what_no_text_can_hold_is_left_out_or_replaced():
    assert decoded(encode_png(picture(2, 2), text="a\0b \ud800 灯"))[1] == {"parameters": "ab ? 灯"}


def test_without_a_text_nothing_is_added():
    assert encode_png(picture(4, 6), text="") == encode_png(picture(4, 6)) == encode_png(picture(4, 6), text="\0")
