"""Reads of one thing as it was, and of how far a table is.

Those of one history that wait at the same time are one round trip, and so are those of tables.
"""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from events.database import Connections, read
from events.group_commit import Batcher
from projections import as_of
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.engine.checkpoints import Standing
from projections.history import History, Snapshot

Wanted = tuple[UUID, int]


class Pasts:
    """One per process."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._batches: dict[str, Batcher[Wanted, Any]] = {}
        self._standings: Batcher[str, Standing | None] = Batcher(self._read_standings)

    def find(self, history: History[Snapshot], stream: UUID, position: int) -> "asyncio.Future[Snapshot | None]":
        """Return what the history keeps of this stream's row that was current at the position. Raises Behind and Unavailable."""
        batches = self._batches.get(history.name)
        if batches is None:
            batches = self._batches.setdefault(history.name, Batcher(partial(self._read, history)))
        return batches.put((stream, position))

    def standing(self, projection: CatchUp[Any, Any]) -> "asyncio.Future[Standing | None]":
        """Return the checkpoint of the table that is read; None before anybody followed. Raises Unavailable."""
        return self._standings.put(projection.id)

    async def _read_standings(self, ids: list[str]) -> list[Standing | None]:
        return await read(self._pool, lambda connection: checkpoints.live_of(connection, ids))

    async def _read(self, history: History[Any], wanted: list[Wanted]) -> list[Any]:
        return await read(self._pool, lambda connection: as_of.found_at(connection, history, wanted))
