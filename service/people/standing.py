"""Reads of authorizations and their users for the token endpoint. Requests that wait at the same time are read in one round trip."""

from uuid import UUID

from events.database import Pool, read
from events.group_commit import Batcher
from projections import standing
from projections.standing import Past, Standing


class Authorizations:
    """One per process. Each answer includes everything that was committed before the call, because a batch is read after it was asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._pasts: Batcher[UUID, Past] = Batcher(self._read_pasts)
        self._standings: Batcher[UUID, Standing | None] = Batcher(self._read_standings)

    async def past(self, stream: UUID) -> Past:
        """Return the events of the authorization, and whether its user is active. Raises Unavailable."""
        return await self._pasts.submit(stream)

    async def standing(self, stream: UUID) -> Standing | None:
        """Return the state of the authorization and of its user, or None if there is none. Raises Unavailable."""
        return await self._standings.submit(stream)

    async def close(self) -> None:
        for batches in (self._pasts, self._standings):
            await batches.idle()

    async def _read_pasts(self, streams: list[UUID]) -> list[Past]:
        return await read(self._pool, lambda connection: standing.past(connection, streams))

    async def _read_standings(self, streams: list[UUID]) -> list[Standing | None]:
        return await read(self._pool, lambda connection: standing.now(connection, streams))
