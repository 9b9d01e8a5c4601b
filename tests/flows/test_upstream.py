"""Sign-in through an upstream OpenID Provider, which here is a second Muniment."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
import httpx
import pytest
from msgspec import Struct, json
from pyotp.totp import TOTP

from events.database import read
from projections import sessions
from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import AddFactor, ChangeProfile
from service.configuration.upstream import Upstream, mapped
from service.oauth.upstream import CALLBACK
from service.people import factors
from service.people.accounts import PROFILE
from service.values.profile import Profile
from tests.flows.conftest import META, Live, new_database, serving
from tests.flows.people import Forms, Person, asked, logged_in, registered, sent_back

SIGNIN = "/signin/upstream"


class Two(Struct, frozen=True):
    """The provider, and the service whose people come from there."""

    provider: Live
    ours: Live


@pytest.fixture(scope="module")
async def two(postgres: str, live: Live) -> AsyncIterator[Two]:
    asked_for = {"redirectUri": f"http://127.0.0.1{CALLBACK}", "firstParty": True, "displayName": "Ours"}
    client_id, secret = await live.interactive(**asked_for)
    claims, _ = mapped("groups=groups nickname=preferred_username")
    scope = "openid profile email phone groups"
    upstream = Upstream(issuer=live.url, client_id=client_id, client_secret=secret, claims=claims, scope=scope)
    async with serving(await new_database(postgres), rate_limit=0, upstream=upstream) as ours:
        yield Two(live, ours)


@asynccontextmanager
async def browsing(live: Live) -> AsyncGenerator[Any]:
    async with httpx.AsyncClient(verify=False, base_url=live.url) as browser:
        yield browser


async def there_and_back(two: Two, person: Person, browser: Any, **query: str) -> httpx.Response:
    """What the callback answers, after the person's browser was at the provider, where they are logged in.

    The provider is not told of any wish for a new login: it is one that does not heed them.
    """
    left = await browser.get(SIGNIN, params=query)
    assert left.status_code == 303, left.text
    wishes = {name: value for name, value in query_of(left).items() if name not in ("prompt", "max_age")}
    back = await person.browser.get(f"{two.provider.url}/openid/authorize", params=wishes)
    return await browser.get(_at(two, back.headers["location"]))


async def _known_after_signing_in(two: Two, person: Person) -> Profile:
    async with browsing(two.ours) as browser:
        assert (await there_and_back(two, person, browser)).status_code == 303
        row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
        profile = None if row is None else await two.ours.beside.people.profile(row)
        assert profile is not None
        return profile


async def logged_in_an_hour_ago(two: Two, person: Person) -> None:
    """As the provider has it."""
    connection = await asyncpg.connect(two.provider.database)
    await connection.execute(
        "update read.sessions set authenticated_at = authenticated_at - interval '1 hour' where user_id = $1",
        person.user,
    )
    await connection.close()


async def sessions_here(two: Two, person: Person) -> list[sessions.Row]:
    """Those of somebody from the provider, latest first."""
    row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
    return [] if row is None else await read(two.ours.beside.ledger.pool, lambda c: sessions.of_user(c, row.stream_id))


def _at(two: Two, location: str) -> str:
    assert location.startswith(two.ours.url + CALLBACK), location
    return location


def query_of(answer: httpx.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def test_the_first_sign_in_makes_an_account_and_the_next_one_finds_it(two: Two):
    async with logged_in(two.provider) as person:
        for _ in range(2):
            async with browsing(two.ours) as browser:
                answer = await there_and_back(two, person, browser, next="/account/sessions")
                assert (answer.status_code, answer.headers["location"]) == (303, "/account/sessions")
                page = await browser.get("/account")
                assert page.status_code == 200
                assert "Ada Lovelace" in page.text
    row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
    assert row is not None
    assert row == await two.ours.beside.people.find(person.email)
    assert (row.verified, row.password) == (True, None)
    open_ones = await read(two.ours.beside.ledger.pool, lambda c: sessions.of_user(c, row.stream_id))
    assert [(each.amr, each.acr) for each in open_ones] == [(("fed",), "urn:muniment:acr:1")] * 2


async def test_what_the_provider_says_is_known_here_from_each_sign_in_on(two: Two):
    user, _ = await registered(two.provider, groups=["staff", "admins"], preferred_username="ada", gender="female")
    async with logged_in(two.provider, user) as person:
        first = await _known_after_signing_in(two, person)
        assert (first.nickname, first.groups) == ("ada", ("staff", "admins"))
        row = await two.ours.beside.people.find_upstream(two.provider.url, str(user))
        assert row is not None
        await two.ours.beside.people.change_profile(
            row.stream_id, {"phone_number": "+49 30 901820", "name": "Augusta"}, META
        )
        await two.provider.beside.people.change_profile(
            user, {"groups": None, "gender": None, "name": "Ada King"}, META
        )
        second = await _known_after_signing_in(two, person)
        assert (second.name, second.groups) == ("Ada King", ())
        assert (second.phone_number, second.gender) == ("+49 30 901820", "female")  # it says nothing of them
        before = await two.ours.beside.people.row(row.stream_id)
        assert await _known_after_signing_in(two, person) == second
        assert await two.ours.beside.people.row(row.stream_id) == before


async def test_somebody_whose_groups_cannot_be_replaced_is_not_let_in_with_the_former_ones(two: Two):
    """Theirs is a profile of former days, in which today's rules find a fault, so it takes no change."""
    user, _ = await registered(two.provider, groups=["admins"])
    async with logged_in(two.provider, user) as person, browsing(two.ours) as browser:
        await _known_after_signing_in(two, person)
        row = await two.ours.beside.people.find_upstream(two.provider.url, str(user))
        assert row is not None
        old = json.encode(Profile(email=None, middle_name=" ", groups=("admins",)))
        command = ChangeProfile(profile=await two.ours.beside.people._sealed(row.stream_id, PROFILE, old), at=utc_now())
        await handle(two.ours.beside.ledger, USER, row.stream_id, command, META)
        assert (await there_and_back(two, person, browser)).status_code == 303
        await two.provider.beside.people.change_profile(user, {"groups": None}, META)
        assert (await there_and_back(two, person, browser)).status_code == 409


