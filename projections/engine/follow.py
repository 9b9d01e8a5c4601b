"""Following a log, one small step at a time: what a step reads, what it makes of it, and its checkpoint are one transaction.

So every entry counts exactly once, however many processes follow, whichever of them dies, and at whatever moment.

Versions side by side. A checkpoint and its table are of one version, and a process claims only checkpoints of its own version. While
the live table is of an earlier version, a process of the next builds NAME_vN beside it and, when that has caught up, swaps it in:
tables and checkpoints change names in one transaction, for which both checkpoints are held. What holds, therefore:

* Processes of both versions may run at the same time. None writes a row into a table of another version.
* Until the swap, everybody reads the table of the earlier version, and a process of that version keeps it up to date.
* From the swap on everybody reads the new table, and the earlier version follows no more. Its processes may go on reading: a version
  must keep the columns that the version before it reads. That is for its author to see to.
* A process of an earlier version does nothing to a table that is already of a later one. To go back to an earlier version, release it
  under a higher number.
"""

import logging
from typing import Any

import asyncpg

from events.database import LOST, UNFIT, Connection
from projections.catch_up import CatchUp
from projections.engine import checkpoints, entries, swap
from projections.engine.checkpoints import Standing
from projections.engine.entries import Page, Poison
from projections.engine.fold import Fold
from projections.engine.tables import Relation

POSITIONS_A_STEP = 200
"""So few that a serving process is not held up: 200 tokens of 1,000 clients hold its event loop for about four milliseconds at a time."""

PASSING = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError, *LOST, *UNFIT)
"""What says nothing of the entries: the step is tried again."""

log = logging.getLogger("muniment.projections")


async def step(connection: Connection, projection: CatchUp[Any, Any]) -> bool:
    """Follows the log one step further; True when there may be more. Does nothing while another process is at it.

    An entry that cannot be taken in, or a log that is not the one followed so far, stops the projection: state 'failed', with
    position and reason, until an operator rebuilds it.
    """
    try:
        async with connection.transaction():
            return await _step(connection, projection)
    except Poison as poison:
        await checkpoints.fail(connection, projection, poison.position, str(poison))
        log.error("the projection %s stopped at position %s: %s", projection.id, poison.position, poison)  # noqa: TRY400 - the reason is all there is to say
        return False


async def _step(connection: Connection, projection: CatchUp[Any, Any]) -> bool:
    standing = await checkpoints.claim(connection, projection)
    if standing is None or standing.state == "failed":
        return False
    if await entries.chain_at(connection, projection.follows, standing.position) != standing.chain:
        raise Poison(
            standing.position, "the log is not the one that was followed up to here: it lost or changed history"
        )
    page = await entries.page_after(connection, projection.follows, standing.position, most=POSITIONS_A_STEP)
    if page is not None:
        await _take_in(connection, projection, standing, page)
        return True
    return standing.name != projection.id and not await swap.take_the_place(connection, projection, standing)


async def _take_in(connection: Connection, projection: CatchUp[Any, Any], standing: Standing, page: Page[Any]) -> None:
    fold, relation = Fold(projection, upserts=True), Relation(projection, standing.table)
    try:
        await relation.take_in(connection, fold, page.entries)
        await relation.write(connection, fold.changes())
    except (asyncpg.PostgresError, ValueError, TypeError) as fault:
        if isinstance(fault, PASSING) and not isinstance(fault, ValueError):  # the driver's DataError is a ValueError
            raise
        raise Poison(standing.position + 1, f"its rows cannot be written: {fault}") from fault
    await checkpoints.advance(connection, standing.name, page.reached)
