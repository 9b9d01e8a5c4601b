"""`muniment db migrate`: upgrades a database's schema to the current version, in one process at a time."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from events import locks
from events.database import log_in
from service.migrations import attached, blockers
from service.migrations.blockers import Blocked, Holder
from service.migrations.version import VERSIONS, WANTED, SchemaAhead

HERE = Path(__file__).parent
LOCK_TIMEOUT = "1s"
"""A statement that comes after a migration which waits for a lock waits, too. An append waits for two seconds (events.database.WRITER)."""

PAUSE_SECONDS = 3.0
ATTEMPTS = 60
"""Five minutes, with the second in which the blockers are looked for; in a fifth of it others may wait."""

BUSY = (asyncpg.LockNotAvailableError.sqlstate, asyncpg.DeadlockDetectedError.sqlstate)


def _nobody(_text: str) -> None:
    pass


async def migrate(url: str, tell: Callable[[str], None] = _nobody) -> tuple[str | None, str | None]:
    """Migrates in one transaction, and returns the schema versions before and after.

    If another transaction holds a lock that it needs, it gives up all that it has, lets others go on, and begins again. `tell` gets a
    sentence about what it waits for, each time that changes. Raises SchemaAhead, Attached, Blocked.
    """
    told: Sequence[int] = ()
    found: Sequence[Holder] = ()
    for _ in range(ATTEMPTS):
        try:
            return await _with_connection(url, _upgrade)
        except (DBAPIError, asyncpg.PostgresError) as fault:
            if _sqlstate(fault) not in BUSY:
                raise
        found = await blockers.holders(url)
        if (pids := [each.pid for each in found]) and pids != told:
            told = pids
            tell(f"the migration waits for the transactions of {_listed(found)}; others go on meanwhile")
        await asyncio.sleep(PAUSE_SECONDS)
    raise Blocked(
        f"Not migrated: other transactions hold the locks that it needs, and nothing was changed. They are of {_listed(found)}. Wait"
        " until they have ended, or end them with pg_terminate_backend(process), then migrate again."
    )


def _sqlstate(fault: Exception) -> object:
    """A statement of SQLAlchemy and a script of the driver raise it differently."""
    return getattr(fault.orig if isinstance(fault, DBAPIError) else fault, "sqlstate", None)


def _listed(found: Sequence[Holder]) -> str:
    return ", ".join(map(str, found)) or "sessions that have ended meanwhile"


async def _with_connection(url: str, do: Any) -> Any:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: log_in(url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(do)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    connection.exec_driver_sql(locks.in_transaction(locks.MIGRATION))
    connection.exec_driver_sql(
        f"set local lock_timeout = '{LOCK_TIMEOUT}'"
    )  # not for another migration, which has its turn
    before = _version(connection)
    if before is not None and before not in VERSIONS:
        raise SchemaAhead(before)
    if before not in (None, WANTED):
        attached.check(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, _version(connection)


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
