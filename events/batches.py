"""What the batches of a log say about time: when each entry was recorded, and how far the log was at a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from events.database import AnyConnection

RECORDED_AT = "select recorded_at from {batches} where last_position >= {position} order by last_position limit 1"
"""The time of the entry at a position; no row while there is none."""

WAITED = f"coalesce(greatest(extract(epoch from clock_timestamp() - ({RECORDED_AT})), 0), 0)::float8"
"""For how many seconds there has been an entry at a position; 0 while there is none."""

# Times in the log never run backwards, so the last batch of a time is found by halving: about twenty probes of the primary key.
HALVED = """
recursive halved (moment, low, high) as (
  select moment, 0::bigint, (select last_position from {batches} order by last_position desc limit 1)
    from unnest({moments}) as moment
  union all
  select moment,
         case when b.recorded_at {within} moment then b.last_position else low end,
         case when b.recorded_at {within} moment then high else (low + high + 1) / 2 - 1 end
    from halved, lateral (select last_position, recorded_at from {batches} where last_position >= (low + high + 1) / 2
                           order by last_position limit 1) as b
   where low < high)
"""
"""The position of each moment of the array is `low` of the row in which `low >= high`. `within` is < or <=."""

POSITIONS = f"with {HALVED} select low from halved where low >= high order by moment"


async def positions_until(connection: AnyConnection, batches: str, moments: Sequence[datetime]) -> list[int]:
    """Returns the last position that was recorded by each of these moments, which are sorted; 0 if there was none."""
    return await _positions(connection, batches, moments, "<=")


async def positions_before(connection: AnyConnection, batches: str, moments: Sequence[datetime]) -> list[int]:
    """Returns the last position that was recorded before each of these moments, which are sorted; 0 if there was none."""
    return await _positions(connection, batches, moments, "<")


async def recorded_at(connection: AnyConnection, batches: str, position: int) -> datetime | None:
    """Returns the time of the entry at this position, or None while there is none."""
    return await connection.fetchval(RECORDED_AT.format(batches=batches, position="$1"), position)


async def _positions(
    connection: AnyConnection, batches: str, moments: Sequence[datetime], within: Literal["<", "<="]
) -> list[int]:
    statement = POSITIONS.format(batches=batches, within=within, moments="$1::timestamptz[]")
    return [row[0] for row in await connection.fetch(statement, moments)]
