"""How a command comes to its database: the embedded one of the data directory (started or joined), or one's own."""

import asyncio
import getpass
import os
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import structs

from events.codec import UnreadableEvent
from events.database import LOST, Unavailable
from events.envelope import ByOperator, Meta
from service import master_key
from service.credentials import new_id
from service.embedded.cluster import running
from service.embedded.errors import EmbeddedError
from service.migrations.run import SchemaBehind, check, migrate
from service.oauth.keys import WrongMasterKey
from service.problems import Problem
from service.settings import Settings, WrongSettings, read

Answer = TypeVar("Answer")


class Plainly(Exception):
    """A fault in a sentence for the person at the command line."""


@contextmanager
def plainly() -> Generator[None]:
    """Turns the faults that a person can do something about into Plainly."""
    try:
        yield
    except WrongSettings as fault:
        raise Plainly("\n          ".join(fault.faults)) from fault
    except (EmbeddedError, SchemaBehind, WrongMasterKey, UnreadableEvent) as fault:
        raise Plainly(str(fault)) from fault
    except Problem as fault:
        raise Plainly(fault.detail) from fault
    except (Unavailable, *LOST) as fault:
        raise Plainly(f"the database cannot be used: {fault}") from fault


@contextmanager
def opened(*, needs_key: bool = False, migrated: bool = True) -> Generator[Settings]:
    """Settings whose database is there, at the present schema. The embedded one is brought to it by itself."""
    with plainly():
        settings = read(os.environ, needs_key=needs_key)
        if settings.database_url is not None:
            if migrated:
                asyncio.run(check(settings.database_url))
            yield settings
            return
        settings.data.mkdir(
            mode=0o711, parents=True, exist_ok=True
        )  # what is private in it is so by itself; Postgres must get through
        with running(settings.data, binaries=settings.postgres_bin) as url:
            asyncio.run(migrate(url))
            key = settings.master_key or master_key.of_directory(settings.data)
            yield structs.replace(settings, database_url=url, master_key=key)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def by_operator() -> Meta:
    """Who did it, for what is appended from the command line."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return Meta(actor=ByOperator(user=user), request_id=str(new_id()))
