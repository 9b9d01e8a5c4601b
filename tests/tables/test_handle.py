"""The one loop, on a real log: a stream that has become too long takes only what stops it."""

from typing import Any
from uuid import UUID

import pytest

from events.authorization import (
    AuthorizationRevoked,
    CodeRedeemed,
    CodeReplayed,
    RefreshTokenReplayed,
    RefreshTokenRotated,
)
from service.commands import handle as handling
from service.commands.authorization import (
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RefuseRedemption,
    RotateRefreshToken,
)
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.client import (
    AddSecret,
    ChangeClient,
    DeleteClient,
    DisableClient,
    EnableClient,
    Holder,
    RegisterClient,
    RevokeSecret,
)
from service.commands.handle import AUTHORIZATION, BOT, CLIENT, SESSION, Handled, Ledger, handle
from service.commands.session import EndSession, Reauthenticate, ReportNotified, StartSession
from service.crypto.credentials import new_id
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import AT, CODE_ISSUED, GRANTED, LATER, PERSON, REGISTERED, hashed, secret
from tests.tables.items import meta

MOST = 3
ANYBODY = Holder(owner=None, sub="operator", scopes=frozenset({"operate", "api:public"}))


@pytest.fixture(autouse=True)
def _few_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "MOST_EVENTS", MOST)


async def full_client(ledger: Ledger) -> UUID:
    """A client to which as much has happened as may."""
    stream = new_id()
    command = RegisterClient(
        owner="alice",
        grant=REGISTERED.grant,
        display_name=None,
        redirect_uris=(),
        scopes=("api:public",),
        secret=secret(1),
        at=AT,
    )
    await handle(ledger, CLIENT, stream, command, meta(), fresh=True)
    for number in range(2, MOST + 1):
        handled = await handle(ledger, CLIENT, stream, ChangeClient(by=ANYBODY, display_name=f"name {number}"), meta())
        assert handled.version == number
    return stream


