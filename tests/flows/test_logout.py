"""OpenID Connect RP-Initiated Logout 1.0: a client sends somebody to /openid/logout."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from events.database import read
from events.replay import history
from events.session import SessionEnded, SessionUsedAfterEnd
from projections import authorizations
from tests.flows.conftest import Live
from tests.flows.people import DEEP_HINT, Person, logged_in, tokens_for
from tests.flows.test_backchannel import Client, listening
from tests.patience import PATIENCE

LOGOUT, OUT = "/openid/logout", "https://app.example.com/out"


@pytest.fixture(scope="module")
async def client(live: Live) -> tuple[str, str]:
    return await live.interactive(displayName="Out & About", postLogoutRedirectUris=[OUT, f"{OUT}?x=1"])


async def id_token(live: Live, person: Person, client: tuple[str, str], scope: str = "openid") -> str:
    return (await tokens_for(live, person, client, scope))["id_token"]


async def sent(browser: Any, method: str = "GET", **params: str) -> httpx.Response:
    """The answer of /openid/logout, and where that leads to on this server the answer of that."""
    given = {"params": params} if method == "GET" else {"data": params}
    answer = await browser.request(method, LOGOUT, **given)
    if answer.status_code == 303 and answer.headers["location"].startswith("/signout?"):
        return await browser.get(answer.headers["location"])
    return answer


async def confirmed(browser: Any, page: httpx.Response) -> httpx.Response:
    """The page's own form, sent."""
    fields = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', page.text))
    return await browser.post("/signout", data=fields)


async def is_in(person: Person) -> bool:
    return (await person.browser.get("/account")).status_code == 200


async def ends(live: Live, person: Person) -> list[str]:
    """Why sessions of the person came to an end, by the log."""
    streams = await read(
        live.beside.ledger.pool,
        lambda c: c.fetch("select stream_id from read.sessions where user_id = $1", person.user),
    )
    past = [await read(live.beside.ledger.pool, lambda c, s=row[0]: history(c, s)) for row in streams]
    return [each.event.why for events in past for each in events if isinstance(each.event, SessionEnded)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_comes_with_the_id_token_of_this_session_is_signed_out_at_once(
    live: Live, client: tuple[str, str], method: str
):
    async with logged_in(live) as person:
        hint = await id_token(live, person, client)
        answer = await sent(
            person.browser, method, id_token_hint=hint, post_logout_redirect_uri=OUT, state="a b&c", ui_locales="de"
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"{OUT}?state=a+b%26c")
        assert answer.headers["cache-control"] == "no-store"
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert not await is_in(person)
        assert await ends(live, person) == ["signed_out"]


async def test_the_id_token_stays_in_no_address(live: Live, client: tuple[str, str]):
    async with logged_in(live) as person:
        hint = await id_token(live, person, client)
        answer = await person.browser.get(LOGOUT, params={"id_token_hint": hint})
        assert hint.split(".")[1] not in answer.headers["location"]
        assert str(person.user) not in answer.headers["location"]


async def test_without_an_id_token_the_person_is_asked_first(live: Live, client: tuple[str, str]):
    async with logged_in(live) as person:
        uri = f"{OUT}?x=1"
        page = await sent(person.browser, client_id=client[0], post_logout_redirect_uri=uri, state="s")
        assert page.status_code == 200
        assert "Out &amp; About" in page.text
        assert "form-action 'self' https:;" in page.headers["content-security-policy"]
        assert await is_in(person)
        answer = await confirmed(person.browser, page)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{uri}&state=s")
        assert not await is_in(person)


async def test_without_anything_the_way_ends_at_a_page_of_our_own(live: Live):
    async with logged_in(live) as person:
        answer = await confirmed(person.browser, await sent(person.browser))
        assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
        assert (await person.browser.get("/signed-out")).status_code == 200
        assert not await is_in(person)


async def test_the_id_token_of_another_session_signs_nobody_out_unasked(live: Live, client: tuple[str, str]):
    async with logged_in(live) as other:
        hint = await id_token(live, other, client)
        async with logged_in(live) as person, logged_in(live, other.user) as elsewhere:
            for each in (person, elsewhere):
                page = await sent(each.browser, id_token_hint=hint, post_logout_redirect_uri=OUT)
                assert page.status_code == 200
                assert await is_in(each)
        assert await is_in(other)


async def test_a_form_that_this_browser_was_not_given_signs_nobody_out(live: Live):
    async with logged_in(live) as person:
        page = await sent(person.browser)
        answer = await person.browser.post("/signout", data={"csrf": "x" * 64})
        assert answer.status_code == 403
        answer = await person.browser.post(
            "/signout",
            data=dict(re.findall(r'name="(csrf)" value="([^"]*)"', page.text)),
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        assert answer.status_code == 403
        assert await is_in(person)


async def test_who_is_signed_out_already_is_sent_on(live: Live, client: tuple[str, str]):
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        answer = await sent(browser, client_id=client[0], post_logout_redirect_uri=OUT)
        assert answer.headers["location"] == OUT
        assert (await sent(browser)).headers["location"] == "/signed-out"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {"client_id": "CLIENT", "post_logout_redirect_uri": "https://app.example.com/other"},
            "nearest registered one in: path",
        ),
        (
            {"client_id": "CLIENT", "post_logout_redirect_uri": "https://evil.example/out"},
            "nearest registered one in: host",
        ),
        ({"client_id": "CLIENT", "post_logout_redirect_uri": f"{OUT}#x"}, "nearest registered one in: fragment"),
        ({"client_id": "WITHOUT", "post_logout_redirect_uri": OUT}, "has no post_logout_redirect_uri registered. Set"),
        ({"post_logout_redirect_uri": OUT}, "needs a client_id, or"),
        ({"post_logout_redirect_uri": OUT, "id_token_hint": "e30.e30.e30"}, "needs a client_id, or"),
        ({"post_logout_redirect_uri": OUT, "id_token_hint": DEEP_HINT}, "needs a client_id, or"),
        ({"client_id": "nobody"}, "No client has this client_id"),
        ({"state": "ä"}, "not printable ASCII: state"),
    ],
)
async def test_with_a_request_that_cannot_be_trusted_the_person_is_asked_and_gets_out_but_not_back(
    live: Live, client: tuple[str, str], params: dict[str, str], said: str
):
    without, _ = await live.interactive()
    names = {"CLIENT": client[0], "WITHOUT": without}
    query = {name: names.get(value, value) for name, value in params.items()}
    async with logged_in(live) as person:
        page = await sent(person.browser, **query)
        assert page.status_code == 200
        assert said in page.text
        assert OUT not in page.text
        assert await is_in(person)
        answer = await confirmed(person.browser, page)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert said in answer.text
        assert not await is_in(person)


