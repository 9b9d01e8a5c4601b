"""Verifies a log: computes every leaf, root and chain value from the stored bytes, and reports the first that differs."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
from msgspec import Struct

from events.ahead import collected_seldom
from events.chain import event_leaf, issuance_leaf, next_chain, root_of
from events.database import Connection
from events.relations import fault_of
from events.replay import SECONDS, Checkpoint, chain_at
from events.retention import HORIZON

POSITIONS_A_PAGE = 5000
"""So few that a page fits into the processor's cache, and memory stays flat for any size of the batches."""

LEAST, END, MOST = -(2**63), 2**63 - 1, 2**31 - 1
"""The smallest and the largest position that a column can hold, and the largest number of rows of one fetch."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The time of the genesis row. Its chain value covers only its root; its other values are the same in every log."""


class Fault(Exception):
    """The log is not as it was written. `position` is the first one that differs."""

    def __init__(self, log: str, position: int, what: str) -> None:
        super().__init__(f"{log}, position {position}: {what}")
        self.log = log
        self.position = position
        self.what = what


class Chained(Struct, frozen=True, kw_only=True):
    """One of the two logs. `leaf` returns the hash of a row, or None if the stored leaf does not match the stored bytes."""

    name: str
    batches: str
    table: str
    rows: str
    time: str
    """The column of `rows` that has the time of the batch."""

    leaf: Callable[[asyncpg.Record], bytes | None]
    horizon: str | None = None
    """The query for the last position that retention deleted. Of what it deleted, the roots of the batches are verified."""

    @property
    def page(self) -> str:
        """The query for whole batches after $1 and up to $2, at least one if there is any."""
        columns = "last_position, first_position, recorded_at, root, chain"
        following = f"(select min(last_position) from {self.batches} where last_position > $1)"
        end = f"greatest($1::bigint + {POSITIONS_A_PAGE}, {following})"
        return f"select {columns} from {self.batches} where last_position > $1 and last_position <= least($2, {end}) order by last_position"

    @property
    def timed_page(self) -> str:
        """The same with the time in seconds, too."""
        return self.page.replace("recorded_at,", f"recorded_at, {SECONDS.format('recorded_at')},", 1)

    @property
    def timed_rows(self) -> str:
        """`rows` with the time in seconds, for the reason of events.replay.READ_IN_BULK."""
        return self.rows.replace(f"{self.time},", f"{SECONDS.format(self.time)},", 1)


def _checked_event_leaf(row: asyncpg.Record) -> bytes | None:
    _, _, stream, version, schema, kind, meta, data, stored = row
    leaf = event_leaf(stream=stream, version=version, schema_version=schema, kind=kind, meta=meta, data=data)
    return leaf if leaf == stored else None


def _issuance_leaf(row: asyncpg.Record) -> bytes:
    _, _, client, secret, jti, data = row
    return issuance_leaf(client=client, secret=secret, jti=jti, data=data)


EVENTS = Chained(
    name="event log",
    batches="log.batches",
    table="log.events",
    rows="select position, recorded_at, stream_id, version, schema_ver, type, meta, data, leaf from log.events"
    " where position > $1 and position <= $2 order by position",
    time="recorded_at",
    leaf=_checked_event_leaf,
)
ISSUANCE = Chained(
    name="issuance log",
    batches="log.issuance_batches",
    table="log.issuance",
    rows="select position, issued_at, client, secret, jti, data from log.issuance"
    " where position > $1 and position <= $2 order by position, issued_at, jti",  # no index keeps a position from being taken twice
    time="issued_at",
    leaf=_issuance_leaf,
    horizon=HORIZON,
)


async def verify(
    connection: Connection, log: Chained, *, through: Checkpoint | None = None
) -> AsyncIterator[Checkpoint]:
    """Yields each checkpoint that is verified; the last one is the head of the log. Raises Fault.

    With `through`, the log must contain that checkpoint. Only this detects a log whose end was cut off, or that was rewritten
    with all its hashes.
    Call it inside a repeatable-read transaction, so that it sees one snapshot while others append.
    """
    reached = genesis = await begun(connection, log)
    yield genesis
    async for reached in walk(connection, log, genesis):
        yield reached
    if through:
        await goes_through(connection, log, through, reached.position)


