"""The pages of users in the console: found, given roles, signed out, stopped, erased; and who may not."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from events.user import Role
from service.clock import utc_now
from service.commands.handle import USER, handle
from service.commands.user import SetGroupRoles
from service.configuration.upstream import Upstream
from service.people.last_operator import leaves_none
from service.people.sessions import Device
from service.refusals import Contradiction
from service.use_cases import roles
from service.values.scopes import ACRS
from tests.flows.browsing import AGENT, Shown, browser
from tests.flows.conftest import META, Live, new_database, serving
from tests.flows.consoles import Staff, staff
from tests.flows.people import PASSWORD, logged_in, registered, tokens_for
from tests.flows.test_cli import on

USERS = "/api/v1/auth/users"
HOSTILE = "<script>alert(1)</script>{{7*7}}"

ORDERED = "select true from log.events where type = 'revocation.ordered' limit 1"


async def read(live: Live, user: object) -> dict[str, Any]:
    return (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()


async def done(somebody: Staff, answer: httpx.Response) -> str:
    """The text of the page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return Shown(await somebody.browser.http.get(answer.headers["location"])).text


async def test_a_person_is_found_by_address_or_id_and_the_address_is_in_no_url(live: Live):
    user, email = await registered(live)
    async with staff(live, "auditor") as somebody:
        page = await somebody.look("/users")
        assert "Ada Lovelace" in page.text
        for who in (email, str(user)):
            found = await somebody.send(page, "email", email=who)
            assert (found.status_code, found.headers["location"]) == (303, f"/console/users/{user}")
        shown = await somebody.look(f"/users/{user}")
        assert email in shown.text
        for nobody in (email[1:], str(uuid4()), "Ada"):
            missed = await somebody.send(page, "email", email=nobody)
            assert (missed.status_code, "The address must be complete" in Shown(missed).text) == (404, True)


async def test_a_user_is_created_with_a_password_and_a_role_and_signs_in(live: Live):
    email = f"{uuid4()}@example.com"
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/user")
        fields = {
            "email": email,
            "name": "Grace Hopper",
            "password": PASSWORD,
            "role": "auditor",
            "reason": "HR-12",
            "emailVerified": "",
        }
        sent = await somebody.send(page, "email", **fields)
        text = await done(somebody, sent)
        assert "The user is created, and can sign in with the password." in text
        assert ("Grace Hopper" in text, "HR-12" in text) == (True, True)
        user = sent.headers["location"].split("/")[-1]
        found = await read(live, user)
        assert (found["email"], found["emailVerified"], found["roles"]) == (email, False, ["auditor"])
        again = await somebody.send(page, "email", **fields)
        assert again.headers["location"] == sent.headers["location"]
    async with browser(live) as theirs:
        await theirs.signed_in(email)


