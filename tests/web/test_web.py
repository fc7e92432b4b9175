"""Fetching from the web: from a real server on this machine."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deforum_helpers.web import Limits, WebError, is_url, open_url

LIMITS = Limits(size=1 << 20, timeout=5.0, deadline=30.0)
PUBLIC = "93.184.216.34"
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        page = getattr(self, self.path.strip("/"), self.plain)
        try:
            page()
        except OSError:
            self.close_connection = True  # the client has had enough

    def reply(self, body, code=200, **headers):
        self.send_response(code)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def dribble(self, head, piece=b"0"):
        self.wfile.write(head)
        for _ in range(500):
            self.wfile.write(piece)
            if self.server.let_go.wait(0.01):
                break

    def plain(self):
        self.reply(b"hello")

    def home(self):
        self.reply(b"", 302, Location="/plain")

    def inside(self):
        self.reply(b"", 302, Location=f"{self.server.address}/plain")

    def ftp(self):
        self.reply(b"", 301, Location="ftp://127.0.0.1:9/x")

    def file(self):
        self.reply(b"", 301, Location="file:///etc/hostname")

    def gone(self):
        self.reply(b"no", 410)

    def long(self):
        self.reply(b"", Content_Length=str(LIMITS.size + 1))

    def unannounced(self):
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(LIMITS.size + 1))

    def cut(self):
        self.reply(b"hello", Content_Length="15")

    def silent(self):
        self.server.let_go.wait()

    def slow_head(self):
        self.dribble(b"HTTP/1.1 200 OK\r\nX: ")

    def slow_body(self):
        self.dribble(b"HTTP/1.1 200 OK\r\n\r\n")

    def slow_chunk(self):
        self.dribble(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.let_go = threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(url, *, held=0, **options):
    with open_url(url, **({"limits": LIMITS} | options)) as reply:
        return b"".join(reply.chunks(held))


def failure(url, **options):
    with pytest.raises(WebError) as caught:
        fetch(url, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a/b", True),
        (" HTTPS://a", True),
        ("ftp://a", False),
        ("file:///etc/passwd", False),
        ("C:\\music\\x.mp3", False),
        ("C:/a.png", False),
        ("http.png", False),
        ("{}", False),
        ("", False),
    ],
)
def test_is_url(text, expected):
    assert is_url(text) is expected


class TestAsking:
    def test_a_page(self, server):
        assert fetch(f" {server.address}/plain\n", headers={"X-Extra": "1"}) == b"hello"
        headers = server.asked[0][1]
        assert (headers["User-Agent"], headers["X-Extra"]) == ("deforum", "1")

    def test_what_the_reply_tells(self, server):
        with open_url(f"{server.address}/plain", LIMITS) as reply:
            assert (reply.status, reply.length, reply.headers["Content-Length"]) == (200, 5, "5")

    def test_a_redirect(self, server):
        assert fetch(f"{server.address}/home") == b"hello"

    def test_other_letters_than_ascii_through_a_proxy(self, server, monkeypatch):
        monkeypatch.setenv("http_proxy", server.address)
        assert fetch("http://bücher.test:80/my straße%20?a=ü") == b"hello"
        assert server.asked[0][0] == "http://xn--bcher-kva.test:80/my%20stra%C3%9Fe%20?a=%C3%BC"


class TestRefusals:
    @pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "plain", "", "http:/x"])
    def test_other_links(self, url):
        assert failure(url).kind == "address"

    @pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:port/x", "http://" + "ü" * 80, "http://a\tb\0/"])
    def test_links_that_are_none(self, url):
        assert failure(url).kind == "address"

    def test_redirects_leave_the_web_nowhere(self, server):
        error = failure(f"{server.address}/ftp")
        assert (error.kind, str(error)) == ("address", "it redirects to ftp://127.0.0.1:9/x, which is not on the web")
        assert "file:///etc/hostname" in str(failure(f"{server.address}/file"))

    def test_the_server_refuses(self, server):
        error = failure(f"{server.address}/gone")
        assert (error.kind, error.status, str(error)) == ("status", 410, "the server answered 410 Gone")

    def test_nobody_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            error = failure(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert (error.kind, error.status) == ("broken", 0)

    def test_the_connection_breaks(self, server):
        error = failure(f"{server.address}/cut")
        assert error.kind == "broken"
        assert "5 bytes came, 10 more expected" in str(error)


class TestLimits:
    @pytest.mark.parametrize("page", ["long", "unannounced"])
    def test_the_size(self, server, page):
        error = failure(f"{server.address}/{page}")
        assert (error.kind, str(error)) == ("size", "it is larger than 1 MiB")

    def test_what_is_held_counts(self, server):
        assert fetch(f"{server.address}/plain", held=LIMITS.size - 5) == b"hello"
        assert failure(f"{server.address}/plain", held=LIMITS.size - 4).kind == "size"

    def test_silence(self, server):
        error = failure(f"{server.address}/silent", limits=replace(LIMITS, timeout=0.05))
        assert (error.kind, str(error)) == ("silent", "it timed out, the server was silent for 0.05 s")

    @pytest.mark.parametrize("page", ["silent", "slow_head", "slow_body", "slow_chunk"])
    def test_the_deadline(self, server, page):
        error = failure(f"{server.address}/{page}", limits=replace(LIMITS, deadline=0.1))
        assert (error.kind, str(error)) == ("deadline", "it took more than 0.1 s")

    def test_the_deadline_of_a_name_look_up(self, monkeypatch):
        found = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait() and [])
        assert failure("http://slow.test/", limits=replace(LIMITS, deadline=0.1)).kind == "deadline"
        found.set()


class TestPrivateAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "2130706433", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
            *("169.254.169.254", "224.0.0.1", "240.0.0.1", "[::1]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[ff02::1]"),
            *("[::ffff:127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]"),
        ],
    )
    def test_are_refused(self, server, host):
        error = failure(f"http://{host}:{server.server_port}/plain", allow_private=False)
        assert (error.kind, server.asked) == ("address", [])
        assert "not on the public internet" in str(error)

    @pytest.fixture
    def outside(self, server, monkeypatch):
        """Makes ``server`` the host public.test, looked up to some addresses and met at another."""

        def place(*addresses, peer=PUBLIC):
            class Outside(socket.socket):
                def getpeername(self):
                    return peer, 80

            def connect(address, timeout=None, *_, **__):
                assert address == ("public.test", 80)
                connection = Outside()
                connection.settimeout(timeout)
                connection.connect(server.server_address)
                return connection

            def look_up(host, port, *_, **__):
                found = addresses if host == "public.test" else (host,)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

            monkeypatch.setattr(socket, "create_connection", connect)
            monkeypatch.setattr(socket, "getaddrinfo", look_up)

        return place

    def test_public_hosts_are_fetched_from_without_a_proxy(self, server, outside, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        outside(PUBLIC, "2606:2800:220:1::1")
        assert fetch("http://public.test/plain", allow_private=False) == b"hello"
        assert [path for path, _ in server.asked] == ["/plain"]

    def test_redirects_do_not_lead_inside(self, server, outside):
        outside(PUBLIC)
        error = failure("http://public.test/inside", allow_private=False)
        assert "127.0.0.1 is not on the public internet" in str(error)
        assert [path for path, _ in server.asked] == ["/inside"]

    def test_one_private_address_is_enough(self, server, outside):
        outside(PUBLIC, "10.0.0.1")
        assert "10.0.0.1" in str(failure("http://public.test/plain", allow_private=False))
        assert server.asked == []

    def test_a_second_look_up_does_not_help(self, server, outside):
        outside(PUBLIC, peer="127.0.0.1")
        assert "127.0.0.1" in str(failure("http://public.test/plain", allow_private=False))
        assert server.asked == []
