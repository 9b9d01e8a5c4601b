"""Pushed authorization requests in the database: sealed, for a minute and a half, and good for one code."""

import time
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from events.database import Connection
from service import pushed_requests
from service.commands.handle import Ledger
from service.limits import Limits
from service.oauth.authorization_request import AuthorizationRequest
from service.pushed_requests import LIFETIME_SECONDS, PREFIX, PushedRequests

REQUEST = AuthorizationRequest(
    client_id="c", redirect_uri="https://app.example.com/cb", asked_at=time.time(), login_hint="ada@example.com"
)


@pytest.fixture
async def limits(database: str, superuser: Connection) -> AsyncGenerator[Limits]:
    await superuser.execute("truncate limits.pushed")
    limits = Limits(database)
    yield limits
    await limits.close()


@pytest.fixture
def pushed(ledger: Ledger, limits: Limits) -> PushedRequests:
    return PushedRequests(ledger.pool, limits, b"k" * 32)


async def test_a_request_is_found_by_its_client_until_it_is_used(pushed: PushedRequests):
    uri = await pushed.push(REQUEST)
    found = await pushed.find(uri, "c")
    assert found is not None
    assert found.__replace__(pushed=None) == REQUEST
    assert await pushed.find(uri, "d") is None
    assert await pushed.find(PREFIX, "c") is None
    assert [await pushed.use(found), await pushed.use(found)] == [True, False]
    assert await pushed.find(uri, "c") is None


async def test_a_request_that_was_not_pushed_is_never_used_up(pushed: PushedRequests):
    assert [await pushed.use(REQUEST), await pushed.use(REQUEST)] == [True, True]


async def test_a_reader_of_the_database_can_neither_read_a_request_nor_use_it(
    pushed: PushedRequests, ledger: Ledger, limits: Limits, superuser: Connection
):
    uri = await pushed.push(REQUEST)
    row = await superuser.fetchrow("select key, request from limits.pushed")
    assert row is not None
    assert b"ada@" not in row["request"]
    assert uri.removeprefix(PREFIX).encode() not in row["key"]
    assert await PushedRequests(ledger.pool, limits, b"o" * 32).find(uri, "c") is None


async def test_an_old_request_is_not_found_and_then_forgotten(pushed: PushedRequests, superuser: Connection):
    old, new = await pushed.push(REQUEST), await pushed.push(REQUEST)
    key = pushed_requests._key(old)
    later = timedelta(seconds=LIFETIME_SECONDS)
    await superuser.execute("update limits.pushed set until = until - $2::interval where key = $1", key, later)
    assert await pushed.find(old, "c") is None
    assert await superuser.fetchval("select count(*) from limits.pushed") == 2
    await pushed_requests.forget(superuser)
    assert await superuser.fetchval("select count(*) from limits.pushed") == 1
    assert await pushed.find(new, "c") is not None
