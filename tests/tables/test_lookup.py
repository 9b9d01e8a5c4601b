"""What a process knows of clients: never older than it says, never made up, and never kept when it is stale."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.api import stream_of as stream_of_api
from events.codec import TYPES
from events.database import Connection, Unavailable
from events.replay import CHANGED_SINCE, head
from projections import clients
from service import cached_clients
from service import lookup as looking
from service.cached_clients import size
from service.commands.access_token import RevokeToken
from service.commands.api import DeleteApi, RegisterApi
from service.commands.authorization import GrantAuthorization, RedeemCode, RevokeAuthorization
from service.commands.bot import DeleteBot, DisableBot, RegisterBot
from service.commands.client import ChangeClient, DeleteClient, DisableClient, EnableClient, Holder, RegisterClient
from service.commands.consent import GiveConsent
from service.commands.handle import (
    ACCESS_TOKEN,
    API,
    AUTHORIZATION,
    BOT,
    CLIENT,
    CONSENT,
    SESSION,
    SIGNING_KEY,
    TRUSTED_ISSUER,
    USER,
    Ledger,
    handle,
)
from service.commands.session import StartSession
from service.commands.signing_key import PublishKey
from service.commands.trusted_issuer import (
    DeleteTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
)
from service.commands.user import RegisterUser
from service.crypto.credentials import new_id
from service.lookup import Lookup
from service.outages import Outages
from tests.patience import PATIENCE
from tests.rules.samples import (
    AT,
    CODE_ISSUED,
    CRM,
    CRM_TERMS,
    GRANTED,
    JWK,
    LATER,
    PASSWORD,
    PERSON,
    PROFILE,
    REGISTERED,
    SECRET,
    TRUST,
)
from tests.tables.items import meta

ANYBODY = Holder(owner=None, sub="operator", scopes=frozenset({"operate", "api:public"}))


async def _no_keys(_connection: Connection) -> None:
    pass


@asynccontextmanager
async def looking_up(
    database: str, on_keys_changed: Callable[[Connection], Awaitable[None]] = _no_keys
) -> AsyncGenerator[Lookup]:
    lookup = Lookup(database, on_keys_changed, timedelta(hours=1))
    try:
        yield lookup
    finally:
        await lookup.close()


@pytest.fixture
async def lookup(database: str) -> AsyncIterator[Lookup]:
    async with looking_up(database) as lookup:
        yield lookup


async def registered(ledger: Ledger, bot_user_id: str = "bot-abc123") -> UUID:
    stream = new_id()
    command = RegisterClient(
        owner="alice",
        grant=type(REGISTERED.grant)(bot_user_id=bot_user_id),
        display_name=None,
        redirect_uris=(),
        scopes=("api:public",),
        secret=SECRET,
        at=AT,
    )
    await handle(ledger, CLIENT, stream, command, meta(), fresh=True)
    return stream


async def state(lookup: Lookup, stream: UUID) -> str | None:
    seen = await lookup.client(stream)
    return seen and seen.client.state


async def test_a_client_that_was_just_registered_is_found_at_once(ledger, lookup):
    assert await lookup.client(new_id()) is None
    stream = await registered(ledger)
    seen = await lookup.client(stream)
    assert seen is not None
    assert (seen.client.stream_id, seen.bot_state, seen.may_act) == (stream, None, True)
    assert seen.position == 1


async def test_that_there_is_no_such_client_is_never_remembered(ledger, lookup):
    stream = new_id()
    assert await lookup.client(stream) is None
    command = RegisterClient(
        owner="a",
        grant=REGISTERED.grant,
        display_name=None,
        redirect_uris=(),
        scopes=(),
        secret=SECRET,
        at=AT,
    )
    await handle(ledger, CLIENT, stream, command, meta(), fresh=True)
    assert await state(lookup, stream) == "active"


async def test_a_client_that_another_process_disabled_is_seen_by_who_makes_certain(database, ledger):
    async with looking_up(database) as one, looking_up(database) as other:
        stream = await registered(ledger)
        for command, expected in (
            (DisableClient(by=ANYBODY), "disabled"),
            (EnableClient(by=ANYBODY), "active"),
            (ChangeClient(by=ANYBODY, display_name="another"), "active"),
            (DeleteClient(by=ANYBODY), None),
        ):
            assert await state(one, stream) == await state(other, stream)
            await handle(ledger, CLIENT, stream, command, meta())
            for lookup in (one, other):
                await lookup.be_certain()
                assert await state(lookup, stream) == expected


async def test_a_trusted_issuer_is_known_to_every_process_until_it_is_disabled_or_deleted(database, ledger):
    async with looking_up(database) as one, looking_up(database) as other:
        stream, named = new_id(), "https://ci.example.com"
        for command, is_trusted in (
            (RegisterTrustedIssuer(issuer=named, trust=TRUST, at=AT), True),
            (DisableTrustedIssuer(), False),
            (EnableTrustedIssuer(), True),
            (DeleteTrustedIssuer(), False),
        ):
            await handle(ledger, TRUSTED_ISSUER, stream, command, meta())
            for lookup in (one, other):
                await lookup.be_certain()
                assert (await lookup.trusted_issuer(named) is not None) == is_trusted


async def test_what_happens_to_a_bot_is_seen_in_its_clients(ledger, lookup):
    bot, other = new_id(), new_id()
    for stream, email in ((bot, "a@example.com"), (other, "b@example.com")):
        command = RegisterBot(owner="alice", email=email, first_name=None, last_name=None, at=AT)
        await handle(ledger, BOT, stream, command, meta(), fresh=True)
    acting, bystander = await registered(ledger, f"bot_{bot.hex}"), await registered(ledger, f"bot_{other.hex}")
    for command, expected in (
        (None, "active"),
        (DisableBot(by=ANYBODY), "disabled"),
        (DeleteBot(by=ANYBODY), "deleted"),
    ):
        if command:
            await handle(ledger, BOT, bot, command, meta())
        await lookup.be_certain()
        seen, unconcerned = await lookup.client(acting), await lookup.client(bystander)
        assert seen is not None
        assert unconcerned is not None
        assert (seen.bot_state, seen.may_act) == (expected, expected == "active")
        assert unconcerned.may_act


async def test_a_token_that_another_process_revoked_is_known_to_be_revoked(ledger, lookup):
    before, after = new_id(), new_id()
    command = RevokeToken(client_id="c", expires_at=datetime.now(UTC) + timedelta(hours=1), at=AT)
    await handle(ledger, ACCESS_TOKEN, before, command, meta())
    await lookup.be_current()
    assert lookup.is_revoked(before), "what was revoked before it started"
    await handle(ledger, ACCESS_TOKEN, after, command, meta())
    await lookup.be_certain()
    assert lookup.is_revoked(after)
    assert not lookup.is_revoked(new_id())


async def granted(ledger: Ledger, *, redeemed: bool = True) -> UUID:
    """An authorization of which a token came."""
    stream = new_id()
    await handle(ledger, AUTHORIZATION, stream, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED), meta())
    if redeemed:
        await handle(ledger, AUTHORIZATION, stream, RedeemCode(jti=new_id(), refresh=None, at=AT), meta())
    return stream


def revoke_now(ago: timedelta = timedelta(0)) -> RevokeAuthorization:
    return RevokeAuthorization(why="user", at=datetime.now(UTC) - ago)


async def test_a_token_of_an_authorization_that_another_process_revoked_is_known_to_be_revoked_also_after_a_restart(
    database, ledger
):
    stolen, kept, jti = await granted(ledger), await granted(ledger), new_id()
    async with looking_up(database) as one, looking_up(database) as other:
        for lookup in (one, other):
            await lookup.be_current()
            assert not lookup.is_revoked(jti, stolen)
        await handle(ledger, AUTHORIZATION, stolen, revoke_now(), meta())
        for lookup in (one, other):
            await lookup.be_certain()
            assert lookup.is_revoked(jti, stolen)
            assert not lookup.is_revoked(jti, kept)
            assert not lookup.is_revoked(jti), "a token of no authorization"
    async with looking_up(database) as restarted:
        await restarted.be_current()
        assert restarted.is_revoked(jti, stolen)
        assert not restarted.is_revoked(jti, kept)


async def test_a_replay_of_the_code_revokes_the_tokens_that_came_of_it(ledger, lookup):
    stream = await granted(ledger)
    await lookup.be_certain()
    command = RedeemCode(jti=new_id(), refresh=None, at=datetime.now(UTC))
    await handle(ledger, AUTHORIZATION, stream, command, meta())
    await lookup.be_certain()
    assert lookup.is_revoked(new_id(), stream)


async def test_an_authorization_that_was_revoked_longer_ago_than_a_token_lives_is_not_kept_in_mind(database, ledger):
    """(The tokens of these tests live for an hour.)"""
    just, long_ago = await granted(ledger), await granted(ledger)
    await handle(ledger, AUTHORIZATION, just, revoke_now(timedelta(minutes=59)), meta())
    await handle(ledger, AUTHORIZATION, long_ago, revoke_now(timedelta(minutes=61)), meta())
    async with looking_up(database) as restarted:
        await restarted.be_current()
        assert restarted.is_revoked(new_id(), just)
        assert not restarted.is_revoked(new_id(), long_ago)
        assert list(restarted._revoked) == [just]


REVOKE = RevokeAuthorization(why="operator", at=LATER)


async def people_come_and_go(ledger: Ledger) -> dict[UUID, str]:
    """Something happens to one of each that has to do with people; by stream, its noun."""
    start = StartSession(user=PERSON, token_hash="", amr=("pwd",), acr="1", device=None, at=AT, expires_at=LATER)
    asked: dict[str, tuple[Any, Any]] = {
        "user": (USER, RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=True, at=AT)),
        "session": (SESSION, start),
        "consent": (CONSENT, GiveConsent(user=PERSON, client_id="c", resource=None, scopes=(), at=AT)),
        "authorization": (AUTHORIZATION, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED)),
    }
    streams = {noun: new_id() for noun in asked}
    for noun, (aggregate, command) in asked.items():
        await handle(ledger, aggregate, streams[noun], command, meta())
    await handle(ledger, AUTHORIZATION, streams["authorization"], REVOKE, meta())
    return {stream: noun for noun, stream in streams.items()}


def test_of_each_noun_it_is_said_whether_anything_of_it_is_cached():
    cached = [looking.CLIENT, looking.BOT, looking.SIGNING_KEY, looking.ACCESS_TOKEN, looking.AUTHORIZATION]
    cached += [looking.TRUSTED_ISSUER, looking.API, looking.USER]
    assert sorted([*cached, *looking.NOT_CACHED]) == sorted({kind.partition(".")[0] for kind in TYPES})


async def test_what_people_do_makes_it_forget_no_client(ledger, lookup, monkeypatch):
    stream = await registered(ledger)
    assert await state(lookup, stream) == "active"
    await people_come_and_go(ledger)
    await lookup.be_certain()
    await lookup._reader.close()
    monkeypatch.setattr(looking, "CURRENT_SECONDS", 60)
    assert await state(lookup, stream) == "active"
    assert lookup._reader._connection is None, "nobody asked the database"


async def test_it_tells_to_which_users_something_happened_and_when_the_log_lost_history(ledger, lookup):
    told: list[Any] = []
    lookup.on_users_changed = told.append
    await lookup.be_certain()
    assert told == [None]
    by_noun = {noun: stream for stream, noun in (await people_come_and_go(ledger)).items()}
    await lookup.be_certain()
    assert told == [None, {by_noun["user"]}]


async def test_each_stream_that_changed_since_is_named_with_its_noun_and_a_new_client_or_authorization_is_not(
    ledger, reader
):
    await registered(ledger)
    before = await head(reader)
    new, known = await registered(ledger), await people_come_and_go(ledger)
    await handle(ledger, AUTHORIZATION, new_id(), GrantAuthorization(granted=GRANTED, code=CODE_ISSUED), meta())
    changed = await reader.fetch(CHANGED_SINCE, before.position, before.chain)
    assert {row["stream_id"]: row["noun"] for row in changed} == known
    await handle(ledger, CLIENT, new, DisableClient(by=ANYBODY), meta())
    changed = await reader.fetch(CHANGED_SINCE, before.position, before.chain)
    assert {row["stream_id"]: row["noun"] for row in changed} == {**known, new: "client"}
    now = await head(reader)
    assert {(row["last_position"], row["chain"], row["same"]) for row in changed} == {(now.position, now.chain, True)}
    [nothing] = await reader.fetch(CHANGED_SINCE, now.position, now.chain)
    assert (nothing["same"], nothing["stream_id"]) == (True, None)


async def test_changes_are_counted_of_what_is_cached_and_of_nothing_else(database, ledger):
    async with looking_up(database) as lookup:
        await lookup.be_certain()
        stream = await registered(ledger)
        before = lookup.changes
        start = StartSession(user=PERSON, token_hash="", amr=("pwd",), acr="1", device=None, at=AT, expires_at=LATER)
        await handle(ledger, SESSION, new_id(), start, meta())
        await lookup.be_certain()
        assert lookup.changes == before
        for command in (DisableClient(by=ANYBODY), EnableClient(by=ANYBODY)):
            await handle(ledger, CLIENT, stream, command, meta())
            await lookup.be_certain()
        assert lookup.changes == before + 2
        await handle(ledger, ACCESS_TOKEN, new_id(), RevokeToken(client_id="c", expires_at=LATER, at=AT), meta())
        await lookup.be_certain()
        assert lookup.changes == before + 3


async def test_reaching_a_position_waits_for_nothing_that_is_not_there(ledger, lookup):
    await registered(ledger)
    await lookup.reach(1)
    assert lookup.position == 1
    with pytest.raises(Unavailable, match="position 2"):
        await lookup.reach(2)


async def test_a_cached_client_is_answered_without_asking_the_database(ledger, lookup, monkeypatch):
    stream = await registered(ledger)
    monkeypatch.setattr(looking, "CURRENT_SECONDS", 60)
    assert await state(lookup, stream) == "active"
    await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta())
    await lookup._reader.close()
    seen = await lookup.client(stream)
    assert seen is not None
    assert (seen.client.state, seen.position) == ("active", 1), "as of a position that says how old it is"
    assert lookup._reader._connection is None


async def test_a_current_lookup_finds_out_by_itself(ledger, lookup):
    stream = await registered(ledger)
    await lookup.client(stream)
    following = asyncio.create_task(lookup.run(Outages()))
    handled = await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta())
    async with asyncio.timeout(PATIENCE):
        while lookup.position < (handled.position or 0):
            await asyncio.sleep(0.005)
    assert await state(lookup, stream) == "disabled"
    await _stopped(following)


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Slow:
    """A look at the database that was made, and whose answer is held up on its way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made, self.released = asyncio.Event(), asyncio.Event()
        self._look = clients.find_as_of
        monkeypatch.setattr(clients, "find_as_of", self.find_as_of)

    async def find_as_of(self, connection, streams):
        found = await self._look(connection, streams)
        self.made.set()
        await self.released.wait()
        return found


