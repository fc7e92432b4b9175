"""A manifest from the web: used, and its summary kept with the run."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from e2e_parts import manifest_text, only_run, run_main, write_settings


@pytest.fixture
def address():
    body = manifest_text(12, (0, 5, 9), fps=24, strength=[0.5] * 12).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/manifest.json"
        server.shutdown()


def test_the_summary_of_a_fetched_manifest_is_saved_with_the_run(tmp_path, capsys, address):
    settings = write_settings(tmp_path, parseq_manifest=address)
    said = run_main(capsys, "render", settings, "--out", tmp_path / "out", "--no-video")
    assert said.code == 0, said.err
    saved = json.loads(next(only_run(tmp_path / "out").glob("*_settings.txt")).read_text("utf-8"))
    summary = saved["fetched_parseq_manifest_summary"]
    assert [key["frame"] for key in summary["keyframes"]] == [0, 5, 9]
    assert not {"rendered_frames", "rendered_frames_meta"} & set(summary)
    assert saved["parseq_manifest"] == address
