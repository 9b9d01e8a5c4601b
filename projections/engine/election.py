"""One process follows for all: it holds a lock as long as its connection lives, and another takes over when that ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from events import locks
from events.database import LOST, Connection, Unavailable
from events.database_session import DatabaseSession
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.engine.follow import step

Act = Callable[[Connection, CatchUp[Any, Any]], Awaitable[bool]]

LOCK = locks.of_name_if_free(locks.FOLLOWER)

log = logging.getLogger("muniment.projections")


class Follower:
    """Follows projections in turns, so that none holds up the others. Processes with the same versions of them elect one.

    The election saves work and is not needed for correctness: two that followed at once would still count every entry once.
    """

    def __init__(self, projections: Sequence[CatchUp[Any, Any]], url: str, **settings: str) -> None:
        self._projections = projections
        self._session = DatabaseSession(url, **settings)
        self._holder: Connection | None = None
        self._faults: dict[str, str] = {}
        self._electorate = " ".join(sorted(f"{each.id}:{each.version}" for each in projections))

    async def look(self) -> None:
        """Follows every projection to the end of its log, if this is the process to do it. To be called every second."""
        if not await self._is_elected():
            return
        behind = [each for each in self._projections if await self._tried(each, _installed)]
        while behind:
            behind = [each for each in behind if await self._tried(each, step)]

    async def close(self) -> None:
        await self._session.close()

    async def _is_elected(self) -> bool:
        async with self._session.using() as connection:
            if self._holder is not connection and await connection.fetchval(LOCK, self._electorate):
                self._holder = connection
            return self._holder is connection

    async def _tried(self, projection: CatchUp[Any, Any], act: Act) -> bool:
        """Whether there may be more to do. A fault of one projection is told, and holds up no other. Raises Unavailable, and LOST."""
        async with self._session.using() as connection:
            if connection is not self._holder:
                return False
            try:
                more = await act(connection, projection)
            except asyncpg.LockNotAvailableError:  # a reader of the table takes its time
                return False
            except Exception as fault:
                if connection.is_closed() or _is_lost(fault):
                    raise
                self._tell(projection, fault)
                return False
        await asyncio.sleep(0)
        return more

    def _tell(self, projection: CatchUp[Any, Any], fault: Exception) -> None:
        """Each fault once, for it comes again every second."""
        said = f"{type(fault).__name__}: {fault}"
        if self._faults.get(projection.id) != said:
            self._faults[projection.id] = said
            log.error("the projection %s cannot be followed: %s", projection.id, said, exc_info=fault)


async def _installed(connection: Connection, projection: CatchUp[Any, Any]) -> bool:
    await checkpoints.install(connection, projection)
    return True


def _is_lost(fault: Exception) -> bool:
    return isinstance(fault, (Unavailable, *LOST)) and not isinstance(fault, ValueError)
