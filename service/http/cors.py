"""Scripts of any site may call an endpoint that reads no cookie (CORS): a token or a code is proof, whichever site sends it.

Some libraries always send credentials, for which a browser does not accept `*`, so the origin is echoed. Because no cookie is read, a
script gains nothing that it does not have itself.
"""

import re
from collections.abc import Awaitable
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.asgi import answer, header
from service.http.exchange import EXCHANGE
from service.http.last_head import once_a_head

VARIES = {"Vary": "Origin"}
"""For a response that caches may keep, because the headers that are added here are for one origin."""

EXPOSED = (
    "DPoP-Nonce, ETag, Idempotent-Replayed, Link, Location, Muniment-Position, Muniment-Quorum, RateLimit-Limit, RateLimit-Remaining,"
    " RateLimit-Reset, Retry-After, WWW-Authenticate, X-Request-Id"
)
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
USUAL = "Authorization, Content-Type"

_is_origin = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,300}").fullmatch
_are_headers = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~, ]{1,2000}").fullmatch


class CrossOrigin:
    """An endpoint that scripts of any site may call, as an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        origin = once_a_head(scope, _origin)
        if origin is not None and _is_origin(origin):
            send = partial(_shared, send, origin)
            if (exchange := scope.get(EXCHANGE)) is not None:
                exchange.by_messages = True
        if scope["method"] == "OPTIONS":
            return answer(send, 204, _preflight(scope), b"")
        return self._app(scope, receive, send)


def _origin(scope: Scope) -> str | None:
    return header(scope, b"origin")


def _preflight(scope: Scope) -> dict[str, str]:
    """Allow every requested header and method: the endpoint decides what they mean."""
    asked = header(scope, b"access-control-request-headers") or ""
    return {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": asked if _are_headers(asked) else USUAL,
        "Access-Control-Max-Age": "86400",
        "Vary": "Origin, Access-Control-Request-Headers",
    }


async def _shared(send: Send, origin: str, message: Message) -> None:
    if message["type"] == "http.response.start":
        shared = (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", EXPOSED.encode()),
        )
        known = any(name == b"vary" for name, _ in message["headers"])
        vary = () if known else ((b"vary", b"Origin"),)
        message = {**message, "headers": [*message["headers"], *shared, *vary]}
    await send(message)
