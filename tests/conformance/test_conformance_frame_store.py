"""What every FrameStore does."""

import numpy as np
import pytest

from deforum_helpers.errors import StorageError
from deforum_helpers.media.formats import Jpeg, Png, WebP
from deforum_helpers.media.store import ImageFrameStore

TS = "20240102030405"
ADAPTERS = {
    "png": (lambda folder: ImageFrameStore(folder, TS), 0),
    "png-stored": (lambda folder: ImageFrameStore(folder, TS, Png(level=0)), 0),
    "jpg": (lambda folder: ImageFrameStore(folder, TS, Jpeg()), 6),
    "webp": (lambda folder: ImageFrameStore(folder, TS, WebP()), 12),
}
"""How to make each, and by how many levels a value of a smooth picture may be off when it is read back."""


def picture(index, height=48, width=64):
    """Broad waves of grey and colour, which every format keeps nearly as they are."""
    rng = np.random.default_rng(index)
    y, x = np.mgrid[:height, :width] / 40
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(0.5, 1.5, (3, 3))]
    return np.stack([127 + 60 * waves[0] + 40 * wave for wave in waves], axis=2).astype(np.uint8)


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS)
def folder_and_store(request, tmp_path):
    make, tolerance = request.param
    store = make(tmp_path)
    assert store.lossless == (tolerance == 0)
    return tmp_path, store


@pytest.fixture
def equal(request):
    """Whether two pictures are equal as far as the store can keep them."""
    _, tolerance = request.node.callspec.params["folder_and_store"]

    def compare(read, written):
        return read.shape == written.shape and np.abs(read.astype(int) - written).max() <= tolerance

    return compare


class TestFrameStoreConformance:
    def test_what_is_written_is_read(self, folder_and_store, equal):
        _, store = folder_and_store
        paths = [store.write(index, picture(index, 40 + index % 7)) for index in (0, 1, 999_999_999)]
        assert len(set(paths)) == 3
        assert all(path.is_file() for path in paths)
        for index in (0, 1, 999_999_999):
            image = store.read(index)
            assert equal(image, picture(index, 40 + index % 7))
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            assert image.flags.writeable

    def test_writing_again_replaces(self, folder_and_store, equal):
        _, store = folder_and_store
        assert store.write(3, picture(1)) == store.write(3, picture(2))
        assert equal(store.read(3), picture(2))
        assert not equal(store.read(3), picture(1))

    def test_the_image_is_left_alone_and_may_be_any_view(self, folder_and_store, equal):
        _, store = folder_and_store
        image = picture(0)[::-1, ::2]
        before = image.copy()
        image.flags.writeable = False
        store.write(0, image)
        assert np.array_equal(image, before)
        assert equal(store.read(0), before)

    def test_the_same_picture_is_the_same_file(self, folder_and_store):
        _, store = folder_and_store
        assert store.write(0, picture(0)).read_bytes() == store.write(1, picture(0).copy()).read_bytes()

    def test_files_are_where_the_store_says(self, folder_and_store):
        folder, store = folder_and_store
        path = store.write(7, picture(0))
        assert path == store.path(7)
        assert path == folder / f"{TS}_000000007.{store.encoding.extension}"

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
