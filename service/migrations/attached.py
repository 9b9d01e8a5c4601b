"""Finds code that is attached to the service's tables: a trigger, a rule, a function in a check.

The service's role owns these tables, so an attacker with its rights could attach code to them. A migration would then run that
code with the rights of the log's owner.
"""

from typing import TYPE_CHECKING

from events import locks

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The locks last until the migration ends, so that nothing is attached after the check. They wait for appends, which write several tables.
LOCK = f"""
do $$
declare one regclass;
begin
  perform pg_catalog.pg_advisory_xact_lock({locks.EVENTS});
  for one in select c.oid from pg_catalog.pg_class c
              where c.relkind in ('r', 'p') and c.relpersistence <> 't' and c.relowner = 'muniment_service'::regrole order by c.oid loop
    execute pg_catalog.format('lock table %s in share row exclusive mode', one);
  end loop;
end $$
"""

# No migration reads the views of the schema muniment, so they may be there. `name(` and `operator(` are calls; Muniment's own checks have neither. (An index may call only immutable functions, and those of
# Postgres itself have no effects.)
FOUND = r"""
with own as (select oid from pg_catalog.pg_namespace where nspowner = 'muniment_service'::regrole),
     relation as (
  select c.oid, c.relkind, c.relrowsecurity, c.relnamespace, c.oid::regclass::text as name from pg_catalog.pg_class c
   where c.relpersistence <> 't' and (c.relnamespace in (select oid from own)
         or (c.relowner = 'muniment_service'::regrole and c.relnamespace <> 'pg_toast'::regnamespace)))
select 'the function ' || p.oid::regprocedure::text from pg_catalog.pg_proc p
 where p.pronamespace in (select oid from own) or p.proowner = 'muniment_service'::regrole
union all select 'the type ' || t.oid::regtype::text from pg_catalog.pg_type t
 where t.typtype in ('d', 'r') and (t.typnamespace in (select oid from own) or t.typowner = 'muniment_service'::regrole)
union all select r.name || ', which is no table' from relation r
 where r.relkind not in ('r', 'p', 'i', 'I', 'S', 't') and (r.relkind <> 'v' or r.relnamespace is distinct from pg_catalog.to_regnamespace('muniment'))
union all select 'the trigger ' || t.tgname || ' on ' || r.name
  from pg_catalog.pg_trigger t join relation r on r.oid = t.tgrelid where not t.tgisinternal
union all select 'the rule ' || w.rulename || ' on ' || r.name
  from pg_catalog.pg_rewrite w join relation r on r.oid = w.ev_class where r.relkind in ('r', 'p')
union all select 'a policy on ' || r.name from relation r
 where r.relrowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = r.oid)
union all select 'the generated column ' || a.attname || ' of ' || r.name
  from pg_catalog.pg_attribute a join relation r on r.oid = a.attrelid where a.attgenerated <> ''
union all select 'the constraint ' || c.conname || ' of ' || r.name
  from pg_catalog.pg_constraint c join relation r on r.oid = c.conrelid
 where c.contype = 'c' and pg_catalog.pg_get_constraintdef(c.oid) ~ '[A-Za-z0-9_"]\('
order by 1
"""


class Attached(Exception):
    """The migration was refused and changed nothing; the text names what must be dropped."""


def check(connection: "Connection") -> None:
    """Raises Attached if it finds such code. Call it before the first migration, in the same transaction."""
    connection.exec_driver_sql(LOCK)
    found = [row[0] for row in connection.exec_driver_sql(FOUND)]
    if found:
        raise Attached(
            f"Not migrated: in the tables of muniment_service there is {', '.join(found)}. Muniment did not make that, and it would run as"
            " the login that migrates. Drop it, find out who made it, then migrate again."
        )
