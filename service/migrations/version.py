"""The schema version of a database, and the one that this code needs. It does not load Alembic."""

from pathlib import Path

import asyncpg

from events.database import log_in

VERSIONS = {version.name.split("_")[0] for version in (Path(__file__).parent / "versions").glob("[0-9]*_*.py")}
WANTED = max(VERSIONS)


class SchemaBehind(Exception):
    """The database's schema is older than the one that this version of Muniment needs."""


class SchemaAhead(Exception):
    """The database was migrated by a version of Muniment that is newer than this one, or by something else."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database's schema is at {found}, but this version of Muniment knows none after {WANTED}: nothing was changed. "
            "Use the version of Muniment that made that schema, or a newer one."
        )


async def present(url: str) -> str | None:
    """Returns the schema's version, or None if the database has none."""
    connection = await log_in(url)
    try:
        return await connection.fetchval("select version_num from public.alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


async def check(url: str) -> None:
    """Raises SchemaBehind if the database's schema is too old."""
    found = await present(url)
    if found is None or found < WANTED:  # A newer schema is compatible with the version before it.
        raise SchemaBehind(
            f"The database's schema is at {found or 'nothing'}, this version works with {WANTED}: run muniment db migrate."
        )
