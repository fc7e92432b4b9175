"""What every request passes before its route: name, origin, token and size; and what becomes of errors on the way."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException  # what fastapi raises itself
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import AccessError, InputError, RunError
from .config import ApiConfig
from .replies import Reply, refusal
from .service import Busy

_Handler = Callable[[Request], Awaitable[Response]]


def guarded_route(config: ApiConfig) -> type[APIRoute]:
    """The kind of route for requests that may come from anybody."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Any:
            inner: _Handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return _told_to_browsers(await answer(request), request, config)

            async def answer(request: Request) -> Response:
                refused = _refused(request, config)
                if refused is not None:
                    return refused
                try:
                    await _read_body(request, config.most_bytes)
                    return await _answer(inner, request)
                except HTTPException as error:
                    return Reply({"message": str(error.detail), "findings": []}, error.status_code)
                except (RecursionError, UnicodeError) as error:
                    return Reply({"message": f"The request cannot be read: {error}.", "findings": []}, 400)

            return handle

    return GuardedRoute


def preflight() -> Response:
    """What a browser is told that asks whether a page of another server may send a request; the guard has let it in."""
    return Response(
        headers={
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        }
    )


class Preflights:
    """Answers what browsers ask before they send a request to the API, and leaves all else to a server.

    For servers (Forge's) in which something else answers it before any route is looked for.

    Args:
        server: as ASGI has it.
        config: of the API.
        prefixes: of its paths.
    """

    def __init__(self, server: ASGIApp, config: ApiConfig, prefixes: Sequence[str]) -> None:
        self._server = server
        self._config = config
        self._prefixes = tuple(f"{prefix}/" for prefix in prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and self._is_ours(scope):
            request = Request(scope, receive)
            reply = _refused(request, self._config) or preflight()
            await _told_to_browsers(reply, request, self._config)(scope, receive, send)
        else:
            await self._server(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.removeprefix(scope.get("root_path", "")).startswith(self._prefixes)


def _told_to_browsers(reply: Response, request: Request, config: ApiConfig) -> Response:
    """Tell the browser of a welcome page that it may read the reply.

    Web UIs do so for all routes, but Forge adds what does it when its server has already been put together, where it
    has no effect. Said twice in the same words it does no harm.
    """
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request) and _is_welcome(origin, config):
        reply.headers["Access-Control-Allow-Origin"] = origin
        reply.headers["Vary"] = "Origin"
    return reply


async def _answer(inner: _Handler, request: Request) -> Response:
    try:
        return await inner(request)
    except RequestValidationError as error:
        return _invalid(error)
    except AccessError as error:
        return refusal(error, 403)
    except InputError as error:
        return refusal(error, 422)
    except Busy as error:
        return Reply({"message": str(error), "findings": []}, 429)
    except RunError as error:
        return Reply({"message": str(error), "findings": []}, 503)


def _refused(request: Request, config: ApiConfig) -> Response | None:
    """Why a request is not listened to at all; None if it is."""
    if config.names and _name(request) not in config.names:
        # A page in the user's browser that has given this server a name of its own.
        return Reply({"message": "The server does not go by this name.", "findings": []}, 400)
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request) and not _is_welcome(origin, config):
        # A page somewhere that talks to a server on its visitor's computer.
        return Reply({"message": "Pages of other servers may not use this API.", "findings": []}, 403)
    asks_first = request.method == "OPTIONS"  # browsers do so without the token
    if config.token and not asks_first and not _has_token(request.headers.get("authorization", ""), config.token):
        headers = {"WWW-Authenticate": "Bearer"}
        return Reply({"message": "A token is needed: Authorization: Bearer TOKEN.", "findings": []}, 401, headers)
    return None


def _is_own(origin: str, request: Request) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:
        return False


def _name(request: Request) -> str:
    """What the server is called in the request, without the port."""
    return re.sub(r":\d*$", "", request.headers.get("host", "").strip().lower())


def _is_welcome(origin: str, config: ApiConfig) -> bool:
    """As web UIs decide it themselves, which tell browsers so."""
    named = "*" in config.origins or origin in config.origins
    return named or bool(config.origin_pattern and re.fullmatch(config.origin_pattern, origin))


def _has_token(given: str, token: str) -> bool:
    scheme, _, value = given.partition(" ")
    same = secrets.compare_digest(value.strip().encode("utf-8", "replace"), token.encode("utf-8"))
    return scheme.lower() == "bearer" and same


async def _read_body(request: Request, most: int) -> None:
    """Read the body, which the request then remembers, as long as it is not too large."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    request._body = b"".join(parts)  # where starlette keeps what ``body()`` has read


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"The body is too large; allowed are {most >> 20} MiB.")


def _invalid(error: RequestValidationError) -> Response:
    detail: Sequence[Any] = error.errors()
    return Reply(jsonable_encoder({"detail": _printable(detail), "body": getattr(error, "body", None)}), 422)


def _printable(detail: Sequence[Any]) -> list[dict[str, Any]]:
    """The findings of pydantic without the objects that no JSON has."""
    return [{key: value for key, value in dict(found).items() if key not in ("ctx", "input")} for found in detail]
