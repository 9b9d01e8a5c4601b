"""The pages of users in the console: found, given roles, signed out, stopped, erased; and who may not."""

from typing import Any
from uuid import uuid4

import httpx

from service.people.sessions import Device
from service.values.scopes import ACRS
from tests.flows.browsing import AGENT, Shown
from tests.flows.conftest import Live
from tests.flows.consoles import Staff, staff
from tests.flows.people import logged_in, registered, tokens_for

USERS = "/api/v1/auth/users"
HOSTILE = "<script>alert(1)</script>{{7*7}}"


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


async def test_a_user_is_disabled_enabled_and_erased_and_the_page_then_says_so(live: Live):
    user, email = await registered(live)
    async with staff(live, "operator") as somebody:
        for do, state in (("disable", "disabled"), ("enable", "active")):
            await done(somebody, await somebody.send(await somebody.look(f"/users/{user}"), do, reason="x"))
            assert (await read(live, user))["state"] == state
        assert "User disabled" in (await somebody.look(f"/users/{user}/history")).text
        text = await done(somebody, await somebody.send(await somebody.look(f"/users/{user}"), "erase", reason="asked"))
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
        for path in ("/users", f"/users/{user}", f"/users/{user}/sessions"):
            assert (await owner.look(path)).status == 403


async def test_a_hostile_name_is_text_on_every_page_of_a_user(live: Live):
    user, _ = await registered(live, name=HOSTILE)
    async with staff(live, "operator") as somebody:
        for tab in ("", "/sessions", "/applications", "/history"):
            answer = await somebody.browser.http.get(f"/console/users/{user}{tab}")
            assert "<script>alert" not in answer.text
            assert HOSTILE in Shown(answer).text
