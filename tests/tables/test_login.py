"""On the embedded Postgres too, the service logs in as a role that can only append."""

import asyncpg
import pytest

from events.database import connect
from service.embedded import login


@pytest.fixture
def url(database: str) -> str:
    return login.service_url(database)


async def test_the_service_s_login_works_as_the_one_role_that_may_append(url: str):
    connection = await connect(url)
    try:
        row = await connection.fetchrow("select session_user::text, current_user::text")
        assert row is not None
        assert tuple(row) == ("muniment", "muniment_service")
    finally:
        await connection.close()


@pytest.mark.parametrize("become", ["set role none", "reset role", "set session authorization default"])
@pytest.mark.parametrize(
    "statement",
    [
        "update log.events set type = type",
        "alter table log.events disable trigger all",
        "set role postgres",
        "set role pg_read_server_files",
        "create role another superuser",
        "copy (select 1) to program 'true'",
        "select pg_read_file('PG_VERSION')",
    ],
)
async def test_whatever_it_becomes_the_service_s_login_stays_without_rights(url: str, become: str, statement: str):
    connection = await connect(url)
    try:
        await connection.execute(become)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_cluster_of_an_earlier_version_gets_the_login_and_one_that_has_it_keeps_it(superuser, database, url):
    await superuser.execute(
        "revoke muniment_service from muniment; alter role muniment nologin superuser password null"
    )
    for _ in range(2):
        await login.ensure(database)
        connection = await connect(url)
        assert await connection.fetchval("select rolsuper from pg_roles where rolname = session_user") is False
        await connection.close()
