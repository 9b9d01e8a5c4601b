"""Login sessions of people, what their end reaches, and how often somebody may fail to begin one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.authorization import AuthorizationGranted, CodeIssued
from events.client import AuthorizationCode, Login
from events.consent import stream_of as consent_of
from events.database import AnyConnection, Connection
from events.envelope import ByService, Meta
from events.ids import client_id_of
from events.replay import history
from events.session import SessionEnded, SessionStarted, SessionUsedAfterEnd
from projections import authorizations, sessions
from service.commands.authorization import GrantAuthorization
from service.commands.client import RegisterClient
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.handle import AUTHORIZATION, CLIENT, CONSENT, SESSION, USER, Ledger, handle
from service.commands.session import EndSession
from service.commands.user import DisableUser
from service.configuration.settings import read_settings
from service.crypto.base64url import as_text, of_text
from service.crypto.credentials import new_id
from service.endpoints.refusals import problem_of
from service.limits import Limits, forget
from service.people.accounts import People
from service.people.sessions import Device, Sessions, SignedIn
from service.people.throttle import (
    ACCOUNT_LIMIT,
    ADDRESS_LIMIT,
    FACTOR_DAILY_LIMIT,
    FACTOR_LIMIT,
    Attempts,
    TooManyAttempts,
    network,
)
from service.reactions import session_end
from service.refusals import DoesNotExist
from service.values.profile import Profile
from tests.tables.conftest import MASTER_KEY

META = Meta(actor=ByService(why="test"), request_id="test")
SETTINGS = read_settings({})
ADA = Profile(email="ada@example.com", name="Ada")
NEW_PASSWORD = "another battery, badly stapled"
DEVICE = Device(address="192.0.2.1", agent="Firefox on Plan 9")
PWD = (("pwd",), "urn:muniment:acr:1")
STAND_STILL = """
create schema still;
grant usage on schema still to public;
do $$
begin
  execute format('create function still.statement_timestamp() returns timestamptz immutable return %L::timestamptz', now());
  execute format('alter database %I set search_path = still, pg_catalog, public', current_database());
