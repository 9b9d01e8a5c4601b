"""Reading either log in order, a page of whole batches at a time: a checkpoint is always the end of a batch."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Generic

import asyncpg
from msgspec import Struct

from events import replay
from events.codec import Recorded, UnreadableEvent
from events.database import LOST, UNFIT, AnyConnection
from events.issuance import TokenIssued, decode
from events.replay import READ_IN_BULK, Checkpoint, read_in_bulk
from events.retention import HORIZON
from events.transparency.entries import EVENT_LEAF, TOKEN_LEAF
from events.transparency.tree import HASH_BYTES, WIDTH
from projections.catch_up import BATCHES, UNKNOWN, Entry, Issuance, LeafRun, Source

PASSING = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError, *LOST, *UNFIT)
"""What says nothing of the entries: the step is tried again."""

# The last batch within reach, or else the next one, however large it is.
NEXT = """
select last_position, b.chain, b.recorded_at, coalesce(before.recorded_at, '-infinity') as since, before.chain as before
  from ((select 1 as turn, last_position, chain, recorded_at from {batches}
          where last_position > $1 and last_position <= least($1 + $2, $3) order by last_position desc limit 1)
        union all
        (select 2, last_position, chain, recorded_at from {batches}
          where last_position > $1 and last_position <= $3 order by last_position limit 1)) as b
  left join (select recorded_at, chain from {batches} where last_position = $1) as before on true
 order by turn limit 1
"""
EVENTS = f"""
select {READ_IN_BULK} from log.events where position > $1 and position <= $2 and type = any($3::text[]) order by position
"""
TOKENS = """
select position, issued_at, client, secret, jti, data from log.issuance
 where position > $1 and position <= $2 and issued_at between $3 and $4 order by position
"""
RUNS = f"""
select min(position) - 1 as first, string_agg(leaf, ''::bytea order by position) as hashes
  from (select position, {{leaf}} as leaf from {{rows}}) as hashed group by (position - 1) / {WIDTH} order by 1
"""
EVENT_LEAVES = RUNS.format(leaf=EVENT_LEAF, rows="log.events where position > $1 and position <= $2")
TOKEN_LEAVES = RUNS.format(
    leaf=TOKEN_LEAF, rows="log.issuance where position > $1 and position <= $2 and issued_at between $3 and $4"
)
KEPT_LEAVES = f"""
select first, hashes from log.issuance_leaves where first > $1 - {WIDTH} and first < least($2, ({HORIZON})) order by first
"""
USES = """
select last_position, used_at, client, secret, sub, tokens, scope, audience, first_at
  from log.issuance_uses join log.issuance_dropped using (last_position)
 where last_position > $1 and last_position <= $2 order by last_position, client, secret, sub
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

    def of(self, source: Source[Entry]) -> list[Entry]:
        """Returns what the source has of the page, which was read for several."""
        entries: list[Any] = self.entries
        return [each for each in entries if each.type in source.tags] if source.tags else entries


class Bounds(Struct, frozen=True):
    """Of whole batches of a log: positions after the first and up to the second, which were recorded between these times.

    `before` is the chain value at the first, None if no batch ends there.
    """

    within: tuple[int, int]
    times: tuple[datetime, datetime]
    before: bytes | None
    reached: Checkpoint


def source_of(sources: Sequence[Source[Entry]]) -> Source[Entry]:
    """Returns a source that has what each of these has, which are of one kind."""
    return sources[0].__replace__(tags=frozenset[str]().union(*(source.tags for source in sources)))


async def head(connection: AnyConnection, source: Source[Any]) -> Checkpoint:
    return await replay.head(connection, BATCHES[source.log])


async def chain_at(connection: AnyConnection, source: Source[Any], position: int) -> bytes | None:
    return await replay.chain_at(connection, position, BATCHES[source.log])


async def bounds_after(
    connection: AnyConnection, source: Source[Any], position: int, *, most: int, upto: int = BEYOND
) -> Bounds | None:
    """Returns those of about `most` positions after `position`, at least one batch; None at the end of the log (or at `upto`)."""
    last = await connection.fetchrow(NEXT.format(batches=BATCHES[source.log]), position, most, upto)
    if last is None:
        return None
    reached = Checkpoint(last["last_position"], last["chain"])
    return Bounds((position, reached.position), (last["since"], last["recorded_at"]), last["before"], reached)


