"""Retention: the days of issued tokens that were deleted, and the event that says so."""

from datetime import date, datetime

from msgspec import Struct

from events.database import AnyConnection

OLDEST = """
select to_date(right(relid::text, 8), 'YYYYMMDD') as day from pg_partition_tree('log.issuance')
 where isleaf and relid::text ~ '^log[.]issuance_[0-9]{8}$' and to_date(right(relid::text, 8), 'YYYYMMDD') < $1 order by 1
"""
LATELY = """
select day, first_position, last_position, dropped_at from log.issuance_dropped
 where dropped_at > clock_timestamp() - interval '7 days' order by last_position
"""
OF_DAY = """
select min(position), max(position) from log.issuance
 where issued_at >= $1::date::timestamp at time zone 'UTC' and issued_at < ($1::date + 1)::timestamp at time zone 'UTC'
"""
HORIZON = "select coalesce(max(last_position), 0) from log.issuance_dropped"


class TokensDropped(Struct, frozen=True, kw_only=True, gc=False, tag="retention.tokens_dropped"):
    """The records of the tokens of this UTC day were deleted: the positions from `first` to `last` of the issuance log."""

    day: date
    first: int
    last: int
    at: datetime


RetentionEvent = TokensDropped


async def days_before(connection: AnyConnection, day: date) -> list[date]:
    """Returns the UTC days before this one whose tokens are still there, oldest first."""
    return [row[0] for row in await connection.fetch(OLDEST, day)]


async def positions(connection: AnyConnection, day: date) -> tuple[int, int] | None:
    """Returns the first and last position of the issuance log on this UTC day, or None if no token was issued on it."""
    row = await connection.fetchrow(OF_DAY, day)
    return None if row is None or row[0] is None else (row[0], row[1])


async def keep(connection: AnyConnection, day: date) -> None:
    """Keeps the leaves and the counts of this day's tokens. Can be repeated."""
    await connection.execute("select log.keep_of_issuance($1)", day)


async def drop(connection: AnyConnection, day: date) -> None:
    """Deletes this day's tokens. Raises asyncpg's ObjectNotInPrerequisiteStateError, or LockNotAvailableError while somebody reads."""
    await connection.execute("select log.drop_issuance($1)", day)


async def lately_dropped(connection: AnyConnection) -> list[TokensDropped]:
    """Returns the deletions of the last seven days."""
    rows = await connection.fetch(LATELY)
    return [TokensDropped(day=day, first=first, last=last, at=at) for day, first, last, at in rows]
