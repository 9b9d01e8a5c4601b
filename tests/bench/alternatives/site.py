"""Where the servers run: one Postgres, which all of them reach over TCP, and a directory."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from tests.bench.alternatives.building import Say
from tests.bench.machine import READY_SECONDS, Server, await_listening, environment, free_port, started
from tests.bench.peers import create_database

ADDRESS = "127.0.0.2"
"""An address of this machine on which hardly anything listens. (The port of the Postgres is fixed.)"""
SETTINGS = {"listen_addresses": ADDRESS}


class Database(Struct, frozen=True):
    """A database and the superuser's login."""

    url: str

    @property
    def password(self) -> str:
        return unquote(urlsplit(self.url).password or "")

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")


class Site(Struct, frozen=True):
    directory: Path
    url: str
    say: Say

    def database(self, name: str) -> Database:
        return Database(asyncio.run(create_database(self.url, name)))

    @contextmanager
    def running(
        self, command: Sequence[str | Path], settings: Mapping[str, str], *, seconds: float = READY_SECONDS
    ) -> Generator[Server]:
        """The server, once it listens on PORT, on one core. Text of the command and of settings may hold {port}. Raises Failed."""
        port = free_port()
        log = self.directory / "alternative.log"
        log.write_bytes(b"")
        filled = [str(each).replace("{port}", str(port)) for each in command]
        given: Mapping[str, str] = {name: text.replace("{port}", str(port)) for name, text in settings.items()}
        with started(filled, environment(**given), port, log=log) as server:
            await_listening(server, log, seconds=seconds)
            yield server


def over_tcp(url: str) -> str:
    """The same superuser and database, as every driver can reach them."""
    parts = urlsplit(url)
    return f"postgresql://{parts.username}:{parts.password}@{ADDRESS}:5432{parts.path}"
