"""Where a section measures."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
from msgspec import Struct

from tests.bench.around import Cluster
from tests.bench.pace import Pace
from tests.bench.peers import create_database
from tests.conftest import named


class Place(Struct, frozen=True):
    """The durable Postgres of this run, a directory for files, how long to measure, and whom to tell what is measured now."""

    url: str
    directory: Path
    pace: Pace
    say: Callable[[str], None]

    def database(self, name: str) -> str:
        """The URL of a new database, migrated: nobody uses the one that it is a copy of."""
        return asyncio.run(create_database(self.url, name, template="muniment"))

    def url_of(self, name: str) -> str:
        """The URL of a database that was made before."""
        return named(self.url, name)

    def empty_database(self, name: str) -> str:
        return asyncio.run(create_database(self.url, name))

    def cluster(self) -> Cluster:
        return asyncio.run(cluster_of(self.url))


async def cluster_of(url: str) -> Cluster:
    connection = await asyncpg.connect(url)
    try:
        return Cluster(await connection.fetchval("select pg_backend_pid()"))
    finally:
        await connection.close()
