"""/api/v1/auth/users: the people who can sign in."""

import asyncio
import json
import secrets
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from events.database import pool, read
from events.log import Log
from projections import sessions
from service.commands.handle import Ledger
from service.people.accounts import People
from service.people.sessions import Device, Sessions
from tests.flows.conftest import MASTER_KEY, Live, refused, settings_for

USERS = "/api/v1/auth/users"
PASSWORD = "an analytical engine"
OPTIONAL = (
    *(
        "middleName",
        "nickname",
        "preferredUsername",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
    ),
    *("locale", "phoneNumber", "address"),
)
ADDRESS = {
    **dict.fromkeys(("formatted", "locality", "region", "postalCode")),
    "streetAddress": "12 St James's Square\nSecond floor",
    "country": "United Kingdom",
}


async def make(live: Live, **body: Any) -> httpx.Response:
    return await live.http.post(USERS, json=body, headers=live.bearer)


async def user_of(live: Live, email: str, **body: Any) -> str:
    answer = await make(live, email=email, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def changed(live: Live, user: str, how: str) -> httpx.Response:
    return await live.http.post(f"{USERS}/{user}/{how}", headers=live.bearer)


async def test_a_user_is_made_and_read_and_their_password_is_nowhere(live: Live):
    answer = await make(
        live, email="ada@example.com", name="Ada King", givenName="Ada", familyName="King", password=PASSWORD
    )
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": body["id"],
        "email": "ada@example.com",
        "emailVerified": False,
        "name": "Ada King",
        "givenName": "Ada",
        "familyName": "King",
        **dict.fromkeys(OPTIONAL),
        "phoneNumberVerified": False,
        "groups": [],
        "roles": [],
        "groupRoles": [],
        "state": "active",
        "createdUtc": body["createdUtc"],
        "updatedUtc": f"{body['createdUtc'][:19]}Z",
    }
    assert answer.headers["location"] == f"{USERS}/{body['id']}"
    shown = await live.http.get(answer.headers["location"], headers=live.bearer)
    assert (shown.status_code, shown.json(), shown.headers["etag"]) == (200, body, '"1"')
    assert PASSWORD not in answer.text + shown.text


async def patch(live: Live, user: str, etag: str | None, **body: Any) -> httpx.Response:
    """In ASCII, for half a character (a lone surrogate) can be written in no other way."""
    headers = {**live.bearer, "Content-Type": "application/json", **({} if etag is None else {"If-Match": etag})}
    return await live.http.patch(f"{USERS}/{user}", content=json.dumps(body), headers=headers)


