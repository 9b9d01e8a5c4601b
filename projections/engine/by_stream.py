"""Tables made from the log one stream after the other, where a row depends on its own stream alone.

So no row is ever read back, and what is kept in memory is one stream's. The rows are those of the log's own order: within a stream it
is the same. A projection that turns out to look at another stream, or at an event that it cannot take in, is folded in the log's order
instead, which says at which position it stops.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct, field, json

from events import ahead
from events.codec import decode_all
from events.database import Connection
from events.replay import EVENTS_A_PAGE, READ_IN_BULK, read_in_bulk
from projections.catch_up import CatchUp, Removed
from projections.engine import binary_rows
from projections.table import Table

Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""

STREAMS = """
select {columns} from log.events where type = any($1::text[]) and position <= $2 and stream_id between $3 and $4
 order by stream_id, version
"""
BY_ITS_INDEX = "set local random_page_cost = 1.1"
"""Streams that began together lie together in the log. Postgres assumes that they lie anywhere, and would sort their events instead, which takes
it longer.
"""

DURABLE_WHEN_USED = "set local synchronous_commit = off"
"""The commit that puts the table in another's place is durable, and so is then all before it. After a crash before that, nobody reads this table."""

MOST_ROWS = 20_000
"""A stream with more is not kept in memory."""

Rows = list[Struct]


class InLogOrder(Exception):
    """The projection has to be folded in the log's order."""


class Folding(Protocol):
    """The rows of one table. The streams come one after the other."""

    columns: str
    """Of log.events, as `take_in` needs them."""

    def take_in(self, page: Iterable[asyncpg.Record]) -> Rows:
        """Returns the rows of the streams that ended."""
        ...

    def last(self) -> Rows: ...


class OfTable:
    """Of an inline table: a stream has one row. Raises UnreadableEvent."""

    columns = "stream_id, schema_ver, type, data"

    def __init__(self, table: Table) -> None:
        self._project = table.project
        self._stream: UUID | None = None
        self._row: Struct | None = None

    def take_in(self, page: Iterable[asyncpg.Record]) -> Rows:
        ended: Rows = []
        project, stream, row = self._project, self._stream, self._row
        streams, schemas, kinds, datas = zip(*page, strict=True)
        for of, event in zip(streams, decode_all(kinds, schemas, datas), strict=True):
            if of != stream:
                if row is not None:
                    ended.append(row)
                stream, row = of, None
            row = project(row, of, event)
        self._stream, self._row = stream, row
        return ended

    def last(self) -> Rows:
        return [] if self._row is None else [self._row]


class OfCatchUp:
    """Of a catch-up projection whose keys begin with the stream. Raises InLogOrder."""

    columns = READ_IN_BULK

    def __init__(self, projection: CatchUp[Any, Any]) -> None:
        self._project, self._key_of = projection.project, projection.key_of
        self._stream: UUID | None = None
        self._rows: dict[tuple[Any, ...], Struct | None] = {}

    def take_in(self, page: Iterable[asyncpg.Record]) -> Rows:
        ended: Rows = []
        try:
            for entry in read_in_bulk(page):
                if entry.stream_id != self._stream:
                    ended += self.last()
                    self._stream, self._rows = entry.stream_id, {}
                for made in self._project(entry, self._find):
                    self._put(made)
        except (Exception, SystemExit) as fault:  # a package's exit() must not end the command
            raise InLogOrder from fault
        return ended

    def last(self) -> Rows:
        return [row for row in self._rows.values() if row is not None]

    def _find(self, *key: Any) -> Struct | None:
        self._check(key)
        return self._rows.get(key)

    def _put(self, made: Any) -> None:
        removed = isinstance(made, Removed)
        key = made.key if removed else self._key_of(made)
        self._check(key)
        self._rows[key] = None if removed else made
        if len(self._rows) > MOST_ROWS:
            raise InLogOrder

    def _check(self, key: tuple[Any, ...]) -> None:
        if key[0] != self._stream:
            raise InLogOrder


class Target(Struct, frozen=True):
    """Where rows are written. Without a schema it is a table of the session's own."""

    connection: Connection
    name: str
    schema: str | None = None


class Streams(Struct, frozen=True):
    """From the first to the last, both included."""

    first: UUID = UUID(int=0)
    last: UUID = UUID(int=2**128 - 1)


ALL = Streams()


def folding(of: Table | CatchUp[Any, Any]) -> Folding | None:
    """Returns None where rows are not by stream."""
    if isinstance(of, Table):
        return OfTable(of)
    projection, source = of, of.follows
    of_streams = (
        source.log == "log" and not source.leaves and projection.key[0] == "stream_id" and not projection.is_wide
    )
    return OfCatchUp(projection) if of_streams else None


async def fill(
    target: Target,
    connection: Connection,
    of: Table | CatchUp[Any, Any],
    rows: Folding,
    *,
    upto: int,
    progress: Progress,
    streams: Streams = ALL,
) -> None:
    """Writes the rows of these streams as of a position. The connection that reads needs a transaction. Raises what the folding raises."""
    # One COPY, so that Postgres writes rows while the next ones are made.
    async with (
        aclosing(_rows(connection, rows, (_tags(of), upto, streams.first, streams.last), progress)) as pages,
        target.connection.transaction(),
    ):
        await target.connection.execute(DURABLE_WHEN_USED)
        await binary_rows.copy(target.connection, target.name, of.columns, pages, schema=target.schema)


async def expected(connection: Connection, of: Table | CatchUp[Any, Any], upto: int) -> int:
    """Returns how many events Postgres expects: to count them would be another reading of the log."""
    return await _estimate(connection, STREAMS.format(columns="data"), (_tags(of), upto, ALL.first, ALL.last))


def _tags(of: Table | CatchUp[Any, Any]) -> list[str]:
    return sorted(of.tags if isinstance(of, Table) else of.follows.tags)


async def _rows(
    connection: Connection, rows: Folding, asked: tuple[Any, ...], progress: Progress
) -> AsyncGenerator[Rows]:
    query, done = STREAMS.format(columns=rows.columns), 0
    await connection.execute(BY_ITS_INDEX)
    total = await _estimate(connection, query, asked)
    cursor = await connection.cursor(query, *asked)
    async with ahead.pages(lambda: cursor.fetch(EVENTS_A_PAGE)) as pages:
        async for page in pages:
            yield rows.take_in(page)
            done += len(page)
            if done % EVENTS_A_PAGE == 0:  # a bar takes as long to move as several events do
                progress(done, max(done, total))
    yield rows.last()
    progress(done, done)


async def _estimate(connection: Connection, query: str, asked: tuple[Any, ...]) -> int:
    planned = await connection.fetchval(f"explain (format json) {query}", *asked)
    return json.decode(planned, type=list[_Explained])[0].plan.rows


class _Plan(Struct, frozen=True):
    rows: int = field(name="Plan Rows")


class _Explained(Struct, frozen=True):
    plan: _Plan = field(name="Plan")