@pytest.mark.parametrize(
    "command",
    [
        ChangeClient(by=ANYBODY, display_name="one more"),
        AddSecret(by=ANYBODY, secret=secret(9), at=AT),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_a_client_that_was_changed_too_often_is_changed_no_more(ledger, command):
    stream = await full_client(ledger)
    with pytest.raises(Contradiction, match=f"changed {MOST} times"):
        await handle(ledger, CLIENT, stream, command, meta())


@pytest.mark.parametrize(
    "command",
    [DisableClient(by=ANYBODY), RevokeSecret(by=ANYBODY, secret_id=UUID(int=1)), DeleteClient(by=ANYBODY)],
    ids=lambda command: type(command).__name__,
)
async def test_a_client_that_was_changed_too_often_can_still_be_stopped(ledger, command):
    stream = await full_client(ledger)
    assert (await handle(ledger, CLIENT, stream, command, meta())).version == MOST + 1


async def test_a_bot_that_was_changed_too_often_can_still_be_stopped_and_nothing_else(ledger):
    stream = new_id()
    register = RegisterBot(owner="alice", email="a@example.com", first_name=None, last_name=None, at=AT)
    await handle(ledger, BOT, stream, register, meta(), fresh=True)
    for command in (DisableBot(by=ANYBODY), EnableBot(by=ANYBODY)):
        await handle(ledger, BOT, stream, command, meta())
    asked: list[Any] = [DisableBot(by=ANYBODY), DeleteBot(by=ANYBODY)]
    assert (await handle(ledger, BOT, stream, asked[0], meta())).version == MOST + 1
    with pytest.raises(Contradiction):
        await handle(ledger, BOT, stream, EnableBot(by=ANYBODY), meta())
    assert (await handle(ledger, BOT, stream, asked[1], meta())).version == MOST + 2


async def full_authorization(ledger: Ledger, kept: int = 2) -> UUID:
    stream, refresh = new_id(), NewRefreshToken(hash=hashed(1), expires_at=LATER)
    await handle(ledger, AUTHORIZATION, stream, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED), meta())
    last = await handle(ledger, AUTHORIZATION, stream, RedeemCode(jti=new_id(), refresh=refresh, at=AT), meta())
    for _ in range(kept):
        last = await handle(ledger, AUTHORIZATION, stream, rotate(1, 1), meta())
    assert last.version == 4 + kept
    assert last.version >= AUTHORIZATION.room * MOST
    return stream


def rotate(presented: int, following: int) -> RotateRefreshToken:
    return RotateRefreshToken(presented=hashed(presented), next=hashed(following), jti=new_id(), at=AT)


async def test_an_authorization_that_was_used_too_often_gives_no_more(ledger):
    with pytest.raises(Contradiction):
        await handle(ledger, AUTHORIZATION, await full_authorization(ledger), rotate(1, 2), meta())


@pytest.mark.parametrize(
    "command",
    [RedeemCode(jti=PERSON, refresh=None, at=AT), RefuseRedemption(client_id="c", why="another_client", at=AT)],
    ids=lambda command: type(command).__name__,
)
async def test_misuse_revokes_an_authorization_however_often_it_was_used(ledger, command):
    handled = await handle(ledger, AUTHORIZATION, await full_authorization(ledger), command, meta())
    assert isinstance(handled.events[-1], AuthorizationRevoked)


async def test_a_replayed_refresh_token_revokes_an_authorization_however_often_it_was_used(ledger, monkeypatch):
    monkeypatch.setattr(handling, "MOST_EVENTS", MOST + 1)
    stream = await full_authorization(ledger, kept=3)
    exchanged = await handle(ledger, AUTHORIZATION, stream, rotate(1, 2), meta())
    assert [type(event) for event in exchanged.events] == [RefreshTokenRotated]
    with pytest.raises(Contradiction):
        await handle(ledger, AUTHORIZATION, stream, rotate(2, 3), meta())
    replayed = await handle(ledger, AUTHORIZATION, stream, rotate(1, 4), meta())
    assert [type(event) for event in replayed.events] == [RefreshTokenReplayed, AuthorizationRevoked]


async def test_a_session_that_was_renewed_too_often_can_be_ended_and_its_clients_told(ledger):
    stream = new_id()
    start = StartSession(user=PERSON, token_hash="", amr=(), acr="1", device=None, at=AT, expires_at=LATER)
    again = Reauthenticate(token_hash="", amr=(), acr="1", at=AT)
    for command in (start, again, again):
        await handle(ledger, SESSION, stream, command, meta())
    with pytest.raises(Contradiction):
        await handle(ledger, SESSION, stream, again, meta())
    for command in (EndSession(why="signed_out", notify=("c",), at=AT), ReportNotified(client_id="c", at=AT)):
        assert (await handle(ledger, SESSION, stream, command, meta())).position


async def test_what_was_stopped_that_way_stays_stopped(ledger):
    stream = await full_client(ledger)
    await handle(ledger, CLIENT, stream, DisableClient(by=ANYBODY), meta())
    with pytest.raises(Contradiction):
        await handle(ledger, CLIENT, stream, EnableClient(by=ANYBODY), meta())


async def test_asking_it_for_what_already_is_changes_nothing_and_is_not_refused(ledger):
    stream = await full_client(ledger)
    assert await handle(ledger, CLIENT, stream, EnableClient(by=ANYBODY), meta()) == Handled(None, MOST)


async def test_a_stranger_is_not_told_how_often_it_was_changed(ledger):
    stream = await full_client(ledger)
    stranger = Holder(owner="mallory", sub="mallory", scopes=frozenset({"clients:write"}))
    with pytest.raises(DoesNotExist):
        await handle(ledger, CLIENT, stream, ChangeClient(by=stranger, display_name="mine"), meta())


async def test_one_stream_s_length_is_not_another_s(ledger):
    await full_client(ledger)
    other = await full_client(ledger)
    assert (await handle(ledger, CLIENT, other, DeleteClient(by=ANYBODY), meta())).version == MOST + 1


async def test_a_code_is_redeemed_once_by_two_who_loaded_it_at_the_same_time(ledger):
    stream = new_id()
    granted = await handle(
        ledger, AUTHORIZATION, stream, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED), meta(), fresh=True
    )
    redeem = RedeemCode(jti=new_id(), refresh=None, at=AT)
    first = await handle(ledger, AUTHORIZATION, stream, redeem, meta(), loaded=AUTHORIZATION.loaded(granted.events))
    second = await handle(ledger, AUTHORIZATION, stream, redeem, meta(), loaded=AUTHORIZATION.loaded(granted.events))
    assert [type(event) for event in first.events] == [CodeRedeemed]
    assert [type(event) for event in second.events] == [CodeReplayed, AuthorizationRevoked]


async def test_what_would_change_nothing_is_decided_again_from_the_events_of_now(ledger):
    stream = new_id()
    granted = await handle(
        ledger, AUTHORIZATION, stream, GrantAuthorization(granted=GRANTED, code=CODE_ISSUED), meta(), fresh=True
    )
    await handle(ledger, AUTHORIZATION, stream, RedeemCode(jti=new_id(), refresh=None, at=AT), meta())
    late = RedeemCode(jti=new_id(), refresh=None, at=CODE_ISSUED.expires_at)
    handled = await handle(ledger, AUTHORIZATION, stream, late, meta(), loaded=AUTHORIZATION.loaded(granted.events))
    assert [type(event) for event in handled.events] == [CodeReplayed, AuthorizationRevoked]
