"""The formats frames can be written in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image as Pillow

from ..errors import InputError
from ..ports import Image
from .png import check_image, encode_png

FormatName = Literal["png", "jpg", "webp"]


class ImageFormat(Protocol):
    """How a picture becomes the content of a file. The same picture and text always become the same bytes.

    Attributes:
        extension: of the file's name, without the dot.
        lossless: whether the picture can be read back bit for bit.
        codec: ffmpeg's name of the decoder.
    """

    @property
    def extension(self) -> str: ...  # noqa: D102
    @property
    def lossless(self) -> bool: ...  # noqa: D102
    @property
    def codec(self) -> str: ...  # noqa: D102

    def encode(self, image: Image, text: str = "") -> bytes:
        """Encode a picture, H×W×3 uint8 RGB, with a text that says what it was made with, where the format holds one.

        Raises:
            ValueError: it is none.
        """
        ...


@dataclass(frozen=True)
class Png:
    """8-bit RGB, lossless.

    Attributes:
        level: 0 stores, 1 is made for speed, 2 to 9 are zlib's levels (slow).

    Raises:
        ValueError: ``level`` is not in 0..9.
    """

    level: int = 1
    extension = "png"
    lossless = True
    codec = "png"

    def __post_init__(self) -> None:
        if not 0 <= self.level <= 9:
            raise ValueError(f"PNG compression goes from 0 to 9, got {self.level}")

    def encode(self, image: Image, text: str = "") -> bytes:
        """See :class:`ImageFormat`."""
        return encode_png(image, self.level, text)


@dataclass(frozen=True)
class Jpeg:
    """JPEG with colours at full resolution.

    Attributes:
        quality: 1 to 95; above, files grow without a visible gain.
    """

    quality: int = 95
    extension = "jpg"
    lossless = False
    codec = "mjpeg"

    def encode(self, image: Image, text: str = "") -> bytes:
        """See :class:`ImageFormat`."""
        return _encoded(image, "JPEG", quality=self.quality, subsampling=0)


@dataclass(frozen=True)
class WebP:
    """WebP, lossy: colours at half the resolution.

    Attributes:
        quality: 0 to 100.
        effort: 0 (fast) to 6 (small).
    """

    quality: int = 95
    effort: int = 1
    extension = "webp"
    lossless = False
    codec = "webp"

    def encode(self, image: Image, text: str = "") -> bytes:
        """See :class:`ImageFormat`."""
        return _encoded(image, "WEBP", quality=self.quality, method=self.effort)


FORMATS: dict[str, ImageFormat] = {known.extension: known for known in (Png(), Jpeg(), WebP())}
"""What frames can be written as, by name."""


def image_format(name: str) -> ImageFormat:
    """The format of a name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in FORMATS:
        raise InputError(f"There is no image format {name!r}.", key="--image-format", hint=f"Use {', '.join(FORMATS)}.")
    return FORMATS[name]


def _encoded(image: Image, kind: str, **options: int) -> bytes:
    check_image(image)
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()
