"""Signing in: the pages before a client gets its code, and who gets past them."""

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from pyotp import random_base32
from pyotp.totp import TOTP
from starlette.requests import Request

from events.database import read
from projections import consents, sessions, users
from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import AddFactor
from service.oauth.authorization_request import LIFETIME_SECONDS
from service.pages.browser import Visit
from service.pages.session_start import ONE_FACTOR, enter
from service.people import factors
from service.people.factors import Totp
from service.people.sessions import Sessions
from tests.flows.browsing import Browser, Shown, browser, cookie_of, opened, sealed
from tests.flows.conftest import META, Live, new_database, refused, serving
from tests.flows.people import PASSWORD, registered, sent_back
from tests.flows.test_rate_limits import whole_minute
from tests.tables.test_people_sessions import caused_by

ODD = '<b>O\'Reilly & "Söhne"</b>'


@pytest.fixture
async def client(live: Live) -> str:
    client_id, _ = await live.interactive(displayName="Ledger Reports")
    return client_id


@pytest.fixture(autouse=True)
async def another_minute(live: Live) -> None:
    """As if nobody had failed in this minute yet: all tests come from one address."""
    connection = await asyncpg.connect(live.database)
    await connection.execute("delete from limits.counts where key like 'sign-in%'")
    await connection.close()


async def with_app(live: Live, email: str) -> TOTP:
    """The person's authenticator app, which counts from now on."""
    row = await live.beside.people.find(email)
    assert row
    secret = random_base32()
    factor = await factors.sealed(live.beside.people, row.stream_id, factors.new(Totp(secret=secret), utc_now()))
    await handle(live.beside.ledger, USER, row.stream_id, AddFactor(factor=factor), META)
    return TOTP(secret)


async def the_session(live: Live, there: Browser) -> Any:
    return await live.beside.sessions.current(there.http.cookies.get(live.beside.sessions.cookie))


# What every page is


async def pages(live: Live, there: Browser, client: str) -> list[Shown]:
    _, email = await registered(live)
    request = await sealed(live, client)
    before = [
        f"/signin?request={request}",
        "/signin",
        "/signed-out",
        "/nothing",
        "/signin?request=x",
        "/device",
        "/device/late",
    ]
    shown = [await there.look(path) for path in before]
    await there.signed_in(email)
    after = [
        f"/consent?request={request}",
        f"/signin/account?request={request}",
        "/account",
        "/account/sessions",
        "/account/security",
        "/account/authenticator",
    ]
    return shown + [await there.look(path) for path in after]


async def test_every_page_is_closed_to_frames_caches_other_hosts_and_inline_scripts(live: Live, client: str):
    async with browser(live) as there:
        for page in await pages(live, there, client):
            assert page.inline == []
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["x-frame-options"] == "DENY"
            policy = page.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'self';")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert page.language == "en"


async def test_everything_that_the_pages_load_is_there_from_here_and_kept_for_ever(live: Live, client: str):
    async with browser(live) as there:
        loads = {path for page in await pages(live, there, client) for path in page.loads}
        for path in {path for path in loads if not path.startswith("data:image/svg+xml")}:
            answer = await there.http.get(path)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert len(answer.content) < 12_000
    refused(await live.http.get("/pages/pages.css"), 404)


async def test_forms_lead_to_the_client_that_waits_and_nowhere_else(live: Live, client: str):
    async with browser(live) as there:
        waiting = await there.look(f"/signin?request={await sealed(live, client)}")
        assert "form-action 'self' https:;" in waiting.headers["content-security-policy"]
        alone = await there.look("/signin")
        assert "form-action 'self';" in alone.headers["content-security-policy"]


# Signing in


