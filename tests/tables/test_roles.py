"""deploy/roles.sql, run by an administrator as managed Postgres has them: who may create roles and databases, and is no superuser."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from events.database import connect
from service import fitness
from service.crypto.credentials import new_id
from service.embedded import binaries
from service.embedded.cluster import running
from service.migrations import schemas
from service.migrations.run import migrate
from tests.conftest import FAST, named, open_directory
from tests.tables.conftest import other_binaries, writing
from tests.tables.items import item

ACME = Path(__file__).parents[1] / "packages" / "acme"
ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"
PASSWORDS = {"OWNER_PASSWORD": "owner's", "SERVICE_PASSWORD": "service's"}


@pytest.fixture(params=["embedded", "other"])
def unmanaged(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of its own, for roles belong to the whole server; it knows none of ours."""
    other = other_binaries()
    if request.param == "other" and other is None:
        pytest.skip(f"there is no second Postgres in {binaries.SYSTEM}, and TEST_POSTGRES_BIN names none")
    chosen = other if request.param == "other" else None
    with open_directory() as place, running(place / "data", binaries=chosen, settings=FAST) as url:
        yield url


def _as(url: str, user: str, password: str) -> str:
    return url.replace(urlsplit(url).netloc, f"{user}:{password}@", 1)


async def test_an_administrator_who_is_no_superuser_makes_the_roles_and_they_are_enough(
    unmanaged: str, monkeypatch: pytest.MonkeyPatch
):
    superuser = await asyncpg.connect(named(unmanaged, "postgres"))
    for statement in (
        "drop role if exists muniment, muniment_service",
        "create role managed login createrole createdb password 'managed'",
        "create database ours owner managed",
    ):
        await superuser.execute(statement)
    await superuser.close()

    ours = named(unmanaged, "ours")
    psql = [binaries.find(None, None).path / "psql", "-qX", "-d", _as(ours, "managed", "managed"), "-f", ROLES]
    for _ in range(2):  # harmless to repeat
        subprocess.run(psql, check=True, env={**os.environ, **PASSWORDS})
    await migrate(_as(ours, "muniment_owner", "owner's"))
    monkeypatch.syspath_prepend(ACME)
    assert await schemas.make(_as(ours, "muniment_owner", "owner's")) == ["acme"]

    url = _as(ours, "muniment", "service's")
    assert await fitness.check_login(url) is None
    async with writing(url) as log:
        await log.append(item(new_id()))
    connection = await connect(url)
    await connection.execute("create table acme.mine ()")
    forbidden_statements = (
        "delete from log.events",
        "set role muniment_owner",
        "create table public.mine ()",
        "create schema mine",
    )
    for forbidden in forbidden_statements:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()
