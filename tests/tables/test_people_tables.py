"""What is asked of the tables of people: who is found, what stands, what has yet to be done; and that of many at once one gets it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from events.authorization import (
    AuthorizationRevoked,
    CodeRedeemed,
    CodeReplayed,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
)
from events.consent import stream_of
from events.replay import history
from projections import authorizations, consents, sessions, users
from service.commands.authorization import (
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RevokeAuthorization,
    RotateRefreshToken,
)
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.handle import AUTHORIZATION, CONSENT, SESSION, USER, Ledger, handle
from service.commands.session import EndSession, GiveUpNotifying, ReportNotified, StartSession
from service.commands.user import AddFactor, DisableUser, EraseUser, RegisterUser
from service.crypto.credentials import new_id
from tests.rules.samples import AT, CODE_ISSUED, DEVICE, GRANTED, LATER, PASSWORD, PROFILE, factor, hashed
from tests.tables.items import meta

NOW = datetime.now(UTC)
REGISTER = RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT)
START = StartSession(
    user=new_id(), token_hash=hashed(1), amr=("pwd",), acr="1", device=DEVICE, at=AT, expires_at=NOW + timedelta(days=1)
)
REVOKE = RevokeAuthorization(why="user", at=NOW)
END = EndSession(why="signed_out", notify=(), at=NOW)


async def happened(ledger: Ledger, aggregate: Any, *commands: Any) -> UUID:
    """A new stream to which this happened."""
    stream = new_id()
    for command in commands:
        await handle(ledger, aggregate, stream, command, meta())
    return stream


async def granted(
    ledger: Ledger, user: UUID, *more: Any, session: UUID | None = None, scopes: Sequence[str] = ()
) -> UUID:
    yes = GRANTED.__replace__(user=user, session=session or new_id(), scopes=tuple(scopes))
    return await happened(ledger, AUTHORIZATION, GrantAuthorization(granted=yes, code=CODE_ISSUED), *more)


async def test_a_user_is_found_with_what_lets_them_in_until_they_are_erased(ledger, reader):
    assert await users.find(reader, new_id()) is None
    stream = await happened(ledger, USER, REGISTER, AddFactor(factor=factor(1)))
    row = await users.find(reader, stream)
    assert row is not None
    assert (row.state, row.password, row.factors) == ("active", PASSWORD, (factor(1),))
    await handle(ledger, USER, stream, EraseUser(at=LATER), meta())
    gone = await users.find(reader, stream)
    assert gone == users.Row(
        stream_id=stream, state="erased", verified=False, profile=None, password=None, password_at=None, factors=(),
        created_at=AT, version=3,
    )  # fmt: skip


async def test_users_are_listed_in_the_order_they_came_without_those_who_are_gone(ledger, reader):
    first, second, third = [await happened(ledger, USER, REGISTER) for _ in range(3)]
    off = await happened(ledger, USER, REGISTER, DisableUser())
    await happened(ledger, USER, REGISTER, EraseUser(at=AT))

    async def listed(after: UUID | None = None, state: str | None = None, limit: int = 10) -> list[UUID]:
        return [row.stream_id for row in await users.listed(reader, after=after, state=state, limit=limit)]

    assert await listed() == [first, second, third, off]
    assert await listed(limit=2) == [first, second]
    assert await listed(after=second) == [third, off]
    assert await listed(state="disabled") == [off]
    assert await listed(state="erased") == []


async def test_the_sessions_of_a_user_are_those_that_are_open_latest_first(ledger, reader):
    user = new_id()
    mine = START.__replace__(user=user)
    first, second = await happened(ledger, SESSION, mine), await happened(ledger, SESSION, mine)
    await happened(ledger, SESSION, mine, END)
    await happened(ledger, SESSION, mine.__replace__(expires_at=NOW - timedelta(seconds=1)))
    await happened(ledger, SESSION, START)
    assert [row.stream_id for row in await sessions.of_user(reader, user)] == [second, first]


async def test_an_ended_session_is_asked_about_until_every_client_was_told_or_given_up(ledger, reader):
    """The one that ended first comes first."""
    later = END.__replace__(notify=("a", "b"), at=NOW + timedelta(seconds=1))
    second = await happened(ledger, SESSION, START, later)
    first = await happened(ledger, SESSION, START, END.__replace__(notify=("a",)))
    await happened(ledger, SESSION, START, END)
    waiting = await sessions.to_notify(reader, each=5, limit=5)
    assert [(row.stream_id, row.notify, row.device, client_id) for row, client_id in waiting] == [
        (first, ("a",), None, "a"),
        (second, ("a", "b"), None, "b"),
        (second, ("a", "b"), None, "a"),
    ]
    assert [row.stream_id for row, _ in await sessions.to_notify(reader, each=5, limit=1)] == [first]
    await handle(ledger, SESSION, first, ReportNotified(client_id="a", at=NOW), meta())
    await handle(ledger, SESSION, second, GiveUpNotifying(client_id="b", why="HTTP 503", at=NOW), meta())
    assert [client_id for _, client_id in await sessions.to_notify(reader, each=5, limit=5)] == ["a"]
    await handle(ledger, SESSION, second, ReportNotified(client_id="a", at=NOW), meta())
    assert await sessions.to_notify(reader, each=5, limit=5) == []


async def test_a_client_that_is_slow_to_hear_hides_no_other(ledger, reader):
    for seconds in range(4):
        at = NOW + timedelta(seconds=seconds)
        await happened(ledger, SESSION, START, END.__replace__(notify=("slow",), at=at))
    last = END.__replace__(notify=("quick",), at=NOW + timedelta(minutes=1))
    quick = await happened(ledger, SESSION, START, last)
    waiting = await sessions.to_notify(reader, each=2, limit=3)
    assert [client_id for _, client_id in waiting] == ["slow", "quick", "slow"]
    assert waiting[1][0].stream_id == quick


async def test_what_a_person_allowed_is_found_by_name_and_stands_until_they_take_it_back(ledger, reader):
    user = new_id()
    given = {
        client: GiveConsent(user=user, client_id=client, resource=None, scopes=("openid",), at=at)
        for client, at in (("a", AT), ("b", NOW))
    }
    for client, command in given.items():
        await handle(ledger, CONSENT, stream_of(user, client, None), command, meta())
    assert [row.client_id for row in await consents.of_user(reader, user)] == ["b", "a"]
    await handle(ledger, CONSENT, stream_of(user, "b", None), WithdrawConsent(at=NOW), meta())
    assert [row.client_id for row in await consents.of_user(reader, user)] == ["a"]
    taken = await consents.find(reader, stream_of(user, "b", None))
    assert taken is not None
    assert (taken.state, taken.scopes) == ("withdrawn", ())
    assert await consents.find(reader, stream_of(user, "a", "https://crm.example.com")) is None
    assert await consents.of_user(reader, new_id()) == []


async def test_the_authorizations_of_a_user_and_of_a_session_are_those_that_stand(ledger, reader):
    user, session = new_id(), new_id()
    first, second = await granted(ledger, user, session=session), await granted(ledger, user)
    await granted(ledger, user, REVOKE, session=session)
    third = await granted(ledger, new_id(), session=session)
    assert [row.stream_id for row in await authorizations.of_user(reader, user)] == [second, first]
    assert [row.stream_id for row in await authorizations.of_session(reader, session)] == [first, third]


async def test_what_the_end_of_a_user_has_yet_to_reach_is_found(ledger, reader):
    on, off = await happened(ledger, USER, REGISTER), await happened(ledger, USER, REGISTER, DisableUser())
    gone = await happened(ledger, USER, REGISTER, EraseUser(at=AT))
    stopped = {user: START.__replace__(user=user) for user in (on, off, gone)}
    await happened(ledger, SESSION, stopped[on])
    await happened(ledger, SESSION, stopped[off], END)
    open_yet = {
        await happened(ledger, SESSION, stopped[off]): "disabled",
        await happened(ledger, SESSION, stopped[gone]): "erased",
    }
    assert await sessions.of_stopped_users(reader) == open_yet
    for user in (on, off, gone):
        await granted(ledger, user, REVOKE)
    await granted(ledger, on)
    left = {await granted(ledger, off): "disabled", await granted(ledger, gone): "erased"}
    assert await authorizations.of_stopped_users(reader) == left


async def test_where_nobody_was_stopped_or_restored_no_authorization_and_no_session_is_looked_at(ledger, reader):
    """Postgres is asked every few seconds, however many stand."""
    user = await happened(ledger, USER, REGISTER)
    await granted(ledger, user, session=await happened(ledger, SESSION, START.__replace__(user=user)))
    for statement, table in (
        (authorizations.OF_STOPPED, "authorizations"),
        (authorizations.OF_RESTORED, "authorizations"),
        (sessions.OF_STOPPED_USERS, "sessions"),
    ):
        plan = [line for (line,) in await reader.fetch(f"explain (analyze, costs off) {statement}")]
        looks = [line for line in plan if f" on {table}" in line]
        assert looks
        assert all("never executed" in line for line in looks), plan


async def test_what_the_end_of_a_session_has_yet_to_reach_is_found_without_what_outlives_it(ledger, reader):
    user = new_id()
    over = await happened(ledger, SESSION, START, END)
    left = await granted(ledger, user, session=over, scopes=("openid",))
    await granted(ledger, user, session=over, scopes=("openid", "offline_access"))
    await granted(ledger, user, REVOKE, session=over)
    await granted(ledger, user, session=await happened(ledger, SESSION, START))
    long_over = await happened(ledger, SESSION, START, END.__replace__(at=NOW - timedelta(days=2)))
    await granted(ledger, user, session=long_over)
    assert await authorizations.of_ended_sessions(reader) == [left]


async def types_of(reader: Any, stream: UUID) -> list[type]:
    return [type(past.event) for past in await history(reader, stream)][2:]


async def test_of_many_who_redeem_one_code_at_once_one_gets_a_token_and_all_of_it_is_revoked(ledger, reader):
    stream = await granted(ledger, new_id())
    commands = [
        RedeemCode(jti=new_id(), refresh=NewRefreshToken(hash=hashed(n), expires_at=LATER), at=AT) for n in range(8)
    ]
    handled = await asyncio.gather(*(handle(ledger, AUTHORIZATION, stream, one, meta()) for one in commands))
    assert sum(isinstance(event, CodeRedeemed) for one in handled for event in one.events) == 1
    assert await types_of(reader, stream) == [CodeRedeemed, RefreshTokenIssued, CodeReplayed, AuthorizationRevoked]


async def test_of_many_who_exchange_one_refresh_token_at_once_one_gets_a_token_and_all_of_it_is_revoked(ledger, reader):
    """(Whoever asks within the grace gets the same answer again: that is for the endpoint, before it comes to this.)"""
    redeem = RedeemCode(jti=new_id(), refresh=NewRefreshToken(hash=hashed(0), expires_at=LATER), at=AT)
    stream = await granted(ledger, new_id(), redeem)
    commands = [RotateRefreshToken(presented=hashed(0), next=hashed(n), jti=new_id(), at=AT) for n in range(1, 9)]
    handled = await asyncio.gather(*(handle(ledger, AUTHORIZATION, stream, one, meta()) for one in commands))
    assert sum(isinstance(event, RefreshTokenRotated) for one in handled for event in one.events) == 1
    assert (await types_of(reader, stream))[2:] == [RefreshTokenRotated, RefreshTokenReplayed, AuthorizationRevoked]
