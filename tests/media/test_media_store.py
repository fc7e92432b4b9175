import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deforum_helpers.errors import StorageError
from deforum_helpers.media import store
from deforum_helpers.media.formats import Jpeg, Png
from deforum_helpers.media.png import encode_png
from media_samples import picture

TS = "20240102030405"


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_files_are_named_and_made_as_promised(tmp_path):
    frames = store.ImageFrameStore(tmp_path, TS)
    path = frames.write(7, picture())
    assert path == tmp_path / f"{TS}_000000007.png"
    assert names(tmp_path) == [path.name]
    with Image.open(path) as image:
        assert (image.mode, image.size, image.info) == ("RGB", (64, 48), {})
    (tmp_path / "ordinary").touch()
    assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_picture_that_is_encoded_already_is_not_encoded_again(tmp_path):
    ready = encode_png(picture())
    for level, text in ((1, ""), (1, "a lighthouse"), (6, "a lighthouse")):
        path = store.ImageFrameStore(tmp_path, TS, Png(level)).write(7, picture(), text, ready)
        assert path.read_bytes() == encode_png(picture(), level, text)
    taken = store.ImageFrameStore(tmp_path, TS).write(7, 255 - picture(), "", ready)
    assert taken.read_bytes() == ready
    jpeg = store.ImageFrameStore(tmp_path, TS, Jpeg()).write(7, picture(), "", ready)
    assert jpeg.read_bytes() == Jpeg().encode(picture())


def test_indices_lists_frames_only(tmp_path):
    frames = store.ImageFrameStore(tmp_path, TS)
    for index in (12, 3):
        frames.write(index, picture())
    for other in (
        f"{TS}_depth_000000001.png",
        f"{TS}_settings.txt",
        "20230102030405_000000001.png",
        f".{TS}_000000004.1.part",
    ):
        (tmp_path / other).touch()
    assert frames.indices() == (3, 12)
    assert store.ImageFrameStore(tmp_path / "none", TS).indices() == ()


def test_a_partial_file_never_looks_like_a_frame(tmp_path, monkeypatch):
    seen = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (seen.append(self.name), replace(self, target))[1])
    store.ImageFrameStore(tmp_path, TS).write(0, picture())
    assert len(seen) == 1
    assert seen[0].startswith(".")
    assert not seen[0].endswith(".png")


def test_an_older_frame_is_replaced(tmp_path):
    frames = store.ImageFrameStore(tmp_path, TS)
    frames.write(0, picture(seed=1))
    frames.write(0, picture(seed=2))
    assert np.array_equal(frames.read(0), picture(seed=2))
    assert frames.indices() == (0,)


@pytest.mark.parametrize("keep", [10, 60, 0.5, -30])
def test_a_truncated_frame_is_damaged(tmp_path, keep):
    frames = store.ImageFrameStore(tmp_path, TS)
    path = frames.write(0, picture())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(StorageError, match=r"000000000\.png cannot be read"):
        frames.read(0)


def test_a_flipped_bit_is_damage(tmp_path):
    frames = store.ImageFrameStore(tmp_path, TS)
    path = frames.write(0, picture())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    with pytest.raises(StorageError, match="cannot be read"):
        frames.read(0)


def test_negative_indices_and_odd_levels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="negative"):
        store.ImageFrameStore(tmp_path, TS).write(-1, picture())
    with pytest.raises(ValueError, match="0 to 9"):
        Png(level=11)


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "out").write_text("I am a file")
    with pytest.raises(StorageError, match=r"out could not be created: .*not a folder"):
        store.ensure_folder(tmp_path / "out")
    with pytest.raises(StorageError, match=r"could not be created: a part of the path is a file"):
        store.ensure_folder(tmp_path / "out" / "below")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        store.ImageFrameStore(tmp_path / "out", TS).write(0, picture())


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(StorageError, match="the folder is gone"):
        store.ImageFrameStore(tmp_path / "gone", TS).write(0, picture())


def test_a_folder_nobody_can_write_to():
    with pytest.raises(StorageError, match="could not be"):
        store.ensure_folder(Path("/proc/self"))


def test_ensure_folder_leaves_nothing_in_it(tmp_path):
    folder = tmp_path / "a" / "b"
    assert store.ensure_folder(folder) == folder
    assert store.ensure_folder(folder) == folder
    assert names(folder) == []


def test_a_target_that_is_a_folder(tmp_path):
    (tmp_path / "x.txt").mkdir()
    with pytest.raises(StorageError, match="there is a folder of that name"):
        store.write_text_atomic(tmp_path / "x.txt", "text")
    assert names(tmp_path) == ["x.txt"]


def test_texts_are_utf8_with_plain_line_ends(tmp_path):
    path = store.write_text_atomic(tmp_path / "x.txt", "ü\nβ\n")
    assert path.read_bytes() == "ü\nβ\n".encode()


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from deforum_helpers.errors import StorageError
from deforum_helpers.media.store import ImageFrameStore
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
frames = ImageFrameStore(Path(sys.argv[1]), "20240102030405")
frames.write(0, np.zeros((8, 8, 3), np.uint8))
try:
    frames.write(1, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no file size limits")
def test_no_room_left(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=True)
    assert f"{TS}_000000001.png could not be written" in done.stdout
    assert "MiB needed" in done.stdout
    assert "MiB free" in done.stdout
    assert names(tmp_path) == [f"{TS}_000000000.png"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, ["the disk is full", "2.0 MiB needed", "MiB free", "Make room"]),
        (errno.EROFS, ["read-only", "you may write to"]),
        (errno.EACCES, ["not permitted", "you may write to"]),
        (errno.EXDEV, ["Invalid cross-device link"]),
    ],
)
def test_reasons(tmp_path, code, words):
    path = tmp_path / "missing" / "x.png"
    text = str(store.storage_error(path, OSError(code, "Invalid cross-device link"), need=2 << 20))
    assert text.startswith(f"{path} could not be written: ")
    assert all(word in text for word in words)