async def test_what_is_known_of_a_user_can_be_changed_and_is_in_clear_nowhere(live: Live):
    user = await user_of(
        live,
        "known@example.com",
        preferredUsername="known",
        locale="en-GB",
        address=ADDRESS,
        groups=["engine", "looms"],
    )
    changes = {"locale": None, "nickname": "Countess", "phoneNumber": "+44 20 7946 0123", "phoneNumberVerified": True}
    answer = await patch(live, user, '"1"', groups=["engine"], **changes)
    body = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert {name: body[name] for name in changes} == changes
    assert (body["preferredUsername"], body["address"], body["groups"]) == ("known", ADDRESS, ["engine"])
    again = await patch(live, user, '"2"', groups=["engine"])
    assert (again.headers["etag"], again.json()) == ('"2"', body)
    assert (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json() == body
    connection = await asyncpg.connect(live.database)
    kept = await connection.fetchval("select string_agg(encode(data, 'escape'), '') from log.events")
    await connection.close()
    for personal in ("Countess", "7946 0123", "James's", "looms"):
        assert personal not in kept


async def test_a_change_names_the_version_that_it_is_of_and_every_fault(live: Live):
    user = await user_of(live, "changing@example.com")
    refused(await patch(live, user, None, name="Ada"), 428)
    refused(await patch(live, user, '"7"', name="Ada"), 412)
    odd = {
        "name": " Ada",
        "picture": "javascript:alert(1)",
        "groups": [""],
        "address": {"country": "a\nb"},
        "email": "x@y",
    }
    assert set(refused(await patch(live, user, '"1"', **odd), 400)["errors"]) == set(odd)
    for address in ({"country": "\ud800"}, {"\ud800": "x"}, {"country": 7}, {"formatted": "x" * 501}, ["x"]):
        assert set(refused(await patch(live, user, '"1"', address=address), 400)["errors"]) == {"address"}
    assert set(refused(await make(live, **(odd | {"email": "odd"})), 400)["errors"]) == set(odd)
    refused(await patch(live, "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55", "*", name="Ada"), 404)


@pytest.mark.parametrize(("method", "path"), [("POST", "/disable"), ("POST", "/enable"), ("DELETE", "")])
async def test_what_names_another_version_is_not_done(live: Live, method: str, path: str):
    user = await user_of(live, f"{secrets.token_hex(4)}@example.com")
    stale, present = ({**live.bearer, "If-Match": etag} for etag in ('"7"', 'W/"1"'))
    refused(await live.http.request(method, f"{USERS}/{user}{path}", headers=stale), 412)
    shown = await live.http.get(f"{USERS}/{user}", headers=live.bearer)
    assert (shown.headers["etag"], shown.json()["state"]) == ('"1"', "active")
    assert (await live.http.request(method, f"{USERS}/{user}{path}", headers=present)).status_code == 204


async def test_what_is_optional_may_be_left_out(live: Live):
    body = (await make(live, email="bare@example.com", emailVerified=True)).json()
    assert (body["name"], body["givenName"], body["familyName"], body["emailVerified"]) == (None, None, None, True)


async def test_every_fault_is_named_at_once(live: Live):
    problem = refused(await make(live, email="nobody", password="short", name=7), 400)
    assert set(problem["errors"]) == {"email", "password", "name"}
    assert "short" not in str(problem)


async def test_a_name_or_address_is_not_taken_that_looks_like_another_one_and_a_password_that_is_far_too_long(
    live: Live,
):
    odd = {"email": "a\u202eb@example.com", "name": "A\u200bda", "givenName": "\ufeffAda", "familyName": "A" * 201}
    problem = refused(await make(live, password="x7" * 600, **odd), 400)
    assert set(problem["errors"]) == {*odd, "password"}
    assert "U+202E" in problem["errors"]["email"][0]
    assert (await make(live, email="joined@example.com", name="\u0915\u094d\u200d\u0937")).status_code == 201


async def test_a_password_that_is_guessed_first_is_refused(live: Live):
    for password in ("password", "Passw0rd123", "12345678", "weak@example.com", "weak@EXAMPLE.com", "x" * 257):
        problem = refused(await make(live, email="weak@example.com", password=password), 400)
        assert set(problem["errors"]) == {"password"}


async def test_an_address_is_one_user_s_in_whatever_case(live: Live):
    await user_of(live, "Unique@Example.com")
    refused(await make(live, email="unique@example.COM"), 409)


async def test_of_ten_users_of_one_address_at_once_one_is_made(live: Live):
    answers = await asyncio.gather(*(make(live, email="race@example.com") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_a_retry_with_the_same_idempotency_key_is_one_user_and_one_answer(live: Live):
    headers = {**live.bearer, "Idempotency-Key": "ada again"}
    body = {"email": "again@example.com", "password": PASSWORD}
    answers = await asyncio.gather(*(live.http.post(USERS, json=body, headers=headers) for _ in range(5)))
    answers.append(await live.http.post(USERS, json=body, headers=headers))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    refused(await live.http.post(USERS, json={**body, "password": "another engine"}, headers=headers), 409)
    refused(await live.http.post(USERS, json=body, headers={**headers, "Idempotency-Key": "another"}), 409)


async def test_users_are_listed_by_pages_and_by_state(live: Live):
    made = [await user_of(live, f"page{n}@example.com") for n in range(3)]
    await changed(live, made[1], "disable")
    where, found = f"{USERS}?limit=2", []
    while where:
        answer = await live.http.get(where, headers=live.bearer)
        found += [user["id"] for user in answer.json()]
        where = answer.links["next"]["url"] if "next" in answer.links else None
    assert [user for user in found if user in made] == made
    disabled = await live.http.get(USERS, params={"state": "disabled", "limit": 1000}, headers=live.bearer)
    assert made[1] in [user["id"] for user in disabled.json()]
    assert {user["state"] for user in disabled.json()} == {"disabled"}
    refused(await live.http.get(USERS, params={"state": "erased"}, headers=live.bearer), 400)


async def test_a_user_is_disabled_and_enabled(live: Live):
    user = await user_of(live, "pause@example.com")
    for how, state in (("disable", "disabled"), ("disable", "disabled"), ("enable", "active"), ("enable", "active")):
        assert (await changed(live, user, how)).status_code == 204
        assert (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()["state"] == state


async def test_an_erased_user_is_no_more_and_their_address_is_free(live: Live):
    user = await user_of(live, "gone@example.com", password=PASSWORD)
    answer = await live.http.delete(f"{USERS}/{user}", headers=live.bearer)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await live.http.get(f"{USERS}/{user}", headers=live.bearer), 404)
    refused(await changed(live, user, "enable"), 404)
    assert user not in (await live.http.get(USERS, params={"limit": 1000}, headers=live.bearer)).text
    assert await user_of(live, "gone@example.com") != user


async def test_disabling_a_user_ends_their_sessions(live: Live):
    user = UUID(await user_of(live, "sessions@example.com", password=PASSWORD))
    log = Log(live.database)
    async with pool(live.database) as connections:
        ledger = Ledger(log, connections)
        people = People(ledger, MASTER_KEY)
        theirs = Sessions(ledger, people, settings_for(live.database, live.url), MASTER_KEY, ledger.pool)
        cookie = await theirs.start(user, ("pwd",), "urn:muniment:acr:1", Device(address="192.0.2.1", agent="Firefox"))
        assert await theirs.current(cookie) is not None
        await changed(live, str(user), "disable")
        assert await theirs.current(cookie) is None
        await changed(live, str(user), "enable")
        assert await theirs.current(cookie) is None
        assert await read(connections, lambda connection: sessions.of_user(connection, user)) == []
        people.close()
        await log.close()


async def test_an_id_that_is_none_is_not_found(live: Live):
    for user in ("nonsense", "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55", "0199F3A5-7C1E-7D0A-9B43-2F6F0D1C8E55"):
        refused(await live.http.get(f"{USERS}/{user}", headers=live.bearer), 404)
        refused(await live.http.delete(f"{USERS}/{user}", headers=live.bearer), 404)
        for how in ("disable", "enable"):
            refused(await changed(live, user, how), 404)


async def test_reading_takes_one_scope_and_writing_another(live: Live):
    reader, writer = await live.caller("users-reader", "users:read"), await live.caller("users-writer", "users:write")
    refused(await live.http.post(USERS, json={"email": "scope@example.com"}, headers=reader), 403)
    refused(await live.http.get(USERS, headers=writer), 403)
    assert (await live.http.get(USERS, headers=reader)).status_code == 200
    assert (await live.http.post(USERS, json={"email": "scope@example.com"}, headers=writer)).status_code == 201


async def test_nobody_who_reads_the_database_can_guess_a_password_from_a_request_that_is_kept(live: Live):
    """The fingerprint of a request is under a key that is not in the database; the answer is sealed."""
    body = b'{"email": "kept@example.com", "password": "only a short guess"}'
    headers = {**live.bearer, "Idempotency-Key": "kept", "Content-Type": "application/json"}
    answer = await live.http.post(USERS, content=body, headers=headers)
    connection = await asyncpg.connect(live.database)
    row = await connection.fetchrow(
        "select fingerprint, response from log.commands where last_position = $1",
        int(answer.headers["muniment-position"]),
    )
    kept = await connection.fetchval("select string_agg(encode(data, 'escape'), '') from log.events")
    await connection.close()
    assert row is not None
    assert row["fingerprint"] != sha256(USERS.encode() + b"\0" + body).digest()
    for personal in ("kept@example.com", "only a short guess"):
        assert personal not in kept
        assert personal.encode() not in row["response"]


async def test_a_role_is_given_and_taken_and_its_history_says_by_whom_and_why(live: Live):
    user = await user_of(live, "role@example.com")
    path, why = f"{USERS}/{user}/roles/auditor", {"Muniment-Reason": "covers for Grace"}
    given = await live.http.put(path, headers={**live.bearer, **why})
    assert (given.status_code, given.content) == (204, b"")
    assert given.headers["muniment-position"]
    again = await live.http.put(path, headers={**live.bearer, "If-Match": '"2"'})
    assert (again.status_code, "muniment-position" in again.headers) == (204, False)
    shown = await live.http.get(f"{USERS}/{user}", headers=live.bearer)
    assert (shown.json()["roles"], shown.headers["etag"]) == (["auditor"], '"2"')
    refused(await live.http.delete(path, headers={**live.bearer, "If-Match": '"1"'}), 412)
    assert (await live.http.delete(path, headers=live.bearer)).status_code == 204
    then = await live.http.get(f"{USERS}/{user}/history", headers=live.bearer)
    taken, role, _ = then.json()
    assert (role["type"], role["reason"]) == ("user.role_given", "covers for Grace")
    assert role["changes"] == {"roles": {"before": [], "after": ["auditor"]}}
    assert (taken["type"], taken["changes"]) == ("user.role_taken", {"roles": {"before": ["auditor"], "after": []}})
    at_the_time = {"as_of": f"position:{role['position']}"}
    past = await live.http.get(f"{USERS}/{user}", params=at_the_time, headers=live.bearer)
    assert past.json()["roles"] == ["auditor"]


async def test_nobody_gives_a_role_of_more_power_than_their_own(live: Live):
    user = await user_of(live, "powerless@example.com")
    reader = await live.caller("role-reader", "operate", "clients:read", "bots:read", "users:read", "audit:read")
    assert (await live.http.put(f"{USERS}/{user}/roles/auditor", headers=reader)).status_code == 204
    body = refused(await live.http.put(f"{USERS}/{user}/roles/operator", headers=reader), 403)
    assert body["detail"].endswith("your token lacks: bots:write clients:write users:write.")
    assert (await live.http.delete(f"{USERS}/{user}/roles/auditor", headers=reader)).status_code == 204
    body = refused(await live.http.put(f"{USERS}/{user}/roles/emperor", headers=live.bearer), 404)
    assert "operator, auditor, owner" in body["detail"]
    refused(await live.http.put(f"{USERS}/{UUID(int=7)}/roles/owner", headers=live.bearer), 404)


async def test_who_may_write_users_alone_neither_changes_nor_stops_an_operator(live: Live):
    user = await user_of(live, "powerful@example.com")
    path, help_desk = f"{USERS}/{user}", await live.caller("help-desk", "users:read", "users:write")
    assert (await live.http.post(f"{path}/disable", headers=help_desk)).status_code == 204
    assert (await live.http.post(f"{path}/enable", headers=help_desk)).status_code == 204
    assert (await live.http.put(f"{path}/roles/operator", headers=live.bearer)).status_code == 204
    changed = await live.http.patch(path, json={"name": "Eve"}, headers={**help_desk, "If-Match": "*"})
    assert "the role operator" in refused(changed, 403)["detail"]
    for method, part in (("POST", "/disable"), ("POST", "/enable"), ("DELETE", "")):
        refused(await live.http.request(method, path + part, headers=help_desk), 403)
    assert (await live.http.get(path, headers=live.bearer)).json()["state"] == "active"
    assert (await live.http.delete(path, headers=live.bearer)).status_code == 204
