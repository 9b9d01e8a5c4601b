"""Rebuilding a read model while the service goes on: nobody who reads or appends notices, and what comes of it equals the log."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from events.database import AnyConnection, Connection, read
from events.ids import bot_id_of
from events.log import Append
from events.replay import head
from projections import bots, client_lists, clients, registry, signing_keys
from projections.engine import by_part, by_stream, rebuild, refold
from projections.engine.by_stream import ALL
from projections.engine.checkpoints import install
from projections.registry import INLINE
from service.commands.access_token import RevokeToken
from service.commands.api import ChangeApi, DeleteApi, RegisterApi, TermsChange
from service.commands.authorization import (
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RevokeAuthorization,
    RotateRefreshToken,
)
from service.commands.bot import DeleteBot, DisableBot, RegisterBot
from service.commands.client import ChangeClient, DeleteClient, DisableClient, Holder, RevokeSecret
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.device_authorization import DenyDevice, RequestDeviceAuthorization
from service.commands.exchange import RecordExchange
from service.commands.handle import (
    ACCESS_TOKEN,
    API,
    AUTHORIZATION,
    BOT,
    CLIENT,
    CONSENT,
    DEVICE_AUTHORIZATION,
    EXCHANGE,
    INITIAL_ACCESS_TOKEN,
    SESSION,
    SIGNING_KEY,
    TRUSTED_ISSUER,
    USER,
    Ledger,
    handle,
)
from service.commands.initial_access_token import (
    IssueInitialAccessToken,
    RevokeInitialAccessToken,
    UseInitialAccessToken,
)
from service.commands.session import EndSession, Reauthenticate, ReportNotified, StartSession
from service.commands.signing_key import ActivateKey, PublishKey
from service.commands.trusted_issuer import (
    ChangeTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
)
from service.commands.user import AddFactor, DisableUser, EnableUser, EraseUser, RegisterUser
from service.crypto.credentials import new_id
from service.refusals import DomainRefusal
from tests.patience import PATIENCE
from tests.rules.samples import (
    ALLOWANCE,
    AT,
    CODE_ISSUED,
    CRM_TERMS,
    DEVICE,
    DEVICE_REQUESTED,
    EXCHANGED,
    GRANTED,
    HASH,
    JWK,
    LATER,
    PASSWORD,
    PERSON,
    PROFILE,
    REGISTERED,
    SECRET,
    SOON,
    TRUST,
    factor,
    hashed,
)
from tests.tables.conftest import appended, connected, proved
from tests.tables.items import meta
from tests.tables.test_projections import agreed, silent

PAUSE = 0.002
"""Seconds between two of what one caller does: the rebuild needs the processor too."""
ANYBODY = Holder(owner=None, sub="operator", scopes=frozenset())
OPERATOR = ANYBODY.__replace__(scopes=frozenset({"api:public"}))


class Kind(Struct, frozen=True):
    """How one thing begins, and what may happen to it then."""

    aggregate: Any
    begin: Callable[[UUID], Any]
    commands: Sequence[Any] = ()


GIVE = GiveConsent(user=PERSON, client_id="c", resource=None, scopes=("openid",), at=AT)
KINDS = {
    "bot": Kind(
        BOT,
        lambda stream: RegisterBot(owner="alice", email=f"{stream}@x", first_name=None, last_name=None, at=AT),
        (DisableBot(by=ANYBODY), DeleteBot(by=ANYBODY)),
    ),
    "signing key": Kind(
        SIGNING_KEY,
        lambda stream: PublishKey(kid=str(stream), alg="ES256", public_jwk=JWK, at=AT),
        (ActivateKey(at=AT),),
    ),
    "access token": Kind(ACCESS_TOKEN, lambda _: RevokeToken(client_id="c", expires_at=LATER, at=AT)),
    "user": Kind(
        USER,
        lambda _: RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT),
        (AddFactor(factor=factor(1)), DisableUser(), EnableUser(), EraseUser(at=LATER)),
    ),
    "session": Kind(
        SESSION,
        lambda _: StartSession(
            user=PERSON, token_hash=hashed(1), amr=("pwd",), acr="1", device=DEVICE, at=AT, expires_at=LATER
        ),
        (
            Reauthenticate(token_hash=hashed(2), amr=("pwd", "otp"), acr="2", at=SOON),
            EndSession(why="signed_out", notify=("c", "d"), at=SOON),
            ReportNotified(client_id="c", at=SOON),
        ),
    ),
    "consent": Kind(CONSENT, lambda _: GIVE, (GIVE.__replace__(scopes=("email",)), WithdrawConsent(at=SOON), GIVE)),
    "authorization": Kind(
        AUTHORIZATION,
        lambda _: GrantAuthorization(granted=GRANTED, code=CODE_ISSUED),
        (
            RedeemCode(jti=PERSON, refresh=NewRefreshToken(hash=hashed(1), expires_at=LATER), at=AT),
            RotateRefreshToken(presented=hashed(1), next=hashed(2), jti=PERSON, at=AT),
            RevokeAuthorization(why="user", at=SOON),
        ),
    ),
    "api": Kind(
        API,
        lambda stream: RegisterApi(identifier=f"urn:{stream}", terms=CRM_TERMS, at=AT),
        (ChangeApi(change=TermsChange(name="Contacts")), DeleteApi()),
    ),
    "trusted issuer": Kind(
        TRUSTED_ISSUER,
        lambda stream: RegisterTrustedIssuer(issuer=f"https://{stream}.example.com", trust=TRUST, at=AT),
        (ChangeTrustedIssuer(name="Builds"), DisableTrustedIssuer(), EnableTrustedIssuer()),
    ),
    "initial access token": Kind(
        INITIAL_ACCESS_TOKEN,
        lambda _: IssueInitialAccessToken(by=OPERATOR, name="CI", allows=ALLOWANCE, hash=HASH, hint="…cret", at=AT),
        (UseInitialAccessToken(hash=HASH, client=PERSON, at=SOON), RevokeInitialAccessToken(by=ANYBODY, at=LATER)),
    ),
    "device authorization": Kind(
        DEVICE_AUTHORIZATION,
        lambda _: RequestDeviceAuthorization(requested=DEVICE_REQUESTED),
        (DenyDevice(user=PERSON, session=PERSON, at=AT),),
    ),
    "exchange": Kind(EXCHANGE, lambda _: RecordExchange(made=EXCHANGED), (RecordExchange(made=EXCHANGED),)),
}


class Business:
    """Things happen and people read, at once and without end, until told to stop; nothing of it may fail."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger = ledger
        self._dice = Random(seed)
        self.streams: dict[str, list[Any]] = {"client": [], **{kind: [] for kind in KINDS}}
        self.reads = 0
        self.stopped = False

    async def happen(self, kind: str) -> None:
        known, dice = self.streams[kind], self._dice
        if not known or kind == "access token" or dice.random() < 0.4:
            stream = new_id()
            await self._begin(kind, stream)
            known.append(stream)
            return
        aggregate, commands = (CLIENT, self._of_a_client()) if kind == "client" else _that_may_happen(kind)
        with suppress(DomainRefusal):
            await handle(self._ledger, aggregate, dice.choice(known), dice.choice(commands), meta())

    def _of_a_client(self) -> Sequence[Any]:
        return [
            ChangeClient(by=ANYBODY, display_name=f"name {self._dice.random()}"),
            RevokeSecret(by=ANYBODY, secret_id=SECRET.secret_id),
            DisableClient(by=ANYBODY),
            DeleteClient(by=ANYBODY),
        ]

    async def _begin(self, kind: str, stream: Any) -> None:
        if kind == "client":
            change = (CLIENT.table.change(stream, [REGISTERED]),)
            asked = Append(stream=stream, expected=0, events=[REGISTERED], meta=meta(), changes=change)
            await appended(self._ledger.log, asked)
        else:
            made = KINDS[kind]
            await handle(self._ledger, made.aggregate, stream, made.begin(stream), meta(), fresh=True)

    async def go_on(self) -> None:
        while not self.stopped:
            await self.happen(self._dice.choice(sorted(self.streams)))
            await asyncio.sleep(PAUSE)

    async def read_on(self) -> None:
        while not self.stopped:
            await read(self._ledger.pool, self._look)
            self.reads += 1
            await asyncio.sleep(PAUSE)

    async def _look(self, connection: AnyConnection) -> None:
        """What was registered is found, whatever is being rebuilt."""
        await clients.find_as_of(connection, self.streams["client"][-3:])
        await client_lists.listed(connection, client_lists.Wanted(name="name"), client_lists.WHOLE, limit=5)
        assert await bots.find(connection, bot_id_of(self.streams["bot"][0])) is not None
        assert await signing_keys.every(connection)


