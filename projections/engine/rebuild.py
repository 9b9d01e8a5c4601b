"""Rebuilding a projection while the service runs: made beside, caught up, and swapped in one short transaction."""

from typing import Any
from uuid import UUID

from events import locks
from events.database import Connection, connected
from events.replay import head
from projections import columns, registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints, entries, indexes, refold, swap
from projections.engine.bulk import Bulk, reach, started
from projections.engine.by_part import at_once, fill
from projections.engine.by_stream import InLogOrder, Progress, Target, folding
from projections.engine.checkpoints import OtherVersion, Standing
from projections.engine.tables import Relation
from projections.engine.totals import Adding
from projections.table import Table

CALM = 200
"""So few changed streams are left that the swap, which appends must wait for, can fold them in itself."""

CALM_POSITIONS = 2000
"""The same for a catch-up projection, whose swap only its followers wait for."""

ONE_AT_A_TIME = locks.in_session(locks.REBUILD)
"""Held by the session: two rebuilds at once would build in each other's table."""

OPTIONS = "select array_to_string(reloptions, ', ') from pg_class where oid = $1::text::regclass"
"""The storage options of a table, such as its fillfactor, which `like` leaves out."""

CHANGED = "select distinct stream_id from log.events where position > $1 and position <= $2 and type = any($3::text[])"


async def rebuild(url: str, name: str, progress: Progress) -> None:
    """Makes the projection again from the log and swaps it in. No read fails meanwhile.

    Raises UnreadableEvent, Poison, OtherVersion, NoSchema, KeyError.
    """
    async with connected(url) as reader, connected(url) as writer:
        await reader.execute(ONE_AT_A_TIME)
        match registry.find(name):
            case Table() as table:
                await _rebuild_inline(url, reader, writer, table, progress)
            case projection:
                await _rebuild_catch_up(url, reader, writer, projection, progress)


async def _rebuild_inline(url: str, reader: Connection, writer: Connection, table: Table, progress: Progress) -> None:
    beside = f"{table.name}_rebuilt"
    await writer.execute(f'drop table if exists "read"."{beside}"')
    await writer.execute(f'create table "read"."{beside}" (like "read"."{table.name}" including all)')
    if options := await writer.fetchval(OPTIONS, f'"read"."{table.name}"'):
        await writer.execute(f'alter table "read"."{beside}" set ({options})')
    later = await indexes.put_off(writer, f'"read"."{beside}"')
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        reached = (await head(reader)).position
        await fill(url, Target(writer, beside, "read"), reader, table, upto=reached, progress=progress)
    await indexes.make(url, later, at_once(reached))
    swapped = False
    while not swapped:
        reached = await _calm(reader, writer, table, reached)
        swapped = await swap.swapped(
            writer, "read", table.name, lambda since=reached: _take_in_the_rest(writer, table, since)
        )


async def _calm(reader: Connection, writer: Connection, table: Table, reached: int) -> int:
    """Catches up until next to nothing is left; returns the position that it caught up to."""
    while True:
        now = (await head(reader)).position
        streams = await _changed(reader, table, reached, now)
        if len(streams) <= CALM:
            return reached
        async with writer.transaction():
            await refold.refold(writer, table, streams, into=f"{table.name}_rebuilt")
        reached = now


async def _take_in_the_rest(writer: Connection, table: Table, reached: int) -> None:
    """What came while a vacuum was waited for is taken in before the lock for which all appends wait."""
    reached = await _taken_in(writer, table, reached)
    await writer.execute(locks.in_transaction(locks.EVENTS))
    await _taken_in(writer, table, reached)


async def _taken_in(writer: Connection, table: Table, reached: int) -> int:
    now = (await head(writer)).position
    streams = await _changed(writer, table, reached, now)
    await refold.refold(writer, table, streams, into=f"{table.name}_rebuilt")
    return now


async def _changed(connection: Connection, table: Table, after: int, upto: int) -> list[UUID]:
    return [row[0] for row in await connection.fetch(CHANGED, after, upto, sorted(table.tags))]


async def _rebuild_catch_up(
    url: str, reader: Connection, writer: Connection, projection: CatchUp[Any, Any], progress: Progress
) -> None:
    await checkpoints.install(writer, projection)
    live = await _live(writer, projection)
    beside = f"{projection.name}_rebuilt"
    await writer.execute(f'drop table if exists "{projection.schema}"."{beside}"')
    await writer.execute(
        columns.like(f'"{projection.schema}"."{projection.name}"', f'"{projection.schema}"."{beside}"', projection.key)
        if live.version == projection.version
        else columns.table(projection, beside)
    )
    target = Target(writer, beside, projection.schema)
    bulk = await _by_stream(url, reader, target, projection, progress) or await started(
        writer, projection, Relation(projection, beside)
    )
    await reach(writer, bulk, (await entries.head(writer, projection.follows)).position, progress)
    await indexes.make_each(url, columns.indexes(projection, beside), at_once(bulk.reached.position))
    while (await entries.head(writer, projection.follows)).position - bulk.reached.position > CALM_POSITIONS:
        await reach(writer, bulk, (await entries.head(writer, projection.follows)).position, progress)

    async def finish() -> None:
        await _follow_the_rest(writer, projection, bulk, progress)

    while not await swap.swapped(writer, projection.schema, projection.name, finish):
        pass


async def _by_stream(
    url: str, reader: Connection, target: Target, projection: CatchUp[Any, Any], progress: Progress
) -> Bulk | None:
    """Returns the filled table; None, and it is empty, where that takes the log's order."""
    if folding(projection) is None:
        return None
    writer, relation = target.connection, Relation(projection, target.name)
    key = await indexes.put_off(writer, relation.sql)
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        reached = await entries.head(reader, projection.follows)
        try:
            await fill(url, target, reader, projection, upto=reached.position, progress=progress)
            filled = Bulk(projection, relation, reached)
        except InLogOrder:
            await writer.execute(f"truncate {relation.sql}")
            filled = None
    await indexes.make(url, key, 1)
    return filled


async def _follow_the_rest(
    writer: Connection, projection: CatchUp[Any, Any], bulk: Bulk | Adding, progress: Progress
) -> None:
    """The checkpoint is held, so nobody follows meanwhile."""
    await writer.execute(checkpoints.HOLD, projection.id)
    await _live(writer, projection)
    await reach(writer, bulk, (await entries.head(writer, projection.follows)).position, progress)
    await checkpoints.replace(writer, projection, bulk.reached)


async def _live(connection: Connection, projection: CatchUp[Any, Any]) -> Standing:
    live = await checkpoints.live(connection, projection)
    assert live is not None
    if live.version > projection.version:
        raise OtherVersion(projection.id, live.version, projection.version)
    return live
