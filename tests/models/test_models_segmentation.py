"""Masks by words, and of people."""

import numpy as np
import pytest

from deforum_helpers.errors import RunError
from deforum_helpers.imaging.opencv import cv
from deforum_helpers.models import segmentation
from deforum_helpers.models.segmentation import WordMasks, open_human_matte, open_word_masks
from tiny_networks import LABELS, transformers_or_skip, write_network

PICTURE = np.random.default_rng(6).integers(0, 256, (50, 90, 3), np.uint8)


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("clipseg-rd64-refined", "upernet-convnext-small", "segformer"):
        write_network(folder, name)
    return folder


class TestWords:
    @pytest.fixture(scope="class")
    @classmethod
    def words(cls, models_folder):
        with open_word_masks(models_folder=models_folder, device="cpu") as words:
            yield words

    def test_probability(self, words):
        probability = words.probability(PICTURE, "a red door")
        assert probability.shape == PICTURE.shape[:2]
        assert probability.dtype == np.float32
        assert 0 <= probability.min() < probability.max() <= 1
        assert np.array_equal(probability, words.probability(PICTURE, "a red door"))

    def test_the_words_matter(self, words):
        assert not np.array_equal(words.probability(PICTURE, "a red door"), words.probability(PICTURE, "sky"))

    def test_long_texts_are_cut(self, words):
        assert words.probability(PICTURE, "word " * 500).shape == PICTURE.shape[:2]

    def test_the_mask_is_the_probability_split_in_two(self, words):
        probability = words.probability(PICTURE, "a red door")
        mask = words.mask(PICTURE, "a red door")
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 255}
        assert probability[mask == 255].min() >= probability[mask == 0].max() - 1 / 255


class StandIn:
    """Answers with a given plane instead of a network's."""

    findings = ()

    def __init__(self, plane):
        self.plane = np.asarray(plane, np.float32)[None]

    def __call__(self, **inputs):
        return self.plane


def mask_of(plane):
    def tokenizer(texts, **options):
        return {"input_ids": [[1, 2]], "attention_mask": [[1, 1]]}

    return WordMasks(StandIn(plane), tokenizer).mask(np.zeros((88, 176, 3), np.uint8), "a cat")


class TestThreshold:
    def test_two_halves(self):
        plane = np.full((352, 352), 0.2)
        plane[:, 176:] = 0.7
        mask = mask_of(plane)
        assert mask.shape == (88, 176)
        assert (mask[:, :86] == 0).all()
        assert (mask[:, 90:] == 255).all()

    def test_it_is_that_of_otsu(self):
        plane = np.random.default_rng(9).beta(2, 5, (352, 352)).astype(np.float32)
        shrunk = np.clip(cv.resize(plane, (176, 88), interpolation=cv.INTER_CUBIC), 0, 1)
        threshold, _ = cv.threshold(np.rint(shrunk * 255).astype(np.uint8), 0, 255, cv.THRESH_OTSU)
        assert np.array_equal(mask_of(plane) == 255, np.rint(shrunk * 255) > threshold)

    def test_nothing_like_it_in_the_picture(self):
        assert mask_of(np.random.default_rng(9).uniform(0, 0.04, (352, 352))).max() == 0


class TestPeople:
    @pytest.mark.parametrize("repo", ["openmmlab/upernet-convnext-small", "somebody/segformer"])
    def test_matte(self, models_folder, repo):
        with open_human_matte(models_folder=models_folder, device="cpu", repo=repo) as humans:
            matte = humans.matte(PICTURE)
            assert matte.shape == PICTURE.shape[:2]
            assert matte.dtype == np.uint8
            assert matte.min() < matte.max()
            assert np.array_equal(matte, humans.matte(PICTURE))
            assert humans.findings == ()

    def test_the_class_that_is_shown_is_person(self, models_folder):
        """Against the network itself, asked for the size of its own input so that nothing is resampled."""
        transformers = transformers_or_skip()
        import torch

        picture = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
        network = transformers.AutoModelForSemanticSegmentation.from_pretrained(
            models_folder / "upernet-convnext-small", local_files_only=True
        ).eval()
        with torch.no_grad():
            logits = network(torch.from_numpy(segmentation._HUMANS_INPUT.pixels(picture))).logits
        person = next(index for index, label in LABELS.items() if label == "person")
        expected = logits.softmax(1)[0, person].numpy() * 255
        with open_human_matte(models_folder=models_folder, device="cpu") as humans:
            assert np.abs(humans.matte(picture) - expected).max() < 0.51

    def test_a_network_without_people(self):
        with pytest.raises(RunError, match="knows no people"):
            segmentation._person({0: "wall", 1: "personal computer"}, "somebody/network")

    def test_names_of_the_class(self):
        assert segmentation._person({0: "wall", 12: "person, individual"}, "") == 12

    def test_no_weights(self, tmp_path):
        transformers_or_skip()
        with (
            pytest.raises(RunError, match=r"https://huggingface\.co/nobody/no-such-network"),
            open_human_matte(models_folder=tmp_path, device="cpu", repo="nobody/no-such-network"),
        ):
            pass
