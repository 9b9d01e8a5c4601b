"""Finds one token in the issuance log by its jti, without an index: a jti is a UUIDv7, so it says when it was made."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from events.batches import positions_until, recorded_at
from events.database import AnyConnection

BATCHES = "log.issuance_batches"
WINDOWS = (timedelta(seconds=2), timedelta(minutes=5))
"""How far the clock of the process may be from that of the database; the first is tried first, because it reads less."""

FIND = """
select position, issued_at, client, secret, jti, data from log.issuance
 where position > $1 and position <= $2 and issued_at between $3 and $4 and jti = $5
"""


async def position_of(connection: AnyConnection, time: datetime) -> int:
    """Returns the position of the last token that was issued by then, 0 if there is none."""
    return (await positions_until(connection, BATCHES, [time]))[0]


async def find(connection: AnyConnection, jti: UUID) -> asyncpg.Record | None:
    """Returns the row of the token, or None if no such token was issued, or if its record was deleted after its time of retention."""
    if jti.version != 7:
        return None
    at = made_at(jti)
    for window in WINDOWS:
        first, last = at - window, at + window
        after, upto = await positions_until(connection, BATCHES, [first, last])
        found = await connection.fetchrow(FIND, after, upto, first, last, jti)
        if found is not None:
            return found
    return None


async def time_of(connection: AnyConnection, position: int) -> datetime | None:
    """Returns when the token of the position was issued, or None if no token has it yet. The time stays when the token is deleted."""
    return await recorded_at(connection, BATCHES, position)


def made_at(jti: UUID) -> datetime:
    """Returns the time of a UUIDv7 (RFC 9562 section 5.7), which is before the year 10900; a later one than we can write is cut off."""
    milliseconds = min(jti.int >> 80, 253_000_000_000_000)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
