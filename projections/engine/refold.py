"""An inline projection made again from the log: the part that rebuilding and verification share. Memory stays flat."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events import ahead
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
EVENTS_A_PAGE = 2000

Rows = list[Sequence[Any]]
"""Rows as COPY takes them."""


class Streams:
    """The table's rows, each folded from its own stream. The streams come one after the other."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._stream: UUID | None = None
        self._row: Struct | None = None

    def take_in(self, page: Iterable[asyncpg.Record]) -> Rows:
        """Returns the rows of the streams that ended. Raises UnreadableEvent."""
        ended: Rows = []
        project, stream, row = self._table.project, self._stream, self._row
        for of, schema, kind, data in page:
            if of != stream:
                if row is not None:
                    ended.append(record(row))
                stream, row = of, None
            row = project(row, of, decode(kind, schema, data))
        self._stream, self._row = stream, row
        return ended

    def last(self) -> Rows:
        row, self._stream, self._row = self._row, None, None
        return [] if row is None else [record(row)]


class Target(Struct, frozen=True):
    """Where rows are written. Without a schema it is a table of the session's own."""

    connection: Connection
    name: str
    schema: str | None = None


async def fill(target: Target, connection: Connection, table: Table, *, upto: int, progress: Progress) -> None:
    """Writes the table's rows as of a position, in stream order. The connection that reads needs a transaction.

    Raises UnreadableEvent.
    """
    # One COPY, so that Postgres writes rows while the next ones are made.
    async with aclosing(_rows(connection, table, upto, progress)) as rows:
        await target.connection.copy_records_to_table(
            target.name, records=rows, columns=table.columns, schema_name=target.schema
        )


async def _rows(connection: Connection, table: Table, upto: int, progress: Progress) -> AsyncGenerator[Sequence[Any]]:
    total, done = await connection.fetchval(COUNT, sorted(table.tags), upto), 0
    cursor = await connection.cursor(STREAMS, sorted(table.tags), upto)
    streams = Streams(table)
    async with ahead.pages(lambda: cursor.fetch(EVENTS_A_PAGE)) as pages:
        async for page in pages:
            for row in streams.take_in(page):
                yield row
            done += len(page)
            progress(done, total)
    for row in streams.last():
        yield row
    progress(total, total)


async def refold(connection: Connection, table: Table, streams: list[UUID], *, into: str) -> None:
    """Makes the rows of these streams again from all that has happened in them by now."""
    await connection.execute(f"delete from read.{into} where stream_id = any($1::uuid[])", streams)
    rows: Rows = []
    events: dict[UUID, list[Event]] = {}
    for row in await connection.fetch(HISTORIES, streams, sorted(table.tags)):
        events.setdefault(row["stream_id"], []).append(decode(row["type"], row["schema_ver"], row["data"]))
    for stream in streams:
        rows += _row(table, stream, events.get(stream, []))
    await connection.copy_records_to_table(into, records=rows, columns=table.columns, schema_name="read")


def _row(table: Table, stream: UUID, events: list[Event]) -> Rows:
    row = table.fold(stream, events)
    return [] if row is None else [record(row)]


async def digest(connection: Connection, relation: str) -> tuple[int, str]:
    """(rows, digest): independent of the rows' order; equal tables have equal digests, in 16 hexadecimal digits."""
    row: asyncpg.Record | None = await connection.fetchrow(
        f"select count(*), coalesce(sum(hash_record_extended(t, 0)::numeric), 0) % 18446744073709551616 from {relation} t"
    )
    assert row is not None
    return row[0], f"{int(row[1]) % 2**64:016x}"
