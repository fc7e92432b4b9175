"""What tools may read and write for whoever asks."""

from __future__ import annotations

import pytest

from deforum_helpers.errors import AccessError
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.reach import Reach


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out" / "run").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "out" / "away").symlink_to(tmp_path / "secret")
    return tmp_path / "out"


@pytest.fixture
def strange(out):
    return Reach(out, Access((out,)))


def test_the_user_of_this_machine_reads_what_they_may(out, tmp_path):
    reach = Reach(out)
    assert reach.path("run", "k") == out / "run"
    assert reach.path(f' "{tmp_path / "secret"}" ', "k") == tmp_path / "secret"
    assert reach.named("http://127.0.0.1/a.wav", "k") == "http://127.0.0.1/a.wav"
    assert reach.allow_private
    reach.check_output(tmp_path / "secret", "k")


def test_strangers_read_and_write_below_the_folders(out, strange):
    assert strange.path("run", "k") == out / "run"
    assert strange.named("https://example.org/a.wav", "k") == "https://example.org/a.wav"
    assert not strange.allow_private
    strange.check_output(out / "run", "k")


@pytest.mark.parametrize(
    "named",
    [
        "/etc/passwd",
        "../secret/x.mp4",
        "away/x.mp4",
        "~/x.mp4",
        "file:///etc/passwd",
        "concat:a|b",
        "http://127.0.0.1/x.wav",
        "http://localhost/x.wav",
        "run/x\n.mp4",
    ],
)
def test_strangers_reach_nothing_else(strange, named):
    with pytest.raises(AccessError) as caught:
        strange.path(named, "the video")
    assert caught.value.findings[0].key == "the video"


def test_strangers_write_nowhere_else(strange, out, tmp_path):
    for folder in (tmp_path / "secret", out / "away", tmp_path):
        with pytest.raises(AccessError, match="nothing may be written"):
            strange.check_output(folder, "k")
