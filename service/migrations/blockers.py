"""Whose transactions hold locks that a migration may need, so that it can say what it waits for."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from events.database import AnyConnection, log_in

# The owner of the log may see who another session is, but not always for how long its transaction is open. Everybody may see which it is.
HOLDERS = """
select l.virtualtransaction as transaction, a.pid, coalesce(a.usename::text, a.backend_type, 'another process') as name, clock_timestamp() - a.xact_start as age,
       array_agg(distinct l.relation::regclass::text) as tables
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.granted and l.pid <> pg_catalog.pg_backend_pid() and c.relkind in ('r', 'p')
   and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
   and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
 group by 1, 2, 3, 4 order by age desc nulls last, pid
"""
MOST, MOST_TABLES = 3, 3
LONG_SECONDS = 1.0
"""A shorter transaction is no reason for a migration to wait: a lock that it has is free before the attempt ends."""


class Blocked(Exception):
    """The migration got no lock in all its attempts, and changed nothing; the text says who holds it."""


class Holder(Struct, frozen=True, kw_only=True):
    """A session with an open transaction. `age` is None if this login may not see it."""

    transaction: str
    pid: int
    name: str
    age: timedelta | None
    tables: list[str]

    def __str__(self) -> str:
        age = "" if self.age is None else f", open for {int(self.age.total_seconds())} s"
        more = ", …" if len(self.tables) > MOST_TABLES else ""
        return f"{self.name} (process {self.pid}{age}; it uses {', '.join(self.tables[:MOST_TABLES])}{more})"


async def holders(url: str) -> Sequence[Holder]:
    """Return the oldest of the long transactions that hold locks of tables in this database. Looks twice."""
    connection = await log_in(url)
    try:
        before = await look(connection)
        await asyncio.sleep(LONG_SECONDS)
        return lasting(before, await look(connection))[:MOST]
    finally:
        await connection.close()


async def look(connection: AnyConnection) -> Sequence[Holder]:
    """Return the transactions that hold locks of tables now, oldest first."""
    return [Holder(**dict(row)) for row in await connection.fetch(HOLDERS)]


def lasting(before: Sequence[Holder], after: Sequence[Holder]) -> Sequence[Holder]:
    """Return those that were there at both looks: the same session may have begun another transaction."""
    known = {each.transaction for each in before}
    return [each for each in after if each.transaction in known]
