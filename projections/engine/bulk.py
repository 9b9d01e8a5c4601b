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


class Bulk:
    """An empty table that is being filled. Nobody else writes to it."""

    def __init__(self, projection: CatchUp[Any, Any], relation: Relation, genesis: Checkpoint) -> None:
        self._projection, self._relation = projection, relation
        self._fold: Fold[Any, Any] = Fold(projection, complete=True)
        self.reached = genesis

    async def reach(self, connection: Connection, upto: int, progress: Progress) -> None:
        """Folds the log up to this position, the end of a batch, and writes the rows. Raises Poison."""
        source = self._projection.follows
        while page := await entries.page_after(
            connection, source, self.reached.position, most=POSITIONS_A_PAGE, upto=upto
        ):
            await self._relation.take_in(connection, self._fold, page.entries)
            self.reached = page.reached
            if len(self._fold) > MOST_ROWS:
                await self._relation.copy(connection, self._fold.changes())
            progress(self.reached.position, upto)
        await self._relation.copy(connection, self._fold.changes())


async def started(connection: Connection, projection: CatchUp[Any, Any], relation: Relation) -> Bulk:
    genesis = await entries.chain_at(connection, projection.follows, 0)
    assert genesis is not None
    return Bulk(projection, relation, Checkpoint(0, genesis))
