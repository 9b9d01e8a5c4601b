"""A connection of its own for one purpose, such as appending or following."""

import asyncio
import time
from typing import Any

from events import database
from events.database import LOST, Connection, Unavailable, Use, connect, unavailable
from events.waiting import raise_if_cancelled


class DatabaseSession:
    """One connection for one purpose. It connects at first use, and again after the connection was lost."""

    def __init__(self, url: str, **settings: str) -> None:
        self._url = url
        self._settings = settings
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed = asyncio.Event()
        self.warnings: list[str] = []

    async def connection(self) -> Connection:
        """Returns the live connection. Waits up to PATIENCE_SECONDS for a server that restarts, then raises Unavailable.

        After `close` it raises Unavailable: a connection that a late caller makes would never be closed.
        """
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                if self._closed.is_set():
                    raise Unavailable("the session is closed")
                made = await self._patiently()
                if self._closed.is_set():
                    made.terminate()
                    raise Unavailable("the session was closed while it connected")
                made.add_log_listener(self._heard)
                self._connection = made
            return self._connection

    def using(self) -> "_Use":
        """Yields the live connection, to one caller at a time. A connection that is lost meanwhile is not used again."""
        return _Use(self)

    async def close(self) -> None:
        """Closes the connection, also one that is still being made. The session is not used again."""
        self._closed.set()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _heard(self, _connection: Any, message: Any) -> None:
        self.warnings.append(f"{message.sqlstate} {message.message}")

    async def _patiently(self) -> Connection:
        until = time.monotonic() + database.PATIENCE_SECONDS
        while True:
            try:
                return await connect(self._url, **self._settings)
            except LOST as fault:
                raise_if_cancelled()
                if self._closed.is_set() or time.monotonic() > until:
                    raise unavailable("the database cannot be reached", fault) from fault
                await asyncio.sleep(0.05)


class _Use:
    __slots__ = ("_session", "_use")

    def __init__(self, session: DatabaseSession) -> None:
        self._session = session

    async def __aenter__(self) -> Connection:
        connection = await self._session.connection()
        self._use = Use(connection)
        await self._use.__aenter__()
        return connection

    async def __aexit__(self, kind: object, fault: BaseException | None, traceback: object) -> None:
        await self._use.__aexit__(kind, fault, traceback)
