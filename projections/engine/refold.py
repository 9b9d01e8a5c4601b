"""Some streams of an inline projection folded again, and digests by which tables are compared."""

from typing import Any
from uuid import UUID

import asyncpg

from events.codec import Event, decode
from events.database import Connection
from projections.table import Table, record

HISTORIES = """
select stream_id, schema_ver, type, data from log.events
 where stream_id = any($1::uuid[]) and type = any($2::text[]) order by stream_id, version
"""


async def refold(connection: Connection, table: Table, streams: list[UUID], *, into: str) -> None:
    """Makes the rows of these streams again from all that has happened in them by now."""
    await connection.execute(f"delete from read.{into} where stream_id = any($1::uuid[])", streams)
    rows: list[list[Any]] = []
    events: dict[UUID, list[Event]] = {}
    for row in await connection.fetch(HISTORIES, streams, sorted(table.tags)):
        events.setdefault(row["stream_id"], []).append(decode(row["type"], row["schema_ver"], row["data"]))
    for stream in streams:
        rows += _row(table, stream, events.get(stream, []))
    await connection.copy_records_to_table(into, records=rows, columns=table.columns, schema_name="read")


def _row(table: Table, stream: UUID, events: list[Event]) -> list[list[Any]]:
    row = table.fold(stream, events)
    return [] if row is None else [record(row)]


async def digest(connection: Connection, relation: str) -> tuple[int, str]:
    """(rows, digest): independent of the rows' order; equal tables have equal digests, in 16 hexadecimal digits."""
    row: asyncpg.Record | None = await connection.fetchrow(
        f"select count(*), coalesce(sum(hash_record_extended(t, 0)::numeric), 0) % 18446744073709551616 from {relation} t"
    )
    assert row is not None
    return row[0], f"{int(row[1]) % 2**64:016x}"
