"""The connection for reads whose plans are made once. Its callers take turns."""

import asyncio

from events import database
from events.database import PLANNED_ONCE, Connection
from events.database_session import DatabaseSession


class Reader:
    """One per process, for `read` in the place of a pool: to acquire a connection of a pool and to release it costs as much as several
    statements, and the few reads that each request makes are one at a time anyway.
    """

    def __init__(self, url: str) -> None:
        timeout = f"{int(database.READ_SECONDS * 1000)}ms"
        self.session = DatabaseSession(url, statement_timeout=timeout, **PLANNED_ONCE)
        self.one_at_a_time, self.asking = asyncio.Lock(), 0

    def acquire(self, *, timeout: float) -> "_Turn":
        """Raises TimeoutError if the turn does not come in so many seconds, and Unavailable."""
        return _Turn(self, timeout)

    async def close(self) -> None:
        await self.session.close()


class _Turn:
    """While it lasts or is waited for, it is one of those `asking` of the reader."""

    __slots__ = ("_reader", "_timeout")

    def __init__(self, reader: Reader, timeout: float) -> None:
        self._reader, self._timeout = reader, timeout

    async def __aenter__(self) -> Connection:
        reader = self._reader
        reader.asking += 1
        try:
            if reader.asking == 1:
                await reader.one_at_a_time.acquire()  # at once: a timer costs more
            else:
                async with asyncio.timeout(self._timeout):
                    await reader.one_at_a_time.acquire()
        except BaseException:
            reader.asking -= 1
            raise
        try:
            return await reader.session.connection()
        except BaseException:
            self._end()
            raise

    async def __aexit__(self, kind: object, fault: BaseException | None, traceback: object) -> None:
        self._end()

    def _end(self) -> None:
        self._reader.asking -= 1
        self._reader.one_at_a_time.release()
