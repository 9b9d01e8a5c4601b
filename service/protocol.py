"""HTTP as uvicorn and httptools speak it, with the two limits that they leave out: how large a head, and how slow a request, may be."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
MOST_BYTES = 1024 * 1024
"""Of a whole request, trailers and all. No endpoint takes a sixteenth of it, and each says so while there is time to hear it."""

REQUEST_SECONDS = 30.0
"""From the connection, or the first byte of a later request, to the last byte of its body."""

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """A stranger can neither fill the memory with a head that does not end, nor hold a connection without asking."""

    _bytes = 0
    _in_head = True
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._clock is None:  # what comes between two requests has a clock too: it may be empty lines for ever
            self._begin()
        self._bytes += len(data)
        super().data_received(data)
        if self._in_head and self._bytes > MOST_HEAD_BYTES:
            self.transport.write(TOO_LARGE)
            self.transport.close()
        elif self._bytes > MOST_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._begin()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def _begin(self) -> None:
        self._end()
        self._bytes, self._in_head = 0, True
        self._clock = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _end(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
