"""Fetching from the web: http and https only, within limits. Callers map :class:`WebError` to errors of their own."""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import string
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Literal, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

Kind = Literal["address", "status", "silent", "broken", "size", "deadline"]
"""Not an address to fetch from; the server refused; it says nothing; no connection, or it broke; beyond a limit."""

_CHUNK = 2**16


@dataclass(frozen=True)
class Limits:
    """How far a download may go.

    Attributes:
        size: bytes.
        timeout: seconds a server may be silent.
        deadline: seconds in all, from the name look-up to the last byte.
    """

    size: int
    timeout: float
    deadline: float


class WebError(Exception):
    """Why the web does not give a file. ``str()`` is a clause without a full stop; ``status`` is 0 if none came."""

    def __init__(self, message: str, kind: Kind, *, status: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


def is_url(text: str) -> bool:
    """Whether ``text`` is an ``http://`` or ``https://`` link."""
    return text.strip().lower().startswith(("http://", "https://"))


@contextmanager
def open_url(
    url: str, limits: Limits, *, headers: Mapping[str, str] | None = None, allow_private: bool = True
) -> Iterator[Reply]:
    """Ask for ``url``, through the environment's proxies and following redirects within http(s); closes the reply.

    Args:
        url: http(s) link; what is not ASCII in it is encoded.
        limits: of the connection and of what ``Reply.chunks`` gives.
        headers: of the request, besides the User-Agent.
        allow_private: False is for links of strangers: it refuses hosts with any address that is not on the public
            internet (loopback, link-local, local networks), and uses no proxy, which would look names up itself.

    Raises:
        WebError: there is no reply to be had.
    """
    if not is_url(url):
        raise WebError("only http and https addresses can be", "address")
    watch = _Watch(limits, time.monotonic() + limits.deadline, allow_private)
    with watch.errors():
        request = urllib.request.Request(_encoded(url), headers={"User-Agent": "deforum", **(headers or {})})  # noqa: S310
        reply: Reply = _opener(watch).open(request, timeout=limits.timeout)
    with reply:
        yield reply


def _encoded(url: str) -> str:
    parts = urlsplit(url.strip())
    if not parts.netloc.isascii():
        parts = parts._replace(netloc=parts.netloc.encode("idna").decode("ascii"))
    return quote(parts.geturl(), safe=string.punctuation)  # Leaves what is quoted already as it is.


@dataclass(frozen=True)
class _Watch:
    """The limits of one download under way; ``end`` is a time of ``time.monotonic``."""

    limits: Limits
    end: float
    allow_private: bool

    def patience(self) -> float:
        """Seconds to wait for a sign of life."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise WebError(f"it took more than {self.limits.deadline:g} s", "deadline")
        return min(left, self.limits.timeout)

    def check_size(self, size: int) -> None:
        if size > self.limits.size:
            raise WebError(f"it is larger than {self.limits.size >> 20} MiB", "size")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Maps the errors of the libraries."""
        try:
            yield
        except HTTPError as error:
            with error:
                message = f"the server answered {error.code} {error.reason}"
                raise WebError(message, "status", status=error.code) from error
        except (ValueError, OverflowError, http.client.InvalidURL) as error:
            raise WebError(f"not a valid link: {error}", "address") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if not isinstance(reason, TimeoutError):
                raise WebError(str(reason) or type(error).__name__, "broken") from error
            self.patience()  # That may have been the deadline.
            raise WebError(f"it timed out, the server was silent for {self.limits.timeout:g} s", "silent") from error


class Reply(http.client.HTTPResponse):
    """What a server answered; ``length`` is what it announces, None if it does not say."""

    def __init__(self, watch: _Watch, connection: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        self._watch = watch
        self.fp: Any = io.BufferedReader(_PatientStream(self.fp.detach(), connection, watch))

    def chunks(self, held: int = 0) -> Iterator[bytes]:
        """The body, as it arrives; ``held`` bytes of an earlier reply count against the size as well.

        Raises:
            WebError: a limit is reached, or the connection broke.
        """
        announced, came = self.length, 0
        self._watch.check_size(held + (announced or 0))
        while came != announced and (chunk := self._next()):
            came += len(chunk)
            self._watch.check_size(held + came)
            yield chunk
        if announced is not None and came < announced:
            seen = f"{came} bytes came, {announced - came} more expected"
            raise WebError(f"the connection broke, it ended before its announced length ({seen})", "broken")

    def _next(self) -> bytes:
        with self._watch.errors():
            return self.read1(_CHUNK)


class _PatientStream(io.RawIOBase):
    """The stream ``raw`` of a socket: no byte of headers or body is waited for beyond the deadline."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, watch: _Watch) -> None:
        self._raw, self._connection, self._watch = raw, connection, watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._watch.patience())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Http(http.client.HTTPConnection):
    def __init__(self, host: str, *, watch: _Watch, **options: Any) -> None:
        super().__init__(host, **options)
        self._watch = watch
        self.response_class: Any = partial(Reply, watch)

    def connect(self) -> None:
        """In a thread that is left alone at the deadline, for a name look-up cannot be told to hurry."""
        self.timeout = self._watch.patience()
        done: Future[None] = Future()
        threading.Thread(target=_settle, args=(done, self._connect), name="deforum-web", daemon=True).start()
        if wait([done], self._watch.end - time.monotonic()).not_done:
            raise TimeoutError
        done.result()

    def _connect(self) -> None:
        if not self._watch.allow_private:
            for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
                _refuse_private(self.host, str(address[0]))
        super().connect()
        if not self._watch.allow_private:
            # Nothing is sent yet, and the second look-up may have been answered in another way.
            _refuse_private(self.host, self.sock.getpeername()[0])


class _Https(_Http, http.client.HTTPSConnection):
    pass


def _settle(future: Future[None], work: Callable[[], None]) -> None:
    try:
        work()
        future.set_result(None)
    except BaseException as error:  # noqa: BLE001  handed over to the thread that waits
        future.set_exception(error)


def _refuse_private(host: str, text: str) -> None:
    address = ipaddress.ip_address(text)
    # All these may count as global; 6to4 wraps any IPv4 address.
    special = ("is_multicast", "is_reserved", "is_site_local", "sixtofour")
    if not address.is_global or any(getattr(address, name, None) for name in special):
        raise WebError(f"{host} is not on the public internet ({address})", "address")


class _Handler(urllib.request.AbstractHTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.http_open = partial(self.do_open, cast("Any", _Http), watch=watch)
        self.https_open = partial(self.do_open, cast("Any", _Https), watch=watch)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], *args: Any) -> urllib.request.Request | None:
        if not is_url(args[-1]):
            fp.close()
            raise WebError(f"it redirects to {args[-1]}, which is not on the web", "address")
        return super().redirect_request(req, fp, *args)


def _opener(watch: _Watch) -> urllib.request.OpenerDirector:
    # Not build_opener(), which adds handlers for file, ftp and data: no link and no redirect may lead there.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(None if watch.allow_private else {}),
        _Handler(watch),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
