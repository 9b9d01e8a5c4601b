"""/api/v1/auth/users/{user_id}/…: where a user is signed in and what they allowed, and how an operator ends it."""

from typing import Any
from uuid import uuid4

from service.people.sessions import Device
from service.values.scopes import ACRS
from tests.flows.conftest import Live, refused
from tests.flows.people import logged_in, registered, tokens_for
from tests.patience import until

USERS = "/api/v1/auth/users"
REASON = {"Muniment-Reason": "lost%20laptop"}


async def test_a_user_s_sessions_are_listed_and_only_an_auditor_sees_the_address_and_the_browser(live: Live):
    user, _ = await registered(live)
    device = Device(address="192.0.2.7", agent="Firefox")
    await live.beside.sessions.start(user, ("pwd",), ACRS[0], device)
    reader = await live.caller("support", "users:read")
    for bearer, seen in ((live.bearer, ("192.0.2.7", "Firefox")), (reader, (None, None))):
        (session,) = (await live.http.get(f"{USERS}/{user}/sessions", headers=bearer)).json()
        assert (session["address"], session["userAgent"]) == seen
        assert (session["amr"], session["acr"]) == (["pwd"], ACRS[0])


async def test_the_sessions_of_all_users_are_listed_latest_first_from_page_to_page(live: Live):
    people = [await registered(live) for _ in range(2)]
    for user, _ in (*people, people[0]):
        await live.beside.sessions.start(
            user, ("pwd", "otp", "mfa"), ACRS[1], Device(address="192.0.2.7", agent="Firefox")
        )

    async def walked(where: str | None, bearer: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while where:
            answer = await live.http.get(where, headers=bearer)
            assert answer.status_code == 200, answer.text
            found += answer.json()
            where = answer.links["next"]["url"] if "next" in answer.links else None
        return found

    newest, *_ = everything = await walked("/api/v1/auth/sessions?limit=2", live.bearer)
    assert [each["userId"] for each in everything[:3]] == [str(people[0][0]), str(people[1][0]), str(people[0][0])]
    assert (newest["email"], newest["name"], newest["address"]) == (people[0][1], "Ada Lovelace", "192.0.2.7")
    assert (newest["amr"], newest["lastSeenUtc"]) == (["pwd", "otp", "mfa"], newest["authenticatedUtc"])
    assert len({each["id"] for each in everything}) == len(everything)
    own = await walked(f"{USERS}/{people[0][0]}/sessions?limit=1", live.bearer)
    assert [each["id"] for each in own] == [everything[0]["id"], everything[2]["id"]]
    support = await walked("/api/v1/auth/sessions?limit=1000", await live.caller("support", "users:read"))
    assert {(each["address"], each["userAgent"]) for each in support} == {(None, None)}
    await live.http.delete(f"{USERS}/{people[0][0]}", headers=live.bearer)
    left = await walked("/api/v1/auth/sessions", live.bearer)
    assert str(people[0][0]) not in [each["userId"] for each in left]
    for wrong in ({"cursor": "x"}, {"limit": "0"}, {"state": "open"}):
        answer = await live.http.get("/api/v1/auth/sessions", params=wrong, headers=live.bearer)
        assert set(refused(answer, 400)["errors"]) == set(wrong)


async def test_a_session_was_last_seen_when_an_application_last_got_a_token_by_it(live: Live):
    client = await live.interactive()
    async with logged_in(live) as person:
        (before,) = (await live.http.get(f"{USERS}/{person.user}/sessions", headers=live.bearer)).json()
        await tokens_for(live, person, client, "openid api:public")
        (after,) = (await live.http.get(f"{USERS}/{person.user}/sessions", headers=live.bearer)).json()
    assert before["lastSeenUtc"] == before["authenticatedUtc"] == after["authenticatedUtc"]
    assert after["lastSeenUtc"] > after["authenticatedUtc"]


async def test_one_session_is_ended_or_all_are_and_their_tokens_with_them(live: Live):
    client = await live.interactive()
    async with logged_in(live) as person:
        token = (await tokens_for(live, person, client, "openid api:public"))["access_token"]
        sessions, other = f"{USERS}/{person.user}/sessions", f"{USERS}/{(await registered(live))[0]}/sessions"
        (one,) = (await live.http.get(sessions, headers=live.bearer)).json()
        for wrong in (f"{sessions}/{uuid4()}", f"{sessions}/x", f"{other}/{one['id']}", f"{USERS}/{uuid4()}/sessions"):
            refused(await live.http.delete(wrong, headers=live.bearer), 404)
        ended = await live.http.delete(f"{sessions}/{one['id']}", headers={**live.bearer, **REASON})
        assert (ended.status_code, ended.content) == (204, b"")
        again = await live.http.delete(f"{sessions}/{one['id']}", headers=live.bearer)
        assert (again.status_code, "muniment-position" in again.headers) == (204, False)
        assert (
            await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {token}"})
        ).status_code == 401
        for _ in range(2):
            await live.beside.sessions.start(person.user, ("pwd",), ACRS[0], None)
        assert len((await live.http.get(sessions, headers=live.bearer)).json()) == 2
        assert (await live.http.delete(sessions, headers=live.bearer)).status_code == 204
        assert (await live.http.get(sessions, headers=live.bearer)).json() == []

    async def recorded() -> list[dict[str, Any]]:
        query = {"stream": one["id"], "type": "session.ended"}
        return (await live.http.get("/api/v1/audit/events", params=query, headers=live.bearer)).json()

    (found,) = await until(recorded)
    assert found["reason"] == {"sealedFor": str(person.user)}


async def test_what_a_user_allowed_a_client_is_withdrawn_and_its_tokens_stop_working(live: Live):
    client, kept = await live.interactive(), await live.interactive()
    async with logged_in(live) as person:
        token = (await tokens_for(live, person, client, "openid api:public"))["access_token"]
        other = (await tokens_for(live, person, kept, "openid api:public"))["access_token"]
        consents = f"{USERS}/{person.user}/consents"
        refused(await live.http.delete(f"{consents}/a%20b", headers=live.bearer), 404)
        refused(await live.http.delete(f"{USERS}/{uuid4()}/consents/{client[0]}", headers=live.bearer), 404)
        for _ in range(2):
            gone = await live.http.delete(f"{consents}/{client[0]}", headers={**live.bearer, **REASON})
            assert gone.status_code == 204
        for each, status in ((token, 401), (other, 200)):
            answer = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {each}"})
            assert answer.status_code == status
        query = {"userId": str(person.user), "state": "given"}
        left = await live.http.get("/api/v1/auth/consents", params=query, headers=live.bearer)
        assert [each["clientId"] for each in left.json()] == [kept[0]]


async def test_a_user_is_found_by_the_whole_address_and_by_no_part_of_it(live: Live):
    user, email = await registered(live)

    async def found(**query: str) -> list[str]:
        answer = await live.http.get(USERS, params=query, headers=live.bearer)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()]

    assert await found(email=email.upper()) == [str(user)]
    assert await found(email=email, state="disabled") == []
    assert await found(email=email[1:]) == []
    for wrong in ({"email": "ada"}, {"email": email, "as_of": "position:1"}):
        answer = await live.http.get(USERS, params=wrong, headers=live.bearer)
        assert set(refused(answer, 400)["errors"]) == {"email"}
    await live.http.delete(f"{USERS}/{user}", headers=live.bearer)
    assert await found(email=email) == []