async def test_who_signs_in_goes_on_to_the_client_and_has_a_session(live: Live, client: str):
    user, email = await registered(live)
    async with browser(live) as there:
        page = await there.look(f"/signin?request={await sealed(live, client)}")
        assert "to continue to Ledger Reports" in page.text
        answer = await there.send(page.form("password"), username=f" {email.upper()} ", password=PASSWORD)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/openid/continue?request=")
        assert (await opened(live, answer.headers["location"])).client_id == client
        cookies = [
            each for each in answer.headers.get_list("set-cookie") if each.startswith(cookie_of(live, "session") + "=")
        ]
        assert len(cookies) == 1
        assert "HttpOnly" in cookies[0]
        assert "SameSite=lax" in cookies[0]
        signed_in = await the_session(live, there)
        assert signed_in.user.stream_id == user
        assert (signed_in.session.amr, signed_in.session.acr) == (("pwd",), "urn:muniment:acr:1")


async def test_over_https_every_cookie_is_this_very_host_s(postgres: str):
    async with serving(await new_database(postgres), issuer="https://login.example.com") as secure:
        first = await secure.http.get("/signin")
    (cookie,) = first.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-muniment_csrf=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_every_failure_says_the_same(live: Live):
    _, email = await registered(live)
    disabled, disabled_email = await registered(live)
    await live.beside.people.disable(disabled, META)
    said: set[tuple[int, str]] = set()
    for name, password in [
        (email, "wrong"),
        (email, ""),
        (disabled_email, PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("\0", "\0"),
        ("é" * 400, "é" * 9000),
    ]:
        async with browser(live) as there:
            answer = await there.sign_in(name, password)
            said.add((answer.status_code, Shown(answer).text))
            assert cookie_of(live, "session") not in answer.headers.get("set-cookie", "")
    assert len(said) == 1
    assert "Wrong email address or password." in str(said)


async def test_the_client_s_hint_is_filled_in_and_so_is_what_was_typed(live: Live, client: str):
    async with browser(live) as there:
        request = await sealed(live, client, login_hint=ODD)
        assert (await there.look(f"/signin?request={request}")).form("password").fields["username"] == ODD
        typed = Shown(await there.sign_in("Typed@example.com", "wrong"))
        assert typed.form("password").fields["username"] == "Typed@example.com"


async def test_a_page_with_a_wrong_password_on_it_can_be_reloaded(live: Live, client: str):
    async with browser(live) as there:
        page = await there.look(f"/signin?request={await sealed(live, client)}")
        answer = await there.send(page.form("password"), username="nobody@example.com", password="wrong")
        assert answer.status_code == 403
        assert "Ledger Reports" in (await there.look(str(answer.url))).text


@pytest.mark.parametrize("path", ["/signin", "/consent", "/openid/continue"])
async def test_a_page_that_was_open_too_long_leads_back_into_the_same_request(live: Live, client: str, path: str):
    expired = await sealed(live, client, asked_at=time.time() - LIFETIME_SECONDS - 1)
    async with browser(live) as there:
        page = await there.look(f"{path}?request={expired}")
        assert page.status == 400
        assert "That took too long" in page.text
        again = await there.http.get(next(link for link in page.links if "request=" in link))
        assert again.headers["location"].startswith("/signin?")
        went_on = await opened(live, again.headers["location"])
    assert (went_on.client_id, went_on.state) == (client, "st-1")


async def test_who_signs_in_again_keeps_their_session_and_its_old_cookie_is_worth_nothing(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        before, old = await the_session(live, there), there.http.cookies.get(cookie_of(live, "session"))
        again = "/signin?next=/account/security"
        assert (await there.look(again)).form("password").fields["username"] == email
        assert (await there.sign_in(email, path=again)).headers["location"] == "/account/security"
        after = await the_session(live, there)
        assert after.session.stream_id == before.session.stream_id
        assert after.session.authenticated_at > before.session.authenticated_at
        there.http.cookies.set(cookie_of(live, "session"), old)
        assert (await there.http.get("/account")).status_code == 303


async def test_when_somebody_else_signs_in_the_session_from_before_is_over(live: Live):
    (_, one), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there:
        await there.signed_in(one)
        before = (await the_session(live, there)).session.stream_id
        await there.sign_in(other, path="/signin?next=/account/security")
        assert (await the_session(live, there)).session.stream_id != before
    row = await read(live.beside.ledger.pool, lambda connection: sessions.find(connection, before))
    assert row
    assert row.state == "ended"


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "/openid/logout", "/account/../x", ""])
async def test_a_link_cannot_say_where_the_person_ends_up(live: Live, goal: str):
    _, email = await registered(live)
    async with browser(live) as there:
        page = await there.look(f"/signin?next={goal}")
        answer = await there.send(page.form("password"), username=email, password=PASSWORD, next=goal)
    assert answer.headers["location"] == "/account"


