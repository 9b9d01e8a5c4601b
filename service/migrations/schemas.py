"""Makes the schemas of installed packages' projections, as the owner of the database: the service's role cannot make schemas."""

from events import locks
from events.database import ROLE, log_in
from projections import packages

# A schema with the name of a login is first in that login's search_path, and the service's role could put functions into it.
MISSING = """
select name from unnest($1::text[]) as name
 where name not in (select nspname from pg_catalog.pg_namespace union all select rolname from pg_catalog.pg_roles)
"""


async def make(url: str) -> list[str]:
    """Makes the missing schemas and returns their names. An existing schema does not change, even if another role owns it."""
    wanted = packages.schemas()
    if not wanted:
        return []
    connection = await log_in(url)
    try:
        async with connection.transaction():
            await connection.execute(locks.in_transaction(locks.MIGRATION))
            missing = [row[0] for row in await connection.fetch(MISSING, wanted)]
            for schema in missing:
                await connection.execute(f'create schema "{schema}" authorization {ROLE}')
        return missing
    finally:
        await connection.close()