end $$
"""
"""For every connection that is made from now on. What is counted begins again at the turn of a minute, which may come at any time."""
GO_ON = """
drop schema still cascade;
do $$ begin execute format('alter database %I reset search_path', current_database()); end $$
"""


@pytest.fixture
def theirs(ledger: Ledger, people: People) -> Sessions:
    return Sessions(ledger, people, SETTINGS, MASTER_KEY, ledger.pool)


@pytest.fixture
async def ada(people: People) -> UUID:
    return await people.register(ADA, None, META)


@pytest.fixture
async def ada_with_password(people: People) -> UUID:
    return await people.register(ADA.__replace__(email="ada.lovelace@example.com"), NEW_PASSWORD, META)


@pytest.fixture
async def limits(database: str, superuser: Connection) -> AsyncIterator[Limits]:
    """In one and the same minute, however long the test takes."""
    await superuser.execute(f"truncate limits.counts, limits.used; {STAND_STILL}")
    limits = Limits(database)
    yield limits
    await limits.close()
    await superuser.execute(GO_ON)


async def signed_in(theirs: Sessions, cookie: str) -> SignedIn:
    current = await theirs.current(cookie)
    assert current is not None
    return current


def session_of(cookie: str) -> UUID:
    """The session that the cookie names."""
    content = of_text(cookie)
    assert content is not None
    return UUID(bytes=content[:16])


async def granted(
    ledger: Ledger, user: UUID, session: UUID, *scopes: str, logout_uri: str | None = None, resource: str | None = None
) -> UUID:
    """An authorization of a new client in this session."""
    client, stream, now = new_id(), new_id(), datetime.now(UTC)
    register = RegisterClient(
        owner="test",
        grant=AuthorizationCode(),
        display_name=None,
        redirect_uris=("https://app.example.com/cb",),
        scopes=(),
        secret=None,
        at=now,
        login=Login(backchannel_logout_uri=logout_uri),
    )
    await handle(ledger, CLIENT, client, register, META, fresh=True)
    grant = AuthorizationGranted(
        client=client,
        user=user,
        session=session,
        scopes=scopes,
        resource=resource,
        nonce=None,
        auth_time=now,
        acr="urn:muniment:acr:1",
        amr=("pwd",),
    )
    code = CodeIssued(
        hash="0" * 64,
        redirect_uri="https://app.example.com/cb",
        named=True,
        code_challenge=None,
        expires_at=now + timedelta(minutes=1),
        at=now,
    )
    await handle(ledger, AUTHORIZATION, stream, GrantAuthorization(granted=grant, code=code), META, fresh=True)
    return stream


async def why_revoked(reader, *streams: UUID) -> list[str | None]:
    rows = await reader.fetch(
        "select stream_id, why from read.authorizations where stream_id = any($1::uuid[])", streams
    )
    whys = {row["stream_id"]: row["why"] for row in rows}
    return [whys[stream] for stream in streams]


async def test_a_cookie_speaks_for_whom_it_was_made_and_tells_where_and_how_they_signed_in(theirs, people, ada):
    current = await signed_in(theirs, await theirs.start(ada, *PWD, DEVICE))
    assert current.user.stream_id == current.session.user_id == ada
    assert (current.session.amr, current.session.acr) == PWD
    assert await theirs.device(current.session) == DEVICE
    assert "192.0.2.1" not in str(current.session.device)
    assert current.session.expires_at - current.session.started_at == timedelta(days=14)


async def test_the_cookie_s_name_has_the_prefix_that_browsers_enforce_where_there_is_https(ledger, people):
    assert Sessions(ledger, people, SETTINGS, MASTER_KEY, ledger.pool).cookie == "muniment_session_8000"
    https = SETTINGS.__replace__(issuer="https://auth.example.com")
    assert Sessions(ledger, people, https, MASTER_KEY, ledger.pool).cookie == "__Host-muniment_session"


async def test_nobody_else_can_write_a_cookie(theirs, ledger, people, ada):
    cookie = await theirs.start(ada, *PWD, None)
    content = of_text(cookie)
    assert content is not None
    for place in (0, 15, 16, 47, 48, 79):
        changed = bytearray(content)
        changed[place] ^= 1
        assert await theirs.current(as_text(bytes(changed))) is None
    for other in (None, "", "x", "=", "é", cookie[:-1], cookie + "AAAA", as_text(content[:48]), as_text(bytes(80))):
        assert await theirs.current(other) is None
    assert await Sessions(ledger, people, SETTINGS, b"o" * 32, ledger.pool).current(cookie) is None
    assert await theirs.current(cookie) is not None


async def test_the_log_has_neither_the_cookie_nor_where_it_is(theirs, ada, reader):
    cookie = await theirs.start(ada, *PWD, DEVICE)
    content = of_text(cookie)
    session = (await signed_in(theirs, cookie)).session.stream_id
    stored = b"".join([row[0] + row[1] for row in await reader.fetch("select data, meta from log.events")])
    assert content is not None
    for secret in (cookie, content[16:48].hex(), as_text(content[16:48]), "192.0.2.1", "Firefox", "ada@example.com"):
        assert secret.encode() not in stored
    (started,) = await history(reader, session)
    assert isinstance(started.event, SessionStarted)
    assert started.meta.address is None


async def test_signing_in_again_keeps_the_session_and_makes_the_former_cookie_worthless(theirs, ada, reader):
    first = await theirs.start(ada, *PWD, DEVICE)
    before = await signed_in(theirs, first)
    second = await theirs.reauthenticate(before, ("pwd", "otp", "mfa"), "urn:muniment:acr:2")
    after = await signed_in(theirs, second)
    assert await theirs.current(first) is None
    assert after.session.stream_id == before.session.stream_id
    assert (after.session.amr, after.session.acr) == (("pwd", "otp", "mfa"), "urn:muniment:acr:2")
    assert after.session.authenticated_at > before.session.authenticated_at
    assert after.session.expires_at == before.session.expires_at
    await theirs.end(after.session.stream_id, "signed_out", META)
    with pytest.raises(DoesNotExist):
        await theirs.reauthenticate(after, *PWD)


async def test_a_session_is_over_at_its_time(ledger, people, ada):
    short = Sessions(ledger, people, SETTINGS.__replace__(session_lifetime=0), MASTER_KEY, ledger.pool)
    assert await short.current(await short.start(ada, *PWD, None)) is None


async def test_a_session_whose_time_is_over_is_ended_by_housekeeping_with_what_came_of_it(
    ledger, people, theirs, ada, reader
):
    short = Sessions(ledger, people, SETTINGS.__replace__(session_lifetime=0), MASTER_KEY, ledger.pool)
    session = session_of(await short.start(ada, *PWD, None))
    going_on = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    online = await granted(ledger, ada, session, "openid")
    await session_end.expire(ledger)
    assert await why_revoked(reader, online) == ["session_ended"]
    states = [await sessions.find(reader, each) for each in (session, going_on.session.stream_id)]
    assert [row and row.state for row in states] == ["ended", "open"]
    assert await sessions.expired(reader, limit=10) == []


async def test_a_cookie_that_comes_after_its_session_ran_out_is_nobody_s_fault(ledger, people, ada, reader):
    short = Sessions(ledger, people, SETTINGS.__replace__(session_lifetime=0), MASTER_KEY, ledger.pool)
    cookie = await short.start(ada, *PWD, None)
    await session_end.expire(ledger)
    assert await short.current(cookie) is None
    events = [past.event for past in await history(reader, session_of(cookie))]
    assert [type(event) for event in events] == [SessionStarted, SessionEnded]


async def test_a_cookie_that_comes_after_the_end_of_its_session_is_remembered_once(theirs, ada, reader):
    cookie = await theirs.start(ada, *PWD, DEVICE)
    session = (await signed_in(theirs, cookie)).session.stream_id
    await theirs.end(session, "signed_out", META)
    assert await asyncio.gather(*(theirs.current(cookie) for _ in range(3))) == [None, None, None]
    events = [past.event for past in await history(reader, session)]
    assert [type(event) for event in events] == [SessionStarted, SessionEnded, SessionUsedAfterEnd]
    row = await sessions.find(reader, session)
    assert row is not None
    assert (row.state, row.device) == ("ended", None)


async def test_a_former_cookie_of_an_ended_session_is_no_use_of_it(theirs, ada, reader):
    former = await theirs.start(ada, *PWD, None)
    current = await signed_in(theirs, former)
    await theirs.reauthenticate(current, *PWD)
    await theirs.end(current.session.stream_id, "signed_out", META)
    assert await theirs.current(former) is None
    assert len(await history(reader, current.session.stream_id)) == 3


async def test_the_end_of_a_session_revokes_what_was_granted_in_it_but_not_what_was_allowed_offline(
    theirs, ledger, ada, reader
):
    current = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    other = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    online = await granted(ledger, ada, current.session.stream_id, "openid")
    offline = await granted(ledger, ada, current.session.stream_id, "openid", "offline_access")
    elsewhere = await granted(ledger, ada, other.session.stream_id, "openid")
    handled = await theirs.end(current.session.stream_id, "signed_out", META)
    assert handled.position is not None
    assert await why_revoked(reader, online, offline, elsewhere) == ["session_ended", None, None]
    assert (await theirs.end(current.session.stream_id, "signed_out", META)).position is None
    (*_, revoked) = await history(reader, online)
    assert revoked.meta.cause == handled.position


async def test_clients_that_want_to_hear_of_the_end_and_were_let_in_are_to_be_told(theirs, ledger, ada, reader):
    current = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    session = current.session.stream_id
    wanting = await granted(ledger, ada, session, "openid", logout_uri="https://app.example.com/out")
    away = await granted(ledger, ada, session, "offline_access", logout_uri="https://app.example.com/out")
    await granted(ledger, ada, session, "openid")
    rows = {row.stream_id: row.client for row in await authorizations.of_session(reader, session)}
    await theirs.end(session, "ended_by_user", META)
    ended = await sessions.find(reader, session)
    assert ended is not None
    assert sorted(ended.notify) == sorted(client_id_of(rows[stream]) for stream in (wanting, away))


async def test_all_sessions_of_a_person_but_one_end_with_their_password(theirs, ledger, people, ada, reader):
    other = await people.register(Profile(email="other@example.com"), None, META)
    cookies = [await theirs.start(user, *PWD, None) for user in (ada, ada, ada, other)]
    kept = (await signed_in(theirs, cookies[1])).session.stream_id
    first = (await signed_in(theirs, cookies[0])).session.stream_id
    offline = await granted(ledger, ada, first, "offline_access")
    assert await theirs.end_all(ada, "password_changed", META, but=kept) == 2
    assert [await theirs.current(cookie) is not None for cookie in cookies] == [False, True, False, True]
    assert await why_revoked(reader, offline) == ["password_changed"]


@pytest.mark.parametrize("how", ["disable", "erase"])
async def test_nothing_of_a_stopped_person_is_good_any_more(how, theirs, ledger, ada, reader):
    cookie = await theirs.start(ada, *PWD, DEVICE)
    session = (await signed_in(theirs, cookie)).session.stream_id
    streams = [await granted(ledger, ada, session, "openid", "offline_access"), await granted(ledger, ada, new_id())]
    await getattr(theirs._people, how)(ada, META)
    assert await theirs.current(cookie) is None
    assert await why_revoked(reader, *streams) == [f"user_{how}d"] * 2
    (_, ended, *_) = [past.event for past in await history(reader, session)]
    assert isinstance(ended, SessionEnded)
    assert ended.why == f"user_{how}d"


async def caused_by(reader: AnyConnection, *streams: UUID) -> list[str | None]:
    """The types of the events that the last events of these streams name as their causes."""
    last = [(await history(reader, stream))[-1].meta.cause for stream in streams]
    return [await reader.fetchval("select type from log.events where position = $1", cause) for cause in last]


async def test_what_a_killed_process_left_of_the_end_of_a_person_is_finished_by_housekeeping(
    theirs, ledger, people, ada, reader
):
    cookie = await theirs.start(ada, *PWD, DEVICE)
    session = (await signed_in(theirs, cookie)).session.stream_id
    streams = [await granted(ledger, ada, session, "openid"), await granted(ledger, ada, new_id(), "openid")]
    await handle(ledger, USER, ada, DisableUser(), META)
    assert await theirs.current(cookie) is None
    await session_end.finish(ledger)
    assert await why_revoked(reader, *streams) == ["user_disabled", "user_disabled"]
    assert await caused_by(reader, session, streams[1]) == ["user.disabled"] * 2
    await people.enable(ada, META)
    assert await theirs.current(cookie) is None
    assert (await sessions.find(reader, session)).state == "ended"  # pyright: ignore[reportOptionalMemberAccess]


async def test_what_a_killed_process_left_of_the_end_of_a_session_is_finished_by_housekeeping(
    theirs, ledger, ada, reader
):
    session = (await signed_in(theirs, await theirs.start(ada, *PWD, None))).session.stream_id
    online, offline = await granted(ledger, ada, session), await granted(ledger, ada, session, "offline_access")
    await handle(ledger, SESSION, session, EndSession(why="signed_out", notify=(), at=datetime.now(UTC)), META)
    await session_end.finish(ledger)
    assert await why_revoked(reader, online, offline) == ["session_ended", None]
    assert await caused_by(reader, online) == ["session.ended"]


async def test_a_session_from_before_a_password_change_is_worth_nothing_whoever_was_killed(
    theirs, ledger, people, ada, reader
):
    before = await theirs.start(ada, *PWD, DEVICE)
    going_on = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    former, left = session_of(before), going_on.session.stream_id
    online, offline = await granted(ledger, ada, former), await granted(ledger, ada, left, "offline_access")
    await people.change_password(ada, NEW_PASSWORD, META)
    assert await theirs.current(before) is None
    again = await theirs.reauthenticate(going_on, *PWD)
    late = await granted(ledger, ada, former, "offline_access")
    new = await granted(ledger, ada, left, "offline_access")
    await session_end.finish(ledger)
    assert await why_revoked(reader, online, offline, late, new) == [*["password_changed"] * 3, None]
    assert await caused_by(reader, former, late) == ["user.password_changed", "session.ended"]
    states = [row and row.state for row in [await sessions.find(reader, each) for each in (former, left)]]
    assert states == ["ended", "open"]
    assert await theirs.current(again) is not None


async def test_who_changes_their_password_goes_on_and_nothing_else_from_before_does(
    theirs, ledger, people, ada, reader
):
    other = await theirs.start(ada, *PWD, None)
    current = await signed_in(theirs, await theirs.start(ada, *PWD, None))
    here = await granted(ledger, ada, current.session.stream_id, "offline_access")
    gone = await granted(ledger, ada, new_id(), "offline_access")
    await people.change_password(ada, NEW_PASSWORD, META)
    cookie = await theirs.reauthenticate(current, *PWD)
    await theirs.end_former(current, META)
    assert [await theirs.current(each) is not None for each in (cookie, other)] == [True, False]
    assert await why_revoked(reader, here, gone) == ["password_changed"] * 2


async def test_a_password_that_is_hashed_anew_ends_nothing(theirs, ledger, ada_with_password, people, reader):
    cookie = await theirs.start(ada_with_password, *PWD, None)
    stream = await granted(ledger, ada_with_password, session_of(cookie))
    row = await people.row(ada_with_password)
    await people._hash_anew(row, NEW_PASSWORD)
    await session_end.finish(ledger)
    assert (await people.row(ada_with_password)).version == row.version + 1
    assert await theirs.current(cookie) is not None
    assert await why_revoked(reader, stream) == [None]


async def test_what_a_killed_process_left_of_a_withdrawn_consent_is_finished_by_housekeeping(ledger, ada, reader):
    streams = [await granted(ledger, ada, new_id(), "offline_access") for _ in range(3)]
    rows = {row.stream_id: client_id_of(row.client) for row in await authorizations.of_user(reader, ada)}
    taken, again, kept = (rows[stream] for stream in streams)

    async def happens(client: str, *commands: Any) -> None:
        for command in commands:
            await handle(ledger, CONSENT, consent_of(ada, client, None), command, META)

    def give(client: str) -> GiveConsent:
        return GiveConsent(user=ada, client_id=client, resource=None, scopes=("openid",), at=datetime.now(UTC))

    await happens(taken, give(taken), WithdrawConsent(at=datetime.now(UTC)))
    await happens(again, give(again), WithdrawConsent(at=datetime.now(UTC)), give(again))
    await happens(kept, give(kept))
    await session_end.finish(ledger)
    assert await why_revoked(reader, *streams) == ["consent_withdrawn", "consent_withdrawn", None]
    assert await caused_by(reader, *streams[:2]) == ["consent.withdrawn"] * 2


async def test_consent_withdrawn_for_one_of_several_resources_revokes_what_was_granted_for_all(ledger, ada, reader):
    both, other = "https://a.example.com urn:b", "https://c.example.com"
    streams = [await granted(ledger, ada, new_id(), "openid", resource=resource) for resource in (both, other)]
    clients = {row.stream_id: client_id_of(row.client) for row in await authorizations.of_user(reader, ada)}
    for stream in streams:
        client = clients[stream]
        give = GiveConsent(user=ada, client_id=client, resource="urn:b", scopes=("openid",), at=datetime.now(UTC))
        for command in (give, WithdrawConsent(at=datetime.now(UTC))):
            await handle(ledger, CONSENT, consent_of(ada, client, "urn:b"), command, META)
    await session_end.finish(ledger)
    assert await why_revoked(reader, *streams) == ["consent_withdrawn", None]
    assert await caused_by(reader, streams[0]) == ["consent.withdrawn"]


async def test_consent_withdrawn_for_one_resource_or_before_the_grant_revokes_nothing(ledger, ada, reader):
    stream = await granted(ledger, ada, new_id(), "openid")
    (row,) = await authorizations.of_user(reader, ada)
    client, long_ago = client_id_of(row.client), datetime.now(UTC) - timedelta(hours=1)
    for resource, at in ((None, long_ago), ("https://api.example.com", datetime.now(UTC))):
        consent = consent_of(ada, client, resource)
        give = GiveConsent(user=ada, client_id=client, resource=resource, scopes=("openid",), at=long_ago)
        for command in (give, WithdrawConsent(at=at)):
            await handle(ledger, CONSENT, consent, command, META)
    await session_end.finish(ledger)
    assert await why_revoked(reader, stream) == [None]


async def test_after_so_many_failures_an_account_is_closed_to_strangers_for_a_minute(limits, people, ada):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for n in range(ACCOUNT_LIMIT):
        await attempts.begin("Ada@example.com", f"192.0.2.{n}", None)
    with pytest.raises(TooManyAttempts) as refused:
        await attempts.begin("ada@EXAMPLE.com", "192.0.2.99", None)
    assert 0 < refused.value.seconds <= 60
    assert problem_of(refused.value).headers["Retry-After"] == str(refused.value.seconds)
    await attempts.begin("other@example.com", "192.0.2.1", None)


async def test_after_so_many_failures_an_address_is_closed_for_a_minute(limits, people, ada):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for n in range(ADDRESS_LIMIT):
        await attempts.begin(f"n{n}@example.com", "2001:db8::1", None)
    with pytest.raises(TooManyAttempts):
        await attempts.begin("ada@example.com", "2001:db8::2", None)
    await attempts.begin("ada@example.com", "2001:db8:0:1::1", None)


async def test_a_success_counts_as_no_failure(limits, people, ada):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for _ in range(ADDRESS_LIMIT + 1):
        await attempts.succeeded(await attempts.begin("ada@example.com", "192.0.2.1", None))
    for _ in range(ACCOUNT_LIMIT):
        await attempts.begin("ada@example.com", "192.0.2.1", None)
    with pytest.raises(TooManyAttempts):
        await attempts.begin("ada@example.com", "192.0.2.1", None)


async def test_nobody_locks_a_person_out_of_a_browser_that_they_signed_in_with(limits, people, ada):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    other = await people.register(Profile(email="other@example.com"), None, META)
    known = attempts.known(ada)
    for n in range(ACCOUNT_LIMIT):
        await attempts.begin("ada@example.com", f"192.0.2.{n}", None)
    for forged in (
        None,
        "",
        known[:-2],
        attempts.known(other),
        Attempts(limits, people, SETTINGS, b"o" * 32).known(ada),
    ):
        with pytest.raises(TooManyAttempts):
            await attempts.begin("ada@example.com", "192.0.2.50", forged)
    for _ in range(ACCOUNT_LIMIT):
        await attempts.begin("ada@example.com", "192.0.2.50", known)
    with pytest.raises(TooManyAttempts):
        await attempts.begin("ada@example.com", "192.0.2.50", known)


@pytest.mark.parametrize("whose", ["nobody", "somebody without a password", "somebody disabled"])
async def test_a_wrong_password_takes_the_same_queries_whoever_the_address_is_of(  # noqa: PLR0917
    whose: str, limits, ledger, people, ada, ada_with_password
):
    """Beside the password's hash, which is computed for everybody: else the time would say whether there is an account."""
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)

    async def asked(email: str) -> list[str]:
        queries: list[str] = []
        for holder in ledger.pool._holders:
            if holder._con:
                holder._con.add_query_logger(lambda record, to=queries: to.append(record.query))
        await attempts.begin(email, "192.0.2.1", None)
        assert not await people.check_password(await people.find(email), "wrong")
        return list(queries)

    await asked("ada.lovelace@example.com")  # what is read once for each process, or connection, is read now
    known = await asked("ada.lovelace@example.com")
    assert len(known) >= 3
    if whose == "somebody disabled":
        await people.disable(ada_with_password, META)
    emails = {"nobody": "nobody@example.com", "somebody without a password": "ada@example.com"}
    assert await asked(emails.get(whose, "ada.lovelace@example.com")) == known