async def test_an_answer_that_was_overtaken_is_given_with_its_position_and_not_kept(ledger, lookup, monkeypatch):
    stream = await registered(ledger)
    await lookup.be_certain()
    slow = Slow(monkeypatch)
    asked = asyncio.create_task(lookup.client(stream))
    await slow.made.wait()
    await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta())
    await lookup.be_certain()
    slow.released.set()
    seen = await asked
    assert seen is not None
    assert (seen.client.state, seen.position) == ("active", 1)
    assert await state(lookup, stream) == "disabled"


@pytest.mark.parametrize("also", ["a key", "a token", "an authorization"])
async def test_an_answer_that_arrives_while_what_overtook_it_is_taken_in_is_not_kept(
    database, ledger, monkeypatch, also
):
    """The log says in one go that the client was disabled and that something else needs a look at the database."""
    slow = Slow(monkeypatch)
    asked: list[asyncio.Task[object]] = []

    async def meanwhile(*_: object) -> None:
        slow.released.set()
        if asked:
            await asked[0]

    def held_up(look: Any) -> Any:
        async def find(*arguments: Any) -> Any:
            await meanwhile()
            return await look(*arguments)

        return find

    monkeypatch.setattr(looking.revoked_tokens, "find", held_up(looking.revoked_tokens.find))
    monkeypatch.setattr(looking.authorizations, "revoked", held_up(looking.authorizations.revoked))
    other: dict[str, tuple[Any, Any]] = {
        "a key": (SIGNING_KEY, PublishKey(kid="k", alg="ES256", public_jwk=JWK, at=AT)),
        "a token": (ACCESS_TOKEN, RevokeToken(client_id="c", expires_at=AT, at=AT)),
        "an authorization": (AUTHORIZATION, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED)),
    }
    async with looking_up(database, meanwhile if also == "a key" else _no_keys) as lookup:
        stream = await registered(ledger)
        await lookup.be_certain()
        slow.released.clear()
        asked.append(asyncio.create_task(lookup.client(stream)))
        await slow.made.wait()
        await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta())
        aggregate, command = other[also]
        await handle(ledger, aggregate, beside := new_id(), command, meta(), fresh=True)
        if also == "an authorization":
            await handle(ledger, AUTHORIZATION, beside, REVOKE, meta())
        await lookup.be_certain()
        assert asked[0].done()
        assert await state(lookup, stream) == "disabled"


