"""Rebuilding a projection while the service runs: made beside, caught up, and swapped in one short transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from events.database import Connection, connected
from events.replay import head
from projections import building, catch_up, last_used
from projections.building import Progress
from projections.inline import INLINE
from projections.table import Table

CALM = 200
"""So few changed streams are left that the swap, which appends must wait for, can fold them in itself."""

ONE_AT_A_TIME = "select pg_advisory_lock(4705)"
"""Held by the session: two rebuilds at once would build in each other's table."""

BRIEFLY = "set local lock_timeout = '100ms'"
PAUSE_SECONDS = 0.5

CHANGED = "select distinct stream_id from log.events where position > $1 and position <= $2 and type = any($3::text[])"
SWAP = """
alter table read.{name} rename to {name}_replaced;
alter table read.{name}_rebuilt rename to {name};
drop table read.{name}_replaced
"""

ADVANCE = """
update read.checkpoints set position = $2, chain = $3, version = $4, state = 'active', failed_position = null, error = null,
  updated_at = clock_timestamp() where name = $1
"""


async def rebuild(url: str, name: str, progress: Progress) -> None:
    """Makes the projection anew from the log and swaps it in. No read fails meanwhile. Raises UnreadableEvent, Poison, KeyError."""
    async with connected(url) as reader, connected(url) as writer:
        await reader.execute(ONE_AT_A_TIME)
        if name == last_used.NAME:
            await _rebuild_last_used(writer, progress)
        else:
            await _rebuild_inline(reader, writer, INLINE[name], progress)


async def _rebuild_inline(reader: Connection, writer: Connection, table: Table, progress: Progress) -> None:
    beside = f"{table.name}_rebuilt"
    await _make_beside(writer, table.name)
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        reached = (await head(reader)).position
        rows = building.rows_of(reader, table, upto=reached, progress=progress)
        await building.copy(writer, rows, table, into=beside, schema="read")
    swapped = False
    while not swapped:
        reached = await _calm(reader, writer, table, reached)
        swapped = await _swapped(writer, table.name, lambda since=reached: _take_in_the_rest(writer, table, since))


async def _calm(reader: Connection, writer: Connection, table: Table, reached: int) -> int:
    """Catches up until next to nothing is left; returns the position that it caught up to."""
    while True:
        now = (await head(reader)).position
        streams = await _changed(reader, table, reached, now)
        if len(streams) <= CALM:
            return reached
        async with writer.transaction():
            await building.refold(writer, table, streams, into=f"{table.name}_rebuilt")
        reached = now


async def _take_in_the_rest(writer: Connection, table: Table, reached: int) -> None:
    await writer.execute("select pg_advisory_xact_lock(4701)")
    streams = await _changed(writer, table, reached, (await head(writer)).position)
    await building.refold(writer, table, streams, into=f"{table.name}_rebuilt")


async def _swapped(writer: Connection, name: str, finish: Callable[[], Awaitable[None]]) -> bool:
    """Whether it could be done at once. Whoever reads the old table at length is waited for without holding up anybody else."""
    try:
        async with writer.transaction():
            await writer.execute(BRIEFLY)
            await finish()
            await writer.execute(SWAP.format(name=name))
    except asyncpg.LockNotAvailableError:
        await asyncio.sleep(PAUSE_SECONDS)
        return False
    return True


async def _rebuild_last_used(writer: Connection, progress: Progress) -> None:
    name = last_used.NAME
    await _make_beside(writer, name)
    position, _ = await _issuance_head(writer)
    await building.count_uses(writer, after=0, upto=position, into=f"read.{name}_rebuilt", progress=progress)
    while not await _swapped(writer, name, lambda: _count_the_rest(writer, position, progress)):
        pass


async def _count_the_rest(writer: Connection, after: int, progress: Progress) -> None:
    """The checkpoint's row is held, so nobody follows meanwhile."""
    name = last_used.NAME
    await writer.execute("select 1 from read.checkpoints where name = $1 for update", name)
    upto, chain = await _issuance_head(writer)
    await building.count_uses(writer, after=after, upto=upto, into=f"read.{name}_rebuilt", progress=progress)
    await writer.execute(ADVANCE, name, upto, chain, last_used.VERSION)


async def _make_beside(connection: Connection, name: str) -> None:
    await catch_up.install(connection)
    await connection.execute(
        f"drop table if exists read.{name}_rebuilt; create table read.{name}_rebuilt (like read.{name} including all)"
    )


async def _changed(connection: Connection, table: Table, after: int, upto: int) -> list[UUID]:
    return [row[0] for row in await connection.fetch(CHANGED, after, upto, sorted(table.tags))]


async def _issuance_head(connection: Connection) -> tuple[int, bytes]:
    row = await connection.fetchrow(
        "select last_position, chain from log.issuance_batches order by last_position desc limit 1"
    )
    assert row is not None
    return row[0], row[1]
