"""HTTP by uvicorn and httptools, with limits that they lack: on the size of a head, and on the time for a request and for reading its
response. An offer to upgrade to another protocol is ignored.
"""

import asyncio
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.http.admission import ADMISSION, Admission
from service.http.bad_requests import INVALID, TOO_LARGE, HeadTooLarge
from service.http.deadline import Deadline
from service.http.exchange import ABORT, LAST, Exchange
from service.http.last_head import LastHead
from service.http.upgrade import head_without

MOST_HEAD_BYTES = 64 * 1024
MOST_BYTES = 1024 * 1024
"""Of a whole request with its trailers. No endpoint accepts more than a sixteenth of it, so each can send its refusal first."""

AT_ONCE = 16 * 1024
"""How much is parsed before the limits are checked again, because one write may contain a head of any size."""

REQUEST_SECONDS = 30.0
"""From the connection, or the first byte of a later request, to the last byte of its body."""

ANSWER_SECONDS = 30.0
"""How long a connection that is to be closed stays open for a client that has not read its response."""

CLOSING = "closing"
"""The event in the state of the lifespan that is set when the server begins to shut down: it waits for responses, and some have no end."""


class BoundedProtocol(HttpToolsProtocol):
    """A stranger can neither fill the memory with an endless head, nor hold a connection without sending a request."""

    cycle: Exchange
    _bytes = 0
    _head_bytes = 0
    _in_head = True
    _deaf = False
    _running: Exchange | None = None
    _cut_off: asyncio.TimerHandle | None = None
    _is_idle = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._admission: Admission = self.app_state.get(ADMISSION) or Admission(lambda _: None)
        self._deadline, self._last_head = Deadline(self.loop, self._close), LastHead()
        self.called: Any = self.app  # pyright: ignore[reportUnknownMemberType] - uvicorn has a type of its own for each wrapper
        self.extensions: dict[str, dict[object, object]] = {
            ABORT: {"now": transport.abort},
            LAST: {"now": self._last},
        }
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.stop()
        if self._cut_off is not None:
            self._cut_off.cancel()
        running = self._running
        if running is not None and not running.response_complete:  # uvicorn tells only the latest request
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)
        # What leads back to this object would keep it in memory until all garbage is searched for, which is seldom.
        self.extensions, self._last_head = {}, LastHead()

    def data_received(self, data: bytes) -> None:
        if self._deaf or (self._admission.is_full() and self._is_refused(data)):
            return
        was_idle = self._is_idle
        if was_idle and (body := self._last_head.body_of(data)) is not None:
            self._ask_again(body)
            return
        if was_idle or not self._deadline.is_set:
            self._begin()  # bytes between two requests have a time limit too: they may be endless empty lines
        rest = memoryview(data)
        try:
            while rest and not self._deaf:
                rest = self._parse(rest)
        except HeadTooLarge:
            self._refuse(TOO_LARGE)
        except httptools.HttpParserError as fault:
            self._refuse(TOO_LARGE if isinstance(fault.__context__, HeadTooLarge) else INVALID)
        if was_idle and not (self._deaf or self._in_head or self.pipeline):
            self._last_head.learn(data, self.cycle)

    def on_message_begin(self) -> None:
        self._begin()
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def shutdown(self) -> None:
        super().shutdown()
        if (closing := self.app_state.get(CLOSING)) is not None:
            closing.set()

    def on_url(self, url: bytes) -> None:
        self._head_bytes += len(url)
        if self._head_bytes > MOST_HEAD_BYTES:
            raise HeadTooLarge
        self.url += url

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
        """The same as uvicorn's, with an Exchange as the cycle."""
        if self.parser.should_upgrade():
            return
        self._in_head = False
        before, self.cycle = self.cycle, Exchange.parsed(self)
        if not before or before.response_complete:
            self._start_asgi_task(self.cycle, self.called)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.called))

    def on_body(self, body: bytes) -> None:
        """The same as uvicorn's, which asks again whether the parser should upgrade."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.arrived()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():  # only the head was parsed; the rest follows once the offer is removed
            return
        self._deadline.none()
        if self.cycle.response_complete:
            self._idle()
        else:
            self.cycle.more_body = False
            self.cycle.arrived()

    def on_response_complete(self) -> None:
        """The same as uvicorn's, which makes a timer for each response and cancels it at the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._close()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._deadline.is_set:  # otherwise the rest of a request is still to come
            self._idle()

    def _ask_again(self, body: bytes) -> None:
        """A whole request came, with the head of the one before."""
        self._is_idle = False
        self._deadline.none()
        scope: Any = {**self._last_head.scope, "state": self.app_state.copy()}
        self.cycle = again = Exchange(self, scope, keep_alive=True)
        again.body += body
        again.more_body = again.waiting_for_100_continue = False
        self._start_asgi_task(again, self.called)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        assert isinstance(cycle, Exchange)
        self._running = cycle
        refused = self._admission.judged(self.loop, cycle.scope["method"], cycle.scope["raw_path"])
        cycle.start(app if refused is None else refused.app, self.loop, self.tasks)

    def _is_refused(self, data: bytes) -> bool:
        """Refuse a request before it is parsed, if the bytes are the whole of it and nothing else is under way here."""
        if not self._is_idle or self.flow.write_paused or self.transport.is_closing() or b"rigin:" in data:
            return False  # the response to a script of another site has more headers
        head = self._last_head
        known = None if head.body_of(data) is None else (head.scope["method"], head.scope["raw_path"])
        refused = self._admission.refused(data, known)
        if refused is None:
            return False
        self._idle()
        self.transport.write(refused.whole())
        return True

    def _last(self) -> None:
        assert self._running is not None
        self._deaf = True
        self._deadline.none()
        self.pipeline.clear()
        self.cycle = self._running  # pyright: ignore[reportIncompatibleVariableOverride] - each cycle here is an Exchange
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
        """Parse the head again without Upgrade. httptools ends the message after its head, so a new parser gets the same head without the
        offer, and then the request's body. Raises HttpParserError.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # this is not an offer, and this server is not a proxy
            raise httptools.HttpParserInvalidMethodError
        head = head_without(method, self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def _refuse(self, answer: bytes) -> None:
        """Close the connection. If an earlier request still waits for its response, that response is sent first."""
        self._deaf = True
        if self._in_head and self.cycle and not self.cycle.response_complete:
            self._deadline.none()
            self.cycle.keep_alive = False
            return
        if not self.pipeline:
            self.transport.write(answer)
        self._close()

    def _begin(self) -> None:
        self._bytes, self._head_bytes, self._in_head = 0, 0, True
        self._is_idle = False
        self._deadline.after(REQUEST_SECONDS)

    def _idle(self) -> None:
        self._is_idle = True
        self._deadline.after(self.timeout_keep_alive)

    def _close(self) -> None:
        """Close once the client has read the response. A client that does not read it holds the connection for ANSWER_SECONDS at most."""
        self._deaf = True
        self.transport.close()
        self._deadline.stop()
        self._cut_off = self._cut_off or self.loop.call_later(ANSWER_SECONDS, self.transport.abort)
