"""One embedded Postgres for the whole run; a database of its own, cloned from a migrated template, for whoever asks for one."""

import asyncio
import gc
import itertools
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from alembic import command
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection

from service.embedded import binaries
from service.embedded.cluster import running
from service.migrations import run
from service.migrations.run import migrate
from service.people import passwords
from tests.patience import PATIENCE

os.environ.pop(
    "PYTHONDONTWRITEBYTECODE", None
)  # the suite starts hundreds of interpreters: let them share what they compile
os.environ.pop("COLUMNS", None)  # the tables of commands are a row a line
gc.disable()  # until the tests are collected: what is imported and collected stays, and looking through it takes seconds
for client in (httpx.Client, httpx.AsyncClient):  # five seconds by default: a busy machine must not look like a fault
    (client.__init__.__kwdefaults__ or {})["timeout"] = httpx.Timeout(PATIENCE)
# A database is created, emptied and dropped by looking through all buffers.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
# 4,096 rounds, the default, are a third of what a connection costs; they slow down who guesses passwords, and ours are random.
CHEAP_LOGINS = {"scram_iterations": "1"}
# What dies in these tests is a process, never the machine: memory keeps files as well as a disk, and makes a database in a tenth of the time.
SHARED_MEMORY = Path("/dev/shm")
WHERE = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
# A law that is broken is mostly seen at once. `make fuzz`, which CI runs, asks for more than twice as many.
settings.register_profile("patient", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("patient"), max_examples=100)
settings.load_profile("patient")
_numbers = itertools.count(1)


def named(url: str, database: str) -> str:
    """The same server's URL, for another database."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc or "", f"/{database}", parts.query, ""))


def pytest_collection_finish() -> None:
    """From here on, the collector looks at what the tests make, and no longer at a million objects that were there before."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested for want of what, where somebody who reads only the end sees it."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr) for report in skipped
    )
    if reasons:
        terminalreporter.section("not tested here")
    for reason, number in reasons.most_common():
        terminalreporter.line(f"{number} {'test' if number == 1 else 'tests'}: {reason.removeprefix('Skipped: ')}")


@contextmanager
def open_directory() -> Generator[Path]:
    """A directory that the account which root drops to for Postgres can reach too (pytest's own are closed to it)."""
    with tempfile.TemporaryDirectory(prefix="muniment-test-", dir=WHERE) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def place() -> Generator[Path]:
    with open_directory() as directory:
        yield directory


def upgrade_to(connection: Connection, version: str) -> None:
    """Bring an older or empty schema to this version: for `_with_connection` of the migrations."""
    config = run._config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server for tests that do not test durability."""
    cheap = CHEAP_LOGINS if binaries.find(None, None).major >= 16 else {}
    with open_directory() as place, running(place / "data", settings={**FAST, **cheap}) as url:
        asyncio.run(migrate(url))
        asyncio.run(_password_set_again(url))
        yield url


async def _password_set_again(url: str) -> None:
    """The superuser's, which was set before the server had these settings."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"alter role postgres password '{unquote(urlsplit(url).password or '')}'")
    await connection.close()


async def fresh_database(postgres: str, *, template: str = "muniment") -> str:
    """The URL of a new, migrated, empty database; or of one like the template."""
    name = f"t{next(_numbers)}"
    # The other strategy writes every page to the WAL too: in memory that costs twice as much.
    admin = await asyncpg.connect(named(postgres, "postgres"))
    try:
        await admin.execute(f"create database {name} template {template} strategy file_copy")
    finally:
        await admin.close()
    return named(postgres, name)


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """A migrated, empty database for one test."""
    url = await fresh_database(postgres)
    yield url
    admin = await asyncpg.connect(named(postgres, "postgres"))
    await admin.execute(f"drop database {urlsplit(url).path[1:]} with (force)")
    await admin.close()


@pytest.fixture(scope="module")
def cheap_passwords() -> Iterator[None]:
    """Hashing a password takes 60 ms on purpose; the tests of hundreds of sign-ins are not about that."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", hasher)
        patch.setattr(passwords, "NOBODYS", hasher.hash("nobody's"))
        yield
