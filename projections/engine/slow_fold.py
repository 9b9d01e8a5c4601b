"""A projection folded from its log in small steps, with rests, into a table of the session's own.

The fold may take hours. It holds no snapshot, which would keep Postgres from cleaning up behind all other tables: a log only grows,
so what was read of it stays right. Retention alone takes something away, and `step` notices that.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from events.codec import Recorded
from events.database import Connection
from events.retention import HORIZON
from projections import columns
from projections.catch_up import CatchUp, Removed, Source
from projections.engine.bulk import Bulk, started
from projections.engine.follow import positions_a_step
from projections.engine.pace import Pace
from projections.engine.tables import Relation
from projections.engine.totals import Adding
from projections.table import Table

MOST_ROWS = 1000
"""So few rows are kept in memory and written at once, for a step must not hold up a serving process."""

FOLDED = "folded"
ISSUANCE = "lock table only log.issuance in access share mode"
"""A day that is dropped between two reads of one snapshot would be neither rows nor sums, nor leaf hashes."""

DROPPED_HALFWAY = "select exists (select from log.issuance_dropped where last_position > $1 and first_position <= $2 and last_position > $2)"


class MovedOn(Exception):
    """The tables cannot be compared now, which says nothing of them; the text says why."""


class SlowFold:
    """Of one projection, in `pg_temp.folded`. The connection is used by nobody else meanwhile."""

    def __init__(
        self, connection: Connection, bulk: Bulk | Adding, projection: CatchUp[Any, Any], horizon: int
    ) -> None:
        self._connection, self._bulk = connection, bulk
        source = projection.follows
        self._reads_tokens = source.log == "issuance"
        self._counts_tokens = self._reads_tokens and not source.leaves
        self._most = positions_a_step(source, projection.totals)
        self._horizon = horizon

    async def reach(self, upto: int, pace: Pace) -> None:
        """Folds the log up to this position, the end of a batch, and writes the rows. Raises Poison and MovedOn."""
        more = True
        while more:
            async with pace.step(self._connection), self._connection.transaction(isolation="repeatable_read"):
                more = await self._step(upto)

    async def forget(self, pace: Pace) -> None:
        async with pace.step(self._connection):
            await self._connection.execute(f"drop table pg_temp.{FOLDED}")

    async def _step(self, upto: int) -> bool:
        if self._reads_tokens:
            await self._connection.execute(ISSUANCE)
        if self._counts_tokens and await self._connection.fetchval(
            DROPPED_HALFWAY, self._horizon, self._bulk.reached.position
        ):
            raise MovedOn("retention deleted tokens that were being counted")
        more = await self._bulk.step(self._connection, upto, self._most)
        if not more:
            await self._bulk.write(self._connection)
        return more


async def begun(connection: Connection, projection: CatchUp[Any, Any], live: str, pace: Pace) -> SlowFold:
    async with pace.step(connection):
        await connection.execute(f"drop table if exists pg_temp.{FOLDED}")
        await connection.execute(columns.like(live, f"pg_temp.{FOLDED}", projection.key))
        horizon = await connection.fetchval(HORIZON)
        relation = Relation(projection, FOLDED, schema="pg_temp")
        bulk = await started(connection, projection, relation, most_rows=MOST_ROWS)
    return SlowFold(connection, bulk, projection, horizon)


def followed(table: Table) -> CatchUp[Recorded, Struct]:
    """An inline table as a projection of the whole log, of which each step folds a part."""

    def project(entry: Recorded, find: Callable[..., Struct | None]) -> Iterable[Struct | Removed]:
        row = table.project(find(entry.stream_id), entry.stream_id, entry.event)
        yield Removed((entry.stream_id,)) if row is None else row

    return CatchUp(
        name=table.name,
        version=1,
        follows=Source("log", table.tags),
        row=table.row,
        key=("stream_id",),
        project=project,
    )
