"""The database server: its version, whether it keeps what it confirms, its free connections, and who else uses it."""

from collections.abc import Iterator

from service import fitness
from service.cli.checks.finding import Finding, Installation, error, warning

OLDEST, NEWEST = 15, 18
OF_A_WORKER = 10
"""The connections that a worker may hold."""

MAJOR = "select current_setting('server_version_num')::int / 10000"
NOT_DURABLE = """
select name from pg_catalog.pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name
"""
UNENCRYPTED = """
select inet_server_addr()::text from pg_catalog.pg_stat_ssl
 where pid = pg_backend_pid() and not ssl and not inet_server_addr() <<= any('{127.0.0.0/8,::1/128}'::inet[])
"""
FREE = """
select least(
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) - (select sum(numbackends) from pg_catalog.pg_stat_database),
  (select nullif(datconnlimit, -1) - d.numbackends from pg_catalog.pg_database b join pg_catalog.pg_stat_database d on d.datid = b.oid
    where b.datname = current_database()),
  (select nullif(rolconnlimit, -1) - (select count(*) from pg_catalog.pg_stat_activity where usename = session_user)
     from pg_catalog.pg_roles where rolname = session_user))::int
"""
REST = "select exists (select from log.issuance_rest)"


async def look(installation: Installation) -> list[Finding]:
    connection = installation.connection
    found = _version(await connection.fetchval(MAJOR))
    off = [row[0] for row in await connection.fetch(NOT_DURABLE)]
    if address := await connection.fetchval(UNENCRYPTED):
        found.append(
            warning(
                f"The connection to the database at {address} is not encrypted.",
                "MUNIMENT_DATABASE_URL='…?sslmode=verify-full'",
            )
        )
    return [*found, *map(_not_durable, off), *_connections(await connection.fetchval(FREE))]


async def look_for_issuers(installation: Installation) -> list[Finding]:
    others = await fitness.other_issuers(installation.connection, installation.settings.issuer)
    if not others:
        return []
    return [
        error(
            fitness.different(others, installation.settings.issuer).replace("this one has", "here it is", 1),
            f"MUNIMENT_ISSUER={others[0]}",
        )
    ]


async def look_for_partitions(installation: Installation) -> list[Finding]:
    """The default partition has tokens only if no process made the partition of their day."""
    if not await installation.connection.fetchval(REST):
        return []
    return [
        warning(
            "Tokens were issued on a day without a partition: no process has done its housekeeping for a week.",
            "muniment serve",
        )
    ]


def _version(major: int) -> list[Finding]:
    if OLDEST <= major <= NEWEST:
        return []
    said = f"The database is Postgres {major}; Muniment works with {OLDEST} to {NEWEST}."
    return [error(said) if major < OLDEST else warning(said)]


def _not_durable(name: str) -> Finding:
    return error(
        f"The database has {name} = off: after a crash, tokens and changes that were confirmed can be lost.",
        f'psql -c "alter system set {name} = on" -c "select pg_reload_conf()"',
    )


def _connections(free: int) -> Iterator[Finding]:
    if free < OF_A_WORKER:
        yield warning(
            f"The database has {max(free, 0)} free connections, and a worker needs up to {OF_A_WORKER}.",
            'psql -c "alter system set max_connections = 200", then restart Postgres',
        )
