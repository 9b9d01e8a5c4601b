"""Whose transactions hold locks that a migration may need, so that it can say what it waits for."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from events.database import log_in

# The owner of the log may see who another session is, but not always for how long its transaction is open.
HOLDERS = """
select a.pid, coalesce(a.usename::text, a.backend_type, 'another process') as name, clock_timestamp() - a.xact_start as age,
       array_agg(distinct l.relation::regclass::text) as tables
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.granted and l.pid <> pg_catalog.pg_backend_pid() and c.relkind in ('r', 'p')
   and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
   and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
 group by 1, 2, 3 order by age desc nulls last, pid limit 3
"""
MOST_TABLES = 3


class Blocked(Exception):
    """The migration got no lock in all its attempts, and changed nothing; the text says who holds it."""


class Holder(Struct, frozen=True, kw_only=True):
    """A session with an open transaction. `age` is None if this login may not see it."""

    pid: int
    name: str
    age: timedelta | None
    tables: list[str]

    def __str__(self) -> str:
        age = "" if self.age is None else f", open for {int(self.age.total_seconds())} s"
        more = ", …" if len(self.tables) > MOST_TABLES else ""
        return f"{self.name} (process {self.pid}{age}; it uses {', '.join(self.tables[:MOST_TABLES])}{more})"


async def holders(url: str) -> Sequence[Holder]:
    """Return the oldest open transactions that hold locks of tables in this database."""
    connection = await log_in(url)
    try:
        return [Holder(**dict(row)) for row in await connection.fetch(HOLDERS)]
    finally:
        await connection.close()
