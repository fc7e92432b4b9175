from __future__ import annotations

import gzip
import json
import os
import re
import socket
import threading
import tracemalloc
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deforum_helpers.errors import ManifestError
from deforum_helpers.parseq.loader import load_manifest

TEXT = json.dumps({"options": {"output_fps": 30}, "rendered_frames": [{"frame": 0, "deforum_prompt": "é"}]})
DATA = TEXT.encode()


class Server:
    """An HTTP server on this machine whose pages are functions of the request handler."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.requests: list[BaseHTTPRequestHandler] = []
        self.let_go = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self)
                try:
                    server.pages[self.path](self)
                except OSError:
                    self.close_connection = True  # the client has had enough

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda *args: None
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def page(self, page: Callable[[BaseHTTPRequestHandler], None], path: str = "/m.json") -> str:
        self.pages[path] = page
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def reply(self, body: bytes, status: int = 200, path: str = "/m.json", **headers: str) -> str:
        def page(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content_Length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        return self.page(page, path)

    def close(self) -> None:
        self.let_go.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    yield server
    server.close()


# --- what it is -------------------------------------------------------------------------------------------------------


def test_pasted_json():
    manifest = load_manifest(f"\ufeff \n{TEXT}\n")
    assert manifest.prompts == ("é",)
    assert manifest.source == ""


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff"])
def test_nothing_is_refused(text):
    with pytest.raises(ManifestError, match="empty"):
        load_manifest(text)


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://host/m.json", "data://x", "s3://bucket/m.json"])
def test_other_schemes_are_refused(scheme):
    with pytest.raises(ManifestError, match="not fetched"):
        load_manifest(scheme)


@pytest.mark.parametrize(
    "url",
    [
        "https://sd-parseq.web.app/",
        "https://sd-parseq.web.app/?docId=doc-1",
        "https://sd-parseq.web.app/deforum?docId=doc-1&versionId=2",
        "https://sd-parseq-dev.web.app/deforum",
        "http://localhost:3000/deforum?docId=doc-1",
    ],
)
def test_pages_of_the_app_are_recognised(url):
    with pytest.raises(ManifestError, match=r'page of the Parseq app.*"Upload output"'):
        load_manifest(url)


# --- URLs -------------------------------------------------------------------------------------------------------------


def test_a_link(server):
    url = server.reply(DATA)
    manifest = load_manifest(f" {url}\n")
    assert manifest.prompts == ("é",)
    assert manifest.source == url
    assert server.requests[0].headers["User-Agent"] == "deforum"


@pytest.mark.parametrize("headers", [{"Content_Encoding": "gzip"}, {}])
def test_gzip_is_unpacked(server, headers):
    assert load_manifest(server.reply(gzip.compress(DATA), **headers)).prompts == ("é",)


def test_a_chunked_reply(server):
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for part in (DATA[:10], DATA[10:], b""):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    assert load_manifest(server.page(page)).prompts == ("é",)


def test_spaces_and_umlauts_in_a_link(server):
    server.reply(DATA, path="/my%20f%C3%BCr%2Fm.json?a=1&b=%20")
    url = f"http://127.0.0.1:{server.http.server_port}/my für%2Fm.json?a=1&b=%20"
    assert load_manifest(url).source == url


def test_a_redirect_is_followed(server):
    server.reply(DATA, path="/m.json")
    assert load_manifest(server.reply(b"", 302, path="/from", Location="/m.json")).prompts == ("é",)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/m.json", "data:application/json,{}"])
def test_redirects_to_other_schemes_are_refused(server, target):
    url = server.reply(b"", 302, Location=target)
    with pytest.raises(ManifestError) as caught:
        load_manifest(url)
    assert target.split(":")[0] in str(caught.value)


def test_a_redirect_to_itself_ends(server):
    with pytest.raises(ManifestError, match="302"):
        load_manifest(server.reply(b"", 302, path="/loop", Location="/loop"))


@pytest.mark.parametrize(
    ("status", "part"), [(404, "404.*Check the link"), (403, "403.*upload"), (500, "500.*path of the file")]
)
def test_error_statuses(server, status, part):
    url = server.reply(b"no", status)
    with pytest.raises(ManifestError, match=part) as caught:
        load_manifest(url)
    assert caught.value.findings[0].key == url


def test_a_web_page_is_recognised(server):
    with pytest.raises(ManifestError, match=r'web page.*"Upload output"'):
        load_manifest(server.reply(b"<!doctype html><title>Log in</title>"))


def test_an_empty_reply(server):
    with pytest.raises(ManifestError, match="not JSON"):
        load_manifest(server.reply(b"", 204))


def test_a_refused_connection():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ManifestError, match=r"cannot be fetched.*Check the link and the connection"):
        load_manifest(f"http://127.0.0.1:{port}/m.json")


def test_a_silent_server(server):
    url = server.page(lambda handler: server.let_go.wait())
    with pytest.raises(ManifestError, match=re.escape("silent for 0.05 s")):
        load_manifest(url, timeout=0.05)


def test_a_server_that_falls_silent(server):
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(DATA[:5])
        server.let_go.wait()

    with pytest.raises(ManifestError, match=re.escape("silent for 0.05 s")):
        load_manifest(server.page(page), timeout=0.05)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["in the headers", "in the body"])
def test_a_server_that_dribbles(server, head):
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        for _ in range(300):
            handler.wfile.write(b" ")
            if server.let_go.wait(0.01):
                break

    with pytest.raises(ManifestError, match="took too long"):
        load_manifest(server.page(page), timeout=5, deadline=0.1)


def test_a_reply_that_is_cut_off(server):
    with pytest.raises(ManifestError, match=r"cannot be fetched.*10 more expected"):
        load_manifest(server.reply(DATA, Content_Length=str(len(DATA) + 10)))


def test_a_huge_reply(server):
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"\0" * 65536)

    with pytest.raises(ManifestError, match=re.escape("larger than 0.25 MB")):
        load_manifest(server.page(page), limit=2**18)


def test_a_gzip_bomb(server):
    with pytest.raises(ManifestError, match=re.escape("larger than 0.25 MB")):
        load_manifest(server.reply(gzip.compress(bytes(10**7))), limit=2**18)


def test_a_packed_file_is_not_unpacked_beyond_the_limit(tmp_path):
    path = tmp_path / "m.json.gz"
    path.write_bytes(gzip.compress(bytes(10**7)))
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError, match="larger"):
            load_manifest(str(path), limit=2**18)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 10**6


def test_exactly_the_limit_is_allowed(server):
    assert load_manifest(server.reply(DATA), limit=len(DATA)).frame_count == 1
    with pytest.raises(ManifestError, match="larger"):
        load_manifest(server.reply(DATA), limit=len(DATA) - 1)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:port/x", "http://127.0.0.1:99999/x"])
def test_links_that_are_none(url):
    with pytest.raises(ManifestError):
        load_manifest(url)


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_are_found_in_the_folders_in_order_and_then_in_the_current_one(tmp_path, monkeypatch):
    a, b, here = (tmp_path / name for name in ("a", "b", "here"))
    for folder in (a, b, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    (here / "m.json").write_bytes(DATA)
    assert load_manifest("m.json", base_dirs=(a, b)).source == str(here / "m.json")
    (b / "m.json").write_bytes(DATA)
    assert load_manifest("m.json", base_dirs=(a, b)).source == str(b / "m.json")
    (a / "m.json").write_bytes(DATA)
    assert load_manifest("m.json", base_dirs=(a, b)).source == str(a / "m.json")
    assert load_manifest(str(b / "m.json"), base_dirs=(a,)).source == str(b / "m.json")
    assert load_manifest(f'"{b / "m.json"}"').prompts == ("é",)


def test_a_packed_file(tmp_path):
    path = tmp_path / "m.json.gz"
    path.write_bytes(gzip.compress(DATA))
    assert load_manifest(str(path)).prompts == ("é",)


def test_a_file_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert load_manifest(str(path)).prompts == ("é",)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load_manifest("gone.json", base_dirs=(tmp_path / "x",))
    assert str(tmp_path / "x" / "gone.json") in str(caught.value)
    assert str(Path.cwd() / "gone.json") in str(caught.value)


def test_a_folder(tmp_path):
    with pytest.raises(ManifestError, match="is a folder"):
        load_manifest(str(tmp_path))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device file")
def test_a_device_is_not_read():
    with pytest.raises(ManifestError, match="no regular file"):
        load_manifest("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(DATA)
    path.chmod(0)
    with pytest.raises(ManifestError, match="cannot be read"):
        load_manifest(str(path))


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    path.write_bytes(DATA)

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ManifestError, match=re.escape("cannot be read: Permission denied.")):
        load_manifest(str(path))


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"\xff\xfe\x00", "no UTF-8 text"),
        (b"\x1f\x8bnot really", "gzip data is damaged"),
        (gzip.compress(DATA)[:-9], "ends too soon"),
        (b" " * 3000, "larger"),
        (b"", "not JSON"),
        (b"<html>", "web page"),
    ],
    ids=("not text", "not gzip", "cut gzip", "large", "empty", "html"),
)
def test_damaged_files(tmp_path, data, part):
    path = tmp_path / "m.json"
    path.write_bytes(data)
    with pytest.raises(ManifestError, match=part) as caught:
        load_manifest(str(path), limit=2000)
    assert caught.value.findings[0].key == str(path)


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "x" * 5000, "~nobody-of-this-name/m.json"])
def test_text_that_is_nothing_of_the_kind(text):
    with pytest.raises(ManifestError):
        load_manifest(text)
