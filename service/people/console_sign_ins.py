"""Reads of who is signed in to the console. Requests that wait at the same time are read in one round trip."""

from uuid import UUID

from events.database import Connections, read
from events.group_commit import Batcher
from projections import console_sign_ins
from projections.console_sign_ins import ConsoleSignIn, Wanted


class ConsoleSignIns:
    """One per process. Each answer includes everything that was committed before the call."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._batches: Batcher[Wanted, ConsoleSignIn | None] = Batcher(self._read)

    async def find(self, authorization: UUID, session: UUID) -> ConsoleSignIn | None:
        """Return both with the session's user, in any state. Raises Unavailable."""
        return await self._batches.submit(Wanted(authorization, session))

    async def close(self) -> None:
        await self._batches.idle()

    async def _read(self, wanted: list[Wanted]) -> list[ConsoleSignIn | None]:
        return await read(self._pool, lambda connection: console_sign_ins.find(connection, wanted))
