"""How a command comes to its database: the embedded one of the data directory (started or joined), or one's own."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from msgspec import DecodeError

from events.codec import UnreadableEvent
from events.database import LOST, Connection, LoginRefused, Unavailable, connect
from events.envelope import ByOperator, Meta
from service.cli import loading
from service.cli.fault import Plainly
from service.configuration import master_key
from service.configuration.settings import Settings, WrongSettings, read_settings
from service.crypto.credentials import new_id
from service.embedded import login
from service.embedded.errors import EmbeddedError
from service.fitness import Unfit, check_pooler
from service.migrations import schemas, version
from service.migrations.attached import Attached
from service.migrations.blockers import Blocked
from service.migrations.version import SchemaAhead, SchemaBehind
from service.refusals import DomainRefusal
from service.values import reason as reasons

Answer = TypeVar("Answer")

MIGRATIONS = ("sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql.asyncpg", "service.migrations.run")


@contextmanager
def plainly() -> Generator[None]:
    """Turns the faults that a person can do something about into Plainly."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader closed the pipe, which is no fault
    except WrongSettings as fault:
        raise Plainly("\n          ".join(fault.faults)) from fault
    except (EmbeddedError, Attached, Blocked, SchemaAhead, SchemaBehind, Unfit, UnreadableEvent) as fault:
        raise Plainly(str(fault)) from fault
    except DecodeError as fault:
        raise Plainly(f"stored bytes cannot be read ({fault}); muniment log verify finds where") from fault
    except DomainRefusal as fault:
        raise Plainly(fault.detail) from fault
    except Unavailable as fault:
        raise Plainly(str(fault)) from fault
    except (asyncpg.PostgresError, *LOST) as fault:
        raise Plainly(_said(fault)) from fault


def _said(fault: Exception) -> str:
    if isinstance(fault, OSError) and isinstance(fault.filename, str):
        return f"{fault.filename}: {fault.strerror}"
    return f"the database cannot be used: {fault or 'it does not answer'}"


@contextmanager
def right_key() -> Generator[None]:
    """For commands that open what the master key has sealed."""
    from service.vault.private_keys import WrongMasterKey  # noqa: PLC0415

    try:
        yield
    except WrongMasterKey as fault:
        raise Plainly(f"{fault}. (If muniment keys rewrap was interrupted, run it again.)") from fault


@contextmanager
def open_database(
    *, needs_key: bool = False, migrated: bool = True, creates: bool = False, meanwhile: Sequence[str] = ()
) -> Generator[Settings]:
    """Settings whose database is there, at the present schema (unless it need not be). The embedded one is brought to it by itself.

    Create a missing embedded database, and the schemas of installed packages in it, only with `creates`: otherwise a wrong directory
    is reported, and no command waits for the look at what is installed.
    While the embedded one starts, the modules `meanwhile` are loaded, and those that make its schema, if there is none.
    Only a migration (`migrated=False`) logs in to the embedded database as its superuser.
    """
    with plainly():
        settings = read_settings(os.environ, needs_key=needs_key)
        if settings.database_url is not None:
            run(check_pooler(settings.database_url))
            if migrated:
                run(version.check(settings.database_url))
            yield settings
            return
        is_new = not (settings.data / "postgres").exists()
        if is_new and not creates:
            raise Plainly(
                f"There is no Muniment in {settings.data}; run this where make serve runs, or name its directory in MUNIMENT_DATA."
            )
        # What is private in it is so by itself; Postgres must get through.
        settings.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        from service.embedded.cluster import running  # noqa: PLC0415 - psutil comes along

        loaded = loading.begin([*meanwhile, *(MIGRATIONS if is_new else ())])
        with running(settings.data, binaries=settings.postgres_bin) as superuser:
            loaded()
            url = login.service_url(superuser)
            if _present(url, superuser) != version.WANTED and migrated:
                _say_migrated(*bring_up(superuser))
            if migrated and creates:
                run(schemas.make(superuser))
            key = settings.master_key or master_key.of_directory(settings.data)
            yield settings.__replace__(database_url=url if migrated else superuser, master_key=key)


def _present(url: str, superuser: str) -> str | None:
    """The schema's version; a cluster that an earlier version made gets the service's login first."""
    try:
        return run(version.present(url))
    except LoginRefused:
        run(login.ensure(superuser))
        return run(version.present(url))


@contextmanager
def opened_at() -> Generator[str]:
    """The URL of the database, for commands that need no other setting."""
    with open_database() as settings:
        yield url_of(settings)


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url


def ask(work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """What the work finds in the database, over a connection of its own."""
    with opened_at() as url:
        return ask_at(url, work)


def ask_at(url: str, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    async def asked() -> Answer:
        connection = await connect(url)
        try:
            return await work(connection)
        finally:
            connection.terminate()

    return run(asked())


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def by_operator(reason: str | None = None) -> Meta:
    """Who did it, and why, for what is appended from the command line. Raises Plainly if the reason cannot be recorded."""
    try:
        checked = None if reason is None else reasons.checked(reason)
    except reasons.WrongReason as fault:
        raise Plainly(f"--reason {fault}.") from fault
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return Meta(actor=ByOperator(user=user), request_id=str(new_id()), reason=checked)


def bring_up(url: str) -> tuple[str | None, str | None]:
    """Migrates the schema: its versions before and after."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - with Alembic, a third of a second

    from service.migrations.run import migrate  # noqa: PLC0415

    try:
        return run(migrate(url, _tell))
    except DBAPIError as fault:
        raise Plainly(f"the schema cannot be migrated: {fault.orig}; nothing was changed") from fault


def _tell(text: str) -> None:
    sys.stderr.write(f"muniment: {text}\n")


def _say_migrated(before: str | None, after: str | None) -> None:
    """(That a new database has a schema is no news.)"""
    if before is not None and before != after:
        sys.stderr.write(f"muniment: the schema was migrated from version {before} to {after}\n")
