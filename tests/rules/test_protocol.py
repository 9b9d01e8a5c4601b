"""What the HTTP parser makes of bytes, however they are cut: one whole request, one answer."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest
import uvicorn
from starlette.responses import Response
from uvicorn.server import ServerState

from service.http.asgi import MOST_BYTES as MOST_BYTES_OF_A_BODY
from service.http.asgi import BodyTooLong, Head, answer, answer_at_once, read_body, respond
from service.http.exchange import EXCHANGE, LAST
from service.http.protocol import AT_ONCE, MOST_HEAD_BYTES, BoundedProtocol

HEAD = b"POST /echo?a=b HTTP/1.1\r\nHost: test\r\n"
FORM = b"grant_type=client_credentials&scope=api:public"
LENGTH = b"Content-Length: %d\r\n" % len(FORM)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"5\r\n" + FORM[:5] + b"\r\n%x\r\n" % len(FORM[5:]) + FORM[5:] + b"\r\n0\r\n\r\n"

JAVA = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\nUpgrade: h2c\r\n"
WEBSOCKET = (
    b"Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
)
TWO_OFFERS = b"UPGRADE: h2c\r\nConnection: UPGRADE\r\nUpgrade: websocket\r\nConnection:\tupgrade ,keep-alive\r\n"


class Line(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self.said = b""
        self.closing = False
        self.is_read = True
        self.aborted, self.closed = asyncio.Event(), asyncio.Event()

    def write(self, data: Any) -> None:
        self.said += bytes(data)

    def close(self) -> None:
        self.closing = True
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted.set()

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


class Ends:
    """Both ends of one connection, and what the application saw."""

    def __init__(
        self,
        application: Callable[[Any, Any, Any], Awaitable[None]] | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.seen: list[tuple[str, str, bytes, dict[bytes, bytes]]] = []
        self.line = Line()
        config = uvicorn.Config(
            application or self._echo, ws="none", log_config=None, access_log=False, interface="asgi3"
        )
        self.protocol = BoundedProtocol(config, ServerState(), state or {})
        self.protocol.connection_made(self.line)

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.seen.append((scope["method"], scope["path"], body, dict(scope["headers"])))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def answered(self, *parts: bytes) -> list[int]:
        """The statuses of all answers to what arrives in these parts."""
        for part in parts:
            if not self.line.closing:
                self.protocol.data_received(part)
            for _ in range(3):
                await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        return [int(answer.split()[0]) for answer in self.line.said.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """In the loop that the test runs in: the protocol asks which one that is."""
    ends = Ends()
    yield ends
    ends.protocol.connection_lost(None)


@pytest.mark.parametrize(
    "offer", [JAVA, WEBSOCKET, TWO_OFFERS], ids=["h2c, as Java's client", "websocket", "two offers"]
)
@pytest.mark.parametrize(("framing", "body"), [(LENGTH, FORM), (CHUNKED, IN_CHUNKS)], ids=["length", "chunks"])
async def test_an_offer_to_upgrade_is_ignored_and_the_request_served_whole_wherever_it_is_cut(
    offer: bytes, framing: bytes, body: bytes, caplog: pytest.LogCaptureFixture
):
    request = HEAD + offer + framing + b"\r\n" + body
    with caplog.at_level(logging.DEBUG):
        for at in range(1, len(request)):
            ends = Ends()
            assert await ends.answered(request[:at], request[at:]) == [200]
            [(method, path, arrived, headers)] = ends.seen
            assert (method, path, arrived) == ("POST", "/echo", FORM)
            assert b"upgrade" not in headers
            assert not ends.line.closing
            ends.protocol.connection_lost(None)
    assert [
        each for each in caplog.records if each.levelno >= logging.WARNING and each.name.startswith("uvicorn")
    ] == []


async def lost_when_idle(ends: Ends) -> None:
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM, HEAD + LENGTH + b"\r\n" + FORM) == [200, 200]
    ends.protocol.connection_lost(None)


async def lost_before_it_asked(ends: Ends) -> None:
    ends.protocol.connection_lost(None)


async def lost_in_the_middle_of_a_request(ends: Ends) -> None:
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM[:5]) == []
    ends.line.close()
    ends.protocol.connection_lost(None)
    assert await ends.answered() == []


@pytest.mark.parametrize("lost", [lost_when_idle, lost_before_it_asked, lost_in_the_middle_of_a_request])
async def test_nothing_of_a_lost_connection_stays_in_memory_until_garbage_is_searched_for(
    lost: Callable[[Ends], Awaitable[None]],
):
    ends = Ends()
    connection = weakref.ref(ends.protocol)
    gc.collect()
    gc.disable()
    try:
        await lost(ends)
        del ends.protocol
        assert connection() is None
    finally:
        gc.enable()


async def test_requests_with_an_offer_sent_at_once_are_answered_in_turn(ends: Ends):
    one = HEAD + JAVA + LENGTH + b"\r\n" + FORM
    other = b"GET /other HTTP/1.1\r\nHost: test\r\n" + WEBSOCKET + b"\r\n"
    assert await ends.answered((one + other) * 20) == [200] * 40
    assert [(path, body) for _, path, body, _ in ends.seen] == [("/echo", FORM), ("/other", b"")] * 20


@pytest.mark.parametrize("option", [b"close", b"keep-alive"])
async def test_what_else_is_said_of_the_connection_stands(ends: Ends, option: bytes):
    offer = b"Upgrade: h2c\r\nConnection: upgrade, " + option + b"\r\n"
    assert await ends.answered(HEAD + offer + LENGTH + b"\r\n" + FORM) == [200]
    assert ends.line.closing == (option == b"close")


async def test_an_offer_in_the_trailers_is_nothing(ends: Ends):
    request = HEAD + CHUNKED + b"\r\n" + IN_CHUNKS[:-2] + b"Upgrade: h2c\r\nConnection: upgrade\r\n\r\n"
    assert await ends.answered(request + HEAD + LENGTH + b"\r\n" + FORM) == [200, 200]


async def test_trailers_are_no_headers_wherever_they_are_cut():
    """A proxy that forwards them has removed or replaced a header of this name only in the head."""
    trailers = (
        b"X-SSL-Client-Cert: stolen\r\nX-Forwarded-For: 192.0.2.1\r\nAuthorization: Basic eDp5\r\nHost: other\r\n"
    )
    request = HEAD + b"X-SSL-Client-Cert: own\r\n" + CHUNKED + b"\r\n" + IN_CHUNKS[:-2] + trailers + b"\r\n"
    for at in range(len(HEAD), len(request)):
        ends = Ends()
        assert await ends.answered(request[:at], request[at:]) == [200]
        [(_, _, arrived, headers)] = ends.seen
        assert arrived == FORM
        assert headers == {b"host": b"test", b"x-ssl-client-cert": b"own", b"transfer-encoding": b"chunked"}
        ends.protocol.connection_lost(None)


@pytest.mark.parametrize(
    "request_",
    [
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HEAD + b"Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        HEAD + b"Upgrade: h2c\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["connect", "connect with an offer", "http/2 at once", "two lengths", "a bad chunk"],
)
async def test_what_is_no_request_of_ours_gets_one_400_and_the_end(ends: Ends, request_: bytes):
    assert await ends.answered(request_) == [400]
    assert ends.line.closing


async def test_bytes_after_a_request_that_are_no_request_leave_it_its_answer(ends: Ends):
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM + b"\0\0\0") == [200]
    assert ends.line.closing


# A client that has gone behind a pipelined request

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("is_last", [False, True], ids=["with an end", "without an end"])
async def test_a_request_learns_that_its_client_has_gone_whatever_was_pipelined_behind_it(is_last: bool):
    gone: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        if is_last:
            scope["extensions"][LAST]["now"]()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.append(scope["path"])

    ends = Ends(waits)
    await ends.answered(GET + GET)
    ends.protocol.connection_lost(None)
    assert await ends.answered() == [200]
    assert gone == ["/"]


@pytest.mark.parametrize("parts", [(GET + GET,), (GET, GET), (GET, GET[:9], GET[9:])], ids=["at once", "later", "cut"])
async def test_behind_a_request_for_the_last_response_everything_is_read_and_dropped(parts: tuple[bytes, ...]):
    ended = asyncio.Event()

    async def streams(scope: Any, _receive: Any, send: Any) -> None:
        scope["extensions"][LAST]["now"]()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await ended.wait()
        await send({"type": "http.response.body", "body": b""})

    ends = Ends(streams)
    assert await ends.answered(*parts, b"not HTTP") == [200]
    assert ends.line.is_read
    assert not ends.line.closing
    ended.set()
    assert await ends.answered() == [200]
    assert b"connection: close" in ends.line.said
    assert ends.line.closing
    ends.protocol.connection_lost(None)


# How large a head may be


def head_of(size: int, *, headers: int = 1) -> bytes:
    """A whole request, of which path, names and values are together this long."""
    start, each = b"GET / HTTP/1.1\r\n", b"x: %s\r\n"
    room = size - len(b"/") - headers * len(each % b"")
    values = [b"y" * (room // headers)] * (headers - 1)
    return start + b"".join(each % value for value in (*values, b"y" * (room - sum(map(len, values))))) + b"\r\n"


@pytest.mark.parametrize("offer", [b"", JAVA], ids=["plain", "with an offer to upgrade"])
@pytest.mark.parametrize("headers", [1, 500])
@pytest.mark.parametrize("cut", [1000, AT_ONCE, 1 << 20], ids=["small pieces", "pieces", "one write"])
async def test_a_head_has_the_same_limit_however_it_is_written(headers: int, cut: int, offer: bytes):
    for size, status in ((MOST_HEAD_BYTES - 1000, 200), (MOST_HEAD_BYTES + 1, 431), (3 * MOST_HEAD_BYTES, 431)):
        ends = Ends()
        head = head_of(size, headers=headers)[:-2] + offer + b"\r\n"
        assert await ends.answered(*(head[at : at + cut] for at in range(0, len(head), cut))) == [status]
        assert len(ends.seen) == (status == 200)
        ends.protocol.connection_lost(None)


async def test_a_head_that_comes_after_another_request_has_it_too(ends: Ends):
    small = HEAD + LENGTH + b"\r\n" + FORM
    assert await ends.answered(small) == [200]
    assert await ends.answered(head_of(3 * MOST_HEAD_BYTES)) == [200, 431]
    assert ends.line.closing


# A busy route reads its request, and sends its response, without messages

USUAL = Head({"Content-Type": "application/json", "Cache-Control": "no-store"})


async def at_once(scope: Any, receive: Any, send: Any) -> None:
    await answer_at_once(scope, send, 200, USUAL, b"<" + await read_body(scope, receive) + b">")


async def by_messages(scope: Any, receive: Any, send: Any) -> None:
    del scope[EXCHANGE]
    await answer(send, 200, USUAL.headers, b"<" + await read_body(scope, receive) + b">")


@pytest.mark.parametrize("option", [b"close", b"keep-alive"])
@pytest.mark.parametrize(("framing", "body"), [(LENGTH, FORM), (CHUNKED, IN_CHUNKS)], ids=["length", "chunks"])
async def test_a_response_at_once_has_the_bytes_that_messages_have_wherever_the_request_is_cut(
    framing: bytes, body: bytes, option: bytes
):
    request = HEAD + b"Connection: " + option + b"\r\n" + framing + b"\r\n" + body
    for at in range(1, len(request)):
        said: list[tuple[bytes, bool]] = []
        for application in (at_once, by_messages):
            ends = Ends(application)
            ends.protocol.server_state.default_headers = [(b"date", b"today")]
            assert await ends.answered(request[:at], request[at:]) == [200]
            said.append((ends.line.said, ends.line.closing))
            ends.protocol.connection_lost(None)
        assert said[0] == said[1]
        assert said[0][0].endswith(b"\r\n\r\n<" + FORM + b">")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\x00b"])
async def test_a_header_that_would_be_two_is_never_sent(value: str):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await respond(scope, receive, send, Response(b"{}"), {"Location": value})

    ends = Ends(application)
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM) == []
    assert (ends.line.said, ends.line.closing) == (b"", True)
    ends.protocol.connection_lost(None)


async def test_a_response_to_head_has_no_body_either():
    ends = Ends(at_once)
    assert await ends.answered(b"HEAD /echo HTTP/1.1\r\nHost: test\r\n\r\n") == [200]
    assert ends.line.said.endswith(b"content-length: 2\r\n\r\n")
    ends.protocol.connection_lost(None)


async def test_requests_that_are_sent_together_are_answered_at_once_in_turn():
    bodies = [b"%03d" % number for number in range(40)]
    ends = Ends(at_once)
    assert await ends.answered(b"".join(HEAD + b"Content-Length: 3\r\n\r\n" + body for body in bodies)) == [200] * 40
    assert [each.split(b"\r\n\r\n<")[1][:3] for each in ends.line.said.split(b"HTTP/1.1 ")[1:]] == bodies
    ends.protocol.connection_lost(None)


async def test_a_client_that_reads_slowly_gets_its_response_by_messages_once_it_reads():
    ends = Ends(at_once)
    ends.protocol.pause_writing()
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM) == []
    ends.protocol.resume_writing()
    assert await ends.answered(b"") == [200]
    ends.protocol.connection_lost(None)


async def test_a_body_that_is_too_long_is_refused_however_it_is_read():
    seen: list[type[Exception]] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        try:
            await at_once(scope, receive, send)
        except BodyTooLong as fault:
            seen.append(type(fault))
            await answer(send, 413, {}, b"")

    ends = Ends(reading)
    chunk = b"a" * (MOST_BYTES_OF_A_BODY + 1)
    assert await ends.answered(HEAD + CHUNKED + b"\r\n%x\r\n" % len(chunk) + chunk + b"\r\n0\r\n\r\n") == [413]
    assert seen == [BodyTooLong]
    ends.protocol.connection_lost(None)


# How long a connection may be idle


async def test_a_connection_that_asks_no_more_is_closed_after_the_time_for_that():
    ends = Ends()
    ends.protocol.timeout_keep_alive = 0
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM) == [200]
    async with asyncio.timeout(10):
        await ends.line.closed.wait()
    ends.protocol.connection_lost(None)


async def test_a_connection_that_asks_again_and_again_keeps_one_timer(ends: Ends):
    timers: list[float] = []
    at = ends.protocol.loop.call_at
    with patch.object(ends.protocol.loop, "call_at", lambda due, *do: timers.append(due) or at(due, *do)):
        assert await ends.answered(*[HEAD + LENGTH + b"\r\n" + FORM] * 20) == [200] * 20
    assert len(timers) == 1, "the first response needs an earlier one than the request, and no other does"
    assert not ends.line.closing


async def test_a_request_that_is_late_after_an_idle_time_has_its_whole_time(ends: Ends):
    assert await ends.answered(HEAD + LENGTH + b"\r\n" + FORM, HEAD + LENGTH) == [200]
    ends.protocol._deadline._look()  # as the timer of the idle time does
    assert not ends.line.closing
    assert await ends.answered(b"\r\n" + FORM) == [200, 200]


async def test_the_rest_of_a_request_that_was_answered_before_its_end_is_no_new_request():
    async def at_the_head(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, 200, {}, b"")

    ends = Ends(at_the_head)
    ends.protocol.timeout_keep_alive = 0
    assert await ends.answered(HEAD + LENGTH + b"\r\n", FORM[:5], FORM[5:]) == [200]
    async with asyncio.timeout(10):
        await ends.line.closed.wait()
    ends.protocol.connection_lost(None)


# How long an answer may be on its way


@pytest.mark.parametrize("option", [b"close", b"keep-alive"])
async def test_a_client_that_never_takes_its_answer_is_cut_off(option: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("service.http.protocol.ANSWER_SECONDS", 0.01)
    ends = Ends()
    ends.protocol.timeout_keep_alive = 0
    assert await ends.answered(b"GET / HTTP/1.1\r\nConnection: " + option + b"\r\n\r\n") == [200]
    async with asyncio.timeout(10):
        await ends.line.aborted.wait()
    assert ends.line.closing
