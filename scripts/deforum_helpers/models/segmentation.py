"""Masks out of pictures: what words name (CLIPSeg), and people.

People are found by a semantic segmentation network with a class "person". UperNet on ConvNeXt was chosen because
transformers maintains it, it takes any size, needs no further package, and its weights are free for any use, which
SegFormer's are not. Any network of that kind in its offline folder works.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, RunError
from ..imaging.opencv import cv
from ..ports import Image, Mask, SharedMemory
from .inputs import IMAGENET_MEAN, IMAGENET_STD, NetworkInput
from .torch_runtime import Network, NetworkUser, import_optional, opened, placements
from .weights import load_pretrained

WORDS_REPO = "CIDAS/clipseg-rd64-refined"
HUMANS_REPO = "openmmlab/upernet-convnext-small"

_WORDS_INPUT = NetworkInput(352, 352, keep_aspect=False, mean=IMAGENET_MEAN, std=IMAGENET_STD)
_HUMANS_INPUT = NetworkInput(512, 512, mean=IMAGENET_MEAN, std=IMAGENET_STD)

_ANY_SIZE = "interpolate_pos_encoding"

_LONGEST_TEXT = 77
"""Tokens that CLIP reads."""

_NOWHERE = 0.05
"""A picture in which nothing is more probable than this does not show the words; Otsu would split its noise."""


class WordMasks(NetworkUser):
    """CLIPSeg (Lüddecke, Ecker 2022), loaded. Not for several threads at a time.

    Args:
        network: takes ``pixel_values``, ``input_ids`` and ``attention_mask``, and answers with probabilities.
        tokenizer: of CLIP.
        any_size: whether the network has to be told that pictures need not have the size it was trained with.
        findings: what has to be said before it is used.
    """

    name = "CLIPSeg"

    def __init__(
        self, network: Network, tokenizer: Any, *, any_size: bool = False, findings: tuple[Finding, ...] = ()
    ) -> None:
        super().__init__(network, findings)
        self._tokenizer = tokenizer
        self._options = {_ANY_SIZE: True} if any_size else {}

    def probability(self, image: Image, words: str) -> NDArray[np.float32]:
        """How probably each pixel shows what ``words`` name.

        Args:
            image: H×W×3 uint8 RGB, any size.
            words: a few English words; what is beyond 77 tokens is not read.

        Returns:
            H×W float32, 0..1.

        Raises:
            RunError: the network fails even on the CPU.
            ValueError: ``image`` is no such image.
        """
        pixels = _WORDS_INPUT.pixels(image)
        text = self._tokenizer([words], truncation=True, max_length=_LONGEST_TEXT, return_tensors="np")
        tokens = {key: np.asarray(text[key], np.int64) for key in ("input_ids", "attention_mask")}
        plane = self._network(pixel_values=pixels, **tokens, **self._options)
        return np.clip(_WORDS_INPUT.restore(plane, *image.shape[:2]), 0, 1)

    def mask(self, image: Image, words: str) -> Mask:
        """Where ``image`` shows what ``words`` name: :meth:`probability`, split by Otsu's threshold.

        Returns:
            H×W uint8, 255 there and 0 elsewhere; 0 everywhere if nothing is more probable than 0.05.
        """
        probability = self.probability(image, words)
        if probability.max() <= _NOWHERE:
            return np.zeros(probability.shape, np.uint8)
        levels = np.rint(probability * 255).astype(np.uint8)
        mask: Mask = cv.threshold(levels, 0, 255, cv.THRESH_BINARY + cv.THRESH_OTSU)[1]
        return mask


class HumanMatte(NetworkUser):
    """A semantic segmentation network that knows people, loaded. Not for several threads at a time."""

    name = "People"

    def matte(self, image: Image) -> Mask:
        """How probably each pixel of ``image``, H×W×3 uint8 RGB, shows a person: H×W uint8, 255 is certain.

        Raises:
            RunError: the network fails even on the CPU.
            ValueError: ``image`` is no such image.
        """
        plane = _HUMANS_INPUT.restore(self._network(_HUMANS_INPUT.pixels(image)), *image.shape[:2])
        return np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8)


@contextmanager
def open_word_masks(
    *,
    models_folder: Path,
    device: str = "auto",
    allow_download: bool = False,
    memory: SharedMemory | None = None,
) -> Iterator[WordMasks]:
    """Load CLIPSeg; its memory is freed at the end, also after an error.

    Args:
        models_folder: ``models/Deforum`` of the installation; the weights are in ``clipseg-rd64-refined`` there.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        allow_download: whether missing weights may be fetched from Hugging Face.
        memory: shared with an engine, if it is.

    Raises:
        RunError: PyTorch or transformers is missing, or the weights are.
    """
    transformers = _transformers("Finding things by words")
    ladder, findings = placements(device, half=False)
    parts = (transformers.AutoTokenizer, transformers.CLIPSegForImageSegmentation)
    tokenizer, module = (
        load_pretrained(part, WORDS_REPO, models_folder=models_folder, allow_download=allow_download) for part in parts
    )
    with opened(Network(WordMasks.name, module, ladder, lambda output: output.logits.sigmoid(), memory)) as network:
        any_size = _ANY_SIZE in inspect.signature(module.forward).parameters  # Since transformers 4.45.
        yield WordMasks(network, tokenizer, any_size=any_size, findings=findings)


@contextmanager
def open_human_matte(
    *,
    models_folder: Path,
    device: str = "auto",
    allow_download: bool = False,
    memory: SharedMemory | None = None,
    repo: str = HUMANS_REPO,
) -> Iterator[HumanMatte]:
    """Load a network that finds people; its memory is freed at the end, also after an error.

    Args:
        models_folder: ``models/Deforum`` of the installation; the weights are in the subfolder named like ``repo``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        allow_download: whether missing weights may be fetched from Hugging Face.
        memory: shared with an engine, if it is.
        repo: a semantic segmentation network of transformers with a class "person".

    Raises:
        RunError: PyTorch or transformers is missing, or the weights are, or the network does not know people.
    """
    loader = _transformers("Finding people").AutoModelForSemanticSegmentation
    ladder, findings = placements(device, half=False)
    module = load_pretrained(loader, repo, models_folder=models_folder, allow_download=allow_download)
    person = _person(module.config.id2label, repo)
    network = Network(HumanMatte.name, module, ladder, lambda output: output.logits.softmax(1)[:, person], memory)
    with opened(network):
        yield HumanMatte(network, findings)


def _person(labels: dict[int, str], repo: str) -> int:
    found = [index for index, label in labels.items() if label.lower().split(",")[0].strip() in ("person", "human")]
    if not found:
        raise RunError(f"The network {repo} knows no people; use one with a class 'person'.")
    return int(found[0])


def _transformers(needed_for: str) -> Any:
    import_optional("torch", needed_for)
    return import_optional("transformers", needed_for)
