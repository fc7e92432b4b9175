"""Files of weights: fetched from a real server on this machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.errors import Interrupted, RunError, StorageError
from deforum_helpers.models.download import LIMITS, RemoteFile, fetch_file

DATA = np.random.default_rng(5).integers(0, 256, 300_000, np.uint8).tobytes()
DIGEST = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``data`` as it is told to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = DATA
        self.etag = '"v1"'
        self.ranges = True
        self.cut = []  # For each coming answer: bytes sent before the connection breaks.
        self.stall = None  # Bytes sent before the server falls silent.
        self.status = None
        self.chunked = False
        self.asked = []
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/models/net.pth"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.server
        server.asked.append(dict(self.headers))
        self.close_connection = True
        if server.status:
            self.send_error(server.status)
            return
        start = self._start()
        if start >= len(server.data):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.data[start:]
        self.send_response(206 if start else 200)
        if server.etag:
            self.send_header("ETag", server.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        if not server.chunked:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.stall is not None:
            self.wfile.write(body[: server.stall])
            self.wfile.flush()
            server.released.wait(30)
            return
        self.wfile.write(body[: server.cut.pop(0)] if server.cut else body)

    def _start(self):
        wanted = self.headers.get("Range", "")
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        return int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and same and self.server.ranges else 0


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def remote(server, **changes):
    return RemoteFile(**({"url": server.url, "sha256": DIGEST} | changes))


def ranges_asked(server):
    return [headers.get("Range") for headers in server.asked]


def leave_part(folder, data, version='"v1"'):
    folder.mkdir(exist_ok=True)
    (folder / "net.pth.part").write_bytes(data)
    (folder / "net.pth.part.version").write_text(version)


class TestFetching:
    def test_a_file_is_fetched_once(self, server, tmp_path):
        seen = []
        folder = tmp_path / "models" / "Deforum"
        path = fetch_file(remote(server), folder, progress=lambda *at: seen.append(at))
        assert path == folder / "net.pth"
        assert path.read_bytes() == DATA
        assert seen[-1] == (len(DATA), len(DATA))
        assert [done for done, _ in seen] == sorted({done for done, _ in seen})
        assert list(folder.iterdir()) == [path]
        assert fetch_file(remote(server), folder) == path
        assert len(server.asked) == 1

    def test_the_beginning_of_the_digest_is_enough(self, server, tmp_path):
        assert fetch_file(remote(server, sha256=DIGEST[:8].upper(), size=len(DATA)), tmp_path).read_bytes() == DATA

    def test_without_an_announced_length(self, server, tmp_path):
        server.chunked = True
        seen = []
        path = fetch_file(remote(server, size=len(DATA)), tmp_path, progress=lambda *at: seen.append(at))
        assert path.read_bytes() == DATA
        assert seen[-1] == (len(DATA), None)

    def test_a_damaged_file_is_replaced(self, server, tmp_path):
        (tmp_path / "net.pth").write_bytes(DATA[:-1] + b"?")
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA

    def test_what_progress_raises_keeps_the_part(self, server, tmp_path):
        def stop(done, total):
            raise Interrupted("stopped")

        with pytest.raises(Interrupted):
            fetch_file(remote(server), tmp_path, progress=stop)
        held = (tmp_path / "net.pth.part").stat().st_size
        assert held > 0
        fetch_file(remote(server), tmp_path)
        assert ranges_asked(server) == [None, f"bytes={held}-"]


class TestResuming:
    def test_a_part_is_continued(self, server, tmp_path):
        leave_part(tmp_path, DATA[:1000])
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert ranges_asked(server) == ["bytes=1000-"]
        assert server.asked[0]["If-Range"] == '"v1"'

    def test_a_broken_connection_is_taken_up_again(self, server, tmp_path):
        server.cut = [1000, 50_000]
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert ranges_asked(server) == [None, "bytes=1000-", "bytes=51000-"]

    def test_another_version_starts_over(self, server, tmp_path):
        leave_part(tmp_path, b"old" * 1000, version='"v0"')
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert len(server.asked) == 1

    def test_a_server_that_ignores_ranges_starts_over(self, server, tmp_path):
        server.ranges = False
        leave_part(tmp_path, DATA[:1000])
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert len(server.asked) == 1

    def test_a_part_of_something_else_without_etags_is_found_out(self, server, tmp_path):
        server.etag = ""
        leave_part(tmp_path, b"?" * 1000, version="")
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert ranges_asked(server) == ["bytes=1000-", None]

    def test_weak_etags_are_not_relied_on(self, server, tmp_path):
        server.etag = 'W/"v1"'
        server.cut = [1000]
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert ranges_asked(server) == [None, "bytes=1000-"]
        assert "If-Range" not in server.asked[1]

    def test_a_complete_part_is_taken(self, server, tmp_path):
        leave_part(tmp_path, DATA)
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert len(server.asked) == 1

    def test_too_long_a_part_starts_over(self, server, tmp_path):
        leave_part(tmp_path, DATA + b"more")
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        assert len(server.asked) == 2

    def test_a_killed_download_is_continued(self, server, tmp_path):
        server.stall = 100_000
        script = (
            "import sys; from pathlib import Path\n"
            "from deforum_helpers.models.download import RemoteFile, fetch_file\n"
            "def seen(done, total):\n"
            "    if done >= 100_000: print('held', flush=True)\n"
            "fetch_file(RemoteFile(sys.argv[1], sys.argv[2]), Path(sys.argv[3]), progress=seen)\n"
        )
        package = Path(sys.modules["deforum_helpers"].__file__).parents[1]
        with subprocess.Popen(
            [sys.executable, "-c", script, server.url, DIGEST, str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(package)},
        ) as process:
            assert process.stdout.readline() == b"held\n"
            process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        assert not (tmp_path / "net.pth").exists()
        held = (tmp_path / "net.pth.part").stat().st_size
        server.stall = None
        assert fetch_file(remote(server), tmp_path).read_bytes() == DATA
        # What was still in the killed program's buffer is asked for again.
        assert ranges_asked(server)[1] == (f"bytes={held}-" if held else None)


class TestFailing:
    def test_damaged_twice(self, server, tmp_path):
        server.data = DATA[:-1] + b"?"
        with pytest.raises(RunError, match="damaged twice") as caught:
            fetch_file(remote(server), tmp_path)
        assert len(server.asked) == 2
        assert list(tmp_path.iterdir()) == []
        assert server.url in str(caught.value)
        assert str(tmp_path / "net.pth") in str(caught.value)

    def test_no_server(self, server, tmp_path):
        gone = remote(server, url="http://127.0.0.1:9/net.pth")
        with pytest.raises(RunError, match="cannot be downloaded") as caught:
            fetch_file(gone, tmp_path)
        assert gone.url in str(caught.value)
        assert str(tmp_path / "net.pth") in str(caught.value)

    def test_offline_by_choice(self, server, tmp_path):
        with pytest.raises(RunError, match="is missing") as caught:
            fetch_file(remote(server), tmp_path, allow_download=False)
        assert server.url in str(caught.value)
        (tmp_path / "net.pth").write_bytes(b"?")
        with pytest.raises(RunError, match="is damaged"):
            fetch_file(remote(server), tmp_path, allow_download=False)
        assert server.asked == []

    def test_not_found(self, server, tmp_path):
        server.status = 404
        with pytest.raises(RunError, match="404"):
            fetch_file(remote(server), tmp_path)

    def test_connections_that_bring_nothing(self, server, tmp_path):
        server.cut = [1000, 0]
        with pytest.raises(RunError, match="connection broke"):
            fetch_file(remote(server), tmp_path)
        assert (tmp_path / "net.pth.part").read_bytes() == DATA[:1000]

    def test_a_silent_server(self, server, tmp_path):
        server.stall = 0
        with pytest.raises(RunError, match="timed out"):
            fetch_file(remote(server), tmp_path, limits=replace(LIMITS, timeout=0.2))

    def test_the_deadline(self, server, tmp_path):
        with pytest.raises(RunError, match="longer than 0 s"):
            fetch_file(remote(server), tmp_path, limits=replace(LIMITS, deadline=0))

    @pytest.mark.parametrize("chunked", [False, True])
    def test_too_large(self, server, tmp_path, chunked):
        server.chunked = chunked
        with pytest.raises(RunError, match="larger than"):
            fetch_file(remote(server), tmp_path, limits=replace(LIMITS, size=2**16))

    @pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
    def test_another_size(self, server, tmp_path, size):
        with pytest.raises(RunError, match="bytes, not"):
            fetch_file(remote(server, size=size), tmp_path)

    def test_a_folder_that_cannot_be(self, server, tmp_path):
        (tmp_path / "models").write_text("a file")
        with pytest.raises(StorageError):
            fetch_file(remote(server), tmp_path / "models")