def _that_may_happen(kind: str) -> tuple[Any, Sequence[Any]]:
    return KINDS[kind].aggregate, KINDS[kind].commands


async def begun(ledger: Ledger, seed: int, *, of_each: int) -> Business:
    business = Business(ledger, seed)
    for kind in business.streams:
        await asyncio.gather(*(business.happen(kind) for _ in range(of_each)))
    return business


async def digest(url: str, name: str) -> tuple[int, str]:
    async with connected(url) as connection:
        return await refold.digest(connection, f"read.{name}")


@pytest.mark.parametrize("name", INLINE)
async def test_a_table_that_is_rebuilt_in_peace_is_the_same_to_the_byte(database, ledger, name):
    await begun(ledger, 1, of_each=10)
    before = await digest(database, name)
    for _ in range(2):
        await rebuild.rebuild(database, name, silent)
        assert await digest(database, name) == before
    assert before[0] > 0
    await agreed(database, name)


async def test_all_tables_are_rebuilt_while_events_are_appended_and_rows_are_read(database, ledger, monkeypatch):
    """(With so little calm asked for, the rebuild has to catch up again and again.)"""
    monkeypatch.setattr(rebuild, "CALM", 3)
    business = await begun(ledger, 2, of_each=40)
    at_work = [asyncio.create_task(business.go_on()) for _ in range(4)] + [asyncio.create_task(business.read_on())]
    async with asyncio.timeout(PATIENCE), connected(database) as connection:
        for name in INLINE:
            happened, seen = await connection.fetchval("select max(last_position) from log.batches"), business.reads
            await rebuild.rebuild(database, name, silent)
            while (
                business.reads == seen
                or await connection.fetchval("select max(last_position) from log.batches") == happened
            ):
                await asyncio.sleep(0.001)
        business.stopped = True
        await asyncio.gather(*at_work)
        assert (await proved(connection)).position > 160
    for name in INLINE:
        await agreed(database, name)