async def test_a_second_factor_may_fail_so_often_in_a_minute(limits, people, ada):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for _ in range(FACTOR_LIMIT):
        await attempts.begin_factor(ada, None)
    with pytest.raises(TooManyAttempts) as refused:
        await attempts.begin_factor(ada, None)
    assert refused.value.seconds <= 60
    await attempts.begin_factor(new_id(), None)


async def test_a_thief_with_the_password_does_not_keep_a_person_from_their_own_browser_s_second_step(
    limits, people, ada
):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    known, other = attempts.known(ada), attempts.known(new_id())
    for _ in range(FACTOR_LIMIT):
        await attempts.begin_factor(ada, other)
    with pytest.raises(TooManyAttempts):
        await attempts.begin_factor(ada, None)
    for _ in range(FACTOR_LIMIT):
        await attempts.begin_factor(ada, known)
    with pytest.raises(TooManyAttempts):
        await attempts.begin_factor(ada, known)


async def test_a_second_factor_may_fail_so_often_in_a_day_and_what_succeeds_does_not_count(
    limits, people, ada, superuser
):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for _ in range(FACTOR_DAILY_LIMIT // FACTOR_LIMIT):
        await attempts.succeeded(await attempts.begin_factor(ada, None))
        for _ in range(FACTOR_LIMIT):
            await attempts.begin_factor(ada, None)
        await superuser.execute("delete from limits.counts where key like 'second factor %'")
        await forget(superuser)
    with pytest.raises(TooManyAttempts) as refused:
        await attempts.begin_factor(ada, None)
    assert refused.value.seconds <= 86_400
    await attempts.begin_factor(ada, attempts.known(ada))


async def test_a_day_that_is_over_is_forgotten(limits, superuser):
    await limits.count("day x")
    await forget(superuser)
    assert (await limits.count("day x")).used == 2
    await superuser.execute("update limits.counts set minute = minute - interval '1 day' where key = 'day x'")
    await forget(superuser)
    assert await superuser.fetchval("select count(*) from limits.counts where key = 'day x'") == 0


async def test_what_is_counted_names_nobody_in_clear_and_not_as_the_vault_does(limits, people, ada, superuser):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    await attempts.begin("ada@example.com", "192.0.2.1", None)
    await attempts.begin("ada@example.com", "192.0.2.1", attempts.known(ada))
    await superuser.execute("analyze limits.counts")
    keys = [row[0] for row in await superuser.fetch("select key from limits.counts")]
    assert sorted(key.rpartition(" ")[0] for key in keys) == ["sign-in from", "sign-in known", "sign-in to"]
    name = (await people.vault.email("ada@example.com")).hex()
    assert not any(text in key for key in keys for text in ("@", "example", "192.0.2.1", name))
    kept = "select count(*) from pg_stats where schemaname = 'limits' and attname = 'key'"
    assert await superuser.fetchval(kept) == 0


async def test_an_address_that_nobody_can_have_is_counted_without_being_normalised(limits, people, superuser):
    attempts = Attempts(limits, people, SETTINGS, MASTER_KEY)
    for n in range(3):
        await attempts.begin("a" + "\u0301" * 15_000 + "\u0316" * 15_000 + str(n), "192.0.2.1", None)
    used = await superuser.fetch("select used from limits.counts where key like 'sign-in to %'")
    assert [row[0] for row in used] == [3]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="IPv4: the address"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", id="IPv6: its /64"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6"),
        pytest.param("unknown", "unknown", id="none at all"),
    ],
)
def test_an_address_is_counted_with_its_neighbours(address: str, counted: str):
    assert network(address) == counted


