"""How often somebody may ask in one minute. Counted in the database, so that the limit is the same however many processes there are."""

import asyncpg
from msgspec import Struct

from events.batching import Batcher
from events.database import LOST, AnyConnection, Session, Unavailable

COUNT = """
insert into limits.counts as c (key, minute, used)
select key, date_trunc('minute', statement_timestamp()), n from unnest($1::text[], $2::int[]) as asked(key, n)
on conflict (key, minute) do update set used = c.used + excluded.used
returning key, used, ceil(extract(epoch from minute + interval '1 minute' - statement_timestamp()))::int as seconds
"""
FORGET = "delete from limits.counts where minute < statement_timestamp() - interval '2 minutes'"


class Counted(Struct, frozen=True):
    """The how-many-th request of this minute it was, and how many seconds the minute has left."""

    used: int
    seconds: int

    def headers(self, limit: int) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - self.used)),
            "RateLimit-Reset": str(self.seconds),
        }


class Limits:
    """One per process; concurrent counts go to the database together."""

    def __init__(self, url: str) -> None:
        self._session = Session(url, synchronous_commit="off")
        self._counts: Batcher[str, Counted] = Batcher(self._count)

    async def count(self, key: str) -> Counted:
        """Counts one more for this key. Raises Unavailable."""
        return await self._counts.submit(key)

    async def close(self) -> None:
        await self._counts.idle()
        await self._session.close()

    async def _count(self, keys: list[str]) -> list[Counted | Exception]:
        asked = {key: keys.count(key) for key in sorted(set(keys))}  # sorted, so that two processes cannot deadlock
        try:
            async with self._session.using() as connection:
                rows = await connection.fetch(COUNT, list(asked), list(asked.values()))
        except (asyncpg.DeadlockDetectedError, *LOST) as fault:
            raise Unavailable("requests could not be counted") from fault
        counted = {row["key"]: row for row in rows}
        outcomes: list[Counted | Exception] = []
        for key in keys:
            asked[key] -= 1
            outcomes.append(Counted(counted[key]["used"] - asked[key], counted[key]["seconds"]))
        return outcomes


async def forget(connection: AnyConnection) -> None:
    """Minutes that are over."""
    await connection.execute(FORGET)
