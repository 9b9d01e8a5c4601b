"""Reads of histories: what there was when the log ended at a position."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events import locks
from events.batches import HALVED
from events.database import AnyConnection
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.history import History, Snapshot
from projections.intervals import nodes_at

POSITION_OF = f"""
with {HALVED.format(batches="log.batches", within="<=", moments="array[$1::timestamptz]")}
select low, low = (select last_position from log.batches order by last_position desc limit 1) as is_head, clock_timestamp() < moment as is_future
  from halved where low >= high
"""
AFTER_APPENDS = locks.in_transaction_shared(locks.EVENTS)
FIND = """
select c.version, c.position, c.state = 'failed', (
    select case when from_position <= wanted.position then snapshot end
      from read."{name}" where stream_id = wanted.stream and to_position > wanted.position order by to_position limit 1)
  from unnest($1::uuid[], $2::bigint[]) with ordinality as wanted (stream, position, number) left join read.checkpoints c on c.name = $3
 order by number
"""
# Without `offset 0` the planner joins all nodes at once, and reads the whole index for it.
SWEEP = """
with there as materialized (
  select stream_id, to_position from (
    select h.* from unnest($2::bigint[]) as at (node) cross join lateral
      (select stream_id, to_position, {columns} from read."{name}" where node = at.node and from_position <= $1 offset 0) as h
    union all
    select h.* from unnest($3::bigint[]) as at (node) cross join lateral
      (select stream_id, to_position, {columns} from read."{name}" where node = at.node and to_position > $1 offset 0) as h) as h
   where ($4::uuid is null or stream_id {after} $4) {filters} order by stream_id {order} limit $5)
select snapshot from there join read."{name}" using (stream_id, to_position) order by stream_id {order}
"""
WALK = """
select snapshot from read."{name}" as h
 where from_position <= $1 and $1 < to_position and ($2::uuid is null or stream_id {after} $2) {filters} order by stream_id {order} limit $3
"""
GONE = """
select snapshot from read."{name}" as h
 where gone and ($1::uuid is null or stream_id {after} $1) {filters}
   and not exists (select from read."{name}" n where n.stream_id = h.stream_id and n.to_position > h.to_position)
 order by stream_id {order} limit $2
"""


class Behind(Exception):
    """The projection does not include the position yet. `failed` says that it follows the log no further until it is rebuilt."""

    def __init__(self, name: str, reached: int, *, failed: bool) -> None:
        self.failed = failed
        how = "has stopped" if failed else "is"
        super().__init__(f"The projection {name} {how} at position {reached}.")


async def position_of(connection: AnyConnection, time: datetime) -> int | None:
    """Returns the position of the last batch that was recorded by then, 0 if there is none; None for a time in the future."""
    found = await connection.fetchrow(POSITION_OF, time)
    assert found is not None
    if found["is_head"] and not found["is_future"]:
        # An append that is about to commit may have an earlier time, so it is waited for.
        await connection.execute(AFTER_APPENDS)
        found = await connection.fetchrow(POSITION_OF, time)
        assert found is not None
    return None if found["is_future"] else found["low"]


async def check(connection: AnyConnection, history: History[Any], position: int) -> None:
    """Raises Behind if the history does not include everything up to this position."""
    await check_reached(connection, history.catch_up(), position)


async def check_reached(connection: AnyConnection, projection: CatchUp[Any, Any], position: int) -> None:
    """Raises Behind if the projection does not include everything up to this position."""
    live = await checkpoints.live(connection, projection)
    if live is None or live.version != projection.version:
        raise Behind(projection.name, 0, failed=False)
    if live.position < position:
        raise Behind(projection.name, live.position, failed=live.state == "failed")


async def find(connection: AnyConnection, history: History[Snapshot], stream: UUID, position: int) -> Snapshot | None:
    """Returns what the history keeps of this stream's row that was current at the position. Raises Behind as `check` does."""
    (found,) = await found_at(connection, history, [(stream, position)])
    if isinstance(found, Behind):
        raise found
    return found


async def found_at(
    connection: AnyConnection, history: History[Snapshot], wanted: Sequence[tuple[UUID, int]]
) -> list[Snapshot | Behind | None]:
    """Returns what `find` does of each stream and position, in their order, by one statement."""
    streams, positions = [stream for stream, _ in wanted], [position for _, position in wanted]
    try:
        rows = await connection.fetch(FIND.format(name=history.name), streams, positions, history.name)
    except asyncpg.UndefinedTableError:  # nobody has followed yet
        return [Behind(history.name, 0, failed=False) for _ in wanted]
    return [_found(history, position, row) for position, row in zip(positions, rows, strict=True)]


def _found(history: History[Snapshot], wanted: int, record: asyncpg.Record) -> Snapshot | Behind | None:
    version, reached, failed, snapshot = record
    if version != history.version:
        return Behind(history.name, 0, failed=False)
    if reached < wanted:
        return Behind(history.name, reached, failed=failed)
    return None if snapshot is None else _decoder(history.table.row).decode(snapshot)


class Wanted(Struct, frozen=True, kw_only=True):
    """A page of a list. `filters` are conditions on the history's columns, each with the value for its {}."""

    position: int
    after: UUID | None
    limit: int
    filters: Mapping[str, Any] = {}
    newest_first: bool = False


async def listed(connection: AnyConnection, history: History[Snapshot], wanted: Wanted) -> list[Snapshot]:
    """Returns what was current at the position, in the order of streams or the reverse, at most `limit`."""
    given: list[object]
    if history.swept:
        nodes = nodes_at(wanted.position)
        given = [wanted.position, nodes.later, nodes.earlier, wanted.after, wanted.limit]
    else:
        given = [wanted.position, wanted.after, wanted.limit]
    filters = " ".join(
        f"and {condition.format(f'${number}')}" for number, condition in enumerate(wanted.filters, start=len(given) + 1)
    )
    statement = (SWEEP if history.swept else WALK).format(
        name=history.name,
        columns=", ".join(history.columns),
        filters=filters,
        after="<" if wanted.newest_first else ">",
        order="desc" if wanted.newest_first else "asc",
    )
    rows = await connection.fetch(statement, *given, *wanted.filters.values())
    return [_decoder(history.table.row).decode(row[0]) for row in rows]


async def deleted(connection: AnyConnection, history: History[Snapshot], wanted: Wanted) -> list[Snapshot]:
    """Returns the last version of what is deleted, in the order of streams or the reverse. The position does not matter.

    The history marks in the column `gone` which versions a deletion ended, so that no others are read.
    """
    filters = " ".join(
        f"and {condition.format(f'${number}')}" for number, condition in enumerate(wanted.filters, start=3)
    )
    statement = GONE.format(
        name=history.name,
        filters=filters,
        after="<" if wanted.newest_first else ">",
        order="desc" if wanted.newest_first else "asc",
    )
    rows = await connection.fetch(statement, wanted.after, wanted.limit, *wanted.filters.values())
    return [_decoder(history.table.row).decode(row[0]) for row in rows]


@cache
def _decoder(kind: type[Struct]) -> json.Decoder[Any]:
    return json.Decoder(kind)
