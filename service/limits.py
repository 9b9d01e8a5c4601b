"""How often somebody may ask in one minute (or one day), and what is good only once. Kept in the database, so that it is the same however many processes there are."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import asyncpg
from msgspec import Struct

from events.database import LOST, AnyConnection, Connection, DatabaseSession, unavailable
from events.group_commit import Batcher

COUNT = """
insert into limits.counts as c (key, minute, used)
select key, date_trunc(case when starts_with(key, 'day ') then 'day' else 'minute' end, statement_timestamp(), 'UTC'), n
  from unnest($1::text[], $2::int[]) as asked(key, n)
on conflict (key, minute) do update set used = c.used + excluded.used
returning key, used, minute, ceil(extract(epoch from
  minute + case when starts_with(key, 'day ') then interval '1 day' else interval '1 minute' end - statement_timestamp()))::int as seconds
"""
GIVE_BACK = "update limits.counts set used = used - 1 where key = $1 and minute = $2 and used > 0"
ONCE = "insert into limits.used (key, until) values ($1, $2) on conflict do nothing returning true"
FORGET_USED = "delete from limits.used where until < statement_timestamp()"
FORGET = """
delete from limits.counts where minute < statement_timestamp() - interval '2 minutes'
   and (not starts_with(key, 'day ') or minute < statement_timestamp() - interval '1 day')
"""
A_DAY = "day "
"""What the keys begin with that are counted for a day (in UTC) instead of a minute."""

Answer = TypeVar("Answer")


class Counted(Struct, frozen=True):
    """The how-many-th request of this minute (or day, and then `minute` is its first) it was, and how many seconds are left of it."""

    used: int
    seconds: int
    minute: datetime

    def headers(self, limit: int) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - self.used)),
            "RateLimit-Reset": str(self.seconds),
        }


class Limits:
    """One per process; concurrent counts go to the database together."""

    def __init__(self, url: str) -> None:
        self._session = DatabaseSession(
            url, synchronous_commit="off"
        )  # a count that is lost in a crash lets somebody ask once more
        self._one_at_a_time = asyncio.Lock()
        self._durable = DatabaseSession(url)  # what was used once and is forgotten in a crash could be used again
        self._once_at_a_time = asyncio.Lock()
        self._counts: Batcher[str, Counted] = Batcher(self._count)

    async def count(self, key: str) -> Counted:
        """Counts one more for this key. Raises Unavailable."""
        return await self._counts.submit(key)

    async def give_back(self, key: str, counted: Counted) -> None:
        """Takes one count of this key back. Raises Unavailable."""
        await self._ask(lambda connection: connection.execute(GIVE_BACK, key, counted.minute))

    async def once(self, key: str, until: datetime) -> bool:
        """True the first time only, durably; `until` is when what the key names is worth nothing anyway. Raises Unavailable."""
        try:
            async with self._once_at_a_time, self._durable.using() as connection:
                return await connection.fetchval(ONCE, key, until) is True
        except LOST as fault:
            raise unavailable("whether this was used before could not be recorded", fault) from fault

    async def close(self) -> None:
        await self._counts.idle()
        await self._session.close()
        await self._durable.close()

    async def _count(self, keys: list[str]) -> list[Counted | Exception]:
        asked = {key: keys.count(key) for key in sorted(set(keys))}  # sorted, so that two processes cannot deadlock
        rows = await self._ask(lambda connection: connection.fetch(COUNT, list(asked), list(asked.values())))
        counted = {row["key"]: row for row in rows}
        outcomes: list[Counted | Exception] = []
        for key in keys:
            asked[key] -= 1
            row = counted[key]
            outcomes.append(Counted(row["used"] - asked[key], row["seconds"], row["minute"]))
        return outcomes

    async def _ask(self, ask: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        try:
            async with self._one_at_a_time, self._session.using() as connection:
                return await ask(connection)
        except (asyncpg.DeadlockDetectedError, *LOST) as fault:
            raise unavailable("requests could not be counted", fault) from fault


async def forget(connection: AnyConnection) -> None:
    """Minutes and days that are over, and what is good for nothing any more."""
    await connection.execute(FORGET)
    await connection.execute(FORGET_USED)
