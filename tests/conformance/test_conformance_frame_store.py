"""What every FrameStore does."""

import numpy as np
import pytest

from deforum_helpers.errors import StorageError
from deforum_helpers.media.store import PngFrameStore

ADAPTERS = {
    "png": lambda folder: PngFrameStore(folder, "20240102030405"),
    "png-stored": lambda folder: PngFrameStore(folder, "20240102030405", compression=0),
}


def picture(index, height=48, width=64):
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS)
def folder_and_store(request, tmp_path):
    return tmp_path, request.param(tmp_path)


class TestFrameStoreConformance:
    def test_what_is_written_is_read(self, folder_and_store):
        _, store = folder_and_store
        paths = [store.write(index, picture(index, 40 + index % 7)) for index in (0, 1, 999_999_999)]
        assert len(set(paths)) == 3
        assert all(path.is_file() for path in paths)
        for index in (0, 1, 999_999_999):
            image = store.read(index)
            assert np.array_equal(image, picture(index, 40 + index % 7))
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            assert image.flags.writeable

    def test_writing_again_replaces(self, folder_and_store):
        _, store = folder_and_store
        assert store.write(3, picture(1)) == store.write(3, picture(2))
        assert np.array_equal(store.read(3), picture(2))

    def test_the_image_is_left_alone_and_may_be_any_view(self, folder_and_store):
        _, store = folder_and_store
        image = picture(0)[::-1, ::2]
        before = image.copy()
        image.flags.writeable = False
        store.write(0, image)
        assert np.array_equal(image, before)
        assert np.array_equal(store.read(0), before)

    def test_nothing_but_frames_is_left(self, folder_and_store):
        folder, store = folder_and_store
        path = store.write(0, picture(0))
        assert list(folder.iterdir()) == [path]

    def test_missing_frames_are_errors(self, folder_and_store):
        _, store = folder_and_store
        with pytest.raises(StorageError, match="missing"):
            store.read(5)

    def test_damaged_frames_are_errors(self, folder_and_store):
        _, store = folder_and_store
        path = store.write(0, picture(0))
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(StorageError):
            store.read(0)

    def test_a_folder_gone_is_an_error(self, folder_and_store):
        folder, store = folder_and_store
        folder.rmdir()
        with pytest.raises(StorageError):
            store.write(0, picture(0))