async def test_a_client_gets_its_person_by_way_of_the_provider(two: Two):
    client_id, _ = await two.ours.interactive(firstParty=True)
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        to_sign_in = await asked(browser, client_id, state="st-9")
        answer = await there_and_back(two, person, browser, **query_of(to_sign_in))
        assert answer.headers["location"].startswith("/openid/continue?request=")
        given = sent_back(await browser.get(answer.headers["location"]))
    assert given["state"] == "st-9"
    assert "code" in given


async def test_the_provider_is_asked_with_pkce_state_and_nonce_and_for_a_new_login_where_the_client_wants_one(two: Two):
    client_id, _ = await two.ours.interactive()
    async with browsing(two.ours) as browser:
        plain = query_of(await browser.get(SIGNIN))
        to_sign_in = await asked(browser, client_id, prompt="login", max_age="60")
        anew = query_of(await browser.get(SIGNIN, params=query_of(to_sign_in)))
    assert plain["redirect_uri"] == two.ours.url + CALLBACK
    assert (plain["response_type"], plain["code_challenge_method"]) == ("code", "S256")
    assert set(plain["scope"].split()) == {"openid", "profile", "email", "phone", "groups"}
    assert len({plain["state"], plain["nonce"], plain["code_challenge"], anew["state"], anew["nonce"]}) == 5
    assert not {"prompt", "max_age"} & set(plain)
    assert (anew["prompt"], anew["max_age"]) == ("login", "0")


