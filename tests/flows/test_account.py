"""The pages of one's own account: who may use it, where one is signed in, and how one proves who one is."""

import re
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from pyotp.totp import TOTP

from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import AddFactor
from service.people import factors
from service.values.profile import Profile
from tests.flows.browsing import Browser, Shown, browser, cookie_of
from tests.flows.conftest import META, Live, oauth_error
from tests.flows.people import ALL, PASSWORD, Person, refreshed, registered, tokens_for
from tests.flows.test_signin import another_minute, the_session

__all__ = ["another_minute"]

ODD = "<script>alert(1)</script>"
NEW = "a staple, battered correctly"


async def connected(live: Live, there: Browser, email: str, **client: str) -> tuple[str, str, str]:
    """(client_id, secret, refresh token) of a client that the person let in, in this browser."""
    client_id, secret = await live.interactive(**client)
    user = (await the_session(live, there)).user.stream_id
    given = await tokens_for(live, Person(user, email, there.http), (client_id, secret), ALL)
    return client_id, secret, given["refresh_token"]


async def as_of_long_ago(live: Live, there: Browser) -> None:
    """As if the person had proved who they are more than ten minutes ago."""
    session = (await the_session(live, there)).session.stream_id
    connection = await asyncpg.connect(live.database)
    await connection.execute(
        "update read.sessions set authenticated_at = authenticated_at - interval '11 minutes' where stream_id = $1", session
    )  # fmt: skip
    await connection.close()


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/security", "/account/authenticator"])
async def test_who_is_not_signed_in_signs_in_first_and_then_gets_there(live: Live, path: str):
    _, email = await registered(live)
    async with browser(live) as there:
        first = await there.http.get(path)
        assert (first.status_code, parse_qs(urlsplit(first.headers["location"]).query)) == (303, {"next": [path]})
        done = await there.sign_in(email, path=first.headers["location"])
        assert done.headers["location"] == path
        assert (await there.look(path)).status == 200


# Applications


