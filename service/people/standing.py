"""Reads of authorizations and their users for the token endpoint. Requests that wait at the same time are read in one round trip."""

from uuid import UUID

from events.database import Pool, read
from events.group_commit import Batcher
from projections import standing
from projections.standing import Past


class Authorizations:
    """One per process. Each answer includes everything that was committed before the call, because a batch is read after it was asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._batches: Batcher[UUID, Past] = Batcher(self._read)

    async def past(self, stream: UUID) -> Past:
        """Return the events of the authorization, and its user. Raises Unavailable."""
        return await self._batches.submit(stream)

    async def close(self) -> None:
        await self._batches.idle()

    async def _read(self, streams: list[UUID]) -> list[Past]:
        return await read(self._pool, lambda connection: standing.past(connection, streams))
