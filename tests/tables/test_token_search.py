"""The tokens of an authorization and of a user, and those that a token was exchanged for, which their events name: all of them, in order, a part of them a request."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

import pytest

from events.authorization import CodeRedeemed, RefreshTokenRotated
from events.database import Connection, connected
from events.exchange import stream_of
from events.extent import Extent
from events.issuance import IssuanceLog, Issue, TokenIssued
from events.issued_token_lists import COLUMNS, EDGE_OF_SECRETS, OF_SECRETS, Conditions
from events.log import Append, Log
from projections import audit_events
from projections.engine.election import Follower
from service.crypto.credentials import new_id
from service.endpoints import token_search
from service.endpoints.audit_query import Page
from service.endpoints.cursors import Cursor
from tests.conftest import fresh_database
from tests.rules.samples import AT, CODE_ISSUED, EXCHANGED, GRANTED, hashed
from tests.tables.conftest import appended
from tests.tables.items import meta
from tests.tables.plans import most_rows

GAPS = [60, 60, 1, 1, 1, 1, 1, 1, 60, 60, 60, 1]
"""Seconds between two tokens. (A burst in the middle.)"""


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


async def issued(database: str, log: Log, superuser: Any, *, of: UUID | None = None) -> tuple[UUID, list[UUID]]:
    """An authorization and its tokens, or those that the token with the jti `of` was exchanged for. A token is recorded before its event or after it, as it is for a refresh token or a code."""
    authorization, tokens, jtis = new_id(), IssuanceLog(database), [new_id() for _ in GAPS]
    start = datetime.now(UTC)
    await appended(log, Append(stream=authorization, expected=0, events=[GRANTED, CODE_ISSUED], meta=meta()))
    for number, (jti, after) in enumerate(zip(jtis, accumulate(GAPS), strict=True)):
        event = RefreshTokenRotated(hash=hashed(number), jti=jti, at=AT) if number else CodeRedeemed(jti=jti, at=AT)
        place = Append(stream=authorization, expected=number + 2, events=[event], meta=meta())
        if of is not None:
            made = EXCHANGED.__replace__(subject=of, jti=jti)
            place = Append(stream=stream_of(of), expected=number, events=[made], meta=meta())
        token = TokenIssued(
            sub=str(GRANTED.user), scope="openid", kid="key", exp=2_000_000_000, authorization=authorization
        )
        await tokens.record(Issue(client=new_id(), secret=new_id(), jti=jti, token=token))
        await appended(log, place)
        await moved(superuser, number, start + timedelta(seconds=after))
    await tokens.close()
    follower = Follower([audit_events.PROJECTION], database)
    await follower.look()
    await follower.close()
    return authorization, jtis


async def moved(superuser: Any, number: int, at: datetime) -> None:
    """As if the token had been recorded then, and its event shortly before or after it."""
    event, token = at + timedelta(seconds=0.4 if number % 3 else -0.4), at
    for table, name in (("issuance", "issued_at"), ("issuance_batches", "recorded_at")):
        place = "position" if table == "issuance" else "last_position"
        await superuser.execute(f"update log.{table} set {name} = $1 where {place} = $2", token, number + 1)
    for table, place in (("events", "position"), ("batches", "last_position")):
        await superuser.execute(f"update log.{table} set recorded_at = $1 where {place} = $2", event, number + 3)


@pytest.mark.parametrize("most", [1, 3, 1000])
async def test_each_token_is_found_once_whatever_one_request_looks_up(
    database: str, log: Log, superuser: Any, monkeypatch: pytest.MonkeyPatch, most: int
):
    await superuser.execute("set session_replication_role = replica")
    authorization, jtis = await issued(database, log, superuser)
    monkeypatch.setattr(token_search, "MOST_NAMED", most)
    async with connected(database) as connection:
        for wanted in (Conditions(authorization=authorization), Conditions(user=GRANTED.user)):
            for newest_first in (True, False):
                found = await walked(connection, wanted, newest_first=newest_first)
                assert found == (jtis[::-1] if newest_first else jtis)


@pytest.mark.parametrize("most", [1, 3, 1000])
async def test_so_is_each_that_a_token_was_exchanged_for(
    database: str, log: Log, superuser: Any, monkeypatch: pytest.MonkeyPatch, most: int
):
    await superuser.execute("set session_replication_role = replica")
    subject = new_id()
    _, jtis = await issued(database, log, superuser, of=subject)
    monkeypatch.setattr(token_search, "MOST_NAMED", most)
    async with connected(database) as connection:
        for newest_first in (True, False):
            found = await walked(connection, Conditions(subject_token=subject), newest_first=newest_first)
            assert found == (jtis[::-1] if newest_first else jtis)
        assert await walked(connection, Conditions(subject_token=new_id()), newest_first=True) == []


async def walked(connection: Connection, wanted: Conditions, *, newest_first: bool) -> list[UUID]:
    """The tokens of all pages."""
    found: list[UUID] = []
    cursor, onward = None, 0
    while onward is not None:
        page = Page(since=None, until=None, newest_first=newest_first, limit=2, cursor=cursor, given={})
        part = await token_search.tokens(connection, None, wanted, page)
        found += [row["jti"] for row in page.in_order(part.rows)]
        onward = part.rows[1]["position"] if len(part.rows) > 2 else part.edge
        cursor = None if onward is None else Cursor(onward, before=newest_first)
    return found


async def test_a_plan_that_is_made_once_walks_the_index_of_a_secret_as_far_as_the_page_goes(superuser: Connection):
    """The tokens of others are between those of the secret, so that it looks cheaper to read them in the order of the table."""
    await superuser.execute("create temp table many (like log.issuance including indexes)")
    await superuser.execute(
        "insert into many (position, issued_at, client, secret, jti, data)"
        " select n, now(), secret, secret, $1, '' from generate_series(1, 60000) as n"
        " cross join lateral cast(lpad((n % 100)::text, 32, '1') as uuid) as secret",
        new_id(),
    )
    await superuser.execute("analyze many")
    extent, secret = Extent(after=0, upto=10**9, limit=101, newest_first=True), UUID("1" * 31 + "7")
    for form in (OF_SECRETS, EDGE_OF_SECRETS):
        statement = form.format(columns=COLUMNS, conditions="", order=extent.order, limit=extent.limit, most=100)
        statement = statement.replace("log.issuance", "many")
        assert await most_rows(superuser, statement, extent.after, extent.upto, [secret], secret) <= 101
