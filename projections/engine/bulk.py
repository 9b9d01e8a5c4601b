"""A catch-up projection's table made from the beginning of its log, in time linear in the log: folded in memory, written in bulk."""

from typing import Any

from events.database import Connection
from events.replay import Checkpoint
from projections.catch_up import CatchUp
from projections.engine import entries
from projections.engine.by_stream import Progress
from projections.engine.fold import Fold
from projections.engine.tables import Relation
from projections.engine.totals import Adding, Target

POSITIONS_A_PAGE = 5000
TOKENS_A_PAGE = 50_000
"""More where Postgres adds them up."""

PARTS = "parts"
MOST_ROWS = 50_000
"""So many rows are kept in memory; then they are written, and read again when they are needed."""

MOST_WIDE_ROWS = 1000
"""The same for rows of kilobytes."""


class Bulk:
    """A table that is being filled, and has the rows as of what is reached. Nobody else writes to it."""

    def __init__(
        self, projection: CatchUp[Any, Any], relation: Relation, reached: Checkpoint, *, most_rows: int | None = None
    ) -> None:
        self._projection, self._relation = projection, relation
        self._fold: Fold[Any, Any] = Fold(projection, complete=reached.position == 0)
        self._most_rows = most_rows or (MOST_WIDE_ROWS if projection.is_wide else MOST_ROWS)
        self.reached = reached

    async def step(self, connection: Connection, upto: int, most: int) -> bool:
        """Folds about so many positions; False if there were none. Raises Poison."""
        page = await entries.page_after(
            connection, self._projection.follows, self.reached.position, most=most, upto=upto
        )
        if page is None:
            return False
        await self._relation.take_in(connection, self._fold, page.entries)
        self.reached = page.reached
        if len(self._fold) > self._most_rows:
            await self.write(connection)
        return True

    async def write(self, connection: Connection) -> None:
        await self._relation.copy(connection, self._fold.changes())


async def started(
    connection: Connection, projection: CatchUp[Any, Any], relation: Relation, *, most_rows: int | None = None
) -> Bulk | Adding:
    """Returns a table at the beginning of the log, which is empty."""
    chain = await entries.chain_at(connection, projection.follows, 0)
    assert chain is not None
    genesis = Checkpoint(0, chain)
    if projection.totals is not None:
        return Adding(Target(projection, relation.sql), genesis)
    return Bulk(projection, relation, genesis, most_rows=most_rows)


async def reach(connection: Connection, filled: Bulk | Adding, upto: int, progress: Progress) -> None:
    """Takes the log in up to this position, the end of a batch, and writes the rows. Raises Poison."""
    most = POSITIONS_A_PAGE if isinstance(filled, Bulk) else TOKENS_A_PAGE
    while await filled.step(connection, upto, most):
        progress(filled.reached.position, upto)
    await filled.write(connection)


async def collect(connection: Connection, target: Target, upto: int, progress: Progress) -> None:
    """The same for an empty table of totals, all within one transaction.

    A row that is replaced stays until the transaction ends, and each look-up of its key would pass it. So the parts are added up once.
    """
    chain = await entries.chain_at(connection, target.projection.follows, 0)
    assert chain is not None
    await connection.execute(f"create temporary table {PARTS} (like {target.table}) on commit drop")
    adding = Adding(Target(target.projection, f"pg_temp.{PARTS}", merges=False), Checkpoint(0, chain))
    await reach(connection, adding, upto, progress)
    await connection.execute(target.sum_of(f"pg_temp.{PARTS}"))
