"""Whether a database of one's own is one that this service can work with, found out before anything is answered."""

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
"""Bytes of an application_name that Postgres keeps."""


class Unfit(Exception):
    """Nothing was changed, and nothing can work; the text says what to do."""


async def check_pooler(url: str) -> None:
    """A pooler in front must be in session mode, for Muniment LISTENs, holds locks and has a role. Raises Unfit.

    In another mode the next transaction goes to whichever server connection is free: the same for two clients, or two for one.
    """
    first, second = await log_in(url, statement_cache_size=0), await log_in(url, statement_cache_size=0)
    try:
        seen = [await _backend(connection) for connection in (first, first, second)]
    except asyncpg.PostgresConnectionError as fault:
        if "pooling mode" not in str(fault):  # PgBouncer's own words, in statement mode
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
    """Whoever serves must not be able to change the log. A warning for a superuser, as whom one tries things out. Raises Unfit."""
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
            "alone: serve as muniment (deploy/roles.sql)."
        )
    return None


def presence(issuer: str) -> str:
    """The name that one connection of each serving process has, so that the others, and people who look, see its issuer."""
    return f"{PRESENT_AT}{issuer}".encode()[:LONGEST_NAME].decode(errors="ignore")


async def other_issuers(connection: AnyConnection, issuer: str) -> list[str]:
    """Those of other processes on this database at this moment, each as far as its name shows it."""
    rows = await connection.fetch(OTHERS, PRESENT_AT, presence(issuer))
    return [row[0].removeprefix(PRESENT_AT) for row in rows]


async def check_issuer(url: str, issuer: str) -> None:
    """Raises Unfit while another process serves this database under another issuer: each would refuse the other's tokens."""
    connection = await connect(url)
    try:
        others = await other_issuers(connection, issuer)
    finally:
        connection.terminate()
    if others:
        raise Unfit(f"{different(others, issuer)} Stop the others first, or give all the same MUNIMENT_ISSUER.")


def different(others: list[str], issuer: str) -> str:
    return f"Other processes serve this database as {', '.join(others)}, this one is to be {issuer}: each would refuse the other's tokens."
