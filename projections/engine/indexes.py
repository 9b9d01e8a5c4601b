"""The indexes of a table that is about to be filled: made afterwards, all at once, they cost a fraction."""

from events.database import Connection

OF_TABLE = """
select case when c.oid is null then format('drop index %s', i.indexrelid::regclass)
            else format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) end as dropping,
       case when c.oid is null then pg_get_indexdef(i.indexrelid)
            else format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) end as making
  from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
 where i.indrelid = $1::text::regclass order by i.indisprimary desc, i.indexrelid
"""


async def put_off(connection: Connection, table: str) -> list[str]:
    """Drops the indexes of an empty table, with the constraints that they stand for; returns the statements that make them again."""
    found = await connection.fetch(OF_TABLE, table)
    for dropping, _ in found:
        await connection.execute(dropping)
    return [making for _, making in found]
