"""The way to the database for commands that only look: nothing is created, migrated or repaired."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import asyncpg
from msgspec import Struct

from events.database import LOST, Unavailable, connected
from events.database_url import WrongUrl
from service.cli.opening import run, url_of
from service.cli.rewrapping import key_in
from service.configuration import master_key
from service.configuration.settings import Settings
from service.embedded import login
from service.embedded.errors import EmbeddedError
from service.fitness import Unfit, check_pooler
from service.migrations import version

ROLES = 'psql -d "$DATABASE" -f deploy/roles.sql'
UNREACHABLE = (EmbeddedError, WrongUrl, Unfit, Unavailable, asyncpg.PostgresError, *LOST)


class Obstacle(Exception):
    """Why the database cannot be used, and the command that mends it."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(says)
        self.says = says
        self.mend = mend


class Reached(Struct, frozen=True):
    """The settings with the URL of the database and the master key; or else what is in the way."""

    settings: Settings | None
    obstacle: Obstacle | None = None


@contextmanager
def reached(settings: Settings) -> Generator[Reached]:
    with ExitStack() as stack:
        try:
            found = Reached(_embedded(settings, stack) if settings.embedded else _external(settings))
        except Obstacle as obstacle:
            found = Reached(None, obstacle)
        except UNREACHABLE as fault:
            look = (
                f"less {settings.data}/postgres.log"
                if settings.embedded
                else 'psql "$MUNIMENT_DATABASE_URL" -c "select 1"'
            )
            found = Reached(None, Obstacle(f"The database cannot be used: {fault or 'it does not answer'}", look))
        yield found


def _external(settings: Settings) -> Settings:
    run(check_pooler(url_of(settings)))
    return settings


def _embedded(settings: Settings, stack: ExitStack) -> Settings:
    if not (settings.data / "postgres").exists():
        raise Obstacle(
            f"There is no Muniment in {settings.data}: this is not the directory where it runs, or it never ran.",
            "MUNIMENT_DATA=<its directory> muniment doctor, or muniment serve",
        )
    from service.embedded.cluster import running  # noqa: PLC0415 - it imports psutil

    superuser = stack.enter_context(running(settings.data, binaries=settings.postgres_bin))
    key = settings.master_key or key_in(settings.data / master_key.FILE)
    return settings.__replace__(database_url=login.service_url(superuser), master_key=key)


async def usable_schema(url: str) -> str:
    """The version of the schema, with which this version of Muniment works, in the role of the service. Raises Obstacle."""
    try:
        found = await version.present(url)
        if found is None or found < version.WANTED:
            raise Obstacle(
                f"The database's schema is at {found or 'nothing'}, and this version of Muniment needs {version.WANTED}.",
                "muniment db migrate",
            )
        async with connected(url):
            return found
    except UNREACHABLE as fault:
        raise Obstacle(f"The service cannot work with the database: {fault}", ROLES) from fault
