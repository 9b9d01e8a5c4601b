"""What changes while somebody is on the way to a code: their session, their consent, the client; and ways in that issue none."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from events.consent import stream_of as consent_of
from service.clock import utc_now
from service.commands.consent import WithdrawConsent
from service.commands.handle import CONSENT, USER, handle
from service.commands.user import DisableUser
from service.grants import code_issuance
from service.people.sessions import SignedIn
from service.resources import Resources
from tests.flows.conftest import META, Live
from tests.flows.people import CALLBACK, Person, allow, asked, logged_in, proof, sent_back, walked

Meanwhile = Callable[[Resources, SignedIn], Coroutine[Any, Any, Any]]


@pytest.fixture
async def client(live: Live) -> str:
    client_id, _ = await live.interactive(displayName="My Web App")
    return client_id


def just_before_the_grant(monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> None:
    """Between what a request saw and what it appends, this is done, once."""
    real, done = code_issuance.issue_code, list[int]()

    async def late(resources: Resources, request: Any, found: Any, signed_in: SignedIn) -> Any:
        if not done:
            done.append(1)
            await meanwhile(resources, signed_in)
        return await real(resources, request, found, signed_in)

    monkeypatch.setattr("service.endpoints.authorize.issue_code", late)


async def authorizations_of(live: Live, user: UUID) -> list[tuple[str, str | None]]:
    """(state, why it was revoked) of each."""
    rows = await live.beside.ledger.pool.fetch(
        "select state, why from read.authorizations where user_id = $1 order by stream_id", user
    )
    return [(row[0], row[1]) for row in rows]


async def authorized_scopes(live: Live, user: UUID) -> list[list[str]]:
    rows = await live.beside.ledger.pool.fetch("select scopes from read.authorizations where user_id = $1", user)
    return [row[0] for row in rows]


async def changed(live: Live, client: str, **body: Any) -> None:
    path = f"/api/v1/auth/clients/{client}"
    tag = (await live.http.get(path, headers=live.bearer)).headers["etag"]
    answer = await live.http.patch(path, headers={**live.bearer, "If-Match": tag}, json=body)
    assert answer.status_code == 200, answer.text


class TestOvertaken:
    async def _asked(self, person: Person, client: str, **params: str) -> httpx.Response:
        return await asked(person.browser, client, scope="openid offline_access", **params)

    @pytest.mark.parametrize("why", ["password_changed", "ended_by_user"])
    async def test_no_code_comes_of_a_session_that_ended_at_the_same_moment(
        self, live: Live, client: str, monkeypatch: pytest.MonkeyPatch, why: str
    ):
        async def end(resources: Resources, signed_in: SignedIn) -> None:
            await resources.sessions.end(signed_in.session.stream_id, why, META)

        async with logged_in(live) as person:
            await allow(live, person.user, client)
            just_before_the_grant(monkeypatch, end)
            answer = await self._asked(person, client)
            assert answer.headers["location"].startswith("/signin?")
            assert await authorizations_of(live, person.user) == [], "what cannot be granted is not recorded"

    async def test_in_silence_that_is_an_error(self, live: Live, client: str, monkeypatch: pytest.MonkeyPatch):
        async def end(resources: Resources, signed_in: SignedIn) -> None:
            await resources.sessions.end(signed_in.session.stream_id, "signed_out", META)

        async with logged_in(live) as person:
            await allow(live, person.user, client)
            just_before_the_grant(monkeypatch, end)
            assert sent_back(await self._asked(person, client, prompt="none"))["error"] == "login_required"

    async def test_no_code_comes_of_a_consent_that_was_taken_back_at_the_same_moment(
        self, live: Live, client: str, monkeypatch: pytest.MonkeyPatch
    ):
        async def take_back(resources: Resources, signed_in: SignedIn) -> None:
            stream = consent_of(signed_in.user.stream_id, client, None)
            await handle(resources.ledger, CONSENT, stream, WithdrawConsent(at=utc_now()), META)

        async with logged_in(live) as person:
            await allow(live, person.user, client)
            just_before_the_grant(monkeypatch, take_back)
            answer = await self._asked(person, client)
            assert answer.headers["location"].startswith("/consent?")
            assert await authorizations_of(live, person.user) == [], "what cannot be granted is not recorded"

    async def test_a_user_who_is_disabled_at_the_same_moment_gets_no_code(
        self, live: Live, client: str, monkeypatch: pytest.MonkeyPatch
    ):
        async def disable(resources: Resources, signed_in: SignedIn) -> None:
            await handle(resources.ledger, USER, signed_in.user.stream_id, DisableUser(), META)

        async with logged_in(live) as person:
            await allow(live, person.user, client)
            just_before_the_grant(monkeypatch, disable)
            assert sent_back(await self._asked(person, client, prompt="none"))["error"] == "login_required"
            assert await authorizations_of(live, person.user) == []

    async def test_what_changes_nothing_of_the_sign_in_does_not_stop_the_code(
        self, live: Live, client: str, monkeypatch: pytest.MonkeyPatch
    ):
        async def rename(resources: Resources, signed_in: SignedIn) -> None:
            await resources.people.change_profile(signed_in.user.stream_id, {"name": "Ada King"}, META)

        async with logged_in(live) as person:
            await allow(live, person.user, client)
            just_before_the_grant(monkeypatch, rename)
            assert "code" in sent_back(await self._asked(person, client, prompt="none"))
            assert await authorizations_of(live, person.user) == [("active", None)]


class TestChangedClient:
    async def _going_on(self, live: Live, client: str, *, scope: str = "openid", **params: str | None) -> str:
        """The way on of a request that was good when it was made."""
        answer = await asked(live.http, client, scope=scope, **params)
        return f"/openid/continue?{urlsplit(answer.headers['location']).query}"

    async def test_nobody_is_sent_to_a_redirect_uri_that_was_taken_away(self, live: Live, client: str):
        way = await self._going_on(live, client)
        await changed(live, client, redirectUris=["https://new.example.com/cb"])
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            answer = await person.browser.get(way)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "no longer registered" in answer.text

    async def test_a_scope_that_was_taken_away_is_not_given(self, live: Live, client: str):
        way = await self._going_on(live, client, scope="openid api:public")
        await changed(live, client, scopes=[])
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            assert sent_back(await person.browser.get(way))["code"]
            assert await authorized_scopes(live, person.user) == [["openid"]]

    async def test_pkce_that_is_required_by_now_is_required(self, live: Live):
        client, _ = await live.interactive(requirePkce=False)
        way = await self._going_on(live, client, code_challenge=None, code_challenge_method=None)
        await changed(live, client, requirePkce=True)
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            assert sent_back(await person.browser.get(way))["error"] == "invalid_request"


async def test_a_post_goes_on_by_get_for_only_that_brings_the_cookie_from_another_site(live: Live, client: str):
    form = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "prompt": "none",
        "code_challenge": proof().challenge,
        "code_challenge_method": "S256",
    }
    without_cookie = await live.http.post("/openid/authorize", data=form)
    assert without_cookie.status_code == 303
    assert without_cookie.headers["location"].startswith("/openid/continue?request=")
    async with logged_in(live) as person:
        await allow(live, person.user, client)
        assert "code" in sent_back(await person.browser.get(without_cookie.headers["location"]))


async def test_a_head_issues_nothing(live: Live, client: str):
    async with logged_in(live) as person:
        asks = await asked(person.browser, client)
        query = urlsplit(str(asks.url)).query
        await allow(live, person.user, client)
        for way in (f"/openid/authorize?{query}", f"/openid/continue?{urlsplit(asks.headers['location']).query}"):
            answer = await person.browser.head(way)
            assert answer.status_code == 405
            assert "GET" in answer.headers["allow"]
            assert "location" not in answer.headers
        assert await authorizations_of(live, person.user) == []


async def test_single_claims_take_the_same_yes_as_their_scope(live: Live, client: str):
    claims = '{"userinfo": {"email": null}, "id_token": {"name": null}}'
    async with logged_in(live) as person:
        await allow(live, person.user, client, "openid")
        silent = sent_back(await asked(person.browser, client, claims=claims, prompt="none"))
        assert silent["error"] == "consent_required"
        asks = await asked(person.browser, client, claims=claims)
        page = await person.browser.get(asks.headers["location"])
        assert "email address" in page.text
        assert "See your profile" in page.text
        assert "code=" in await walked(person.browser, str(asks.url), person.email, then=CALLBACK)
        assert "code" in sent_back(await asked(person.browser, client, claims=claims, prompt="none"))