async def test_an_application_is_shown_with_what_it_may_do_and_is_revoked_with_all_that_it_got(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        assert "No applications have access to your account." in (await there.look("/account")).text
        mine = await connected(live, there, email, displayName=ODD)
        kept = await connected(live, there, email, displayName="Kept")
        page = await there.look("/account")
        assert ODD in page.text
        for words in ("app.example.com", "See your email address", "Access given on", "last used"):
            assert words in page.text
        form = next(form for form in page.forms if form.fields.get("client") == mine[0])
        answer = await there.send(form, "revoke")
        after = await there.look(answer.headers["location"])
        assert "can no longer use your account" in after.text
        assert ODD not in after.text
    oauth_error(await refreshed(live, mine[:2], mine[2]), 400, "invalid_grant")
    assert (await refreshed(live, kept[:2], kept[2])).status_code == 200


async def test_nobody_revokes_what_somebody_else_allowed(live: Live):
    (_, one), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(one)
        await elsewhere.signed_in(other)
        client = await connected(live, there, one)
        form = (await elsewhere.look("/account")).forms[0]
        assert (await elsewhere.send(form, do="revoke", client=client[0])).status_code == 303
    assert (await refreshed(live, client[:2], client[2])).status_code == 200


async def test_an_application_that_was_deleted_is_still_shown_by_its_id_and_can_be_revoked(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        client_id, _, _ = await connected(live, there, email, displayName="Gone")
        await live.http.delete(f"/api/v1/auth/clients/{client_id}", headers=live.bearer)
        page = await there.look("/account")
        assert client_id in page.text
        await there.send(page.form("client"), "revoke")
        assert client_id not in (await there.look("/account")).text


# Sessions


async def test_each_session_is_shown_and_can_be_ended_from_another(live: Live):
    _, email = await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(email)
        await elsewhere.signed_in(email)
        page = await there.look("/account/sessions")
        assert page.text.count("Firefox, Linux") == 2
        assert page.text.count("This device") == 1
        assert "from 127.0.0.1" in page.text
        answer = await there.send(page.form("end"), "end")
        assert "You're now signed out on that device" in (await there.look(answer.headers["location"])).text
        assert (await elsewhere.http.get("/account")).headers["location"].startswith("/signin")
        assert (await there.http.get("/account")).status_code == 200


async def test_all_others_can_be_ended_at_once(live: Live):
    _, email = await registered(live)
    async with browser(live) as there, browser(live) as second, browser(live) as third:
        for each in (there, second, third):
            await each.signed_in(email)
        page = await there.look("/account/sessions")
        await there.send(page.form("end-others"), "end-others")
        statuses = [(await each.http.get("/account")).status_code for each in (there, second, third)]
    assert statuses == [200, 303, 303]


@pytest.mark.parametrize("theirs", [True, False])
async def test_nobody_ends_a_session_that_is_not_theirs(live: Live, *, theirs: bool):
    (_, one), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(one)
        await elsewhere.signed_in(other)
        session = str((await the_session(live, elsewhere)).session.stream_id) if theirs else "x"
        form = (await there.look("/account/sessions")).forms[0]
        answer = await there.http.post(
            "/account/sessions", data={"csrf": form.fields["csrf"], "do": "end", "session": session}
        )
        assert answer.status_code == 404
        assert (await elsewhere.http.get("/account")).status_code == 200


async def test_who_signs_out_is_signed_out_and_the_cookie_is_worth_nothing(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        cookie = there.http.cookies[cookie_of(live, "session")]
        answer = await there.send((await there.look("/account")).form("sign-out"), "sign-out")
        assert answer.headers["location"] == "/signed-out"
        assert cookie_of(live, "session") not in there.http.cookies
        there.http.cookies.set(cookie_of(live, "session"), cookie)
        assert (await there.http.get("/account")).status_code == 303


# Password


async def test_a_new_password_takes_the_present_one_and_signs_out_everywhere_else(live: Live):
    _, email = await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(email)
        await elsewhere.signed_in(email)
        form = (await there.look("/account/security")).form("present")
        wrong = Shown(await there.send(form, present="wrong", password=NEW))
        assert (wrong.status, "That isn't your current password." in wrong.text) == (403, True)
        weak = Shown(await there.send(form, present=PASSWORD, password=email))
        assert "The password must not be your email address." in weak.text
        assert (await elsewhere.http.get("/account")).status_code == 200
        done = await there.send(form, present=PASSWORD, password=NEW)
        assert "Your password was changed" in (await there.look(done.headers["location"])).text
        assert (await elsewhere.http.get("/account")).status_code == 303
        assert (await elsewhere.sign_in(email, PASSWORD)).status_code == 403
        await elsewhere.signed_in(email, NEW)


async def test_a_new_password_leaves_nothing_from_before_but_this_session_with_a_new_cookie(live: Live):
    _, email = await registered(live)
    async with browser(live) as there, browser(live) as thief:
        await there.signed_in(email)
        mine = await connected(live, there, email)
        await thief.signed_in(email)
        theirs = await connected(live, thief, email)
        await thief.send((await thief.look("/account")).form("sign-out"), "sign-out")
        name = next(name for name in there.http.cookies if name.startswith("muniment_session"))
        stolen, session = there.http.cookies[name], (await the_session(live, there)).session.stream_id
        form = (await there.look("/account/security")).form("present")
        await there.send(form, present=PASSWORD, password=NEW)
        assert (await the_session(live, there)).session.stream_id == session
        thief.http.cookies.set(name, stolen)
        assert (await thief.http.get("/account")).status_code == 303
    for client in (mine, theirs):
        oauth_error(await refreshed(live, client[:2], client[2]), 400, "invalid_grant")


async def test_with_a_second_factor_the_password_alone_does_not_change_the_password(live: Live):
    user, email = await registered(live)
    factor = await factors.sealed(live.beside.people, user, factors.new(factors.new_totp(), utc_now()))
    async with browser(live) as there:
        await there.signed_in(email)
        await handle(live.beside.ledger, USER, user, AddFactor(factor=factor), META)
        form = (await there.look("/account/security")).form("present")
        await as_of_long_ago(live, there)
        later = await there.look("/account/security")
        assert not [form for form in later.forms if "present" in form.fields]
        assert "/signin?next=/account/security" in later.links
        answer = await there.send(form, present=PASSWORD, password=NEW)
        assert answer.headers["location"].startswith("/signin?next=%2Faccount%2F")
        row = await live.beside.people.row(user)
        assert await live.beside.people.check_password(row, PASSWORD)


async def test_who_comes_from_elsewhere_has_no_password_to_change(live: Live):
    email = "upstream@example.com"
    profile = Profile(email=email)
    user = await live.beside.people.register(profile, None, META, upstream=("https://idp.example", "1"))
    cookie = await live.beside.sessions.start(user, ("fed",), "urn:muniment:acr:1", None)
    async with browser(live) as there:
        there.http.cookies.set(cookie_of(live, "session"), cookie)
        page = await there.look("/account/security")
    assert "so you don't have a password here" in page.text
    assert not [form for form in page.forms if "present" in form.fields]


# Authenticator apps


async def test_an_app_counts_once_a_code_shows_that_it_has_the_secret(live: Live):
    _, email = await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(email)
        page = await there.look("/account/authenticator")
        found = re.search(r"in your app: ([A-Z2-7 ]+?) Enter", page.text)
        assert found
        app = TOTP(found[1].replace(" ", ""))
        assert any(load.startswith("data:image/svg+xml") for load in page.loads)
        wrong = Shown(await there.send(page.form("setup"), code="000000"))
        assert (wrong.status, found[1] in wrong.text) == (403, True)
        await elsewhere.signed_in(email)
        code = app.now()
        done = await there.send(wrong.form("setup"), code=code, name="My \x07phone")
        after = await there.look(done.headers["location"])
        assert "From now on, you'll enter a code after your password" in after.text
        assert "My phone" in after.text
        again = "/signin?next=/account/security"
        assert (await elsewhere.sign_in(email, path=again)).headers["location"].startswith("/signin/factor?")
        spent = await elsewhere.send((await elsewhere.look("/signin/factor")).form("code"), code=code)
        assert spent.status_code == 403
        gone = await there.look((await there.send(after.form("remove"), "remove")).headers["location"])
        assert "Authenticator app removed. You now sign in with your password only." in gone.text
        assert (await elsewhere.sign_in(email, path=again)).headers["location"] == "/account/security"


async def test_what_one_proves_oneself_with_is_changed_only_by_who_has_just_done_so(live: Live):
    user, email = await registered(live)
    factor = await factors.sealed(live.beside.people, user, factors.new(factors.new_totp(), utc_now()))
    async with browser(live) as there:
        await there.signed_in(email)
        setup = (await there.look("/account/authenticator")).form("setup")
        await handle(live.beside.ledger, USER, user, AddFactor(factor=factor), META)
        page = await there.look("/account/security")
        form = page.form("remove")
        assert re.search(r"Authenticator appAdded on \d+ \w+ \d{4}, \d\d:\d\d UTC", page.text)
        await as_of_long_ago(live, there)
        assert (await there.http.get("/account/security")).status_code == 200
        for answer in (
            await there.http.get("/account/authenticator"),
            await there.send(setup, code="000000"),
            await there.send(form, "remove"),
        ):
            assert answer.headers["location"].startswith("/signin?next=%2Faccount%2F")
        page = await there.look("/signin?next=/account/security")
        assert "Confirm it's you" in page.text
        row = await live.beside.people.row(user)
    assert row
    assert [each.factor_id for each in row.factors] == [factor.factor_id]


async def test_nobody_sets_up_an_app_with_a_secret_of_somebody_else_s_page(live: Live):
    (_, one), (_, other) = await registered(live), await registered(live)
    async with browser(live) as there, browser(live) as elsewhere:
        await there.signed_in(one)
        await elsewhere.signed_in(other)
        theirs = (await elsewhere.look("/account/authenticator")).form("setup")
        mine = (await there.look("/account/authenticator")).form("setup")
        answer = await there.send(mine, setup=theirs.fields["setup"], code="000000")
        assert answer.headers["location"] == "/account/authenticator"


@pytest.mark.parametrize("factor", ["x", "", "00000000-0000-0000-0000-000000000000"])
async def test_only_what_there_is_can_be_removed(live: Live, factor: str):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        form = (await there.look("/account/security")).form("present")
        answer = await there.http.post(
            "/account/security", data={"csrf": form.fields["csrf"], "do": "remove", "factor": factor}
        )
        assert answer.status_code == 404


async def test_what_people_prove_themselves_with_is_nowhere_in_clear(live: Live):
    _, email = await registered(live)
    async with browser(live) as there:
        await there.signed_in(email)
        page = await there.look("/account/authenticator")
        secret = re.search(r"in your app: ([A-Z2-7 ]+?) Enter", page.text)
        assert secret
        app = TOTP(secret[1].replace(" ", ""))
        await there.send(page.form("setup"), code=app.now(), name="Ada's telephone")
    connection = await asyncpg.connect(live.database)
    kept = await connection.fetch("select convert_from(data, 'utf8') from log.events where type = 'user.factor_added'")
    await connection.close()
    assert kept
    assert app.secret not in str(kept)
    assert "telephone" not in str(kept)
