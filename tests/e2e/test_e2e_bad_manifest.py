"""Manifests that cannot be used, from disk and from a real server."""

from __future__ import annotations

import functools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from e2e_parts import closed_address, frame_indices, manifest_text, only_run, run_main, write_settings

from deforum_helpers import job
from deforum_helpers.parseq.loader import load_manifest

WORKING = manifest_text(6, (0, 3), strength=[0.5] * 6)


@pytest.fixture
def refused(tmp_path, capsys):
    def render(manifest):
        out = tmp_path / "out"
        said = run_main(capsys, "render", write_settings(tmp_path, parseq_manifest=str(manifest)), "--out", out)
        assert said.code == 1, said
        assert said.out == ""
        assert "Traceback" not in said.err
        assert not out.exists()
        (error,) = said.errors
        return error

    return render


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "not JSON in line 1, column 1"),
        ("", "Not a Parseq manifest"),
        ("<!doctype html><html></html>", "web page, not a Parseq manifest"),
        (json.dumps({"meta": {}, "keyframes": [{"frame": 0}], "managedFields": ["zoom"]}), "no rendered_frames"),
        (json.dumps({"rendered_frames": []}), "lists no frame"),
        ("[1, 2]", "not an object"),
    ],
    ids=["text", "empty", "HTML", "shared document", "no frames", "list"],
)
def test_a_file_that_is_no_manifest(tmp_path, refused, text, says):
    (tmp_path / "parseq.json").write_text(text)
    error = refused("parseq.json")
    assert str(tmp_path / "parseq.json") in error
    assert says in error
    assert 'In Parseq press "Render"' in error


def test_a_folder_a_missing_file_and_other_links(tmp_path, refused):
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refused("folder")
    assert f"looked for {tmp_path / 'gone.json'}" in refused("gone.json")
    assert "ftp:// are not fetched" in refused("ftp://example.org/m.json")
    assert "a page of the Parseq app" in refused("https://sd-parseq.web.app/deforum?docId=doc-1")


class _Pages(BaseHTTPRequestHandler):
    """Pages by path; ``/silent`` answers nothing until the server is let go."""

    def do_GET(self):
        if self.path == "/silent":
            self.server.let_go.wait()
            return
        status, body = {
            "/html": (200, b"<html>Log in</html>"),
            "/huge": (200, b" " * 300_000),
            "/good": (200, WORKING.encode()),
        }.get(self.path, (404, b"gone"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client has had enough

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.let_go = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("/gone", "The server answered 404"),
        ("/html", "web page"),
        ("/huge", "larger than"),
        ("/silent", "silent for 0.2 s"),
    ],
)
def test_a_server_without_a_manifest(url, refused, monkeypatch, page, says):
    impatient = functools.partial(load_manifest, timeout=0.2, limit=100_000)
    monkeypatch.setattr(job, "load_manifest", impatient)
    error = refused(url + page)
    assert url + page in error
    assert says in error


def test_a_server_that_refuses(refused):
    address = closed_address() + "/m.json"
    error = refused(address)
    assert f"{address}: The manifest cannot be fetched" in error
    assert "download the manifest and give the path" in error


def test_a_manifest_from_a_server_is_rendered_and_recorded(tmp_path, url, capsys):
    settings = write_settings(
        tmp_path, parseq_manifest=f"{url}/good", neocore_key_index_distribution="Parseq Only", max_frames=6
    )
    said = run_main(capsys, "render", settings, "--out", tmp_path / "out", "--no-video")
    assert said.code == 0, said.err
    folder = only_run(tmp_path / "out")
    assert frame_indices(folder) == list(range(6))
    saved = json.loads(next(folder.glob("*_settings.txt")).read_text("utf-8"))
    assert saved["parseq_manifest"] == f"{url}/good"
    assert saved["fetched_parseq_manifest_summary"]["keyframes"] == [{"frame": 0}, {"frame": 3}]