async def test_a_table_that_was_tampered_with_is_made_right_by_a_rebuild(database, ledger, superuser):
    await begun(ledger, 3, of_each=5)
    before = await digest(database, "clients")
    await superuser.execute("update read.clients set scopes = array['operate']; delete from read.bots")
    assert await digest(database, "clients") != before
    for name in ("clients", "bots"):
        await rebuild.rebuild(database, name, silent)
        await agreed(database, name)
    assert await digest(database, "clients") == before


@pytest.fixture
async def installed(reader: Connection, superuser: Connection) -> AsyncIterator[None]:
    """Every catch-up projection has its table, as where the service runs; the database is other tests' afterwards."""
    made = [
        each
        for each in registry.catch_up()
        if not await superuser.fetchval("select to_regclass($1)", f"read.{each.name}")
    ]
    for projection in registry.catch_up():
        await install(reader, projection)
    yield
    for projection in made:
        await superuser.execute(f"drop table read.{projection.name}")


@pytest.mark.usefixtures("installed")
async def test_a_rebuilt_table_keeps_what_the_one_before_promised(database, ledger, superuser):
    """Indexes, constraints, owner, room in its pages: a second bot of one address is still refused, the service may still write, and nothing is left over."""
    business = await begun(ledger, 4, of_each=2)
    shape = """
select (select count(*) from pg_index where indrelid = $1::text::regclass),
       (select count(*) from pg_constraint where conrelid = $1::text::regclass and contype in ('p', 'u', 'c')),
       (select array_agg((attname, atttypid, attnotnull)::text order by attnum) from pg_attribute where attrelid = $1::text::regclass and attnum > 0),
       (select relowner::regrole::text from pg_class where oid = $1::text::regclass),
       (select reloptions from pg_class where oid = $1::text::regclass)
"""
    before = {name: await superuser.fetchrow(shape, f"read.{name}") for name in registry.everything()}
    assert before["authorizations"][-1] == ["fillfactor=60"]
    for name in registry.everything():
        await rebuild.rebuild(database, name, silent)
        await rebuild.rebuild(database, name, silent)
    assert {name: await superuser.fetchrow(shape, f"read.{name}") for name in registry.everything()} == before
    assert (
        await superuser.fetchval(
            "select count(*) from pg_class where relname like '%\\_rebuilt' or relname like '%\\_replaced'"
        )
        == 0
    )
    taken = f"{business.streams['bot'][0]}@x"
    with pytest.raises(Exception, match="duplicate key"):
        await handle(
            ledger,
            BOT,
            new_id(),
            RegisterBot(owner="a", email=taken, first_name=None, last_name=None, at=AT),
            meta(),
            fresh=True,
        )


