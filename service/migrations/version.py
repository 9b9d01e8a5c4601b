"""Which schema a database has, and which one this version works with; found out without loading Alembic."""

from pathlib import Path

import asyncpg

from events.database import log_in

VERSIONS = {version.name.split("_")[0] for version in (Path(__file__).parent / "versions").glob("[0-9]*_*.py")}
WANTED = max(VERSIONS)


class SchemaBehind(Exception):
    """The database's schema is not the one that this version of Muniment works with."""


class SchemaAhead(Exception):
    """The database was migrated by a version of Muniment that is newer than this one, or by something else."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database's schema is at {found}, this version of Muniment knows none after {WANTED}: nothing was changed. "
            "Use the version of Muniment that brought it there, or a newer one."
        )


async def present(url: str) -> str | None:
    """The schema's version, or None on a database that has none."""
    connection = await log_in(url)
    try:
        return await connection.fetchval("select version_num from public.alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


async def check(url: str) -> None:
    """Raises SchemaBehind."""
    found = await present(url)
    if found is None or found < WANTED:  # one that is ahead was made so that the version before still works with it
        raise SchemaBehind(
            f"The database's schema is at {found or 'nothing'}, this version works with {WANTED}: run muniment db migrate."
        )
