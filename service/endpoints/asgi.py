"""The few lines between ASGI and an endpoint: reading a bounded body, and answering."""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from service.services import Services

MOST_BYTES = 64 * 1024


class BodyTooLong(Exception):
    """The body is over MOST_BYTES, by its own word or by what arrived."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Raises BodyTooLong before more than MOST_BYTES are held."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > MOST_BYTES:
        raise BodyTooLong
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise BodyTooLong
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return body


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def address(scope: Scope) -> str:
    """Where the request comes from; uvicorn has put the forwarded address here where the proxy is trusted."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def services_of(scope: Scope) -> Services:
    return scope["app"].state.services


async def answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