async def test_an_address_that_somebody_has_here_already_is_never_linked(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        user, _ = await registered(two.ours, email=person.email)
        answer = await there_and_back(two, person, browser)
        assert answer.status_code == 409
        assert "already" in answer.text
        assert (await browser.get("/account")).status_code == 303
    assert await two.ours.beside.people.find_upstream(two.provider.url, str(person.user)) is None
    found = await two.ours.beside.people.find(person.email)
    assert found is not None
    assert found.stream_id == user


async def test_an_address_that_the_provider_has_not_verified_is_nobody_s_here(two: Two):
    user = await two.provider.beside.people.register(Profile(email="new@example.com"), None, META)
    async with logged_in(two.provider, user) as person, browsing(two.ours) as browser:
        assert (await there_and_back(two, person, browser)).status_code == 303
    assert await two.ours.beside.people.find("new@example.com") is None
    row = await two.ours.beside.people.find_upstream(two.provider.url, str(user))
    assert row is not None
    profile = await two.ours.beside.people.profile(row)
    assert profile is not None
    assert (profile.email, row.verified) == (None, False)
    await registered(two.ours, email="new@example.com")


async def test_who_is_disabled_here_is_not_let_in_by_the_provider(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        await there_and_back(two, person, browser)
        row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
        assert row is not None
        await two.ours.beside.people.disable(row.stream_id, META)
        answer = await there_and_back(two, person, browser)
        assert answer.status_code == 403
        assert (await browser.get("/account")).status_code == 303


async def test_an_answer_is_good_once_and_in_the_browser_that_asked(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser, browsing(two.ours) as thief:
        left = await browser.get(SIGNIN)
        back = await person.browser.get(left.headers["location"])
        location = _at(two, back.headers["location"])
        assert (await thief.get(location)).status_code == 400
        await thief.get(SIGNIN)
        assert (await thief.get(location)).status_code == 400
        assert (await browser.get(location)).status_code == 303
        assert (await browser.get(location)).status_code == 400


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"error": "access_denied"}, "was canceled"),
        ({"error": "server_error"}, "You weren't signed in"),
        ({"code": ""}, "You weren't signed in"),
        ({"code": "mc_forged"}, "You weren't signed in"),
        ({"iss": "https://evil.example"}, "You weren't signed in"),
    ],
)
async def test_what_the_provider_refuses_or_another_one_answers_lets_nobody_in(
    two: Two, changes: dict[str, str], said: str
):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        left = await browser.get(SIGNIN)
        back = await person.browser.get(left.headers["location"])
        answer = await browser.get(CALLBACK, params={**query_of(back), **changes})
        assert answer.status_code == 400
        assert said in answer.text
        assert (await browser.get("/account")).status_code == 303


async def test_the_sign_in_page_has_a_way_to_the_provider(two: Two):
    async with browsing(two.ours) as browser:
        page = await browser.get("/signin")
        onward = await browser.get("/signin", params={"next": "/account/sessions"})
    assert f'href="{SIGNIN}"' in page.text
    assert urlsplit(two.provider.url).netloc in page.text
    assert f'href="{SIGNIN}?next=%2Faccount%2Fsessions"' in onward.text


async def test_a_provider_that_is_away_is_said_to_be(postgres: str):
    upstream = Upstream(issuer="http://127.0.0.1:1", client_id="c", client_secret="s")
    async with serving(await new_database(postgres), upstream=upstream) as ours, browsing(ours) as browser:
        answer = await browser.get(SIGNIN)
        assert answer.status_code == 503
        assert "127.0.0.1:1 isn't responding" in answer.text


