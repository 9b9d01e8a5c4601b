"""Counts per minute (or day), and values that may be used only once. They are in the database, so all processes share them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import TypeVar

import asyncpg
from msgspec import Struct

from events.database import LOST, AnyConnection, Connection, unavailable
from events.database_session import DatabaseSession
from events.group_commit import Batcher

COUNT = """
insert into limits.counts as c (key, minute, used)
select key, date_trunc(case when starts_with(key, 'day ') then 'day' else 'minute' end, statement_timestamp(), 'UTC'), n
  from unnest($1::text[], $2::int[]) as asked(key, n)
on conflict (key, minute) do update set used = c.used + excluded.used
returning key, used, minute, extract(epoch from
  minute + case when starts_with(key, 'day ') then interval '1 day' else interval '1 minute' end - statement_timestamp())::float8 as rest
"""
SETTLE = """
insert into limits.counts as c (key, minute, used) select * from unnest($1::text[], $2::timestamptz[], $3::int[])
on conflict (key, minute) do update set used = greatest(c.used, least(c.used + excluded.used, $4))
returning key, used, minute, extract(epoch from minute + interval '1 minute' - statement_timestamp())::float8 as rest
"""
"""What was allowed without asking is not counted beyond the limit, so that the first number above it is that of the first refusal."""
GIVE_BACK = "update limits.counts set used = used - 1 where key = $1 and minute = $2 and used > 0"
ONCE = """
insert into limits.used (key, until) select * from unnest($1::text[], $2::timestamptz[]) on conflict do nothing returning key
"""
USED = "select exists(select from limits.used where key = $1)"
FORGET_USED = "delete from limits.used where until < statement_timestamp() - interval '10 minutes'"
"""The clocks of the database and of the processes may differ, and a value is refused by a process's clock."""
FORGET = """
delete from limits.counts where minute < statement_timestamp() - interval '2 minutes'
   and (not starts_with(key, 'day ') or minute < statement_timestamp() - interval '1 day')
"""
A_DAY = "day "
"""The prefix of keys that are counted per day (in UTC) instead of per minute."""

Answer = TypeVar("Answer")


class Counted(Struct, frozen=True):
    """The number of requests in this minute or day up to this one, the seconds until it ends, and its start (`minute`)."""

    used: int
    seconds: int
    minute: datetime

    def headers(self, limit: int) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - self.used)),
            "RateLimit-Reset": str(self.seconds),
        }


class Total(Struct, frozen=True):
    """All that is counted of a key in this minute or day, and the seconds until it ends."""

    used: int
    minute: datetime
    rest: float


class Limits:
    """One per process; concurrent counts go to the database together."""

    def __init__(self, url: str) -> None:
        self._session = DatabaseSession(
            url, synchronous_commit="off"
        )  # a count that is lost in a crash permits one request more
        self._one_at_a_time = asyncio.Lock()
        self._durable = DatabaseSession(url)  # a use that is lost in a crash could be repeated
        self._once_at_a_time = asyncio.Lock()
        self._counts: Batcher[str, Counted] = Batcher(self._count)
        self._uses: Batcher[tuple[str, datetime], bool] = Batcher(self._use, of="commits")

    async def count(self, key: str) -> Counted:
        """Count one more for this key. Raises Unavailable."""
        return await self._counts.submit(key)

    async def add(self, asked: Mapping[str, int]) -> dict[str, Total]:
        """Count so many more for each key. Raises Unavailable."""
        keys = sorted(asked)  # sorted, so that two processes cannot deadlock
        return await self._totals(COUNT, keys, [asked[key] for key in keys])

    async def settle(self, counted: Mapping[str, tuple[datetime, int]], limit: int) -> dict[str, Total]:
        """Count what was counted elsewhere in these minutes, for each key up to the limit. Raises Unavailable."""
        keys = sorted(counted)
        minutes, numbers = [counted[key][0] for key in keys], [counted[key][1] for key in keys]
        return await self._totals(SETTLE, keys, minutes, numbers, limit)

    async def give_back(self, key: str, counted: Counted) -> None:
        """Take back one count of this key. Raises Unavailable."""
        await self._ask(lambda connection: connection.execute(GIVE_BACK, key, counted.minute))

    async def once(self, key: str, until: datetime) -> bool:
        """Return True the first time only, durably. `until` is when the value becomes worthless anyway. Raises Unavailable."""
        return await self._uses.submit((key, until))

    async def was_used(self, key: str) -> bool:
        """Return whether the value was used. Raises Unavailable."""
        return await self._ask(lambda connection: connection.fetchval(USED, key)) is True

    async def close(self) -> None:
        await self._counts.idle()
        await self._uses.idle()
        await self._session.close()
        await self._durable.close()

    async def _count(self, keys: list[str]) -> list[Counted | Exception]:
        return [*numbered(keys, await self.add(Counter(keys)))]

    async def _totals(self, statement: str, *arguments: object) -> dict[str, Total]:
        rows = await self._ask(lambda connection: connection.fetch(statement, *arguments))
        return {row["key"]: Total(row["used"], row["minute"], row["rest"]) for row in rows}

    async def _use(self, uses: list[tuple[str, datetime]]) -> list[bool | Exception]:
        """Of equal keys only the first one is told True."""
        asked = dict(sorted(uses))  # sorted, so that two processes cannot deadlock; of equal keys the longest stays
        try:
            async with self._once_at_a_time, self._durable.using() as connection:
                rows = await connection.fetch(ONCE, list(asked), list(asked.values()))
        except (asyncpg.DeadlockDetectedError, *LOST) as fault:
            raise unavailable("whether this was used before could not be recorded", fault) from fault
        first = {row["key"] for row in rows}
        outcomes: list[bool | Exception] = []
        for key, _ in uses:
            outcomes.append(key in first)
            first.discard(key)
        return outcomes

    async def _ask(self, ask: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        try:
            async with self._one_at_a_time, self._session.using() as connection:
                return await ask(connection)
        except (asyncpg.DeadlockDetectedError, *LOST) as fault:
            raise unavailable("requests could not be counted", fault) from fault


def numbered(keys: Sequence[str], totals: Mapping[str, Total]) -> list[Counted]:
    """Give each request its number. Those of one key were counted together, and are the last ones of its total."""
    left, counted = Counter(keys), list[Counted]()
    for key in keys:
        left[key] -= 1
        total = totals[key]
        counted.append(Counted(total.used - left[key], ceil(total.rest), total.minute))
    return counted


async def forget(connection: AnyConnection) -> None:
    """Delete the counts of past minutes and days, and used values that have expired."""
    await connection.execute(FORGET)
    await connection.execute(FORGET_USED)
