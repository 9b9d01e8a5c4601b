"""What a stranger can do to a connection: neither fill the memory, nor hold it without asking, nor disturb who asks as one should."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from service.http.protocol import MOST_HEAD_BYTES
from tests.flows.conftest import Live, refused
from tests.patience import PATIENCE

LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
TOKEN = b"POST /openid/token HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n"
SECONDS = 0.3


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, request: bytes) -> None:
        self.writer.write(request)
        await self.writer.drain()

    async def answer(self) -> int:
        """The status of the next answer, which is taken off the wire whole."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length, head
        await self.reader.readexactly(int(length[1]))
        return int(head.split(b" ", 2)[1])

    async def ended(self) -> bytes:
        """What is said until the other side closes."""
        said = b""
        with suppress(ConnectionError):
            while more := await self.reader.read(1 << 16):
                said += more
        return said

    async def drip(self, byte: bytes) -> None:
        with suppress(ConnectionError):
            while True:
                await self.say(byte)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def connected(live: Live) -> AsyncGenerator[Wire]:
    host, port = live.url.removeprefix("http://").split(":")
    wire = Wire(*await asyncio.open_connection(host, int(port)))
    try:
        yield wire
    finally:
        wire.writer.transport.abort()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, requests must not take long: what is answered before may take its time on a busy machine."""
    return lambda: monkeypatch.setattr("service.http.protocol.REQUEST_SECONDS", SECONDS)


async def soon(waiting: Awaitable[bytes]) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await waiting


async def test_a_head_that_is_too_large_is_refused_and_the_connection_closed(live: Live):
    async with connected(live) as wire:
        await wire.say(b"GET /health/live HTTP/1.1\r\nHost: test\r\nX: ")
        await asyncio.sleep(0.02)
        await wire.say(b"x" * (MOST_HEAD_BYTES + 1))
        said = await soon(wire.ended())
    assert said.startswith(b"HTTP/1.1 431 ")
    assert said.count(b"HTTP/1.1") == 1
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize("unit", [b"x" * 1000, b"x: y\r\n" * 200], ids=["one value", "many headers"])
async def test_of_a_head_without_end_no_more_is_taken_in_than_fits_a_socket_s_buffers(live: Live, unit: bytes):
    taken, most = 0, 16 << 20
    async with connected(live) as wire:
        await wire.say(b"GET /health/live HTTP/1.1\r\nHost: test\r\nX: ")
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while taken < most:
                    await wire.say(unit * 64)
                    taken += 64 * len(unit)
    assert taken < most


async def test_of_trailers_without_end_no_more_is_taken_in_either(live: Live):
    request = TOKEN.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")
    taken, most = 0, 16 << 20
    async with connected(live) as wire:
        await wire.say(request + b"1\r\nx\r\n0\r\n")
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while taken < most:
                    await wire.say(b"x: y\r\n" * 10_000)
                    taken += 60_000
    assert taken < most


async def test_a_head_that_is_large_enough_for_anybody_is_answered(live: Live):
    async with connected(live) as wire:
        for _ in range(3):  # each is counted by itself
            await wire.say(LIVE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * (MOST_HEAD_BYTES - 200) + b"\r\n\r\n"))
            assert await wire.answer() == 200


async def test_a_body_is_not_taken_for_a_head(live: Live):
    request = TOKEN.replace(b"1000", b"%d" % MOST_HEAD_BYTES)
    async with connected(live) as wire:
        for part in (request[:10], request[10:], b"x" * MOST_HEAD_BYTES):
            await wire.say(part)
            await asyncio.sleep(0.02)
        assert await wire.answer() == 400


@pytest.mark.parametrize(
    ("first", "then"),
    [(b"", b""), (b"", b"\r\n"), (b"GET /", b"x"), (LIVE[:-2], b"x"), (TOKEN, b"x"), (TOKEN, b"")],
    ids=["nothing", "empty lines", "a path", "a head", "a body", "no body"],
)
async def test_a_connection_that_asks_nothing_or_slowly_is_closed(
    live: Live, hasty: Callable[[], None], first: bytes, then: bytes
):
    hasty()
    async with connected(live) as wire:
        await wire.say(first)
        dripping = asyncio.create_task(wire.drip(then))
        said = await soon(wire.ended())
        dripping.cancel()
    assert said == b""


async def test_a_later_request_of_a_connection_may_not_be_slow_either(live: Live, hasty: Callable[[], None]):
    async with connected(live) as wire:
        await wire.say(LIVE)
        assert await wire.answer() == 200
        hasty()
        await wire.say(LIVE[:10])
        assert await soon(wire.ended()) == b""


async def test_empty_lines_after_an_answer_do_not_hold_the_connection(live: Live, hasty: Callable[[], None]):
    async with connected(live) as wire:
        await wire.say(LIVE)
        assert await wire.answer() == 200
        hasty()
        await wire.say(b"\r\n")
        assert await soon(wire.ended()) == b""


async def test_a_connection_that_is_used_may_last_beyond_the_time_of_one_request(live: Live, hasty: Callable[[], None]):
    loop = asyncio.get_running_loop()
    async with connected(live) as wire:
        await wire.say(LIVE)
        assert await wire.answer() == 200
        hasty()
        began = loop.time()
        while loop.time() - began < 1.5 * SECONDS:
            await wire.say(LIVE)
            assert await wire.answer() == 200
            await asyncio.sleep(SECONDS / 4)
        await asyncio.sleep(SECONDS * 1.2)  # between two requests no clock runs but that of keep-alive
        await wire.say(LIVE)
        assert await wire.answer() == 200


async def test_requests_sent_at_once_are_answered_in_turn(live: Live):
    missing = LIVE.replace(b"/health/live", b"/nowhere")
    async with connected(live) as wire:
        await wire.say(LIVE + missing + LIVE + missing)
        assert [await wire.answer() for _ in range(4)] == [200, 404, 200, 404]
        await wire.say(LIVE)
        assert await wire.answer() == 200


async def test_of_requests_sent_at_once_one_that_never_ends_is_not_waited_for(live: Live, hasty: Callable[[], None]):
    async with connected(live) as wire:
        await wire.say(LIVE)
        assert await wire.answer() == 200
        hasty()
        await wire.say(LIVE + LIVE[:20])
        assert await wire.answer() == 200
        assert await soon(wire.ended()) == b""


async def test_whoever_is_slow_disturbs_nobody_else(live: Live, hasty: Callable[[], None]):
    await live.http.get("/health/ready")  # so that there is a connection
    hasty()
    async with connected(live) as slow:
        await slow.say(LIVE[:10])
        answer = await live.http.get("/api/v1/auth/clients")
        refused(answer, 401)
        assert await soon(slow.ended()) == b""
    assert (await live.http.get("/health/ready")).status_code == 200
