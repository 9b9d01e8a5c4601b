"""Reads of one thing as it was. Requests that wait at the same time are read in one round trip, those of each history."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from events.database import Connections, read
from events.group_commit import Batcher
from projections import as_of
from projections.history import History, Snapshot

Wanted = tuple[UUID, int]


class Pasts:
    """One per process."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._batches: dict[str, Batcher[Wanted, Any]] = {}

    def find(self, history: History[Snapshot], stream: UUID, position: int) -> "asyncio.Future[Snapshot | None]":
        """Return what the history keeps of this stream's row that was current at the position. Raises Behind and Unavailable."""
        batches = self._batches.get(history.name)
        if batches is None:
            batches = self._batches.setdefault(history.name, Batcher(partial(self._read, history)))
        return batches.put((stream, position))

    async def _read(self, history: History[Any], wanted: list[Wanted]) -> list[Any]:
        return await read(self._pool, lambda connection: as_of.found_at(connection, history, wanted))
