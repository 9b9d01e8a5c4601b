"""The indexes of a table that is about to be filled: made afterwards, all at once, they cost a fraction.

A partial index of the rows' first column stays. Rows come in that order, and most are not in it: to read the table again would cost more.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from events.database import Connection, connected

MOST_AT_ONCE = 4
"""Each takes Postgres `maintenance_work_mem`."""

ALONE = {"max_parallel_maintenance_workers": "0", "synchronous_commit": "off"}
"""Several are made at once, so that helpers of each would only get in each other's way. The commit that puts the table in another's place makes
them durable, too.
"""

OF_TABLE = """
select case when c.oid is null then format('drop index %s', i.indexrelid::regclass)
            else format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) end as dropping,
       pg_get_indexdef(i.indexrelid) as making,
       case when c.oid is not null then format('alter table %s add constraint %I %s using index %I', i.indrelid::regclass,
            c.conname, case c.contype when 'p' then 'primary key' when 'u' then 'unique' end, x.relname) end as promising
  from pg_index i join pg_class x on x.oid = i.indexrelid left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
 where i.indrelid = $1::text::regclass and (i.indpred is null or i.indkey[0] <> 1) order by i.indexprs is null, i.indnatts desc, i.indexrelid
"""
"""Those that take longest begin, so that none of them is made alone at the end."""


class PutOff(Struct, frozen=True):
    """The statements that make the indexes, in any order, and then those that make constraints of them."""

    indexes: list[str]
    constraints: list[str]


async def put_off(connection: Connection, table: str) -> PutOff:
    """Drops the indexes of an empty table that cost less when they are made later, with the constraints that they stand for."""
    found = await connection.fetch(OF_TABLE, table)
    for dropping, _, _ in found:
        await connection.execute(dropping)
    return PutOff([making for _, making, _ in found], [promising for _, _, promising in found if promising])


async def make(url: str, these: PutOff, at_once: int) -> None:
    await make_each(url, these.indexes, at_once)
    await make_each(url, these.constraints, 1)


async def make_each(url: str, statements: Iterable[str], at_once: int) -> None:
    """Executes statements that make indexes of one table, so many at once."""
    waiting = deque(statements)

    async def in_turn() -> None:
        async with connected(url, **ALONE) as connection:
            while waiting:
                await connection.execute(waiting.popleft())

    await asyncio.gather(*(in_turn() for _ in range(min(at_once, MOST_AT_ONCE, len(waiting)))))
