"""One request and its response. This is uvicorn's cycle with less to do for each request, and with two short ways for an endpoint: it may
take the body of a request that has arrived whole, and send a whole response.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application, HTTPScope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from service.http.protocol import BoundedProtocol

EXCHANGE = "muniment.exchange"
"""The key of an ASGI scope for its Exchange. Another server has none."""

ABORT = "muniment.abort"
"""The ASGI extension that closes the connection at once, without waiting for a client that does not read."""

LAST = "muniment.last"
"""The ASGI extension for a response without an end. What its client sends after the request is dropped, and the connection closes
after the response: a pipelined request would never be answered, and would hide from the server that the client has gone.
"""


class Exchange(RequestResponseCycle):
    """`by_messages`: the headers of the response are not all known to the endpoint, so it is not sent whole. `sent`: the status of the
    response that was.
    """

    access_log = False
    disconnected = False
    more_body = True
    response_started = response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0
    by_messages = False
    sent: int | None = None
    _taken = False
    _event: asyncio.Event | None = None

    def __init__(self, protocol: "BoundedProtocol", scope: HTTPScope, *, keep_alive: bool) -> None:
        # Not by super().__init__: each of its fourteen arguments costs something, and most of them are the same for every request.
        self.scope, self.keep_alive = scope, keep_alive
        self.transport, self.flow, self.logger = protocol.transport, protocol.flow, protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.body = bytearray()

    @classmethod
    def parsed(cls, protocol: "BoundedProtocol") -> Self:
        """Return the one of the request whose head was parsed. Raises HttpParserInvalidURLError."""
        version = protocol.parser.get_http_version()
        keep_alive = version != "1.0" and protocol.parser.should_keep_alive()
        return cls(protocol, _scope(protocol, version), keep_alive=keep_alive)

    def start(self, app: ASGI3Application, loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
        """The task is one of `tasks` until it ends."""
        scope: Any = self.scope
        scope[EXCHANGE] = self
        task = loop.create_task(self._run(app, tasks))
        self._task = task
        tasks.add(task)

    async def _run(self, app: ASGI3Application, tasks: set[asyncio.Task[None]]) -> None:
        try:
            await app(self.scope, self.receive, self.send)
            if not self.response_complete:
                await self.run_asgi(_nothing)
        except BaseException as fault:  # noqa: BLE001 - uvicorn logs it and responds to it
            await self.run_asgi(partial(_raise, fault))
        finally:
            tasks.discard(self._task)
            for leads_back in (EXCHANGE, "extensions"):  # a cycle of references is garbage that has to be searched for
                self.scope.pop(leads_back, None)
            self.on_response = _no_more

    @property
    def message_event(self) -> asyncio.Event:  # pyright: ignore[reportIncompatibleVariableOverride] - made once somebody waits for it
        """Is set while there is something new to receive. Most requests arrive whole, and nothing waits for it."""
        if self._event is None:
            self._event = asyncio.Event()
            if self.body or self.disconnected or self.response_complete or not (self.more_body or self._taken):
                self._event.set()
        return self._event

    def arrived(self) -> None:
        """More of the body, or its end, is there."""
        if self._event is not None:
            self._event.set()

    def whole(self, status: int, head: bytes, body: bytes) -> bool:
        """Send the lines of a head and a body as the whole response. Return False if it has to be sent by messages: its connection
        closes after it, its client does not read, or it has no body.
        """
        if self.response_started or self.disconnected or not self.keep_alive or self.by_messages:
            return False
        if self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        given = _lines(self.default_headers)
        self.transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b" % (STATUS_LINE[status], given, head, len(body), body)
        )
        self.response_started = self.response_complete = True
        self.sent = status
        self.arrived()
        self.on_response()
        return True

    def whole_body(self) -> bytes | None:
        """Return the body, or None while some of it has not arrived."""
        if self.more_body or self.disconnected:
            return None
        body, self.body, self._taken = bytes(self.body), bytearray(), True
        if self._event is not None:
            self._event.clear()
        return body


async def _nothing(*_: object) -> None:
    """An application as uvicorn sees one that has returned."""


async def _raise(fault: BaseException, *_: object) -> None:
    """An application as uvicorn sees one that has failed."""
    raise fault


def _no_more() -> None:
    """No response comes from an exchange that has ended."""


def _scope(protocol: "BoundedProtocol", version: str) -> HTTPScope:
    url, root = httptools.parse_url(protocol.url), protocol.root_path
    path = url.path.decode("ascii")
    scope: Any = {
        "type": "http",
        "asgi": {"version": protocol.asgi_version, "spec_version": "2.3"},
        "http_version": version,
        "server": protocol.server,
        "client": protocol.client,
        "scheme": protocol.scheme,
        "method": protocol.parser.get_method().decode("ascii"),
        "root_path": root,
        "path": root + (unquote(path) if "%" in path else path),
        "raw_path": root.encode("ascii") + url.path,
        "query_string": url.query or b"",
        "headers": protocol.headers,
        "state": protocol.app_state.copy(),
        "extensions": protocol.extensions,
    }
    return scope


_seen: list[tuple[bytes, bytes]] = []
_seen_lines = b""


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the lines of the headers of every response. uvicorn makes a new list each second, with the new date."""
    global _seen, _seen_lines
    if headers is not _seen:
        _seen, _seen_lines = headers, b"".join([b"%b: %b\r\n" % header for header in headers])
    return _seen_lines
