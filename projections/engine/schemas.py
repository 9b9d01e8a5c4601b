"""The schema of a package's tables. `muniment db migrate` makes it, for the service's role may make none."""

from events.database import AnyConnection
from projections.catch_up import OURS

OWNER = "select pg_get_userbyid(nspowner), current_user from pg_namespace where nspname = $1"

IS_ROLE = "select exists (select from pg_catalog.pg_roles where rolname = $1)"


class NoSchema(Exception):
    """The tables of a package cannot be made; the text says what to do."""


async def check(connection: AnyConnection, schema: str) -> None:
    """Raises NoSchema."""
    if fault := await fault_of(connection, schema):
        raise NoSchema(fault)


async def fault_of(connection: AnyConnection, schema: str) -> str | None:
    """Why the service has no tables in this schema; None where it can have some."""
    if schema == OURS:
        return None
    row = await connection.fetchrow(OWNER, schema)
    if row is None and await connection.fetchval(IS_ROLE, schema):
        return f"a role of the database is called {schema}, so no schema may be: its package has to choose another name"
    if row is None:
        return f"the schema {schema} does not exist: run muniment db migrate"
    owner, service = row
    if owner != service:
        return f"the schema {schema} belongs to {owner}: rename it, and run muniment db migrate"
    return None
