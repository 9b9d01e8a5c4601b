"""How often an exchange asks the database. Each statement is a round trip, so a new one is a decision and not an accident."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import json

from events.append_arguments import APPEND
from events.append_with_tokens import APPEND_WITH_TOKENS
from events.replay import CHANGED_SINCE, HISTORY
from projections import authorizations, sign_ins, standing
from service import limits
from service.app import app
from service.grants import authorization_code, refresh_token
from service.grants.oauth_request import OAuthRequest
from service.oauth.errors import Refusal
from service.people import authorized_users
from tests.flows.conftest import Live
from tests.flows.people import ALL, CALLBACK, asked, code_for, logged_in, proof, sent_back, tokens_for

NAMES = {
    CHANGED_SINCE: "certainty",
    standing.PAST: "past",
    HISTORY: "history",
    APPEND: "append",
    APPEND_WITH_TOKENS: "commit",
    authorized_users.FIND: "authorized user",
    sign_ins.FIND: "sign-in",
    limits.COUNT: "count",
}

_asked: ContextVar[list[str] | None] = ContextVar("_asked", default=None)


@pytest.fixture(autouse=True)
def statements_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch runs in the context of the request that began it, so nothing of the background is noted. Nor is which authorizations were
    revoked of those that the lookup has not heard of yet: that is asked here or in the background.
    """
    driver: Any = asyncpg.Connection
    execute = driver._execute

    async def noting(connection: Any, query: str, *args: Any, **more: Any) -> Any:
        asked = _asked.get()
        if asked is not None and query != authorizations.REVOKED:
            asked.append(NAMES.get(query, query))
        return await execute(connection, query, *args, **more)

    monkeypatch.setattr(driver, "_execute", noting)


@contextmanager
def round_trips() -> Generator[list[str]]:
    asked: list[str] = []
    token = _asked.set(asked)
    yield asked
    _asked.reset(token)


async def carried_out(
    live: Live, grant: Callable[[OAuthRequest], Awaitable[bytes]], form: dict[str, str]
) -> dict[str, Any]:
    request = OAuthRequest(
        resources=live.beside,
        form=form,
        authorization=None,
        address="192.0.2.1",
        agent="",
        proofs=(),
        path="/openid/token",
        certificates=(),
    )
    return json.decode(await grant(request))


async def test_an_exchange_of_a_code_or_of_a_refresh_token_asks_the_database_so_often(live: Live):
    client_id, secret = await live.interactive(displayName="Counted", apis=None)
    client = {"client_id": client_id, "client_secret": secret or ""}
    tokens: dict[str, Any] = {}
    of_code: list[str] = []
    async with logged_in(live) as person:
        for _ in range(2):  # the first one makes connections, and learns the client
            code, pkce = await code_for(live, person, client_id, scope=ALL)
            form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier, **client}
            await live.beside.lookup.be_certain()
            with round_trips() as of_code:
                tokens = await carried_out(
                    live, authorization_code.redeem, {"grant_type": "authorization_code", **form}
                )
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **client}
    await live.beside.lookup.be_certain()
    with round_trips() as of_refresh:
        tokens = await carried_out(live, refresh_token.exchange, form)
    live.beside.authorizations.known.forget(None)
    with round_trips() as of_one_that_is_not_known:
        await carried_out(live, refresh_token.exchange, {**form, "refresh_token": tokens["refresh_token"]})
    assert of_code == of_one_that_is_not_known == ["past", "commit"]
    assert of_refresh == ["commit"]


async def test_a_code_that_its_own_process_gave_to_a_user_whom_it_knows_is_exchanged_by_the_commit_alone(live: Live):
    client_id, secret = await live.interactive(displayName="Known", apis=None)
    client, noted = {"client_id": client_id, "client_secret": secret or ""}, list[list[str]]()
    async with logged_in(live) as person:
        await code_for(live, person, client_id)  # and consents
        async with within(live, person.browser.cookies) as browser:
            for _ in range(2):
                pkce = proof()
                code = sent_back(await asked(browser, client_id, code_challenge=pkce.challenge))["code"]
                form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier, **client}
                with round_trips() as trips:
                    await carried_out(live, authorization_code.redeem, {"grant_type": "authorization_code", **form})
                noted.append(trips)
    assert noted == [["past", "commit"], ["commit"]]


async def test_a_refresh_token_of_long_ago_has_its_long_past_read_once(live: Live):
    client_id, secret = await live.interactive(displayName="Replayed", apis=None)
    form = {"grant_type": "refresh_token", "client_id": client_id, "client_secret": secret or ""}
    async with logged_in(live) as person:
        tokens = [(await tokens_for(live, person, (client_id, secret)))["refresh_token"]]
    for _ in range(3):
        told = await carried_out(live, refresh_token.exchange, {**form, "refresh_token": tokens[-1]})
        tokens.append(told["refresh_token"])
    with round_trips() as noted, pytest.raises(Refusal):
        await carried_out(live, refresh_token.exchange, {**form, "refresh_token": tokens[1]})
    assert noted[:3] == ["certainty", "past", "history"]
    assert noted.count("history") == 1


def within(live: Live, cookies: httpx.Cookies | None = None) -> httpx.AsyncClient:
    """A client of a program beside, in whose process nothing else asks, and without a connection, so that what a request asks is noted."""
    application = app(live.beside.settings)
    application.resources = live.beside
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=live.url, cookies=cookies)


async def test_userinfo_asks_the_database_so_often(live: Live):
    client = await live.interactive(displayName="Userinfo", apis=None)
    async with logged_in(live) as person:
        bearer = {"Authorization": f"Bearer {(await tokens_for(live, person, client))['access_token']}"}
    async with within(live) as asking:
        assert (await asking.get("/openid/userinfo", headers=bearer)).status_code == 200  # and learns the client
        with round_trips() as noted:
            answer = await asking.get("/openid/userinfo", headers=bearer)
    assert answer.json()["name"] == "Ada Lovelace"
    assert noted == ["authorized user", "certainty"]  # both at the same time


async def test_an_authorization_without_a_page_asks_the_database_so_often(live: Live):
    client_id, _ = await live.interactive(displayName="Authorize", apis=None)
    async with logged_in(live) as person:
        await code_for(live, person, client_id)
        async with within(live, person.browser.cookies) as browser, within(live) as nobody:
            await asked(nobody, client_id)  # makes connections, and learns the client
            with round_trips() as first:
                await asked(browser, client_id)
            with round_trips() as noted:
                answer = await asked(browser, client_id)
    assert "code" in sent_back(answer)
    # The first two are asked at the same time. The codes of a session are counted by the process, and settled every second.
    assert first == ["sign-in", "certainty", "count", "commit"]
    assert noted == ["commit"]


async def test_no_session_is_looked_for_with_an_id_that_no_client_can_have(live: Live):
    client_id, _ = await live.interactive(displayName="Authorize", apis=None)
    async with logged_in(live) as person:
        await code_for(live, person, client_id)
        async with within(live, person.browser.cookies) as browser:
            await asked(browser, client_id)
            with round_trips() as noted:
                answer = await asked(browser, "\0")
    assert answer.status_code == 400
    assert noted == ["certainty"]
