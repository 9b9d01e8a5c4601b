"""The few lines between ASGI and an endpoint: reading a bounded body, and answering."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from service import request_id
from service.resources import Resources

MOST_BYTES = 64 * 1024


class BodyTooLong(Exception):
    """The body is over MOST_BYTES, by its own word or by what arrived."""


class BodyCutShort(Exception):
    """The sender went away in the middle of the body; what did arrive may mean something else than the whole."""


class Identified:
    """Gives each request its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request_id.begin()
        await self._app(scope, receive, send)


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Raises BodyTooLong before more than MOST_BYTES are held, and BodyCutShort."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared) > MOST_BYTES:
        raise BodyTooLong
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyCutShort
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise BodyTooLong
        if not message.get("more_body", False):
            return body


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    return next(iter(headers_named(scope, name)), None)


def headers_named(scope: Scope, name: bytes) -> list[str]:
    """Every header of this (lower-case) name."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def address(scope: Scope) -> str:
    """Where the request comes from; uvicorn has put the forwarded address here where the proxy is trusted."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def resources_of(scope: Scope) -> Resources:
    return scope["app"].state.resources


async def answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
