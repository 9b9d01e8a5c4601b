"""The bounds of a walk: which part of the log it reads, how many rows a query may have, and whether only what is live counts."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct, field

from events.codec import Recorded
from events.database import AnyConnection, NotReached, Pool, read
from events.replay import COLUMNS, head, recorded
from projections import as_of, audit_events, registry
from projections.audit_events import Row
from projections.engine import checkpoints
from projections.engine.hastening import bring_nearer, hasten
from service.blast_radius.consequences import CONSEQUENTIAL
from service.blast_radius.holdings import LOSSES

MOST = 100_000
"""How much one walk reaches before it stops, so that a report takes seconds and some megabytes."""

TAIL = f"""
select {COLUMNS} from log.events where position > $1 and position <= $2 and ($3::text[] is null or type = any($3)) order by position limit $4
"""
BEFORE = timedelta(microseconds=1)

NEAR_SECONDS = 2.0
"""How long a walk waits for the feed, which it goes on with meanwhile: some 25,000 events, if there is little else to do."""


class Issued(Struct, frozen=True, gc=False):
    """A token. `exp` is in seconds since 1970."""

    client_id: str
    exp: int
    authorization: UUID | None


class Live(Struct, frozen=True):
    """Only tokens that are not revoked and expire after `expires_after`; none that was issued before `issued_after` does."""

    issued_after: datetime
    expires_after: int


class Bounds(Struct, kw_only=True):
    """Events after `after`. Those up to `upto` are found in the audit feed; `tail` has those after it, up to `position`.

    A query has fewer than `most` rows, or the walk is `cut` short. `partial` says that it goes on, although it did not see everything.
    `issued` gathers, by jti, what the walk reads of tokens.
    """

    after: int
    upto: int
    position: int
    most: int
    live: Live | None = None
    tail: Sequence[tuple[Row, Recorded]] = ()
    cut: bool = False
    partial: bool = False
    issued: dict[str, Issued] = field(default_factory=dict[str, Issued])

    @property
    def types(self) -> list[str] | None:
        """The types of the events that lead to something else than a change; None for all."""
        return None if self.live is None else sorted(CONSEQUENTIAL)

    async def rows(self, connection: AnyConnection, query: str, *values: object) -> list[asyncpg.Record]:
        found = await connection.fetch(query, *values)
        self.cut |= len(found) >= self.most
        return found


async def bring_feed_near(pool: Pool) -> None:
    """Go on with the audit feed, for NEAR_SECONDS at most, until no more is left after it than a walk reads by itself. Raises Unavailable."""
    until = time.monotonic() + NEAR_SECONDS
    while await read(pool, _left) > MOST and time.monotonic() < until:
        await bring_nearer(pool, audit_events.PROJECTION)


async def follow_feed(connection: AnyConnection) -> None:
    """The same, however long it takes, unless another process is at it."""
    while await _left(connection) > MOST and await hasten(connection, audit_events.PROJECTION, registry.catch_up()):
        pass


async def _left(connection: AnyConnection) -> int:
    return (await head(connection)).position - await _feed(connection)


async def _feed(connection: AnyConnection) -> int:
    """Return how far the feed is."""
    standing = await checkpoints.live(connection, audit_events.PROJECTION)
    return 0 if standing is None else standing.position


async def bounds_of(connection: AnyConnection, since: datetime, live: Live | None = None) -> Bounds:
    """Return the bounds of a walk up to the end of the log. Raises NotReached if the audit feed is far behind it."""
    upto, position = await _feed(connection), (await head(connection)).position
    after = await as_of.position_of(connection, since - BEFORE)
    bounds = Bounds(after=position if after is None else after, upto=upto, position=position, most=MOST + 1, live=live)
    types = None if bounds.types is None else [*bounds.types, *LOSSES]
    rows = await connection.fetch(TAIL, upto, position, types, bounds.most)
    if len(rows) == bounds.most:
        raise NotReached(f"the audit feed has reached position {upto} of {position}")
    entries = [recorded(row) for row in rows]
    bounds.tail = list(zip(await audit_events.rows_of(connection, entries), entries, strict=True))
    return bounds
