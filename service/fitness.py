"""Checks before the first request whether this service can work with an external database."""

import asyncpg

from events.database import AnyConnection, connect, log_in

LOGIN = """
select session_user::text as name, r.rolsuper as superuser, pg_has_role(session_user, c.relowner, 'member') as may_change_the_log
  from pg_catalog.pg_class c, pg_catalog.pg_roles r where c.oid = 'log.events'::regclass and r.rolname = session_user
"""
SESSION_MODE = """The pooler in front of the database is not in session mode, which Muniment needs: set pool_mode = session for this \
database in PgBouncer, or name Postgres itself in MUNIMENT_DATABASE_URL."""
PRESENT_AT = "muniment at "
OTHERS = """
select distinct application_name from pg_catalog.pg_stat_activity
 where datname = current_database() and starts_with(application_name, $1) and application_name <> $2 order by 1
"""
LONGEST_NAME = 63
"""The bytes of an application_name that Postgres keeps."""


class Unfit(Exception):
    """The database cannot be used, and nothing was changed. The text says what to do."""


async def check_pooler(url: str) -> None:
    """Check that a pooler is in session mode, because Muniment uses LISTEN, session locks and a role. Raises Unfit.

    In another mode, each transaction gets any free server connection: the same one for two clients, or two for one client.
    """
    first, second = await log_in(url, statement_cache_size=0), await log_in(url, statement_cache_size=0)
    try:
        seen = [await _backend(connection) for connection in (first, first, second)]
    except asyncpg.PostgresConnectionError as fault:
        if "pooling mode" not in str(fault):  # PgBouncer's error text in statement mode
            raise
        raise Unfit(SESSION_MODE) from fault
    finally:
        first.terminate()
        second.terminate()
    if seen[0] != seen[1] or seen[1] == seen[2]:
        raise Unfit(SESSION_MODE)


async def _backend(connection: AnyConnection) -> int:
    async with connection.transaction():
        return await connection.fetchval("select pg_backend_pid()")


async def check_login(url: str) -> str | None:
    """Check that the service cannot change the log. Returns a warning for a superuser, which is meant for trials. Raises Unfit."""
    connection = await log_in(url)
    try:
        login = await connection.fetchrow(LOGIN)
    finally:
        connection.terminate()
    assert login is not None
    if login["superuser"]:
        return f"MUNIMENT_DATABASE_URL logs in as {login['name']}, a superuser, who can change the log; deploy/roles.sql makes a login that cannot."
    if login["may_change_the_log"]:
        raise Unfit(
            f"MUNIMENT_DATABASE_URL logs in as {login['name']}, who owns the log and can change it; that login is for muniment db migrate "
            "only: serve as muniment (deploy/roles.sql)."
        )
    return None


def presence(issuer: str) -> str:
    """Return the application_name of one connection of each serving process. It shows the issuer to other processes and operators."""
    return f"{PRESENT_AT}{issuer}".encode()[:LONGEST_NAME].decode(errors="ignore")


async def other_issuers(connection: AnyConnection, issuer: str) -> list[str]:
    """Return the issuers of other processes on this database at this moment, each as far as the name shows it."""
    rows = await connection.fetch(OTHERS, PRESENT_AT, presence(issuer))
    return [row[0].removeprefix(PRESENT_AT) for row in rows]


async def check_issuer(url: str, issuer: str) -> None:
    """Raises Unfit if another process serves this database under another issuer: each would refuse the other's tokens."""
    connection = await connect(url)
    try:
        others = await other_issuers(connection, issuer)
    finally:
        connection.terminate()
    if others:
        raise Unfit(f"{different(others, issuer)} Stop the others first, or give all the same MUNIMENT_ISSUER.")


def different(others: list[str], issuer: str) -> str:
    return f"Other processes serve this database as {', '.join(others)}, but this one has the issuer {issuer}: each would refuse the other's tokens."
