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
        self._session = DatabaseSession(url, statement_timeout=timeout, **PLANNED_ONCE)
        self._one_at_a_time = asyncio.Lock()

    def acquire(self, *, timeout: float) -> "_Turn":
        """Raises TimeoutError if the turn does not come in so many seconds, and Unavailable."""
        return _Turn(self._session, self._one_at_a_time, timeout)

    async def close(self) -> None:
        await self._session.close()


class _Turn:
    __slots__ = ("_one_at_a_time", "_session", "_timeout")

    def __init__(self, session: DatabaseSession, one_at_a_time: asyncio.Lock, timeout: float) -> None:
        self._session, self._one_at_a_time, self._timeout = session, one_at_a_time, timeout

    async def __aenter__(self) -> Connection:
        if self._one_at_a_time.locked():
            async with asyncio.timeout(self._timeout):
                await self._one_at_a_time.acquire()
        else:
            await self._one_at_a_time.acquire()  # at once: a timer costs more
        try:
            return await self._session.connection()
        except BaseException:
            self._one_at_a_time.release()
            raise

    async def __aexit__(self, kind: object, fault: BaseException | None, traceback: object) -> None:
        self._one_at_a_time.release()
