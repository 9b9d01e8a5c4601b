"""Reading either log in order, a page of whole batches at a time: a checkpoint is always the end of a batch."""

from typing import Any, Generic

import asyncpg
from msgspec import Struct

from events import replay
from events.codec import UnreadableEvent
from events.database import AnyConnection
from events.issuance import decode
from events.replay import COLUMNS, Checkpoint, recorded
from projections.catch_up import BATCHES, Entry, Issuance, Source

# The last batch within reach, or else the next one, however large it is.
NEXT = """
select last_position, chain, recorded_at, coalesce((select recorded_at from {batches} where last_position = $1), '-infinity') as since
  from ((select 1 as turn, last_position, chain, recorded_at from {batches}
          where last_position > $1 and last_position <= least($1 + $2, $3) order by last_position desc limit 1)
        union all
        (select 2, last_position, chain, recorded_at from {batches}
          where last_position > $1 and last_position <= $3 order by last_position limit 1)) as b
 order by turn limit 1
"""
EVENTS = f"""
select {COLUMNS} from log.events where position > $1 and position <= $2 and type = any($3::text[]) order by position
"""
TOKENS = """
select position, issued_at, client, secret, jti, data from log.issuance
 where position > $1 and position <= $2 and issued_at between $3 and $4 order by position
"""
BEYOND = 2**62


class Poison(Exception):
    """An entry that a projection cannot take in. The projection stops there, visibly, and no other projection does."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position


class Page(Struct, Generic[Entry], frozen=True):
    """Whole batches of a log, and the checkpoint after them."""

    entries: list[Entry]
    reached: Checkpoint


async def head(connection: AnyConnection, source: Source[Any]) -> Checkpoint:
    return await replay.head(connection, BATCHES[source.log])


async def chain_at(connection: AnyConnection, source: Source[Any], position: int) -> bytes | None:
    return await replay.chain_at(connection, position, BATCHES[source.log])


async def page_after(
    connection: AnyConnection, source: Source[Entry], position: int, *, most: int, upto: int = BEYOND
) -> Page[Entry] | None:
    """About `most` positions after `position`, at least one batch; None at the end of the log (or at `upto`). Raises Poison."""
    last = await connection.fetchrow(NEXT.format(batches=BATCHES[source.log]), position, most, upto)
    if last is None:
        return None
    reached = Checkpoint(last["last_position"], last["chain"])
    if source.log == "log":
        rows = await connection.fetch(EVENTS, position, reached.position, sorted(source.tags))
    else:
        rows = await connection.fetch(TOKENS, position, reached.position, last["since"], last["recorded_at"])
    read: Any = recorded if source.log == "log" else _issuance
    return Page([_read(read, row) for row in rows], reached)


def _read(read: Any, row: asyncpg.Record) -> Any:
    try:
        return read(row)
    except (UnreadableEvent, ValueError) as fault:
        raise Poison(row["position"], str(fault)) from fault


def _issuance(row: asyncpg.Record) -> Issuance:
    position, issued_at, client, secret, jti, data = row
    return Issuance(position=position, issued_at=issued_at, client=client, secret=secret, jti=jti, token=decode(data))
