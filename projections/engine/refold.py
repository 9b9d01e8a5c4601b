"""An inline projection made again from the log: the part that rebuilding and verification share. Memory stays flat."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg

from events.codec import Event, decode
from events.database import Connection
from projections.table import Table, record

Progress = Callable[[int, int], None]
"""Called with (done, of how many); positions of the log."""

STREAMS = """
select stream_id, schema_ver, type, data from log.events where type = any($1::text[]) and position <= $2 order by stream_id, version
"""
HISTORIES = """
select stream_id, schema_ver, type, data from log.events
 where stream_id = any($1::uuid[]) and type = any($2::text[]) order by stream_id, version
"""
COUNT = "select count(*) from log.events where type = any($1::text[]) and position <= $2"


async def rows_of(
    connection: Connection, table: Table, *, upto: int, progress: Progress
) -> AsyncIterator[tuple[Any, ...]]:
    """The table's rows as of a position, each folded from its own stream; as COPY takes them, in stream order.

    Needs a transaction. Raises UnreadableEvent.
    """
    total = await connection.fetchval(COUNT, sorted(table.tags), upto)
    stream: UUID | None = None
    events: list[Event] = []
    done = 0
    async for row in connection.cursor(STREAMS, sorted(table.tags), upto, prefetch=1000):
        if row["stream_id"] != stream:
            for made in _row(table, stream, events):
                yield made
            stream, events = row["stream_id"], []
        events.append(decode(row["type"], row["schema_ver"], row["data"]))
        done += 1
        if done % 5000 == 0:
            progress(done, total)
    for made in _row(table, stream, events):
        yield made
    progress(total, total)


async def copy(
    target: Connection, rows: AsyncIterator[tuple[Any, ...]], table: Table, *, into: str, schema: str | None
) -> None:
    await target.copy_records_to_table(into, records=rows, columns=table.columns, schema_name=schema)


async def refold(connection: Connection, table: Table, streams: list[UUID], *, into: str) -> None:
    """Makes the rows of these streams again from all that has happened in them by now."""
    await connection.execute(f"delete from read.{into} where stream_id = any($1::uuid[])", streams)
    rows: list[tuple[Any, ...]] = []
    events: dict[UUID, list[Event]] = {}
    for row in await connection.fetch(HISTORIES, streams, sorted(table.tags)):
        events.setdefault(row["stream_id"], []).append(decode(row["type"], row["schema_ver"], row["data"]))
    for stream in streams:
        rows += _row(table, stream, events.get(stream, []))
    await connection.copy_records_to_table(into, records=rows, columns=table.columns, schema_name="read")


def _row(table: Table, stream: UUID | None, events: list[Event]) -> list[tuple[Any, ...]]:
    row = None if stream is None else table.fold(stream, events)
    return [] if row is None else [record(row)]


async def digest(connection: Connection, relation: str) -> tuple[int, str]:
    """(rows, digest): independent of the rows' order; equal tables have equal digests, in 16 hexadecimal digits."""
    row: asyncpg.Record | None = await connection.fetchrow(
        f"select count(*), coalesce(sum(hash_record_extended(t, 0)::numeric), 0) % 18446744073709551616 from {relation} t"
    )
    assert row is not None
    return row[0], f"{int(row[1]) % 2**64:016x}"