async def test_a_user_without_a_password_is_created_and_the_page_says_how_they_sign_in(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/user")
        sent = await somebody.send(page, "email", email=f"{uuid4()}@example.com", emailVerified="yes", reason="x")
        assert "only through the upstream provider" in await done(somebody, sent)
        found = await read(live, sent.headers["location"].split("/")[-1])
        assert (found["name"], found["emailVerified"], found["roles"]) == (None, True, [])


async def test_what_is_wrong_with_a_new_user_stands_at_its_field_and_no_password_comes_back(live: Live):
    _, taken = await registered(live)
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/user")
        without = await somebody.send(page, "email", email="grace@example.com", password=PASSWORD)
        assert (without.status_code, 'id="f-reason-fault"' in without.text) == (400, True)
        sent = await somebody.send(page, "email", email="grace", password="password", name="\u202e", reason="x")
        assert sent.status_code == 400
        for field in ("email", "password", "name"):
            assert f'id="f-{field}-fault"' in sent.text, field
        back = Shown(sent).form("email").fields
        assert (back["email"], back["password"], back["reason"]) == ("grace", "", "x")
        clash = await somebody.send(page, "email", email=taken, reason="x")
        assert (clash.status_code, 'role="alert"' in clash.text) == (409, True)
        assert PASSWORD not in without.text


async def test_a_role_that_cannot_be_given_leaves_the_user_and_says_so(live: Live, monkeypatch: pytest.MonkeyPatch):
    async def give(*_: object, **__: object) -> None:
        raise Contradiction("Somebody else changed the user at the same time.")

    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/user")
        monkeypatch.setattr(roles, "give", give)
        fields = {"email": f"{uuid4()}@example.com", "role": "auditor", "reason": "x"}
        sent = await somebody.send(page, "email", **fields)
        text = await done(somebody, sent)
        assert "The user is created, but not with the role: Somebody else changed the user" in text
        assert (await read(live, sent.headers["location"].split("/")[-1]))["roles"] == []


async def test_a_role_is_given_and_taken_with_a_reason(live: Live):
    user, _ = await registered(live)
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/users/{user}")
        without = await somebody.send(page, "give-auditor")
        assert (without.status_code, "Say why" in Shown(without).text) == (400, True)
        text = await done(somebody, await somebody.send(page, "give-auditor", reason="audit of May"))
        assert "The role is given." in text
        assert "audit of May" in text
        assert (await read(live, user))["roles"] == ["auditor"]
        page = await somebody.look(f"/users/{user}")
        await done(somebody, await somebody.send(page, "take-auditor", reason="over"))
        assert (await read(live, user))["roles"] == []


async def test_the_last_operator_cannot_stop_themself_in_the_console_but_at_the_command_line(postgres: str):
    """It has a service of its own, which has no other operators."""
    async with serving(await new_database(postgres)) as live, staff(live, "operator") as somebody:
        for do in ("take-operator", "disable", "erase"):
            page = await somebody.look(f"/users/{somebody.user}")
            refused = Shown(await somebody.send(page, do, confirm=str(somebody.user), reason="by mistake"))
            assert (refused.status, "You are the last operator" in refused.text) == (409, True), do
        assert (await read(live, somebody.user))["roles"] == ["operator"]
        taken = await on(live.database, "users", "role", "take", str(somebody.user), "operator")
        assert (taken.status, "nobody is an operator of the console now" in taken.err) == (0, True), taken.err


async def test_the_last_operator_cannot_stop_themself_with_everything_that_follows_either(postgres: str):
    """It has a service of its own, which has no other operators."""
    async with serving(await new_database(postgres)) as live, staff(live, "operator") as somebody:
        path = f"/blast-radius?id={somebody.user}"
        page = await somebody.look(path)
        assert "You are the last operator" in page.text
        refused = await somebody.send(page, "stop", reason="by mistake")
        assert (refused.status_code, (await read(live, somebody.user))["state"]) == (409, "active")
        assert not await live.beside.ledger.pool.fetchval(ORDERED)
        async with staff(live, "operator") as other:
            assert await leaves_none(live.beside.ledger.pool, None, [somebody.user, other.user])
            page = await somebody.look(path)
            assert ("You are the last operator" in page.text, "Your own account is among them" in page.text) == (
                False,
                True,
            )
            stopped = await somebody.send(page, "stop", reason="my laptop was stolen")
            assert (stopped.status_code, (await read(live, somebody.user))["state"]) == (200, "disabled")


@pytest.mark.parametrize(("roles", "status"), [({"ops": ("operator",)}, 303), ({"ops": ("owner",)}, 409), (None, 409)])
async def test_an_operator_through_a_group_counts_only_while_the_group_brings_the_role(
    postgres: str, roles: Mapping[str, Sequence[Role]] | None, status: int
):
    upstream = roles and Upstream(issuer="http://127.0.0.1:9", client_id="us", client_secret="x", roles=roles)
    async with serving(await new_database(postgres), upstream=upstream) as live, staff(live, "operator") as somebody:
        member, _ = await registered(live)
        by_group = SetGroupRoles(roles=("operator",), at=utc_now())
        await handle(live.beside.ledger, USER, member, by_group, META)
        page = await somebody.look(f"/users/{somebody.user}")
        assert (await somebody.send(page, "take-operator", reason="a new job")).status_code == status


async def test_an_operator_stops_themself_while_there_is_another(live: Live):
    async with staff(live, "operator", "owner") as somebody, staff(live, "operator"):
        page = await somebody.look(f"/users/{somebody.user}")
        assert (await somebody.send(page, "take-operator", reason="a new job")).status_code == 303
        assert (await read(live, somebody.user))["roles"] == ["owner"]


async def test_a_user_is_disabled_enabled_and_erased_and_the_page_then_says_so(live: Live):
    user, email = await registered(live)
    async with staff(live, "operator") as somebody:
        for do, state in (("disable", "disabled"), ("enable", "active")):
            await done(somebody, await somebody.send(await somebody.look(f"/users/{user}"), do, reason="x"))
            assert (await read(live, user))["state"] == state
        assert "User disabled" in (await somebody.look(f"/users/{user}/history")).text
        page = await somebody.look(f"/users/{user}")
        for other in ("", email[1:], "Ada Lovelace"):
            refused = await somebody.send(page, "erase", confirm=other, reason="asked")
            assert (refused.status_code, 'id="erase-confirm-fault"' in refused.text) == (400, True)
        assert (await read(live, user))["state"] == "active"
        text = await done(somebody, await somebody.send(page, "erase", confirm=email.upper(), reason="asked"))
        assert "Nobody can read this person's data any more" in text
        assert email not in text
        assert (await somebody.look(f"/users/{user}/sessions")).status == 404


async def test_the_page_says_that_clients_of_the_person_go_on_wherever_the_person_is_stopped(live: Live):
    user, _ = await registered(live)
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/users/{user}")
        await done(somebody, await somebody.send(page, "give-owner", reason="x"))
        page = await somebody.look(f"/users/{user}")
        assert page.text.count("Clients that the person registered keep working") == 3  # take away, disable and erase
        assert any(link.endswith(f"/clients?owner={user}") for link in page.links)


async def test_one_session_is_ended_or_all_are(live: Live):
    user, _ = await registered(live)
    for _ in range(3):
        await live.beside.sessions.start(user, ("pwd",), ACRS[0], Device(address="192.0.2.7", agent=AGENT))
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/users/{user}/sessions")
        assert ("Firefox, Linux" in page.text, "192.0.2.7" in page.text) == (True, True)
        ends = [form.fields["do"] for form in page.forms if form.fields.get("do", "").startswith("end-")]
        assert (len(ends), ends[-1]) == (4, "end-all")
        assert "The session is ended." in await done(somebody, await somebody.send(page, ends[0], reason="lost"))
        page = await somebody.look(f"/users/{user}/sessions")
        assert "All sessions are ended." in await done(somebody, await somebody.send(page, "end-all", reason="lost"))
        assert "Not signed in anywhere" in (await somebody.look(f"/users/{user}/sessions")).text


async def test_a_session_of_anybody_is_ended_with_a_reason_on_the_page_of_all_of_them(live: Live):
    user, email = await registered(live, name="Session Holder")
    await live.beside.sessions.start(user, ("pwd", "otp", "mfa"), ACRS[1], Device(address="192.0.2.9", agent=AGENT))
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/sessions")
        for text in (
            "Session Holder",
            email,
            "Firefox, Linux",
            "192.0.2.9",
            "Two factors",
            "password, authenticator app",
        ):
            assert text in page.text, text
        (end,) = [form for form in page.forms if form.fields.get("user") == str(user)]
        without = await somebody.browser.send(end)
        assert (without.status_code, "Say why" in Shown(without).text) == (400, True)
        other = await somebody.browser.send(end, user=str(somebody.user), reason="x")
        assert (other.status_code, "has no session with this id" in Shown(other).text) == (404, True)
        assert "The session is ended." in await done(somebody, await somebody.browser.send(end, reason="lost"))
        assert "Session Holder" not in (await somebody.look("/sessions")).text
        odd = await somebody.browser.send(end, do="end-x", reason="x")
        assert odd.status_code == 404


async def test_the_list_of_sessions_is_paged_and_a_session_of_a_later_page_is_ended_there(live: Live):
    user, _ = await registered(live, name="Many Browsers")
    for _ in range(52):
        await live.beside.sessions.start(user, ("pwd",), ACRS[0], None)
    async with staff(live, "operator") as somebody:
        for path in ("/sessions", f"/users/{user}/sessions"):
            page = await somebody.look(path)
            later = next(link for link in page.links if "cursor=" in link)
            second = Shown(await somebody.browser.http.get(later))
            end = next(form for form in second.forms if form.fields.get("do", "").startswith("end-"))
            assert len([form for form in page.forms if form.fields.get("do", "") == end.fields["do"]]) == 0
            sent = await somebody.browser.send(end, reason="x")
            assert (sent.status_code, "The session is ended." in await done(somebody, sent)) == (303, True)


async def test_what_a_person_allowed_an_application_is_withdrawn(live: Live):
    client = await live.interactive(displayName="Ledger Reports")
    async with logged_in(live) as person, staff(live, "operator") as somebody:
        token = (await tokens_for(live, person, client, "openid api:public"))["access_token"]
        page = await somebody.look(f"/users/{person.user}/applications")
        assert ("Ledger Reports" in page.text, "1 active sign-in" in page.text) == (True, True)
        text = await done(somebody, await somebody.send(page, f"withdraw-{client[0]}", reason="asked"))
        assert "No application may use the account" in text
        answer = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_an_auditor_sees_users_and_changes_nothing_and_an_owner_sees_none(live: Live):
    user, _ = await registered(live)
    async with staff(live, "operator") as operator, staff(live, "auditor") as auditor, staff(live, "owner") as owner:
        for path, do in (("", "disable"), ("", "give-owner"), ("/sessions", "end-all")):
            page = await auditor.look(f"/users/{user}{path}")
            assert (page.status, [form for form in page.forms if "do" in form.fields]) == (200, [])
            forged = {**page.forms[0].fields, "do": do, "reason": "x"}
            answer = await auditor.browser.http.post(f"/console/users/{user}{path}", data=forged)
            assert answer.status_code == 403
        assert (await read(live, user))["state"] == "active"
        page = await operator.look(f"/users/{user}")
        odd = {**page.forms[0].fields, "reason": "x", "do": "promote"}
        assert (await operator.browser.http.post(f"/console/users/{user}", data=odd)).status_code == 404
        for path in ("/users", "/new/user", "/sessions", f"/users/{user}", f"/users/{user}/sessions"):
            assert (await owner.look(path)).status == 403
        page = await auditor.look("/sessions")
        assert ("Proved with" in page.text, [form for form in page.forms if "do" in form.fields]) == (True, [])
        assert (await auditor.look("/new/user")).status == 403
        assert not any("/new/user" in link for link in (await auditor.look("/users")).links)
        made = await auditor.browser.http.post(
            "/console/new/user", data={**page.forms[0].fields, "email": "a@b.example"}
        )
        assert made.status_code == 403


async def test_a_hostile_name_is_text_on_every_page_of_a_user(live: Live):
    user, _ = await registered(live, name=HOSTILE)
    async with staff(live, "operator") as somebody:
        for tab in ("", "/sessions", "/applications", "/history"):
            answer = await somebody.browser.http.get(f"/console/users/{user}{tab}")
            assert "<script>alert" not in answer.text
            assert HOSTILE in Shown(answer).text
