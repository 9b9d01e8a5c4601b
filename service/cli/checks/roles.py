"""The roles and grants of deploy/roles.sql: the service can append and read, and can do nothing else to the logs."""

from service import fitness
from service.cli.checks.finding import Finding, Installation, error, warning
from service.cli.reach import ROLES
from service.fitness import Unfit
from service.migrations.attached import FOUND

SERVICE = "muniment_service"
HARMLESS = [SERVICE, "pg_checkpoint", "pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"]
"""What the service may be: with pg_checkpoint it ends the write-ahead log after an erasure, and the others only look at the server."""


ATTRIBUTES = """
select quote_ident(r.rolname), a.name from pg_catalog.pg_roles r cross join lateral (values
  ('superuser', r.rolsuper), ('createrole', r.rolcreaterole), ('createdb', r.rolcreatedb), ('replication', r.rolreplication),
  ('bypassrls', r.rolbypassrls)) as a (name, has)
 where a.has and (r.rolname = 'muniment_service' or r.rolname = session_user and not r.rolsuper) order by 1, 2
"""
MEMBERSHIPS = """
select quote_ident(m.rolname) as member, quote_ident(r.rolname) as role from pg_catalog.pg_roles m, pg_catalog.pg_roles r
 where (m.rolname = 'muniment_service' or m.rolname = session_user and not m.rolsuper)
   and r.rolname <> m.rolname and r.rolname <> all($1::text[]) and pg_has_role(m.oid, r.oid, 'member') order by 1, 2
"""
TOO_MUCH = """
select p.privilege || ' on ' || c.oid::regclass::text from pg_catalog.pg_class c
  cross join unnest(array['insert', 'update', 'delete', 'truncate', 'trigger']) as p (privilege)
 where c.relnamespace = 'log'::regnamespace and c.relkind in ('r', 'p')
   and case when p.privilege in ('insert', 'update') then has_any_column_privilege('muniment_service', c.oid, p.privilege)
            else has_table_privilege('muniment_service', c.oid, p.privilege) end
union all select 'create on schema ' || n.nspname from pg_catalog.pg_namespace n
 where n.nspname in ('log', 'public') and has_schema_privilege('muniment_service', n.oid, 'create')
union all select 'create on database ' || quote_ident(current_database()) where has_database_privilege('muniment_service', current_database(), 'create')
 order by 1
"""
OF_READERS = """
select 'select on ' || c.oid::regclass::text from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.rolname = 'muniment_reader'
 where c.relnamespace in (select oid from pg_catalog.pg_namespace where nspname in ('log', 'read', 'vault', 'limits', 'push'))
   and c.relkind in ('r', 'p', 'v', 'm') and has_any_column_privilege(r.oid, c.oid, 'select') order by 1
"""
OPEN = """
select exists (select from pg_catalog.pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                where d.datname = current_database() and a.grantee = 0)
"""
TOO_LITTLE = """
select 'select on ' || c.oid::regclass::text from pg_catalog.pg_class c
 where c.relnamespace = 'log'::regnamespace and c.relkind in ('r', 'p') and not has_table_privilege('muniment_service', c.oid, 'select')
union all select 'execute on function log.' || p.proname from pg_catalog.pg_proc p
 where p.pronamespace = 'log'::regnamespace and p.proname in ('append', 'issue', 'keep_checkpoint', 'make_partitions')
 group by p.proname having not bool_or(has_function_privilege('muniment_service', p.oid, 'execute'))
union all select 'temporary on database ' || quote_ident(current_database())
 where not has_database_privilege('muniment_service', current_database(), 'temporary')
 order by 1
"""


SPECIAL = str.maketrans({each: f"\\{each}" for each in '"\\$`'})
"""What a shell reads in double quotes, which quoted names have."""


def psql(statement: str) -> str:
    return f'psql -c "{statement.translate(SPECIAL)}"'


async def look(installation: Installation) -> list[Finding]:
    return [each for part in (_login, _public, _rights, _readers, _tables) for each in await part(installation)]


async def _public(installation: Installation) -> list[Finding]:
    """(An embedded cluster has no other logins.)"""
    if installation.settings.embedded or not await installation.connection.fetchval(OPEN):
        return []
    return [warning("Every login of the server may connect to the database.", ROLES)]


async def _login(installation: Installation) -> list[Finding]:
    """(The login of an embedded cluster is made by Muniment itself.)"""
    url = installation.settings.database_url
    if installation.settings.embedded or url is None:
        return []
    try:
        said = await fitness.check_login(url)
    except Unfit as fault:
        return [error(str(fault), ROLES)]
    return [warning(said, ROLES)] if said else []


async def _rights(installation: Installation) -> list[Finding]:
    fetch = installation.connection.fetch
    found = [
        error(
            f"The role {name} has the attribute {attribute}, which the service must not have.",
            psql(f"alter role {name} no{attribute}"),
        )
        for name, attribute in await fetch(ATTRIBUTES)
    ]
    found += [
        error(
            f"The role {member} is a member of {role}, so the service can do what {role} can.",
            psql(f"revoke {role} from {member}"),
        )
        for member, role in await fetch(MEMBERSHIPS, HARMLESS)
    ]
    found += [
        error(
            f"The role {SERVICE} has the right to {right}, so the service could change the log or its code.",
            psql(f"revoke {right} from {SERVICE}"),
        )
        for (right,) in await fetch(TOO_MUCH)
    ]
    return found + [
        error(f"The role {SERVICE} lacks the right to {right}.", psql(f"grant {right} to {SERVICE}"))
        for (right,) in await fetch(TOO_LITTLE)
    ]


async def _readers(installation: Installation) -> list[Finding]:
    return [
        error(
            f"The role muniment_reader has the right to {right}, beside the views that it is for.",
            psql(f"revoke {right} from muniment_reader"),
        )
        for (right,) in await installation.connection.fetch(OF_READERS)
    ]


async def _tables(installation: Installation) -> list[Finding]:
    from service.readiness import FOREIGN  # noqa: PLC0415 - it imports the libraries of cryptography

    found = [
        error(
            f"The table {name} belongs to {owner}, so the service cannot write to it.",
            psql(f"alter table {name} owner to {SERVICE}"),
        )
        for name, owner in await installation.connection.fetch(FOREIGN)
    ]
    return found + [
        error(
            f"In the tables of {SERVICE} there is {what}, which Muniment did not make: it runs with the rights of who uses the table.",
            "psql: drop it as muniment_owner, and find out who made it",
        )
        for (what,) in await installation.connection.fetch(FOUND)
    ]