async def test_what_may_be_used_once_is_used_once_by_whoever_comes_first(limits, database, superuser):
    until, other = datetime.now(UTC) + timedelta(minutes=1), Limits(database)
    asked = [each.once("code 123456", until) for each in (limits, other) * 5]
    assert sorted(await asyncio.gather(*asked)) == [False] * 9 + [True]
    assert await limits.once("code 654321", until)
    assert not await other.once("code 654321", until)
    await other.close()


async def test_uses_of_many_callers_go_to_the_database_together(limits, database, superuser):
    until, other = datetime.now(UTC) + timedelta(minutes=1), Limits(database)
    keys = [f"assertion {number}" for number in range(200)]
    here = [limits.once(key, until) for key in keys]
    there = [other.once(key, until) for key in reversed(keys)]
    told = await asyncio.gather(*here, *there)
    assert sum(told) == len(keys)
    assert all(a is not b for a, b in zip(told[:200], reversed(told[200:]), strict=True))
    await other.close()


async def test_what_was_used_is_forgotten_when_it_is_good_for_nothing_anyway(limits, reader):
    now = datetime.now(UTC)
    assert await limits.once("past", now - timedelta(hours=1))
    assert await limits.once("future", now + timedelta(hours=1))
    assert await limits.once("just past by the clock of the database", now - timedelta(minutes=5))
    await forget(reader)
    assert not await limits.once("just past by the clock of the database", now)
    assert await limits.once("past", now - timedelta(hours=1))
    assert not await limits.once("future", now + timedelta(hours=1))


async def test_what_was_used_once_stays_used_after_a_crash(limits: Limits, superuser: Connection):
    """A crash empties an unlogged table, and takes what was committed without waiting for the disk."""
    assert await limits.once("a code", datetime.now(UTC) + timedelta(minutes=1))
    assert await superuser.fetchval("select relpersistence = 'p' from pg_class where oid = 'limits.used'::regclass")
    waits = "select source <> 'client' from pg_settings where name = 'synchronous_commit'"
    assert await (await limits._durable.connection()).fetchval(waits), "the server's own setting decides"
