"""`muniment db migrate`: upgrades a database's schema to the current version, in one process at a time."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from events import locks
from events.database import log_in
from service.migrations import attached
from service.migrations.version import VERSIONS, WANTED, SchemaAhead

HERE = Path(__file__).parent


async def migrate(url: str) -> tuple[str | None, str | None]:
    """Migrates in one transaction, and returns the schema versions before and after. Raises SchemaAhead, Attached."""
    return await _with_connection(url, _upgrade)


async def _with_connection(url: str, do: Any) -> Any:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: log_in(url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(do)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    connection.exec_driver_sql(locks.in_transaction(locks.MIGRATION))
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
