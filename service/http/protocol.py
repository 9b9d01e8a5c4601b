"""HTTP by uvicorn and httptools, with limits that they lack: on the size of a head, and on the time for a request and for reading its
response. An offer to upgrade to another protocol is ignored.
"""

import asyncio
import math
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.http.admission import ADMISSION, Admission

MOST_HEAD_BYTES = 64 * 1024
MOST_BYTES = 1024 * 1024
"""Of a whole request with its trailers. No endpoint accepts more than a sixteenth of it, so each can send its refusal first."""

AT_ONCE = 16 * 1024
"""How much is parsed before the limits are checked again, because one write may contain a head of any size."""

REQUEST_SECONDS = 30.0
"""From the connection, or the first byte of a later request, to the last byte of its body."""

ANSWER_SECONDS = 30.0
"""How long a connection that is to be closed stays open for a client that has not read its response."""

NEVER = math.inf

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
INVALID = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n\r\n"
    b"The request is not valid HTTP."
)


ABORT = "muniment.abort"
"""The ASGI extension that closes the connection at once, without waiting for a client that does not read."""

WHOLE = "muniment.whole"
"""The ASGI extension that sends a whole response at once, instead of two messages: its status, the lines of its head, and its body."""

BODY = "muniment.body"
"""The ASGI extension that returns the body of a request of which all has arrived; None while some is missing."""

LAST = "muniment.last"
"""The ASGI extension for a response without an end. What its client sends after the request is dropped, and the connection closes
after the response: a pipelined request would never be answered, and would hide from the server that the client has gone.
"""

CLOSING = "closing"
"""The event in the state of the lifespan that is set when the server begins to shut down: it waits for responses, and some have no end."""


class HeadTooLarge(Exception):
    """The head that is being parsed is longer than MOST_HEAD_BYTES."""


