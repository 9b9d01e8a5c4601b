"""Finds one token in the issuance log by its jti, without an index: a jti is a UUIDv7, so it says when it was made."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from events.database import AnyConnection

WINDOWS = (timedelta(seconds=2), timedelta(minutes=5))
"""How far the clock of the process may be from that of the database; the first is tried first, because it reads less."""

# Times in the log never run backwards, so the last batch up to a time is found by halving: about twenty probes of the primary key.
POSITIONS_OF = """
with recursive halved (moment, low, high) as (
  select moment, 0::bigint, (select last_position from log.issuance_batches order by last_position desc limit 1)
    from unnest($1::timestamptz[]) as moment
  union all
  select moment,
         case when b.recorded_at <= moment then b.last_position else low end,
         case when b.recorded_at <= moment then high else (low + high + 1) / 2 - 1 end
    from halved, lateral (select last_position, recorded_at from log.issuance_batches where last_position >= (low + high + 1) / 2
                           order by last_position limit 1) as b
   where low < high)
select low from halved where low >= high order by moment
"""
TIME_OF = "select recorded_at from log.issuance_batches where last_position >= $1 order by last_position limit 1"
FIND = """
select position, issued_at, client, secret, jti, data from log.issuance
 where position > $1 and position <= $2 and issued_at between $3 and $4 and jti = $5
"""


async def position_of(connection: AnyConnection, time: datetime) -> int:
    """Returns the position of the last token that was issued by then, 0 if there is none."""
    return await connection.fetchval(POSITIONS_OF, [time])


async def find(connection: AnyConnection, jti: UUID) -> asyncpg.Record | None:
    """Returns the row of the token, or None if no such token was issued, or if its record was deleted after its time of retention."""
    if jti.version != 7:
        return None
    at = made_at(jti)
    for window in WINDOWS:
        first, last = at - window, at + window
        after, upto = [row[0] for row in await connection.fetch(POSITIONS_OF, [first, last])]
        found = await connection.fetchrow(FIND, after, upto, first, last, jti)
        if found is not None:
            return found
    return None


async def time_of(connection: AnyConnection, position: int) -> datetime | None:
    """Returns when the token of the position was issued, or None if no token has it yet. The time stays when the token is deleted."""
    return await connection.fetchval(TIME_OF, position)


def made_at(jti: UUID) -> datetime:
    """Returns the time of a UUIDv7 (RFC 9562 section 5.7), which is before the year 10900; a later one than we can write is cut off."""
    milliseconds = min(jti.int >> 80, 253_000_000_000_000)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