async def test_the_keys_are_loaded_at_the_start_and_whenever_something_happened_to_one(database, ledger):
    loads: list[int] = []

    async def load(connection: Connection) -> None:
        loads.append(await connection.fetchval("select count(*) from read.signing_keys"))

    async with looking_up(database, load) as lookup:
        await lookup.be_certain()
        await registered(ledger)
        await lookup.be_certain()
        assert loads == [0]
        command = PublishKey(kid="k", alg="ES256", public_jwk=JWK, at=AT)
        await handle(ledger, SIGNING_KEY, new_id(), command, meta(), fresh=True)
        await lookup.be_certain()
        assert loads == [0, 1]


LOSE_ALL_BUT_THE_FIRST = """
set session_replication_role = replica;
delete from log.events where position > 1;
delete from log.batches where last_position > 1;
delete from read.clients where stream_id <> (select stream_id from log.events);
delete from read.revoked_tokens;
delete from read.authorizations;
reset session_replication_role;
"""


async def test_after_a_failover_that_lost_the_end_of_the_log_it_forgets_all_it_knew(database, ledger, superuser):
    """The standby went on from where it was, and beyond where the old primary had been: the position alone says nothing."""
    loads: list[None] = []

    async def load(_connection: Connection) -> None:
        loads.append(None)

    async with looking_up(database, load) as lookup:
        kept, lost, unrevoked = await registered(ledger), await registered(ledger), new_id()
        command = RevokeToken(client_id="c", expires_at=datetime.now(UTC) + timedelta(hours=1), at=AT)
        await handle(ledger, ACCESS_TOKEN, unrevoked, command, meta())
        assert (await state(lookup, kept), await state(lookup, lost)) == ("active", "active")
        regranted = await granted(ledger, redeemed=False)
        await handle(ledger, AUTHORIZATION, regranted, revoke_now(), meta())
        await lookup.be_certain()
        assert lookup.is_revoked(unrevoked)
        assert lookup.is_revoked(new_id(), regranted)
        assert lookup.position == 6
        apis = lookup.apis

        await superuser.execute(LOSE_ALL_BUT_THE_FIRST)
        await handle(ledger, CLIENT, kept, DisableClient(by=ANYBODY), meta())
        for _ in range(6):
            await registered(ledger)
        await lookup.be_certain()
        assert (await state(lookup, kept), await state(lookup, lost)) == ("disabled", None)
        assert not lookup.is_revoked(unrevoked)
        assert not lookup.is_revoked(new_id(), regranted)
        assert len(loads) == 2, "the keys too are another history's"
        assert lookup.apis is not apis, "as requests alike rely on"
        assert lookup.position == 8


