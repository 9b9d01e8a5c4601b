"""A catch-up projection's table made from the beginning of its log, in time linear in the log: folded in memory, written in bulk."""

from typing import Any

from events.database import Connection
from events.replay import Checkpoint
from projections.catch_up import CatchUp
from projections.engine import entries
from projections.engine.fold import Fold
from projections.engine.refold import Progress
from projections.engine.tables import Relation

POSITIONS_A_PAGE = 5000
MOST_ROWS = 50_000
"""So many rows are kept in memory; then they are written, and read again when they are needed."""

MOST_WIDE_ROWS = 1000
"""The same for rows of kilobytes."""


class Bulk:
    """An empty table that is being filled. Nobody else writes to it."""

    def __init__(
        self, projection: CatchUp[Any, Any], relation: Relation, genesis: Checkpoint, *, most_rows: int | None = None
    ) -> None:
        self._projection, self._relation = projection, relation
        self._fold: Fold[Any, Any] = Fold(projection, complete=True)
        self._most_rows = most_rows or (MOST_WIDE_ROWS if projection.is_wide else MOST_ROWS)
        self.reached = genesis

    async def reach(self, connection: Connection, upto: int, progress: Progress) -> None:
        """Folds the log up to this position, the end of a batch, and writes the rows. Raises Poison."""
        while await self.step(connection, upto, POSITIONS_A_PAGE):
            progress(self.reached.position, upto)
        await self.write(connection)

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
) -> Bulk:
    genesis = await entries.chain_at(connection, projection.follows, 0)
    assert genesis is not None
    return Bulk(projection, relation, Checkpoint(0, genesis), most_rows=most_rows)