@pytest.mark.parametrize("stop", ["disable", "delete"])
@pytest.mark.parametrize("with_id_token", [True, False])
async def test_who_comes_from_a_client_that_was_stopped_is_asked_and_gets_out_but_not_back_to_it(
    live: Live, stop: str, *, with_id_token: bool
):
    client = await live.interactive(displayName="Gone & Past", postLogoutRedirectUris=[OUT])
    path = f"/api/v1/auth/clients/{client[0]}"
    async with logged_in(live) as person:
        hint = await id_token(live, person, client)
        named = {"id_token_hint": hint} if with_id_token else {"client_id": client[0]}
        await live.http.request(
            "DELETE" if stop == "delete" else "POST",
            path + ("" if stop == "delete" else "/disable"),
            headers=live.bearer,
        )
        page = await sent(person.browser, **named, post_logout_redirect_uri=OUT, state="s")
        assert page.status_code == 200
        assert "Gone" not in page.text
        assert await is_in(person)
        answer = await confirmed(person.browser, page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
        assert not await is_in(person)


async def test_an_id_token_of_one_client_is_not_good_for_another(live: Live, client: tuple[str, str]):
    other, _ = await live.interactive(postLogoutRedirectUris=[OUT])
    async with logged_in(live) as person:
        hint = await id_token(live, person, client)
        page = await sent(person.browser, id_token_hint=hint, client_id=other, post_logout_redirect_uri=OUT)
        assert "issued to another client" in page.text
        assert await is_in(person)
        assert "location" not in (await confirmed(person.browser, page)).headers
        assert not await is_in(person)


async def test_a_parameter_that_comes_twice_leads_to_no_redirect(live: Live, client: tuple[str, str]):
    query = f"client_id={client[0]}&post_logout_redirect_uri={OUT}"
    for twice in ("state=1&state=2", "resource=1&resource=2"):
        answer = await live.http.get((await live.http.get(f"{LOGOUT}?{query}&{twice}")).headers["location"])
        assert answer.status_code == 200
        assert "once" in answer.text


async def test_a_logout_reaches_clients_and_tokens_but_not_what_works_while_they_are_away(live: Live):
    told = Client()
    async with listening(told) as uri:
        online = await live.interactive(backchannelLogoutUri=uri)
        offline = await live.interactive()
        async with logged_in(live) as person:
            hint = await id_token(live, person, online)
            await tokens_for(live, person, offline, "openid offline_access")
            await sent(person.browser, id_token_hint=hint)
            left = await read(live.beside.ledger.pool, lambda c: authorizations.of_user(c, person.user))
            assert [set(row.scopes) for row in left] == [{"openid", "offline_access"}]
        async with asyncio.timeout(PATIENCE):
            while not told.tokens:
                await asyncio.sleep(0.02)
    assert len(told.tokens) == 1


async def test_a_cookie_that_was_stolen_before_the_logout_is_worth_nothing_and_is_remembered(
    live: Live, client: tuple[str, str]
):
    async with logged_in(live) as person:
        stolen = dict(person.browser.cookies)
        await sent(person.browser, id_token_hint=await id_token(live, person, client))
        async with httpx.AsyncClient(verify=False, base_url=live.url, cookies=stolen) as thief:
            assert (await thief.get("/account")).status_code == 303
    (stream,) = await read(
        live.beside.ledger.pool,
        lambda c: c.fetch("select stream_id from read.sessions where user_id = $1", person.user),
    )
    past = await read(live.beside.ledger.pool, lambda c: history(c, stream[0]))
    assert [type(each.event) for each in past][-1] is SessionUsedAfterEnd
