"""The few lines between ASGI and an endpoint: read a body of limited size, and send a response."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE

from service import request_id
from service.configuration.settings import Settings
from service.http.exchange import EXCHANGE, Exchange
from service.resources import Resources

MOST_BYTES = 64 * 1024
MOST_COOKIES = 200
"""In one header. Browsers keep at most 180 for one host."""

UNKNOWN = "unknown"
LONGEST_ADDRESS = 64
"""The length of an IPv6 address with its zone."""


ONCE = {
    b"content-type": "Content-Type",
    b"idempotency-key": "Idempotency-Key",
    b"last-event-id": "Last-Event-ID",
    b"muniment-min-position": "Muniment-Min-Position",
}
"""The headers that a request may have once: of two, a proxy may read the other one. Authorization and Muniment-Reason have refusals of
their own.
"""

_CONTROLS = b"".join(HEADER_VALUE_RE.findall(bytes(range(256))))

NOWHERE = "/%2f"
"""A path that no route has."""


Lines = list[tuple[bytes, bytes]]


class BodyTooLong(Exception):
    """The body is longer than MOST_BYTES, by its Content-Length or by the bytes that arrived."""


class BodyCutShort(Exception):
    """The sender disconnected before the end of the body. The part that arrived may mean something else than the whole."""


class Identified:
    """Gives each request its id, and the trace that its caller names. A path with an encoded slash leads nowhere: a proxy, whose rules are for paths, does not read it as one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request_id.begin(scope["headers"])
            if b"%2" in scope["raw_path"] and b"%2f" in scope["raw_path"].lower():
                scope = {**scope, "path": NOWHERE, "raw_path": NOWHERE.encode()}
        await self._app(scope, receive, send)


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the body. Raises BodyTooLong before more than MOST_BYTES are in memory, and BodyCutShort."""
    exchange: Exchange | None = scope.get(EXCHANGE)
    if exchange is not None and (whole := exchange.whole_body()) is not None:
        if len(whole) > MOST_BYTES:
            raise BodyTooLong
        return whole
    declared = header(scope, b"content-length")
    # The text is checked first: it may have many leading zeros, and Python refuses to convert a very long number.
    digits = (declared or "").lstrip("0")
    if len(digits) > len(str(MOST_BYTES)) or (digits.isascii() and digits.isdigit() and int(digits) > MOST_BYTES):
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
    """Return the first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def headers_named(scope: Scope, name: bytes) -> list[str]:
    """Return every header of this (lower-case) name."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def query_pairs(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return the names and values of the query, as Starlette's QueryParams reads them."""
    return tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def repeated(scope: Scope) -> str | None:
    """Return why the headers are refused if one that may be there once is there more often."""
    found = [name for name, _ in scope["headers"] if name in ONCE]
    twice = next((name for name in found if found.count(name) > 1), None)
    return None if twice is None else f"The header {ONCE[twice]} is given more than once."


def cookie(scope: Scope, name: str) -> str | None:
    """Return the cookie of this name. Our cookies have no quotation marks (RFC 6265 section 4.1.1), so it is enough to split the header:
    http.cookies also unquotes, and its time grows with the square of the length on some Python versions that we support.
    """
    found = None
    for header in headers_named(scope, b"cookie"):
        for pair in header.split(";", MOST_COOKIES)[:MOST_COOKIES]:
            given, equals, value = pair.partition("=")
            if equals and given.strip() == name:
                found = value.strip()
    return found


def address(scope: Scope) -> str:
    """Return the address of the sender. If the proxy is trusted, uvicorn has replaced it with the forwarded address.

    A proxy that passes on what strangers wrote may forward any text, of any length.
    """
    client = scope.get("client")
    return _address(client[0]) if client and len(client[0]) <= LONGEST_ADDRESS else UNKNOWN


def is_from_proxy(scope: Scope, trusted: str) -> bool:
    """Whether the request came from one of these networks. Where uvicorn replaced the address of a trusted proxy, the port is 0 or
    that of X-Forwarded-For; no TCP connection has the port 0.
    """
    client = scope.get("client")
    if not client:
        return False
    if client[1] == 0:
        return True
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    return any(address in network for network in _networks(trusted))


@lru_cache(maxsize=10)
def _networks(trusted: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in trusted.split(",") if part.strip())


def certificate_headers(scope: Scope, settings: Settings) -> list[str]:
    """Return what a trusted proxy says of the certificate of the client, if the deployment has such a proxy."""
    header = settings.client_certificate_header
    if header is None or not is_from_proxy(scope, settings.trusted_proxies):
        return []
    return [value for value in headers_named(scope, header.encode()) if value]


@lru_cache(maxsize=10_000)
def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return UNKNOWN


def route_of(scope: Scope) -> str | None:
    """Return the path as its route has it, such as /api/v1/auth/users/{user_id}, once Starlette has found the route."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) else None


def resources_of(scope: Scope) -> Resources:
    return scope["app"].resources


async def answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if status != 204:  # a 204 has no Content-Length (RFC 9110 section 8.6)
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def answer_at_once(scope: Scope, send: Send, status: int, head: "Head", body: bytes) -> None:
    """Send a response of a busy route, at once where the server can."""
    exchange: Exchange | None = scope.get(EXCHANGE)
    if exchange is None or not exchange.whole(status, head.lines, body):
        await answer(send, status, head.headers, body)


async def respond(
    scope: Scope,
    receive: Receive,
    send: Send,
    response: Response,
    headers: Mapping[str, str],
    *,
    usual: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Send a response, at once where that can be. `headers` replace its own of these names; `usual` are added where it has none of the name."""
    raw = _with(response.raw_headers, headers, usual) if headers or usual else response.raw_headers
    exchange: Exchange | None = scope.get(EXCHANGE)
    if exchange is not None and _is_whole(response):
        own = [each for each in raw if each[0] != b"content-length"]
        lines = b"".join([b"%b: %b\r\n" % each for each in own])
        if are_clean(lines, len(own)) and exchange.whole(response.status_code, lines, bytes(response.body)):
            return
    response.raw_headers = raw
    await response(scope, receive, send)


def _with(own: Lines, headers: Mapping[str, str], usual: Iterable[tuple[bytes, bytes]]) -> Lines:
    more = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    replaced = {name for name, _ in more}
    raw = [*[each for each in own if each[0] not in replaced], *more]
    said = {name for name, _ in raw}
    return [*raw, *[each for each in usual if each[0] not in said]]


def _is_whole(response: Response) -> bool:
    """Whether it is nothing but a head and a body: no stream, and nothing to do after it."""
    is_plain = type(response).__call__ is Response.__call__ and response.background is None
    return is_plain and response.status_code not in (204, 304)


def are_clean(lines: bytes, count: int) -> bool:
    """Whether no value in these lines of so many headers has a line break or another control character: their ends are the only ones. Uvicorn
    refuses such a value, if it is sent by messages.
    """
    return len(lines) - len(lines.translate(None, _CONTROLS)) == count * len(b"\r\n")


class Head:
    """The headers of many responses, written once."""

    __slots__ = ("headers", "lines")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