async def test_who_has_a_second_factor_here_is_asked_for_it(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser, browsing(two.ours) as later:
        await there_and_back(two, person, browser)
        totp = factors.new_totp()
        row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
        assert row is not None
        factor = await factors.sealed(two.ours.beside.people, row.stream_id, factors.new(totp, utc_now()))
        await handle(two.ours.beside.ledger, USER, row.stream_id, AddFactor(factor=factor), META)
        answer = await there_and_back(two, person, later, next="/account/sessions")
        assert answer.headers["location"] == "/signin/factor?next=%2Faccount%2Fsessions"
        assert (await later.get("/account")).status_code == 303
        form = Forms((await later.get(answer.headers["location"])).text)
        answer = await later.post("/signin/factor", data={**form.fields, "code": TOTP(totp.secret).now()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/sessions")
        latest = (await sessions_here(two, person))[0]
        assert (latest.amr, latest.acr) == (("fed", "otp", "mfa"), "urn:muniment:acr:2")


async def test_a_session_is_no_newer_than_the_proof_at_the_provider(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        await logged_in_an_hour_ago(two, person)
        assert (await there_and_back(two, person, browser)).status_code == 303
        (session,) = await sessions_here(two, person)
        assert timedelta(minutes=59) < session.started_at - session.authenticated_at < timedelta(minutes=60)
        answer = await browser.get("/account/authenticator")
        assert answer.headers["location"].startswith("/signin?")


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}])
async def test_a_provider_that_does_not_heed_the_client_s_wish_for_a_new_login_lets_nobody_in(
    two: Two, wish: dict[str, str]
):
    client_id, _ = await two.ours.interactive(firstParty=True)
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        to_sign_in = await asked(browser, client_id, **wish)
        answer = await there_and_back(two, person, browser, **query_of(to_sign_in))
        assert "code" in sent_back(await browser.get(answer.headers["location"]))
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        await logged_in_an_hour_ago(two, person)
        to_sign_in = await asked(browser, client_id, **wish)
        answer = await there_and_back(two, person, browser, **query_of(to_sign_in))
        assert answer.status_code == 403
        assert "sign in there again" in answer.text


async def test_neither_does_it_let_anybody_change_how_they_sign_in(two: Two):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        await logged_in_an_hour_ago(two, person)
        answer = await there_and_back(two, person, browser, next="/account/security")
        assert answer.status_code == 403
        assert f"{SIGNIN}?next=%2Faccount%2Fsecurity&amp;anew=yes" in answer.text
        again = query_of(await browser.get(SIGNIN, params={"anew": "yes"}))
        assert (again["prompt"], again["max_age"]) == ("login", "0")
        assert await sessions_here(two, person) == []


async def test_the_longest_request_comes_back_in_cookies_that_browsers_keep(two: Two):
    client_id, _ = await two.ours.interactive(firstParty=True)
    long = {"state": "s" * 4096}
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        to_sign_in = await asked(browser, client_id, **long)
        left = await browser.get(SIGNIN, params=query_of(to_sign_in))
        kept = left.headers.get_list("set-cookie")
        assert max(len(cookie.encode()) for cookie in kept) < 4000
        assert sum(len(cookie.partition(";")[0]) for cookie in kept) < 7600
        assert len(query_of(left)["state"]) < 100
        answer = await there_and_back(two, person, browser, **query_of(to_sign_in))
        assert answer.status_code == 303, answer.text
        assert not [name for name in browser.cookies if name.startswith("muniment_upstream")]
        assert sent_back(await browser.get(answer.headers["location"]))["state"] == long["state"]


async def test_no_link_sets_more_cookies_than_a_proxy_lets_through(two: Two):
    client_id, _ = await two.ours.interactive(firstParty=True)
    async with browsing(two.ours) as browser:
        to_sign_in = await asked(browser, client_id, state="s" * 2048, nonce="n" * 2048, login_hint="h" * 2048)
        answer = await browser.get(SIGNIN, params=query_of(to_sign_in))
    told = sent_back(answer)
    assert (told["error"], told["state"]) == ("invalid_request", "s" * 2048)
    assert "shorter state" in told["error_description"]
    assert sum(len(cookie.partition(";")[0]) for cookie in answer.headers.get_list("set-cookie")) < 200


async def test_who_was_at_the_provider_for_more_than_an_hour_is_led_back_into_the_client_s_request(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    client_id, _ = await two.ours.interactive(firstParty=True)
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        left = await browser.get(SIGNIN, params=query_of(await asked(browser, client_id, state="st-9")))
        assert all("Max-Age=7200" in kept for kept in left.headers.get_list("set-cookie") if "upstream" in kept)
        back = await person.browser.get(left.headers["location"])
        monkeypatch.setattr("service.oauth.authorization_request.LIFETIME_SECONDS", -1)
        late = await browser.get(_at(two, back.headers["location"]))
        monkeypatch.undo()
        assert (late.status_code, "That took too long" in late.text) == (400, True)
        (again,) = [unescape(link) for link in re.findall(r'href="([^"]+)"[^>]*>Start over', late.text)]
        to_sign_in = await browser.get(again)
        answer = await there_and_back(two, person, browser, **query_of(to_sign_in))
        given = sent_back(await browser.get(answer.headers["location"]))
    assert given["state"] == "st-9"
    assert "code" in given


async def test_where_no_client_waits_it_is_too_late_then(two: Two, monkeypatch: pytest.MonkeyPatch):
    async with logged_in(two.provider) as person, browsing(two.ours) as browser:
        monkeypatch.setattr("service.pages.upstream.SECONDS", -1)
        answer = await there_and_back(two, person, browser)
        assert (answer.status_code, "That took too long" in answer.text) == (400, True)
        assert await sessions_here(two, person) == []


async def test_without_a_provider_there_is_nothing_at_its_path(live: Live):
    for path in (SIGNIN, f"{CALLBACK}?{urlencode({'state': 's', 'code': 'c'})}"):
        assert (await live.http.get(path)).status_code == 404