# Whose form it is


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        pytest.param({"csrf": ""}, {}, id="no token"),
        pytest.param({"csrf": "0" * 64}, {}, id="a token of nobody's"),
        pytest.param({}, {"Cookie": ""}, id="no cookie"),
        pytest.param({}, {"Origin": "https://evil.example"}, id="from another origin"),
        pytest.param({}, {"Sec-Fetch-Site": "cross-site"}, id="from another site"),
        pytest.param({}, {"Content-Type": "text/plain"}, id="no form at all"),
    ],
)
async def test_a_form_that_is_not_ours_does_nothing_and_loses_nothing(
    live: Live, client: str, fields: dict[str, str], headers: dict[str, str]
):
    _, email = await registered(live)
    async with browser(live) as there:
        page = await there.look(f"/signin?request={await sealed(live, client)}")
        mine = page.form("password")
        answer = await there.send(mine, headers=headers, username=email, password=PASSWORD, **fields)
        assert answer.status_code == 403
        assert cookie_of(live, "session") not in answer.headers.get("set-cookie", "")
        told = Shown(answer)
        assert "Please try again" in told.text
        if "Content-Type" not in headers:
            (back,) = told.links
            assert (await opened(live, back)).client_id == client
            again = await there.look(back)
            done = await there.send(again.form("password"), username=email, password=PASSWORD)
            assert done.headers["location"].startswith("/openid/continue?")