async def page_after(
    connection: AnyConnection, source: Source[Entry], position: int, *, most: int, upto: int = BEYOND
) -> Page[Entry] | None:
    """Returns the entries within these bounds. Raises Poison."""
    bounds = await bounds_after(connection, source, position, most=most, upto=upto)
    return None if bounds is None else Page(await within(connection, source, bounds), bounds.reached)


async def within(connection: AnyConnection, source: Source[Any], bounds: Bounds) -> list[Any]:
    """Returns the entries within the bounds. Raises Poison."""
    positions, times = bounds.within, bounds.times
    match source:
        case Source(log="log", leaves=False):
            rows = await connection.fetch(EVENTS, *positions, sorted(source.tags))
            return _events(rows)
        case Source(log="issuance", leaves=False):
            return list(await _tokens(connection, positions, times))
        case Source(log="log"):
            return list(_runs(await _by_tile(connection, EVENT_LEAVES, positions), *positions))
        case _:
            kept = await connection.fetch(KEPT_LEAVES, *positions)
            return list(_runs([*kept, *await _by_tile(connection, TOKEN_LEAVES, positions, *times)], *positions))


async def _tokens(
    connection: AnyConnection, within: tuple[int, int], times: tuple[datetime, datetime]
) -> list[Issuance]:
    """Returns the tokens, and of days that retention deleted the sums, each at the last position of its day."""
    found = [_read(issuance, row) for row in await connection.fetch(TOKENS, *within, *times)]
    if len(found) == within[1] - within[0]:
        return found
    return [*(_sum(row) for row in await connection.fetch(USES, *within)), *found]


async def _by_tile(
    connection: AnyConnection, query: str, within: tuple[int, int], *times: datetime
) -> list[asyncpg.Record]:
    """Returns what the query finds, asked for one tile after the other. Each takes Postgres about a millisecond, after which the commit of
    a token has its turn: the scheduler of Linux may let it wait for 4 ms while another process computes.
    """
    ends = _tile_ends(*within)
    return [row for after, end in pairwise(ends) for row in await connection.fetch(query, after, end, *times)]


def _tile_ends(after: int, upto: int) -> list[int]:
    """Returns where the tiles between these positions end, with both."""
    return [after, *range(after - after % WIDTH + WIDTH, upto, WIDTH), upto]


def _runs(pieces: list[asyncpg.Record], after: int, upto: int) -> list[LeafRun]:
    """Joins pieces that follow each other, and cuts them where a tile ends.

    Raises Poison where a row is missing: a tree over the rest would be the tree of another log.
    """
    joined = bytearray()
    for first, hashes in pieces:
        skipped = after + len(joined) // HASH_BYTES - first
        if skipped < 0:
            break
        joined += hashes[skipped * HASH_BYTES :]
    there = after + len(joined) // HASH_BYTES
    if there < upto:
        # A run has no gap that can be seen, only fewer hashes, so what is named is the tile in which a row is missing.
        there = max(after, there - there % WIDTH)
        raise Poison(
            there + 1, f"rows from here to position {upto} are gone, and the tree cannot be computed without them"
        )
    return [
        LeafRun(first=first, hashes=bytes(joined[(first - after) * HASH_BYTES : (end - after) * HASH_BYTES]))
        for first, end in pairwise(_tile_ends(after, upto))
    ]


def _events(rows: list[asyncpg.Record]) -> list[Recorded]:
    found: list[Recorded] = []
    try:
        for event in read_in_bulk(rows):
            found.append(event)  # noqa: PERF402 - how many there are says which row cannot be read
    except (UnreadableEvent, ValueError) as fault:
        raise Poison(rows[len(found)]["position"], str(fault)) from fault
    return found


def _read(read: Any, row: asyncpg.Record) -> Any:
    try:
        return read(row)
    except (UnreadableEvent, ValueError) as fault:
        raise Poison(row["position"], str(fault)) from fault


def issuance(row: asyncpg.Record) -> Issuance:
    """Returns the token of a row of the issuance log."""
    position, issued_at, client, secret, jti, data = row
    return Issuance(position=position, issued_at=issued_at, client=client, secret=secret, jti=jti, token=decode(data))


def _sum(row: asyncpg.Record) -> Issuance:
    position, used_at, client, secret, sub, tokens, scope, audience, first_at = row
    by_user = None if sub else UNKNOWN
    token = TokenIssued(sub=sub, scope=scope or "", kid="", exp=0, authorization=by_user, audience=audience)
    return Issuance(
        position=position,
        issued_at=used_at,
        client=client,
        secret=secret,
        jti=UNKNOWN,
        token=token,
        tokens=tokens,
        since=first_at,
        has_scope=scope is not None,
    )
