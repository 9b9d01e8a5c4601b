"""A reader that waits for a projection goes on with it itself, at once: the process that follows takes its time while requests come."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import asyncpg

from events.database import UNFIT, AnyConnection, Connection, Pool, read
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.engine.entries import Poison
from projections.engine.follow import cohorts, step

HASTE = "set local synchronous_commit = off; set local lock_timeout = '100ms'"
"""As of one that follows (projections/engine/election.py); and what changes the table now is not waited for."""

PAUSE_SECONDS = 0.05


async def bring_nearer(pool: Pool, projection: CatchUp[Any, Any]) -> None:
    """Goes on with the projection by one step; or waits a little, where another process is at it. Raises Unavailable."""
    if not await read(pool, lambda connection: hasten(connection, projection, registry.catch_up())):
        await asyncio.sleep(PAUSE_SECONDS)


async def hasten(
    reader: AnyConnection, projection: CatchUp[Any, Any], all_of_them: Sequence[CatchUp[Any, Any]]
) -> bool:
    """Follows the log one step further; returns whether it did. Those that stand where this one does take the step with it, so that
    the log is still read once for all of them. What another process is at is left to that; and so is a fault, which it tells.
    """
    connection = cast("Connection", reader)
    behind = await checkpoints.behind(connection, all_of_them)
    for cohort in cohorts(behind.followed, behind.ends):
        if any(each.id == projection.id for each in cohort.projections):
            return await _hastened(connection, cohort.projections)
    return False


async def _hastened(connection: Connection, cohort: Sequence[CatchUp[Any, Any]]) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(HASTE)
            return await step(connection, *cohort) is not None
    except (Poison, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, *UNFIT):
        return False