async def test_it_survives_that_all_its_connections_are_terminated(ledger, lookup, superuser):
    stream = await registered(ledger)
    following = asyncio.create_task(lookup.run(Outages()))
    assert await state(lookup, stream) == "active"
    for command, expected in ((DisableClient(by=ANYBODY), "disabled"), (EnableClient(by=ANYBODY), "active")):
        await superuser.execute(
            "select pg_terminate_backend(pid, 1000) from pg_stat_activity"
            " where datname = current_database() and application_name = 'muniment'"
        )
        handled = await handle(ledger, CLIENT, stream, command, meta())
        async with asyncio.timeout(PATIENCE):
            while lookup.position < (handled.position or 0):
                await asyncio.sleep(0.005)
        assert await state(lookup, stream) == expected
    await _stopped(following)


async def test_without_a_database_there_is_no_answer_at_all(monkeypatch):
    monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.01)
    async with looking_up("postgresql://nobody@/nowhere?host=/nonexistent") as lookup:
        for ask in (lookup.client(new_id()), lookup.be_current(), lookup.be_certain(), lookup.reach(1)):
            with pytest.raises(Unavailable):
                await ask


async def test_it_keeps_clients_of_a_bounded_number_of_bytes(ledger, lookup, monkeypatch):
    streams = [await registered(ledger) for _ in range(5)]
    assert await state(lookup, streams[0]) == "active"
    monkeypatch.setattr(cached_clients, "MOST_BYTES", lookup._clients.bytes * 7 // 2)
    for stream in streams:
        assert await state(lookup, stream) == "active"
    assert list(lookup._clients) == streams[2:]
    assert lookup._clients.bytes == sum(size(lookup._clients.get(stream)) for stream in streams[2:])


async def test_what_secrets_have_in_common_is_in_memory_once(ledger, lookup):
    one, other = [await lookup.client(await registered(ledger)) for _ in range(2)]
    (secret,), (another,) = one.client.secrets, other.client.secrets
    assert secret.name is another.name
    assert secret.created_at is one.client.created_at


async def test_many_who_ask_at_once_share_one_look(ledger, lookup, monkeypatch):
    streams = [await registered(ledger) for _ in range(10)]
    await lookup.be_certain()
    looks: list[int] = []
    look = clients.find_as_of

    async def counted(connection, asked):
        looks.append(len(asked))
        return await look(connection, asked)

    monkeypatch.setattr(clients, "find_as_of", counted)
    assert await asyncio.gather(*(state(lookup, stream) for stream in streams * 3)) == ["active"] * 30
    assert looks == [10]


async def test_an_api_is_known_to_every_process_as_it_is_until_it_is_deleted(database, ledger):
    async with looking_up(database) as one, looking_up(database) as other:
        for lookup in (one, other):
            await lookup.be_certain()
            assert lookup.apis == {}
        await handle(ledger, API, stream_of_api(CRM), RegisterApi(identifier=CRM, terms=CRM_TERMS, at=AT), meta())
        for lookup in (one, other):
            await lookup.be_certain()
            assert lookup.apis[CRM].terms == CRM_TERMS
        await handle(ledger, API, stream_of_api(CRM), DeleteApi(), meta())
        for lookup in (one, other):
            await lookup.be_certain()
            assert lookup.apis == {}


async def test_what_a_request_looked_for_is_not_looked_for_again_until_something_happens(lookup, monkeypatch):
    monkeypatch.setattr("service.lookup.HEARTBEAT_SECONDS", 600.0)
    monkeypatch.setattr("service.lookup.CURRENT_SECONDS", 600.0)
    await lookup.be_certain()
    assert lookup._has_heard_all()
    lookup._notified()
    assert not lookup._has_heard_all()
    await lookup.be_certain()
    assert lookup._has_heard_all()
    monkeypatch.setattr("service.lookup.HEARTBEAT_SECONDS", 0.0)
    assert not lookup._has_heard_all()
