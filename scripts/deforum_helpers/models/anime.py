"""Anime characters cut out of pictures: IS-Net as trained by SkyTNT, run by ONNX Runtime.

It computes on the CPU, so an engine's graphics memory is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import Finding, RunError, first_line
from ..imaging.opencv import cv
from ..ports import Image, Mask
from .download import RemoteFile
from .inputs import Float32, check_image
from .torch_runtime import import_optional
from .weights import Opening, unreadable, weights_file

ANIME_WEIGHTS = RemoteFile(
    url="https://huggingface.co/skytnt/anime-seg/resolve/main/isnetis.onnx",
    sha256="",  # Its maker names none.
)
_INSTALL = "Install it with: pip install onnxruntime"
_SIDE = 1024
"""Pixels of the network's square picture, where it does not say so itself."""


class AnimeMatte:
    """A network that finds anime characters, loaded; not for several threads at a time.

    Args:
        session: an ``onnxruntime.InferenceSession``. It takes 1×3×s×s float32, RGB in 0..1, and answers with
            1×1×s×s: how probably each pixel belongs to a character.
    """

    name = "Anime characters"
    findings: tuple[Finding, ...] = ()

    def __init__(self, session: Any) -> None:
        self._session = session
        (taken,) = session.get_inputs()
        self._input = taken.name
        self._side = taken.shape[-1] if isinstance(taken.shape[-1], int) else _SIDE

    def matte(self, image: Image) -> Mask:
        """How probably each pixel of ``image``, H×W×3 uint8 RGB, shows a character: H×W uint8, 255 is certain.

        Raises:
            RunError: the network fails.
            ValueError: ``image`` is no such image.
        """
        check_image(image)
        height, width = image.shape[:2]
        tall, wide = (max(1, round(side * self._side / max(height, width))) for side in (height, width))
        top, left = (self._side - tall) // 2, (self._side - wide) // 2
        square = np.zeros((self._side, self._side, 3), np.float32)
        shrinks = tall < height
        resized = cv.resize(image, (wide, tall), interpolation=cv.INTER_AREA if shrinks else cv.INTER_LINEAR)
        square[top : top + tall, left : left + wide] = resized / np.float32(255)
        plane = self._answer(square)[top : top + tall, left : left + wide]
        grown = cv.resize(np.ascontiguousarray(plane), (width, height), interpolation=cv.INTER_LINEAR)
        matte: Mask = np.rint(np.clip(grown, 0, 1) * 255).astype(np.uint8)
        return matte

    def _answer(self, square: Float32) -> Float32:
        try:
            answer = self._session.run(None, {self._input: square.transpose(2, 0, 1)[None]})[0]
            plane: Float32 = np.asarray(answer, np.float32).reshape(square.shape[:2])
        except Exception as error:  # ONNX Runtime's errors have no common name
            raise RunError(f"The network of anime characters failed: {first_line(error)}") from error
        if not np.isfinite(plane).all():
            raise RunError("The network of anime characters failed: its answer is not finite.")
        return plane


@contextmanager
def open_anime_matte(to: Opening) -> Iterator[AnimeMatte]:
    """Load the network; its weights, ``isnetis.onnx``, lie in the models folder.

    Raises:
        RunError: ONNX Runtime or the weights are missing, or they are no such network.
        StorageError: the weights cannot be written.
    """
    runtime = import_optional("onnxruntime", AnimeMatte.name, _INSTALL)
    path = weights_file(ANIME_WEIGHTS, (to.models_folder,), to)
    try:
        matte = AnimeMatte(runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"]))
    except Exception as error:
        raise unreadable(path, error) from error
    yield matte
