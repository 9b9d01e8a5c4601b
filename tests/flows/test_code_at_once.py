"""Somebody whom a process remembers asks for another code, and something has happened meanwhile that the process does not know."""

from collections.abc import Awaitable, Callable

import pytest

from events.consent import stream_of as consent_of
from service.clock import utc_now
from service.commands.consent import WithdrawConsent
from service.commands.handle import CONSENT, handle
from tests.flows import test_round_trips
from tests.flows.conftest import META, Live
from tests.flows.people import Person, allow, asked, logged_in, sent_back
from tests.flows.test_meanwhile import authorizations_of, changed
from tests.flows.test_round_trips import round_trips, within

statements_are_noted = test_round_trips.statements_are_noted
Meanwhile = Callable[[Live, Person, str], Awaitable[object]]


@pytest.fixture(autouse=True)
async def _long_current(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody follows the log for the process beside: what it knows counts as current for the whole test."""
    monkeypatch.setattr("service.lookup.CURRENT_SECONDS", 600.0)
    await live.beside.lookup.be_certain()


async def _session(live: Live, person: Person):
    signed_in = await live.beside.sessions.current(person.browser.cookies[live.beside.sessions.cookie])
    assert signed_in is not None
    return signed_in


async def end(live: Live, person: Person, _client: str) -> None:
    await live.beside.sessions.end((await _session(live, person)).session.stream_id, "signed_out", META)


async def authenticate_again(live: Live, person: Person, _client: str) -> None:
    await live.beside.sessions.reauthenticate(await _session(live, person), ("pwd",), "1")


async def disable(live: Live, person: Person, _client: str) -> None:
    await live.beside.people.disable(person.user, META)


async def erase(live: Live, person: Person, _client: str) -> None:
    await live.beside.people.erase(person.user, META)


async def take_back(live: Live, person: Person, client: str) -> None:
    stream = consent_of(person.user, client, None)
    await handle(live.beside.ledger, CONSENT, stream, WithdrawConsent(at=utc_now()), META)


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        pytest.param(end, "login_required", id="the session ended"),
        pytest.param(authenticate_again, "login_required", id="the cookie was replaced"),
        pytest.param(disable, "login_required", id="the user was disabled"),
        pytest.param(erase, "login_required", id="the user was erased"),
        pytest.param(take_back, "consent_required", id="the consent was taken back"),
        pytest.param(
            lambda live, _, client: changed(live, client, requirePushedAuthorizationRequests=True),
            "invalid_request",
            id="the client must push its requests",
        ),
    ],
)
async def test_no_code_comes_of_what_is_remembered_and_does_not_hold(live: Live, meanwhile: Meanwhile, error: str):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client, prompt="none"))
        await meanwhile(live, person, client)
        with round_trips() as noted:
            assert sent_back(await asked(browser, client, prompt="none"))["error"] == error
        assert noted[0] == "commit", "it was tried from memory, in vain"
        with round_trips() as noted:
            assert sent_back(await asked(browser, client, prompt="none"))["error"] == error
        assert "commit" not in noted, "and not twice"
        assert len(await authorizations_of(live, person.user)) == 1


async def test_the_use_of_a_remembered_cookie_after_its_session_ended_is_recorded(live: Live):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client, prompt="none"))
        session = (await _session(live, person)).session.stream_id
        await end(live, person, client)
        assert sent_back(await asked(browser, client, prompt="none"))["error"] == "login_required"
        happened = "select type from log.events where stream_id = $1 order by version"
        kinds = [row[0] for row in await live.beside.ledger.pool.fetch(happened, session)]
        assert kinds == ["session.started", "session.ended", "session.used_after_end"]


async def test_nobody_is_sent_to_an_address_that_the_client_has_no_more(live: Live):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client))
        await changed(live, client, redirectUris=["https://new.example.com/cb"])
        answer = await asked(browser, client)
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_what_changes_nothing_of_a_code_costs_a_second_look_and_counts_once(live: Live):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client))
        await live.beside.people.change_profile(person.user, {"name": "Ada King"}, META)
        with round_trips() as noted:
            assert "code" in sent_back(await asked(browser, client))
        assert noted == ["commit", "sign-in", "certainty", "commit"]
        with round_trips() as again:
            assert "code" in sent_back(await asked(browser, client))
        assert again == ["commit"]
        session = (await _session(live, person)).session.stream_id
        await live.beside.codes.settle()
        keys = f"codes of {session}"
        used = await live.beside.ledger.pool.fetchval("select sum(used) from limits.counts where key = $1", keys)
        assert used == 3


async def test_what_is_remembered_gives_no_more_codes_in_a_minute(live: Live, monkeypatch: pytest.MonkeyPatch):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client, prompt="none"))
        monkeypatch.setattr(live.beside.codes, "limit", 0)
        with round_trips() as noted:
            told = sent_back(await asked(browser, client, prompt="none"))
        assert told["error"] == "temporarily_unavailable"
        assert "commit" not in noted
        assert len(await authorizations_of(live, person.user)) == 1


async def test_what_is_no_code_is_looked_up(live: Live):
    client, _ = await live.interactive()
    async with logged_in(live) as person, within(live, person.browser.cookies) as browser:
        await allow(live, person.user, client)
        assert "code" in sent_back(await asked(browser, client))
        with round_trips() as noted:
            assert (await asked(browser, client, prompt="login")).headers["location"].startswith("/signin?")
        assert noted == ["sign-in", "certainty"]
