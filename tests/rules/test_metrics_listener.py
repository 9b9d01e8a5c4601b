"""The port of the metrics: what it answers, and how little it does however many ask."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from service.exporter import listener
from service.exporter.listener import Listener
from tests.patience import PATIENCE, until

BODY = b"x" * 1_000_000
MORE_THAN_IS_BUFFERED = 32_000_000
"""Linux buffers ten megabytes of a connection at most, unless it is told otherwise."""


@asynccontextmanager
async def listening(body: bytes = BODY) -> AsyncGenerator[int]:
    async def page() -> tuple[str, bytes]:
        return "text/plain", body

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        running = asyncio.create_task(Listener(page, [taken]).run())
        try:
            yield taken.getsockname()[1]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def asked(port: int, request: bytes) -> bytes:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK"),
        (b"GET /metrics?name[]=up HTTP/1.0", b"200 OK"),
        (b"HEAD /metrics HTTP/1.1", b"200 OK"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET / HTTP/1.1", b"404 Not Found"),
        (b"GET /openid/token HTTP/1.1", b"404 Not Found"),
        (b"GET /metrics", b"400 Bad Request"),
        (b"GET /metrics SPDY/3", b"400 Bad Request"),
        (b"\x16\x03\x01", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nx: " + b"y" * 20_000, b"400 Bad Request"),
    ],
    ids=lambda value: value[:40].decode("latin-1"),
)
async def test_only_the_metrics_are_there_and_only_to_be_read(request_line: bytes, status: bytes):
    async with listening() as port:
        head, _, body = (await asked(port, request_line + b"\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert (body == BODY) is (status == b"200 OK" and not request_line.startswith(b"HEAD"))


async def test_who_asks_without_end_is_answered_fifty_times_a_second_at_most():
    answers = 0

    async def ask_on(port: int) -> None:
        nonlocal answers
        while True:
            assert await asked(port, b"GET /metrics HTTP/1.1\r\n\r\n")
            answers += 1

    async def some() -> bool:
        return answers > 0

    async with listening() as port:
        begun = time.monotonic()
        asking = [asyncio.create_task(ask_on(port)) for _ in range(20)]
        await until(some)
        await asyncio.sleep(0.5)
        took = time.monotonic() - begun
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    assert answers <= took / listener.PAUSE_SECONDS + 2


@pytest.mark.parametrize(
    ("seconds", "said"), [("HEAD_SECONDS", b"GET /met"), ("REQUEST_SECONDS", b"GET /metrics HTTP/1.1\r\n\r\n")]
)
async def test_who_says_nothing_or_does_not_read_holds_up_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch, seconds: str, said: bytes
):
    for name in ("HEAD_SECONDS", "REQUEST_SECONDS"):
        monkeypatch.setattr(listener, name, 2 * PATIENCE)
    monkeypatch.setattr(listener, seconds, 0.2)
    monkeypatch.setattr(listener, "MOST_AT_ONCE", 4)

    async def answered() -> bytes | None:  # it, too, has only so many seconds, which are few for a busy machine
        with suppress(OSError):
            return await asked(port, b"HEAD /metrics HTTP/1.1\r\n\r\n")

    async with listening(b"x" * MORE_THAN_IS_BUFFERED) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for _, writer in idle:
            writer.write(said)
        assert await until(answered)
        for _, writer in idle:
            writer.transport.abort()


def test_connections_that_say_nothing_keep_prometheus_waiting_for_less_than_its_ten_seconds():
    queued = 64  # which Listener lets the system keep
    assert (queued / listener.MOST_AT_ONCE + 1) * listener.HEAD_SECONDS < 10
