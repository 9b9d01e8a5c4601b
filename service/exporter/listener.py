"""HTTP for the metrics, on a port of their own. However often somebody asks, the service has a core for its tokens."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

log = logging.getLogger("muniment.metrics")

PATH = b"/metrics"
MOST_AT_ONCE = 32
MOST_HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 1.0
"""For the head of the request. However many connections say nothing, Prometheus is answered within its ten seconds."""

REQUEST_SECONDS = 5.0
"""From the connection until the reader has taken the response, to which the making of the page adds."""

PAUSE_SECONDS = 0.02
"""Between two connections: fifty a second are many for scrapers, and nothing for a processor."""

Answer = tuple[str, str, bytes]
TEXT = "text/plain; charset=utf-8"
NOTHING: Answer = ("404 Not Found", TEXT, b"The metrics are at /metrics.\n")
NOT_GET: Answer = ("405 Method Not Allowed", TEXT, b"The metrics can only be read.\n")
INVALID: Answer = ("400 Bad Request", TEXT, b"The request is not valid HTTP.\n")


class Listener:
    """Answers each connection once, with the page, and closes it. `page` is the content type and the body."""

    def __init__(self, page: Callable[[], Awaitable[tuple[str, bytes]]], sockets: Sequence[socket.socket]) -> None:
        self._page, self._sockets = page, sockets
        for each in sockets:
            each.listen(64)
            each.setblocking(False)
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._next_at = 0.0

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in self._sockets:
                group.create_task(self._accept(each, group))

    async def _accept(self, listening: socket.socket, group: asyncio.TaskGroup) -> None:
        while True:
            await self._room.acquire()
            await self._pause()
            try:
                connection = await _next(listening)
            except OSError as fault:  # such as no file descriptor left
                log.warning("no connection can be accepted: %s", fault)
                self._room.release()
                await asyncio.sleep(1)
                continue
            answering = group.create_task(self._answer(connection))
            answering.add_done_callback(
                lambda _, kept=connection: kept.close()
            )  # also if it is cancelled before it begins

    async def _pause(self) -> None:
        now = time.monotonic()
        self._next_at = max(now, self._next_at + PAUSE_SECONDS)
        await asyncio.sleep(self._next_at - now)

    async def _answer(self, connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=MOST_HEAD_BYTES)
            writer.transport.set_write_buffer_limits(0)
            try:
                await self._exchange(reader, writer)
                writer.close()
            finally:
                writer.transport.abort()
        except Exception:
            log.exception("the metrics cannot be shown")
        finally:
            self._room.release()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_SECONDS):
                try:
                    async with asyncio.timeout(HEAD_SECONDS):
                        method, path = _asked(await reader.readuntil(b"\r\n\r\n"))
                except (asyncio.LimitOverrunError, ValueError):
                    status, media, body = INVALID
                    method = b""
                else:
                    status, media, body = await self._found(method, path)
                head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + (b"" if method == b"HEAD" else body))
                await writer.drain()

    async def _found(self, method: bytes, path: bytes) -> Answer:
        if path != PATH:
            return NOTHING
        if method not in (b"GET", b"HEAD"):
            return NOT_GET
        media, body = await self._page()
        return "200 OK", media, body


async def _next(listening: socket.socket) -> socket.socket:
    """Return the next connection. Raises OSError. (`loop.sock_accept` loses the connection if it is cancelled at the wrong moment.)"""
    while True:
        await _readable(listening)
        try:
            connection, _ = listening.accept()
        except BlockingIOError:  # the peer has left
            continue
        connection.setblocking(False)
        return connection


async def _readable(listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(listening, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(listening)


def _asked(head: bytes) -> tuple[bytes, bytes]:
    """Return the method and the path without its query. Raises ValueError."""
    method, target, version = head.partition(b"\r\n")[0].split(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError
    return method, target.partition(b"?")[0]