class BoundedProtocol(HttpToolsProtocol):
    """A stranger can neither fill the memory with an endless head, nor hold a connection without sending a request."""

    _bytes = 0
    _head_bytes = 0
    _in_head = True
    _deaf = False
    _running: RequestResponseCycle | None = None
    _clock: asyncio.TimerHandle | None = None
    _until = _due = NEVER
    _is_idle = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._admission: Admission = self.app_state.get(ADMISSION) or Admission(lambda _: None)
        self._extensions: dict[str, dict[object, object]] = {
            ABORT: {"now": transport.abort},
            LAST: {"now": self._last},
            WHOLE: {"now": self._whole},
            BODY: {"now": self._body},
        }
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        if (
            running := self._running
        ) is not None and not running.response_complete:  # uvicorn tells only the latest request
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf or (self._admission.is_full() and self._is_refused(data)):
            return
        if self._is_idle or self._until == NEVER:
            self._begin()  # bytes between two requests have a time limit too: they may be endless empty lines
        rest = memoryview(data)
        try:
            while rest and not self._deaf:
                rest = self._parse(rest)
        except HeadTooLarge:
            self._refuse(TOO_LARGE)
        except httptools.HttpParserError as fault:
            self._refuse(TOO_LARGE if isinstance(fault.__context__, HeadTooLarge) else INVALID)

    def on_message_begin(self) -> None:
        self._begin()
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def shutdown(self) -> None:
        super().shutdown()
        if (closing := self.app_state.get(CLOSING)) is not None:
            closing.set()

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A trailer is dropped (RFC 9110 section 6.5.1): a proxy that says in a header whose certificate or address it is passes it on.
        What follows the count is super().on_header: a call of it for each header costs more than what it does.
        """
        if not self._in_head:
            return
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MOST_HEAD_BYTES:
            raise HeadTooLarge
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._in_head = False
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():  # only the head was parsed; the rest follows once the offer is removed
            return
        self._end()
        super().on_message_complete()
        if self.cycle.response_complete:
            self._idle()

    def on_response_complete(self) -> None:
        """The same as uvicorn's, which makes a timer for each response and cancels it at the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._close()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._until == NEVER:  # otherwise the rest of a request is still to come
            self._idle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        refused = self._admission.judged(self.loop, cycle.scope["method"], cycle.scope["raw_path"])
        if refused is not None:
            app = refused.app
        super()._start_asgi_task(cycle, app)

    def _is_refused(self, data: bytes) -> bool:
        """Refuse a request before it is parsed, if the bytes are the whole of it and nothing else is under way here."""
        if not self._is_idle or self.flow.write_paused or self.transport.is_closing() or b"rigin:" in data:
            return False  # the response to a script of another site has more headers
        refused = self._admission.refused(data)
        if refused is None:
            return False
        self._idle()
        self.transport.write(refused.whole())
        return True

    def _whole(self, status: int, head: bytes, body: bytes) -> bool:
        """Return False if the response has to be sent by messages: its connection closes after it, its client does not read,
        or it has no body.
        """
        cycle = self._running
        assert cycle is not None
        is_head = cycle.scope["method"] == "HEAD"
        if cycle.response_started or cycle.disconnected or not cycle.keep_alive or self.flow.write_paused or is_head:
            return False
        given = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
        self.transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b" % (STATUS_LINE[status], given, head, len(body), body)
        )
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _body(self) -> bytes | None:
        cycle = self._running
        assert cycle is not None
        if cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()
        return body

    def _last(self) -> None:
        assert self._running is not None
        self._deaf = True
        self._end()
        self.pipeline.clear()
        self.cycle = self._running
        self.cycle.keep_alive = False
        self.flow.resume_reading()

    def _parse(self, rest: memoryview) -> memoryview:
        """Parse a part, and return the rest. Raises HeadTooLarge and HttpParserError."""
        part = rest[:AT_ONCE]
        self._bytes += len(part)
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade as offer:
            self._without_the_offer()
            return rest[offer.args[0] :]
        if self._in_head and self._bytes > MOST_HEAD_BYTES:
            raise HeadTooLarge
        if self._bytes > MOST_BYTES:
            self._close()
        return rest[len(part) :]

    def _without_the_offer(self) -> None:
        """Parse the head again without Upgrade, which a server may ignore (RFC 9110 section 7.8). httptools ends the message after its
        head, so a new parser gets the same head without the offer, and then the request's body. Raises HttpParserError.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # this is not an offer, and this server is not a proxy
            raise httptools.HttpParserInvalidMethodError
        head = [method, b" ", self.url, b" HTTP/", self.parser.get_http_version().encode(), b"\r\n"]
        for name, value in self.headers:
            kept = _without_upgrade(value) if name == b"connection" else value
            if name != b"upgrade" and kept:
                head += (name, b": ", kept, b"\r\n")
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"".join((*head, b"\r\n")))

    def _count_head(self, size: int) -> None:
        if not self._in_head:  # a trailer
            return
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            raise HeadTooLarge

    def _refuse(self, answer: bytes) -> None:
        """Close the connection. If an earlier request still waits for its response, that response is sent first."""
        self._deaf = True
        if self._in_head and self.cycle and not self.cycle.response_complete:
            self._end()
            self.cycle.keep_alive = False
            return
        if not self.pipeline:
            self.transport.write(answer)
        self._close()

    def _begin(self) -> None:
        self._bytes, self._head_bytes, self._in_head = 0, 0, True
        self._is_idle = False
        self._limit(REQUEST_SECONDS)

    def _end(self) -> None:
        self._until = NEVER

    def _idle(self) -> None:
        self._is_idle = True
        self._limit(self.timeout_keep_alive)

    def _limit(self, seconds: float) -> None:
        """One timer looks at the time limit of whatever there is: to set one for each request would cost more than its parsing."""
        self._until = self.loop.time() + seconds
        if self._clock is not None and self._until < self._due:
            self._clock.cancel()
            self._clock = None
        if self._clock is None:
            self._look_at(self._until)

    def _look_at(self, due: float) -> None:
        self._due = due
        self._clock = self.loop.call_at(due, self._late)

    def _late(self) -> None:
        self._clock = None
        if self._until <= self.loop.time():
            self._close()
        elif self._until != NEVER:
            self._look_at(self._until)

    def _close(self) -> None:
        """Close once the client has read the response. A client that does not read it holds the connection for ANSWER_SECONDS at most."""
        self._deaf = True
        self.transport.close()
        self._stop_clock()
        self._clock = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def _stop_clock(self) -> None:
        self._end()
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def _without_upgrade(connection: bytes) -> bytes:
    """Return the options of a Connection header without `upgrade`."""
    options = (option.strip() for option in connection.split(b","))
    return b", ".join(option for option in options if option.lower() != b"upgrade")
