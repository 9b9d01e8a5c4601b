"""Checks that a table is a real table: a view could show other rows to a verifier than to the service."""

from events.database import AnyConnection

TREE = """
with recursive tree as (
  select c.oid from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)
  union all
  select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid)
select c.oid::regclass::text as name, c.relkind::text as kind, c.relispartition as partition, c.relrowsecurity as hiding,
       exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid) as rewritten
  from tree join pg_catalog.pg_class c on c.oid = tree.oid
"""
TABLE, PARTITIONED = "r", "p"
KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}


async def fault_of(connection: AnyConnection, table: str) -> str | None:
    """Returns what is wrong with a relation that should be a table, with or without partitions, or None."""
    found = await connection.fetch(TREE, table)
    if not found:
        return f"the table {table} is gone"
    for name, kind, partition, hiding, rewritten in found:
        if kind not in (TABLE, PARTITIONED):
            return f"{name} is not a table but {KINDS.get(kind, 'something else')}: others may be shown other rows"
        if hiding or rewritten:
            return f"{name} has a policy or a rule: others may be shown other rows"
        if name != table and not partition:
            return f"{name} inherits from {table}: others may be shown other rows"
    return None
