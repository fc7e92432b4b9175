"""Restricted requests where they run: no fetch of a private link, no name that leads out of the folder of all runs."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deforum_helpers.errors import AccessError, InputError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import job_of, load_job, plan_job
from deforum_helpers.jobs.access import is_below, local_link
from deforum_helpers.jobs.preparation import check_request, prepare, read_request
from deforum_helpers.jobs.status import JobRequest
from deforum_helpers.run_deforum import RunOptions, run_job
from deforum_helpers.settings.files import settings_from
from deforum_helpers.settings.schema import Settings
from jobs_parts import TINY, opened, preview_runner, until_over


@contextmanager
def local_server():
    """The address of a server on this computer, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Silent:
    def start(self, frames, key_frames):
        pass

    def advance(self, index, image, is_key):
        pass

    def finish(self):
        pass


def restricted_job(folder: Path, **values: object):
    """A job as it is after its checks, should a name lead somewhere else by then."""
    loaded = settings_from({**TINY, **values}, base=Settings())
    return job_of(loaded.settings, folder, loaded.findings, allow_private=False)


def test_no_part_of_a_run_fetches_a_private_link(tmp_path):
    with local_server() as (address, asked):
        with pytest.raises(InputError, match="not on the public internet"):
            restricted_job(tmp_path, parseq_manifest=f"{address}/manifest.json")
        for values in (
            {"use_init": True, "init_image": f"{address}/a.png"},
            {"use_mask": True, "mask_file": f"{address}/a.png", "use_init": True, "init_image": f"{address}/a.png"},
            {"use_mask": True, "use_init": False, "mask_schedule": f'0: ("[{address}/a.png]")'},
            {"animation_mode": "Video Input", "video_init_path": f"{address}/a.mp4"},
            {"color_coherence": "Image", "color_coherence_image_path": f"{address}/a.png"},
            {"use_looper": True, "init_images": json.dumps({"0": f"{address}/a.png", "3": f"{address}/b.png"})},
            {"hybrid_composite": "Normal", "video_init_path": f"{address}/a.mp4"},
            {"cn_1_enabled": True, "cn_1_vid_path": f"{address}/a.mp4", "cn_1_model": "x"},
        ):
            with pytest.raises(InputError, match="not on the public internet"):
                _render(restricted_job(tmp_path, **values), tmp_path)
        result = _render(restricted_job(tmp_path, add_soundtrack="File", soundtrack_path=f"{address}/a.mp3"), tmp_path)
        assert any("not on the public internet" in finding.message for finding in result.findings)
        assert asked == []


def _render(job, folder: Path):
    data, _ = plan_job(job, seed=1)
    return run_job(job, data, PreviewEngine(), RunOptions(out=folder / "out", threads=1), Silent())


def test_a_run_that_goes_on_is_not_less_restricted(tmp_path):
    settings = tmp_path / "settings.txt"
    with local_server() as (address, asked):
        settings.write_text(json.dumps({**TINY, "parseq_manifest": f"{address}/m.json"}))
        with pytest.raises(InputError, match="not on the public internet"):
            load_job(settings, {}, allow_private=False)
        assert asked == []


@pytest.mark.parametrize(
    "name",
    [
        "%09d_%s",
        "{0.__class__.__mro__}",
        "$(touch pwned)`id`;ls",
        "-i x -y",
        "{seed!r:>99}",
        "...",
        "a" * 999,
        "{prompts}",
    ],
)
def test_odd_names_are_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with opened(tmp_path / "jobs.db", preview_runner(tmp_path / "out")) as queue:
        request = JobRequest({**TINY, "batch_name": name, "max_frames": 2}, restricted=True)
        status = until_over(queue, queue.submit([request]).job_ids[0])
        assert status.status == "SUCCEEDED", status.message
        assert Path(status.outdir).parent == tmp_path / "out"
        assert Path(status.video).is_file()
        assert {path.name for path in tmp_path.iterdir() if not path.name.startswith("jobs.db")} == {"out"}


def test_what_a_restricted_request_may_reach(tmp_path):
    roots = (tmp_path / "in",)
    roots[0].mkdir()
    assert is_below("a.png", roots[0], roots)
    assert is_below(str(roots[0] / "sub" / ".." / "a.png"), tmp_path, roots)
    assert not is_below("../a.png", roots[0], roots)
    assert not is_below(str(tmp_path / "in2" / "a.png"), tmp_path, roots)
    assert not is_below("a.png", roots[0], ())


@pytest.mark.parametrize("link", ["https://example.org/a?b=c#d", "http://8.8.8.8:8080/x", "http://[2606:4700::1111]/"])
def test_links_to_the_internet(link):
    assert local_link(link) == ""


def test_requests_of_the_house_are_not_restricted(tmp_path):
    secret = tmp_path / "a.json"
    secret.write_text(json.dumps({"options": {"output_fps": 12}, "rendered_frames": [{"frame": 0}, {"frame": 1}]}))
    request = JobRequest({**TINY, "max_frames": 2, "parseq_manifest": str(secret)})
    assert read_request(request).manifest is not None
    assert prepare(request, tmp_path / "out").data.max_frames == 2
    with pytest.raises(AccessError):
        read_request(JobRequest(request.settings, restricted=True))
    with pytest.raises(AccessError):
        check_request(JobRequest(request.settings, restricted=True))
    with pytest.raises(AccessError):
        prepare(JobRequest(request.settings, restricted=True), tmp_path / "out")
