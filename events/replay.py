"""Reads the event log: one stream, or all events in order."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events import ahead
from events.authorization import AuthorizationEvent, AuthorizationRevoked
from events.client import ClientRegistered
from events.codec import Recorded, decode, decode_all, tags
from events.database import AnyConnection

COLUMNS = "position, recorded_at, stream_id, version, schema_ver, type, meta, data"
SECONDS = "date_part('epoch', {})"
READ_IN_BULK = COLUMNS.replace("recorded_at", SECONDS.format("recorded_at"))
"""The same with the time in seconds, which has each microsecond until 2242: asyncpg would make the time of a batch again for each event."""

HISTORY = f"select {COLUMNS} from log.events where stream_id = $1 order by version"
HISTORIES = f"select {COLUMNS} from log.events where stream_id = any($1::uuid[]) order by position"
PAGE = f"select {READ_IN_BULK} from log.events where position > $1 and position <= $2 order by position limit $3"
HEAD = "select last_position, chain from {batches} order by last_position desc limit 1"
CHAIN_AT = "select chain from {batches} where last_position = $1"
UNHEARD = ", ".join(
    f"'{tag}'" for tag in sorted(tags(ClientRegistered) | (tags(AuthorizationEvent) - tags(AuthorizationRevoked)))
)
"""The types of events of which no cache needs to hear: of clients that nobody knew before, and of authorizations that go on."""

CHANGED_SINCE = f"""
select head.last_position, head.chain, head.same, changed.stream_id, split_part(changed.type, '.', 1) as noun
  from (select last_position, chain, exists (select from log.batches where last_position = $1 and chain = $2) as same
          from log.batches order by last_position desc limit 1) as head
  left join lateral (select distinct stream_id, type from log.events
                      where head.same and position > $1 and position <= head.last_position and type not in ({UNHEARD})) as changed on true
"""
"""The head of the log, whether the log still has the checkpoint ($1, $2), and the streams that changed since, other than by an event of UNHEARD."""


EVENTS_A_PAGE = 1000
"""To ask for a page costs as much as it does to decode a hundred events."""

EVENTS_A_ROW = 200
GATHERED = f"""
select gathered.* from generate_series($1::bigint, $2::bigint - 1, {EVENTS_A_ROW}) as after, lateral
  (select {", ".join(f"array_agg({column})" for column in COLUMNS.replace("recorded_at", "seconds").split(", "))}
     from (select {READ_IN_BULK} from log.events where position > after and position <= least(after + {EVENTS_A_ROW}, $2)
            order by position limit {EVENTS_A_ROW}) as found ({COLUMNS.replace("recorded_at", "seconds")})) as gathered
"""
"""The events between two positions, EVENTS_A_ROW in a row, each column an array: they are read in three quarters of the time that PAGE takes.

If all events of a row were deleted, it has only nulls. The limit tells the planner how few events a row has.
"""

Row = asyncpg.Record | tuple[Any, ...]


class Checkpoint(Struct, frozen=True):
    """A position of the log and its chain value. In a changed or forked log the same position has another chain value."""

    position: int
    chain: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.chain.hex()}"


def recorded(row: Row) -> Recorded:
    """Returns the event of a stored row. Raises UnreadableEvent."""
    return next(_recorded([row], lambda at: at))


def read_in_bulk(rows: Iterable[Row]) -> Iterator[Recorded]:
    """Yields the events of rows of READ_IN_BULK. Raises UnreadableEvent."""
    return _recorded(rows, partial(datetime.fromtimestamp, tz=UTC))


def _recorded(rows: Iterable[Row], time: Callable[[Any], datetime]) -> Iterator[Recorded]:
    seen, recorded_at = None, None
    for position, at, stream_id, version, schema, kind, meta, data in rows:
        if at != seen:  # events of one batch have one time
            seen, recorded_at = at, time(at)
        yield Recorded(
            position=position,
            recorded_at=recorded_at,
            stream_id=stream_id,
            version=version,
            type=kind,
            event=decode(kind, schema, data),
            meta_bytes=meta,
        )


async def history(connection: AnyConnection, stream: UUID) -> list[Recorded]:
    """Returns the events of one stream, oldest first. The list is empty if the stream does not exist."""
    return [recorded(row) for row in await connection.fetch(HISTORY, stream)]


async def histories(connection: AnyConnection, streams: list[UUID]) -> list[Recorded]:
    """Returns the events of these streams, in the order of the log."""
    return [recorded(row) for row in await rows_of(connection, streams)]


async def rows_of(connection: AnyConnection, streams: list[UUID]) -> list[asyncpg.Record]:
    """Returns the stored rows of these streams, in the order of the log."""
    return await connection.fetch(HISTORIES, streams)


async def head(connection: AnyConnection, batches: str = "log.batches") -> Checkpoint:
    """Returns the last position of the log and its chain value."""
    row = await connection.fetchrow(HEAD.format(batches=batches))
    assert row is not None
    return Checkpoint(row[0], row[1])


async def chain_at(connection: AnyConnection, position: int, batches: str = "log.batches") -> bytes | None:
    """Returns the chain value at this position, or None if no batch ends there."""
    return await connection.fetchval(CHAIN_AT.format(batches=batches), position)


async def pages(
    connection: AnyConnection, *, after: int, upto: int, size: int = EVENTS_A_PAGE
) -> AsyncIterator[list[Recorded]]:
    """Yields the log from `after` (exclusive) to `upto` (inclusive), in order, `size` events at a time."""
    while after < upto:
        rows = await connection.fetch(PAGE, after, upto, size)
        if not rows:
            return
        yield list(read_in_bulk(rows))
        after = rows[-1]["position"]


@asynccontextmanager
async def reading(
    connection: AnyConnection, *, after: int, upto: int, size: int = 10 * EVENTS_A_ROW
) -> AsyncGenerator[AsyncIterator[list[Recorded]]]:
    """Yields the same, at most EVENTS_A_ROW events at a time, for a long read. It asks for `size` positions at once, and Postgres is at the
    next ones meanwhile: so nobody else uses the connection inside the block.
    """

    async def page() -> list[asyncpg.Record]:
        nonlocal after
        before, after = after, min(after + size, upto)
        return await connection.fetch(GATHERED, before, after) if before < after else []

    async with ahead.pages(page, at_once=1) as found:
        yield (_read_gathered(row) async for (row,) in found if row[0] is not None)


def _read_gathered(row: asyncpg.Record) -> list[Recorded]:
    positions, seconds, streams, versions, schemas, kinds, metas, datas = row
    times = {each: datetime.fromtimestamp(each, UTC) for each in set(seconds)}
    return [
        Recorded(
            position=position,
            recorded_at=times[at],
            stream_id=stream_id,
            version=version,
            type=kind,
            event=event,
            meta_bytes=meta,
        )
        for position, at, stream_id, version, kind, event, meta in zip(
            positions, seconds, streams, versions, kinds, decode_all(kinds, schemas, datas), metas, strict=True
        )
    ]