async def test_another_browser_s_form_is_not_ours(live: Live):
    _, email = await registered(live)
    async with browser(live) as one, browser(live) as other:
        form = (await one.look("/signin")).form("password")
        await other.look("/signin")
        assert (await other.send(form, username=email, password=PASSWORD)).status_code == 403


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"a=%ff", 403), (b"a=1&a=2", 403), (b"&".join([b"a%d=1" % n for n in range(40)]), 403), (b"a=" + b"x" * 70_000, 413)],
)  # fmt: skip
async def test_an_odd_form_is_answered_with_a_page(live: Live, content: bytes, status: int):
    answer = await live.http.post(
        "/signin", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


# Too often


async def test_the_eleventh_guess_in_a_minute_waits_and_a_browser_that_is_known_does_not(live: Live):
    _, email = await registered(live)

    async def ask() -> tuple[list[int], Shown, int]:
        async with browser(live) as owner, browser(live) as thief:
            await owner.signed_in(email)
            form = (await thief.look("/signin")).form("password")
            guesses = (thief.send(form, username=email, password=f"guess {n}") for n in range(11))
            statuses = await asyncio.gather(*guesses)
            over = await thief.sign_in(email)
            own = await owner.sign_in(email, path="/signin?next=/account/security")
            return sorted(answer.status_code for answer in statuses), Shown(over), own.status_code

    statuses, over, own = await whole_minute(live, ask)
    assert statuses == [403] * 10 + [429]
    assert over.status == 429
    wait = over.headers["retry-after"]
    assert 1 <= int(wait) <= 60
    assert f"Wait {wait} second{'' if wait == '1' else 's'}, then try again." in over.text
    assert own == 303


# The second step


async def test_who_has_an_app_is_asked_for_its_code_and_each_code_is_good_once(live: Live, client: str):
    user, email = await registered(live)
    app = await with_app(live, email)
    code = app.now()
    async with browser(live) as there, browser(live) as thief:
        answer = await there.sign_in(email, path=f"/signin?request={await sealed(live, client)}")
        assert answer.headers["location"].startswith("/signin/factor?request=")
        assert await the_session(live, there) is None
        form = (await there.look(answer.headers["location"])).form("code")
        done = await there.send(form, code=f"{code[:3]} {code[3:]}")
        assert done.headers["location"].startswith("/openid/continue?request=")
        signed_in = await the_session(live, there)
        assert signed_in.user.stream_id == user
        assert (signed_in.session.amr, signed_in.session.acr) == (("pwd", "otp", "mfa"), "urn:muniment:acr:2")
        await thief.sign_in(email)
        again = await thief.send((await thief.look("/signin/factor")).form("code"), code=code)
        assert again.status_code == 403
        assert "Codes change every 30 seconds." in Shown(again).text
        assert await the_session(live, thief) is None


async def test_the_sixth_code_in_a_minute_waits_even_if_it_is_right(live: Live):
    _, email = await registered(live)
    app = await with_app(live, email)

    async def ask() -> list[int]:
        async with browser(live) as there:
            await there.sign_in(email)
            form = (await there.look("/signin/factor")).form("code")
            return [(await there.send(form, code=code)).status_code for code in ("000000",) * 5 + (app.now(),)]

    assert await whole_minute(live, ask) == [403] * 5 + [429]


async def test_half_a_sign_in_is_worth_nothing_in_another_browser_or_once_the_account_has_changed(live: Live):
    user, email = await registered(live)
    app = await with_app(live, email)
    async with browser(live) as there, browser(live) as thief:
        await there.sign_in(email)
        form = (await there.look("/signin/factor")).form("code")
        await thief.look("/signin")
        thief.http.cookies.set(cookie_of(live, "half"), there.http.cookies[cookie_of(live, "half")])
        assert is_late(await thief.http.get("/signin/factor"))
        await live.beside.people.change_password(user, "something else entirely", META)
        answer = await there.send(form, code=app.now())
        assert is_late(answer)
        assert "please start over" in (await there.look(answer.headers["location"])).text
        assert "please start over" not in (await thief.look(answer.headers["location"])).text


async def test_a_sign_in_that_a_new_password_overtakes_starts_over_and_its_session_names_that_as_the_cause(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    user, email = await registered(live)
    real = Sessions.start

    async def overtaken(sessions: Sessions, *args: Any, **more: Any) -> str:
        value = await real(sessions, *args, **more)
        await live.beside.people.change_password(user, "something else entirely", META)
        return value

    monkeypatch.setattr(Sessions, "start", overtaken)
    async with browser(live) as there:
        assert is_late(await there.sign_in(email))
    async with live.beside.ledger.pool.acquire() as connection:
        session = await connection.fetchval("select stream_id from read.sessions where user_id = $1", user)
        assert await caused_by(connection, session) == ["user.password_changed"]


def is_late(answer: httpx.Response) -> bool:
    return answer.headers["location"].startswith("/signin?fault=late.")


@pytest.mark.parametrize("query", ["fault=late", "fault=wrong", "fault=late.x", "fault=late." + 64 * "0", "fault=."])
async def test_a_link_says_nothing_in_our_name(live: Live, query: str):
    async with browser(live) as there:
        page, plain = await there.look(f"/signin?{query}"), await there.look("/signin")
    assert page.text == plain.text


async def test_a_link_says_nothing_of_the_account_either(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        for path, said in (("/account", "revoked"), ("/account/sessions", "ended"), ("/account/security", "password")):
            plain = await there.look(path)
            assert (await there.look(f"{path}?said={said}")).text == plain.text


@pytest.mark.parametrize("left_to_the_query", ["password", "username", "csrf"])
async def test_nothing_that_a_form_asks_for_is_taken_from_an_address(live: Live, left_to_the_query: str):
    _, email = await registered(live)
    async with browser(live) as there:
        form = (await there.look("/signin")).form("password")
        fields = {**form.fields, "username": email, "password": PASSWORD}
        query = {left_to_the_query: fields.pop(left_to_the_query)}
        answer = await there.http.post("/signin", params=query, data=fields)
        assert answer.status_code == 403
        assert cookie_of(live, "session") not in there.http.cookies


async def sign_in_against(live: Live, row: users.Row) -> Any:
    """The answer to somebody who proved themselves while the account was as in `row`."""
    scope = {"type": "http", "method": "POST", "path": "/signin", "query_string": b"", "headers": [], "client": None}
    visit = Visit(request=Request(scope), resources=live.beside, language="en", browser="", asked=None, form={})
    return await enter(visit, row, ("pwd",), ONE_FACTOR)


async def test_a_sign_in_that_began_before_the_account_was_changed_comes_to_nothing(live: Live):
    user, email = await registered(live)
    app = await with_app(live, email)
    assert app
    with_factor = await live.beside.people.row(user)
    await live.beside.people.change_password(user, "something else entirely", META)
    after = await live.beside.people.row(user)
    assert with_factor
    assert after
    for former in (with_factor, after.__replace__(factors=())):
        answer = await sign_in_against(live, former)
        assert is_late(answer)
        assert "set-cookie" not in answer.headers
    opened = await read(live.beside.ledger.pool, lambda connection: sessions.of_user(connection, user))
    assert opened == []
    assert (await sign_in_against(live, after)).headers["location"] == "/account"


# As whom


async def test_what_one_tab_asked_one_person_is_not_answered_for_another(live: Live, client: str):
    (one, ada), (other, bob) = await registered(live), await registered(live)
    request = await sealed(live, client, scopes=("openid", "email"))
    async with browser(live) as there:
        await there.signed_in(ada)
        paths = [f"/consent?request={request}", f"/signin/account?request={request}", "/account/security"]
        tabs = [await there.look(path) for path in paths]
        await there.sign_in(bob, path=f"/signin?request={request}")
        for tab, press in ((tabs[0], "allow"), (tabs[0], "deny"), (tabs[1], "this")):
            answer = await there.send(tab.forms[0], press)
            assert answer.headers["location"].startswith(urlsplit(str(answer.url)).path + "?request=")
            assert bob in (await there.look(answer.headers["location"])).text or press != "this"
        answer = await there.send(tabs[2].form("present"), present=PASSWORD, password="something else entirely")
        assert answer.headers["location"] == "/account/security"
        assert (await the_session(live, there)).user.stream_id == other
    given = [await read(live.beside.ledger.pool, lambda c, u=user: consents.of_user(c, u)) for user in (one, other)]
    assert given == [[], []]


async def test_what_one_tab_asked_is_answered_by_the_same_person_who_proved_themselves_again(live: Live, client: str):
    _, ada = await registered(live)
    async with browser(live) as there:
        await there.signed_in(ada)
        request = await sealed(live, client)
        tab = await there.look(f"/consent?request={request}")
        await there.sign_in(ada, path=f"/signin?request={request}")
        assert "/openid/continue" in (await there.send(tab.forms[0], "allow")).headers["location"]


async def test_who_may_choose_goes_on_as_themselves_or_as_somebody_else(live: Live, client: str):
    (_, one), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there:
        await there.signed_in(one)
        path = f"/signin/account?request={await sealed(live, client, prompts=('select_account',))}"
        page = await there.look(path)
        assert f"Continue as Ada Lovelace {one}" in page.text
        on = await there.send(page.forms[0], "this")
        first = (await the_session(live, there)).session.stream_id
        assert (await opened(live, on.headers["location"])).chosen == first
        elsewhere = await there.send(page.forms[0], "another")
        signin = await there.look(elsewhere.headers["location"])
        assert signin.form("password").fields["username"] == ""
        done = await there.send(signin.form("password"), username=other, password=PASSWORD)
        second = (await the_session(live, there)).session.stream_id
        assert second != first
        assert (await opened(live, done.headers["location"])).chosen == second


async def test_who_is_asked_for_as_somebody_else_is_told(live: Live, client: str):
    (user, _), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there:
        await there.signed_in(other)
        page = await there.look(f"/signin?request={await sealed(live, client, wanted_sub=str(user))}")
    assert "Ledger Reports needs a different account from the one you're signed in with." in page.text


# Consent


async def test_the_consent_page_says_who_asks_for_what_in_words(live: Live):
    client, _ = await live.interactive(displayName=ODD)
    _, email = await registered(live)
    scopes = ("openid", "profile", "email", "phone", "address", "groups", "offline_access", "api:public", "crm:read")
    async with browser(live) as there:
        await there.signed_in(email)
        request = await sealed(live, client, scopes=scopes, resource="https://api.example.com/v1")
        page = await there.look(f"/consent?request={request}")
    assert f"{ODD} wants to access your account app.example.com" in page.text
    assert "The application chose this name itself. You'll be sent to app.example.com." in page.text
    assert "Allow access only if you trust this application." in page.text
    assert "/account" in page.links
    for words in (
        "Know who you are",
        "See your profile",
        "See your email address",
        "See your phone number",
        "See your postal address",
        "See which groups you're in",
        "Keep access even when you're not using it",
        "Use the public API on your behalf",
        "Use the permission crm:read",
        "This applies to https://api.example.com/v1",
        "Signed in as Ada Lovelace",
    ):
        assert words in page.text


async def test_an_app_on_the_device_is_told_from_a_web_site_and_one_without_a_name_has_none(live: Live):
    redirect_uri = "com.example.app:/cb"
    client, _ = await live.interactive(displayName=None, redirectUri=redirect_uri, public=True)
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        page = await there.look(f"/consent?request={await sealed(live, client, redirect_uri=redirect_uri)}")
    assert f"An unnamed application wants to access your account com.example.app Client ID: {client}" in page.text
    assert "You'll be sent to" in page.text
    assert "the app com.example.app on this device" in page.text
    assert "chose this name" not in page.text


async def test_the_name_of_a_client_that_an_operator_vouches_for_is_not_said_to_be_its_own_choice(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        for first_party in (False, True):
            client, _ = await live.interactive(displayName="Ledger Reports", firstParty=first_party)
            page = await there.look(f"/consent?request={await sealed(live, client)}")
            assert "Ledger Reports wants to access your account app.example.com If you allow access" in page.text
            assert ("chose this name" in page.text) is not first_party


async def test_who_is_not_the_one_signed_in_goes_on_with_the_same_request_as_another(live: Live, client: str):
    (_, one), (user, other) = await registered(live), await registered(live)
    async with browser(live) as there:
        await there.signed_in(one)
        page = await there.look(f"/consent?request={await sealed(live, client)}")
        way = next(link for link in page.links if link.startswith("/signin?request="))
        form = (await there.look(way)).form("password")
        assert form.fields["username"] == ""
        done = await there.send(form, username=other, password=PASSWORD)
        after = await there.http.get(done.headers["location"])
        assert after.headers["location"].startswith("/consent?request=")
        assert (await the_session(live, there)).user.stream_id == user
    assert (await opened(live, after.headers["location"])).client_id == client


async def test_what_is_allowed_is_remembered_and_what_is_denied_is_the_client_s_to_hear(live: Live, client: str):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        request = await sealed(live, client, scopes=("openid", "email"))
        page = await there.look(f"/consent?request={request}")
        denied = sent_back(await there.send(page.forms[0], "deny"))
        assert denied == {
            "error": "access_denied",
            "error_description": "The user denied the request.",
            "state": "st-1",
            "iss": live.url,
        }
        allowed = await there.send(page.forms[0], "allow")
        session = (await the_session(live, there)).session.stream_id
        assert (await opened(live, allowed.headers["location"])).consented == session
        given = sent_back(await there.http.get(allowed.headers["location"]))
        assert set(given) == {"code", "state", "iss"}
        without = sent_back(await there.http.get(f"/openid/continue?request={request}"))
        assert "code" in without


async def test_nobody_consents_who_is_not_signed_in(live: Live, client: str):
    async with browser(live) as there:
        request = await sealed(live, client)
        answer = await there.http.get(f"/consent?request={request}")
        assert answer.headers["location"].startswith("/openid/continue?request=")
        form = (await there.look(f"/signin?request={request}")).form("password")
        posted = await there.http.post("/consent", data={**form.fields, "consent": "allow"})
        assert posted.headers["location"].startswith("/openid/continue?request=")


# In which language, and what went wrong


@pytest.mark.parametrize(
    ("accept", "ui_locales", "language"),
    [("de-CH,en;q=0.5", (), "de"), ("ja", (), "en"), ("en", ("de-AT",), "de"), ("de", ("en",), "en")],
)
async def test_the_page_is_in_the_language_that_the_client_or_the_browser_asks_for(
    live: Live, client: str, accept: str, ui_locales: tuple[str, ...], language: str
):
    async with browser(live) as there:
        request = await sealed(live, client, ui_locales=ui_locales)
        page = await there.look(f"/signin?request={request}", **{"Accept-Language": accept})
    assert page.language == language
    assert ("weiter zu Ledger Reports" in page.text) is (language == "de")


@pytest.mark.parametrize("path", ["/signin", "/signin/factor", "/signin/account", "/consent", "/openid/continue"])
async def test_a_request_that_is_not_ours_cannot_be_continued(live: Live, path: str):
    async with browser(live) as there:
        page = await there.look(f"{path}?request=x")
    assert (page.status, page.links) == (400, ["/account"])
    assert "This sign-in can't continue" in page.text


@pytest.mark.parametrize("path", ["/signin/account", "/consent"])
async def test_pages_that_lead_back_to_a_client_need_one(live: Live, path: str):
    async with browser(live) as there:
        assert (await there.look(path)).status == 400


async def test_who_got_lost_sees_a_page_and_a_program_a_problem(live: Live):
    async with browser(live) as there:
        page = await there.look("/no/such/page")
    assert (page.status, page.links) == (404, ["/account"])
    refused(await live.http.get("/no/such/page"), 404)


async def test_what_only_a_developer_can_mend_is_told_to_the_person_in_their_language_with_the_rest_for_developers(
    live: Live,
):
    async with browser(live) as there:
        page = await there.look("/openid/authorize?client_id=x", **{"Accept-Language": "de"})
    assert (page.status, page.language, page.links) == (400, "de", ["/account"])
    assert "Die Anwendung hat eine fehlerhafte Anfrage gesendet." in page.text
    assert "Für Entwickler No client has this client_id." in page.text


async def test_other_methods_are_refused_with_those_that_there_are(live: Live):
    answer = await live.http.put("/signin")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await live.http.head("/signin")).status_code == 200


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/signin", "/account"),
        ("/signin?next=/account/sessions", "/account/sessions"),
        ("/signin?next=https://evil.example", "/account"),
        ("/signed-out", "/account"),
    ],
)
async def test_who_is_signed_in_is_not_asked_to_sign_in_nor_told_that_they_are_not(live: Live, path: str, to: str):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        answer = await there.http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, to)


async def test_signed_out_has_a_page(live: Live):
    async with browser(live) as there:
        page = await there.look("/signed-out")
    assert "You're signed out" in page.text
    assert page.links == ["/signin"]
