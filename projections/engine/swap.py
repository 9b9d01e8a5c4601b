"""Putting a table that was built beside the live one in its place, in one short transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from events.database import Connection
from projections.catch_up import OURS, CatchUp
from projections.engine import checkpoints
from projections.engine.checkpoints import Standing
from projections.views import publication

BRIEFLY = "set local lock_timeout = '100ms'"
PATIENTLY = "set local lock_timeout = '2s'"
PAUSE_SECONDS = 0.5

UNVACUUMED = 'lock table "{schema}"."{name}", "{schema}"."{beside}" in share update exclusive mode'
"""Ends an autovacuum of them: Postgres cancels one that a lock has waited for for a second, which is longer than BRIEFLY and shorter than
PATIENTLY. Readers and writers do not wait for this lock.
"""

RENAME = """
alter table "{schema}"."{name}" rename to "{name}_replaced";
alter table "{schema}"."{beside}" rename to "{name}"
"""
DROP = 'drop table "{schema}"."{name}_replaced"'


async def swap(connection: Connection, schema: str, name: str, beside: str) -> None:
    """Needs a transaction. Readers that are in the middle of the old table are waited for, as long as lock_timeout says."""
    await connection.execute(RENAME.format(schema=schema, name=name, beside=beside))
    if schema == OURS:
        await publication.move(connection, name)
    await connection.execute(DROP.format(schema=schema, name=name))


async def swapped(connection: Connection, schema: str, name: str, finish: Callable[[], Awaitable[None]]) -> bool:
    """Finishes NAME_rebuilt and swaps it in; False, after a pause, when a reader of the old table takes its time.

    It waits for such a reader, and for a vacuum, without holding up anybody else. `finish` takes in what came meanwhile.
    """
    try:
        async with connection.transaction():
            await connection.execute(PATIENTLY)
            await connection.execute(UNVACUUMED.format(schema=schema, name=name, beside=f"{name}_rebuilt"))
            await connection.execute(BRIEFLY)
            await finish()
            await swap(connection, schema, name, f"{name}_rebuilt")
    except asyncpg.LockNotAvailableError:
        await asyncio.sleep(PAUSE_SECONDS)
        return False
    return True


async def take_the_place(connection: Connection, projection: CatchUp[Any, Any], standing: Standing) -> bool:
    """Swaps in the table of this version, whose checkpoint is held; False when the live table is further than it.

    Raises LockNotAvailableError; then it is for the next step to do.
    """
    await connection.execute(BRIEFLY)
    await connection.execute(checkpoints.HOLD, projection.id)
    live = await checkpoints.live(connection, projection)
    if live is not None and live.position > standing.position:
        return False
    await swap(connection, projection.schema, projection.name, projection.beside)
    await checkpoints.replace(connection, projection, standing.reached)
    return True