async def test_two_rebuilds_of_one_table_at_once_do_not_harm_each_other(database, ledger):
    business = await begun(ledger, 5, of_each=20)
    at_work = [asyncio.create_task(business.go_on()) for _ in range(2)]
    await asyncio.gather(*(rebuild.rebuild(database, "clients", silent) for _ in range(3)))
    business.stopped = True
    await asyncio.gather(*at_work)
    await agreed(database, "clients")


@pytest.mark.parametrize(
    "takes_its_time", ["select 1 from read.clients", "lock table read.clients in share update exclusive mode"]
)
async def test_a_reader_or_a_vacuum_that_takes_its_time_holds_up_the_rebuild_and_nobody_else(
    database, ledger, reader, takes_its_time
):
    business = await begun(ledger, 6, of_each=5)
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    await reader.execute(takes_its_time)
    rebuilding = asyncio.create_task(rebuild.rebuild(database, "clients", silent))
    async with connected(database) as connection, asyncio.timeout(PATIENCE):
        waiting = "select 1 from pg_locks where not granted and relation = 'read.clients'::regclass"
        while not await connection.fetch(waiting):
            await asyncio.sleep(0.002)
    for _ in range(5):
        for kind in business.streams:
            await business.happen(kind)
        async with asyncio.timeout(PATIENCE):
            await read(ledger.pool, lambda connection: clients.find_as_of(connection, business.streams["client"]))
    assert not rebuilding.done()
    await transaction.rollback()
    await rebuilding
    await agreed(database, "clients")


async def test_progress_is_told_in_events_of_the_log_and_reaches_its_end(database, ledger):
    await begun(ledger, 7, of_each=10)
    told: list[tuple[int, int]] = []
    await rebuild.rebuild(database, "clients", lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a long log is read where there are two cores."""
    monkeypatch.setattr(by_part, "LEAST_EVENTS", 1)
    monkeypatch.setattr(by_part, "EVENTS_A_PART", 20)
    monkeypatch.setattr(by_part, "LOOKS", 4)
    monkeypatch.setattr(by_part, "cores", lambda: 2)


@pytest.mark.usefixtures("in_parts", "installed")
async def test_what_several_processes_make_of_a_log_is_what_one_makes_of_it(database, ledger, reader):
    await begun(ledger, 8, of_each=10)
    upto = (await head(reader)).position
    parts = await by_part.parts(reader, upto)
    assert len(parts) > 2
    assert (parts[0].first, parts[-1].last) == (ALL.first, ALL.last)
    assert all(one.last.int + 1 == next_one.first.int for one, next_one in pairwise(parts))
    for name in ("clients", "client_history"):
        told: list[tuple[int, int]] = []
        await rebuild.rebuild(database, name, lambda done, total, told=told: told.append((done, total)))
        assert told[-1][0] == told[-1][1] > 0
        await agreed(database, name)


@pytest.mark.usefixtures("in_parts", "installed")
async def test_parts_that_turn_out_to_need_the_log_s_order_leave_nothing_behind(database, ledger, monkeypatch):
    await begun(ledger, 10, of_each=5)
    monkeypatch.setattr(by_stream, "MOST_ROWS", 1)
    await rebuild.rebuild(database, "client_history", silent)
    await agreed(database, "client_history")


def refuse(_url: str, _part: by_part.Part) -> None:
    """In the place of the work of another process."""


def be_killed(_url: str, _part: by_part.Part) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("in_parts", "installed")
@pytest.mark.parametrize("made", [refuse, be_killed])
async def test_what_another_process_cannot_make_is_made_here(database, ledger, monkeypatch, made):
    await begun(ledger, 9, of_each=5)
    monkeypatch.setattr(by_part, "_made", made)
    await rebuild.rebuild(database, "clients", silent)
    await agreed(database, "clients")


async def test_there_is_no_such_projection(database):
    with pytest.raises(KeyError):
        await rebuild.rebuild(database, "nonesuch", silent)