async def begun(connection: Connection, log: Chained) -> Checkpoint:
    """Returns the beginning of the log, which is whole. Raises Fault."""
    for table in (log.table, log.batches):
        if what := await fault_of(connection, table):
            raise Fault(log.name, 0, what)
    return await _genesis(connection, log)


async def walk(connection: Connection, log: Chained, reached: Checkpoint, upto: int = END) -> AsyncIterator[Checkpoint]:
    """Yields each checkpoint after one that is whole, up to the end of a batch, or of the log. Raises Fault."""
    horizon = await connection.fetchval(log.horizon) if log.horizon else 0
    # One cursor reads all rows. It begins below position 1, where no row may be.
    rows = await connection.cursor(log.timed_rows, reached.position or LEAST, upto)
    with collected_seldom():
        while batches := await connection.fetch(log.timed_page, reached.position, upto):
            expected = batches[-1]["last_position"] - max(reached.position, horizon)
            found = await rows.fetch(min(expected, MOST)) if expected > 0 else []
            reached = _walk(log, reached, batches, found, horizon)
            yield reached
    if surplus := await rows.fetchrow():
        raise Fault(log.name, surplus["position"], "no batch accounts for this row, nor for what follows it")


async def _genesis(connection: Connection, log: Chained) -> Checkpoint:
    found = await connection.fetch(
        f"select last_position, first_position, recorded_at, chain, root from {log.batches} where last_position < 1 order by 1"
    )
    if not found or found[-1]["last_position"] != 0:
        raise Fault(log.name, 0, "no batch ends here: the genesis row is gone")
    last, first, recorded_at, chain, root = found[0]
    if last != 0:
        raise Fault(log.name, last, "a batch ends here, before the log begins")
    if (first, recorded_at) != (0, BEGINNING):
        raise Fault(log.name, 0, "the genesis row's first position or time was changed")
    if chain != root_of([root]):
        raise Fault(log.name, 0, "the genesis chain value is not the hash of the log's id")
    return Checkpoint(0, chain)


async def goes_through(connection: Connection, log: Chained, seen: Checkpoint, last: int) -> None:
    """Raises Fault if the log, which is whole up to `last`, does not contain a checkpoint that was seen."""
    chain = await chain_at(connection, seen.position, log.batches)
    if last < seen.position:
        what = f"the log ends at {last}, but the checkpoint saw it at {seen.position}: its tail was cut off"
        raise Fault(log.name, last + 1, what)
    if chain is None:
        raise Fault(log.name, seen.position, "no batch ends here, where the checkpoint saw one")
    if chain != seen.chain:
        what = "the chain value here is not the checkpoint's: the history before it was changed"
        raise Fault(log.name, seen.position, what)


def _walk(log: Chained, reached: Checkpoint, batches: list[Any], rows: list[Any], horizon: int) -> Checkpoint:
    unread = iter(rows)
    for batch in batches:
        last, first, recorded_at, _, root, chain = batch
        if first != reached.position + 1:
            raise Fault(log.name, reached.position + 1, f"the next batch begins at {first}: what was between is gone")
        if first > horizon and _root(log, batch, unread) != root:
            raise Fault(
                log.name,
                first,
                f"the events of the batch {first} to {last} are not those that were committed, or not in that order",
            )
        if next_chain(reached.chain, first=first, last=last, recorded_at=recorded_at, root=root) != chain:
            raise Fault(
                log.name, first, f"the chain value of the batch {first} to {last} does not follow from the one before"
            )
        reached = Checkpoint(last, chain)
    return reached


def _root(log: Chained, batch: asyncpg.Record, rows: Iterator[asyncpg.Record]) -> bytes:
    last, first, _, seconds, _, _ = batch
    return root_of(_leaf(log, position, seconds, next(rows, None)) for position in range(first, last + 1))


def _leaf(log: Chained, position: int, seconds: float, row: asyncpg.Record | None) -> bytes:
    if row is None or row[0] > position:
        raise Fault(log.name, position, "this row is gone")
    if row[0] < position:
        raise Fault(log.name, row[0], "a row stands here that was not committed")
    if row[1] != seconds:
        raise Fault(log.name, position, "its time was changed")
    leaf = log.leaf(row)
    if leaf is None:
        raise Fault(log.name, position, "its stored bytes were changed")
    return leaf
