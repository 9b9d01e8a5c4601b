"""Reads of the past over HTTP: what there was at a position or a time, with the filters and pages of today's reads."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from service.endpoints import as_of
from tests.flows.conftest import Live, refused
from tests.flows.people import logged_in, registered, tokens_for

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
USERS = "/api/v1/auth/users"
CONSENTS = "/api/v1/auth/consents"
GRANTS = "/api/v1/auth/grants"
KEYS = "/api/v1/auth/signing-keys"
LISTS = (CLIENTS, BOTS, USERS, CONSENTS, GRANTS, KEYS)


async def head(live: Live) -> int:
    await live.beside.lookup.be_certain()
    return live.beside.lookup.position


async def then(live: Live, path: str, position: int, bearer: dict[str, str] | None = None, **query: str) -> Any:
    answer = await got(live, path, f"position:{position}", bearer, **query)
    assert answer.headers["muniment-position"] == str(position)
    return answer.json()


async def got(live: Live, path: str, moment: str, bearer: dict[str, str] | None = None, **query: str) -> httpx.Response:
    answer = await live.http.get(path, params={"as_of": moment, **query}, headers=bearer or live.bearer)
    assert answer.status_code == 200, answer.text
    assert "etag" not in answer.headers
    return answer


async def test_a_client_and_its_secrets_are_shown_as_they_were(live: Live):
    owner = await live.caller("ada-then", "clients:read", "clients:write", "api:public")
    begun = await head(live)
    body = {"m2m": True, "botUserId": "b", "displayName": "Loom"}
    made = await live.http.post(CLIENTS, json=body, headers=owner)
    client_id = made.json()["clientId"]
    path, first = f"{CLIENTS}/{client_id}", int(made.headers["muniment-position"])
    await live.access_token(client_id, made.json()["clientSecret"])
    change = {"displayName": "Jacquard", "scopes": []}
    changed = await live.http.patch(path, json=change, headers={**owner, "If-Match": "*"})
    second = int(changed.headers["muniment-position"])
    added = await live.http.post(f"{path}/secrets", json={"name": "spare"}, headers=owner)
    third = int(added.headers["muniment-position"])
    last = int((await live.http.delete(path, headers=owner)).headers["muniment-position"])

    shown = [await then(live, path, position, owner) for position in (first, second, third)]
    assert [(one["displayName"], one["scopes"]) for one in shown] == [
        ("Loom", ["api:public"]),
        ("Jacquard", []),
        ("Jacquard", []),
    ]
    assert [one["lastUsedUtc"] for one in shown] == [None] * 3
    names = [[s["name"] for s in await then(live, f"{path}/secrets", at, owner)] for at in (first, third)]
    assert names[1] == [*names[0], "spare"]
    for position in (begun, last):
        answer = await live.http.get(path, params={"as_of": f"position:{position}"}, headers=owner)
        assert refused(answer, 404)["detail"] == f"You had no client with this id at position {position} of the log."
    assert await then(live, CLIENTS, first - 1, owner) == []
    assert [one["clientId"] for one in await then(live, CLIENTS, second, owner)] == [client_id]
    assert [one["clientId"] for one in await then(live, CLIENTS, second, owner, displayName="LOOM")] == []
    assert [one["clientId"] for one in await then(live, CLIENTS, first, owner, scope="api:public", q="loom")] == [
        client_id
    ]
    assert [one["clientId"] for one in await then(live, CLIENTS, second, owner, q=client_id[-20:])] == [client_id]
    assert await then(live, CLIENTS, second, owner, scope="api:public") == []
    assert await then(live, CLIENTS, last, owner) == []

    other = await live.caller("bob-then", "clients:read")
    for of_client in (path, f"{path}/secrets"):
        answer = await live.http.get(of_client, params={"as_of": f"position:{first}"}, headers=other)
        assert refused(answer, 404)["detail"] == f"You had no client with this id at position {first} of the log."
    assert await then(live, CLIENTS, first, other) == []
    assert await then(live, CLIENTS, first, other, owner="ada-then") == []
    assert [one["clientId"] for one in await then(live, CLIENTS, first, owner="ada-then")] == [client_id]


async def test_a_list_of_the_past_goes_on_at_the_same_position_whatever_happens_meanwhile(live: Live):
    owner = await live.caller("pages-then", "clients:read", "clients:write", "api:public")
    made = [await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=owner) for _ in range(5)]
    ids = [one.json()["clientId"] for one in made]
    now = datetime.now(UTC)
    newest = await then(live, CLIENTS, int(made[-1].headers["muniment-position"]), owner, order="newest", limit="2")
    assert [one["clientId"] for one in newest] == ids[:2:-1]
    page = await got(live, CLIENTS, now.isoformat(), owner, limit="2", state="active")
    seen = [one["clientId"] for one in page.json()]
    await live.http.delete(f"{CLIENTS}/{ids[3]}", headers=owner)
    while "link" in page.headers:
        link = page.links["next"]["url"]
        assert f"as_of=position%3A{page.headers['muniment-position']}" in link
        page = await live.http.get(link, headers=owner)
        seen += [one["clientId"] for one in page.json()]
    assert seen == ids


async def test_bots_are_shown_as_they_were(live: Live):
    owner = await live.caller("bots-then", "bots:read", "bots:write")
    made = await live.http.post(BOTS, json={"email": "then@example.com", "firstName": "Then"}, headers=owner)
    path, first = f"{BOTS}/{made.json()['id']}", int(made.headers["muniment-position"])
    last = int((await live.http.delete(path, headers=owner)).headers["muniment-position"])
    assert await then(live, path, first, owner) == made.json()
    assert await then(live, BOTS, first, owner) == [made.json()]
    assert await then(live, BOTS, last, owner) == []
    for at in (first - 1, last):
        refused(await live.http.get(path, params={"as_of": f"position:{at}"}, headers=owner), 404)
    other = await live.caller("no-bots-then", "bots:read")
    assert await then(live, BOTS, first, other) == []
    refused(await live.http.get(path, params={"as_of": f"position:{first}"}, headers=other), 404)


async def test_a_user_is_shown_as_they_were_and_at_no_moment_once_they_are_erased(live: Live):
    user, email = await registered(live, nickname="Countess")
    path, first = f"{USERS}/{user}", await head(live)
    changed = await live.http.patch(path, json={"nickname": None}, headers={**live.bearer, "If-Match": "*"})
    second = int(changed.headers["muniment-position"])
    assert [(await then(live, path, at))["nickname"] for at in (first, second)] == ["Countess", None]
    cursor = UUID(int=user.int - 1).hex
    listed = await then(live, USERS, first, cursor=cursor)
    assert [(one["email"], one["nickname"]) for one in listed if one["id"] == str(user)] == [(email, "Countess")]
    await live.http.delete(path, headers=live.bearer)
    for at in (first, second):
        refused(await live.http.get(path, params={"as_of": f"position:{at}"}, headers=live.bearer), 404)
        assert str(user) not in [one["id"] for one in await then(live, USERS, at, cursor=cursor)]


async def test_consents_and_grants_are_listed_as_they_are_and_as_they_were(live: Live):
    client = await live.interactive()
    before = await head(live)
    async with logged_in(live) as person:
        await tokens_for(live, person, client)
    granted = await head(live)
    whose: Any = {"userId": str(person.user)}
    disabled = await live.http.post(f"{USERS}/{person.user}/disable", headers=live.bearer)
    assert disabled.status_code == 204
    for path in (CONSENTS, GRANTS):
        assert await then(live, path, before, **whose) == []
        (shown,) = await then(live, path, granted, **whose)
        assert (shown["userId"], shown["clientId"]) == (str(person.user), client[0])
        assert "openid" in shown["scopes"]
        assert [shown] == await then(live, path, granted, clientId=client[0], state=shown["state"])
        assert await then(live, path, granted, userId=str(UUID(int=1))) == []
        assert await then(live, path, granted, clientId=live.client_id) == []
    (then_active,) = await then(live, GRANTS, granted, **whose)
    assert then_active["state"] == "active"
    assert not {"lastUsedUtc", "redeemedUtc", "refreshableUntilUtc"} & set(then_active)
    (now,) = (await live.http.get(GRANTS, params={**whose, "state": "revoked"}, headers=live.bearer)).json()
    assert (now["id"], now["why"]) == (then_active["id"], "user_disabled")
    assert now["redeemedUtc"] <= now["lastUsedUtc"] < now["refreshableUntilUtc"]
    assert await then(live, GRANTS, await head(live), state="active", **whose) == []
    (given,) = (await live.http.get(CONSENTS, params=whose, headers=live.bearer)).json()
    assert (given["state"], given["withdrawnUtc"]) == ("given", None)


async def test_signing_keys_are_listed_as_they_are_and_as_they_were(live: Live):
    at = await head(live)
    now = (await live.http.get(KEYS, params={"state": "active"}, headers=live.bearer)).json()
    assert {key["alg"] for key in now} >= {"ES256", "RS256"}
    assert await then(live, KEYS, at, state="active") == now
    assert await then(live, KEYS, 1) != now
    assert all(set(key["publicJwk"]) <= {"kty", "crv", "x", "y", "n", "e"} for key in now)


WRONG = {
    "not a time": ("yesterday", "must be a time such as"),
    "a time without its zone": ("2026-03-03T14:02:00", "must be a time such as"),
    "a plus that is a space": ("2026-03-03T14:02:00 01:00", "must be a time such as"),
    "a time before all times": ("0001-01-01T00:00:00+01:00", "must be a time such as"),
    "a position that is no number": ("position:-1", "must be a time such as"),
    "a position of too many digits": (f"position:{10**18}", "must be a time such as"),
    "other digits": ("position:\u0661", "must be a time such as"),
    "nothing": ("", "must be a time such as"),
    "a day that is none": ("2026-02-30", "must be a time such as"),
    "today": (f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d}", "is in the future, so there is no answer yet"),
    "the future": ((datetime.now(UTC) + timedelta(days=2)).isoformat(), "is in the future, so there is no answer yet"),
    "beyond the head": ("position:999999999999", "is beyond the end of the log, which is position "),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_moment_that_has_no_answer_is_refused_and_the_refusal_says_why(live: Live, wrong: str):
    moment, fault = WRONG[wrong]
    for path in (CLIENTS, f"{CLIENTS}/oauth_client_{UUID(int=7).hex}", GRANTS):
        answer = await live.http.get(path, params={"as_of": moment}, headers=live.bearer)
        assert refused(answer, 400)["errors"]["as_of"][0].startswith(fault)


async def test_before_the_beginning_there_is_nothing(live: Live):
    for moment in ("1999-12-31T23:59:59Z", "1999-12-31", "0001-01-01T00:00:00Z", "position:0"):
        for path in LISTS:
            answer = await got(live, path, moment)
            assert (answer.json(), answer.headers["muniment-position"]) == ([], "0")


@pytest.mark.parametrize("moment", ["then", "9999-12-31T00:00:00Z", "position:999999999999"])
async def test_all_faults_of_a_query_are_named_at_once(live: Live, moment: str):
    query = {
        "as_of": moment,
        "limit": "10000",
        "cursor": "x",
        "state": "lost",
        "at": "1",
        "userId": "ada",
        "clientId": "/",
    }
    errors = refused(await live.http.get(GRANTS, params=query, headers=live.bearer), 400)["errors"]
    assert set(errors) == {"as_of", "limit", "cursor", "state", "at", "userId", "clientId"}
    assert errors["limit"] == ["must be a whole number from 1 to 1000"]
    assert errors["state"] == ["must be one of: active, revoked"]
    twice = await live.http.get(f"{KEYS}?as_of=position:1&as_of=position:2", headers=live.bearer)
    assert refused(twice, 400)["errors"] == {"as_of": ["is given more than once"]}
    path = f"{CLIENTS}/{live.client_id}"
    answer = await live.http.get(path, params={"as_of": moment, "limit": "5"}, headers=live.bearer)
    assert set(refused(answer, 400)["errors"]) == {"as_of", "limit"}


async def test_a_history_that_is_behind_or_has_stopped_is_answered_with_when_to_come_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(as_of, "PATIENCE_SECONDS", 0.1)
    connection = await asyncpg.connect(live.database)
    held = "select position from read.checkpoints where name = 'signing_key_history'"
    try:
        async with connection.transaction():  # a follower passes over a checkpoint that is held
            reached = await connection.fetchval(f"{held} for update")
            await live.register()
            position = await head(live)
            answer = await live.http.get(KEYS, params={"as_of": f"position:{position}"}, headers=live.bearer)
            said = f"The projection signing_key_history is at position {reached}. It has not reached position {position} yet."
            assert refused(answer, 503)["detail"] == f"{said} Try again."
            assert answer.headers["retry-after"] == "1"
            await connection.execute("update read.checkpoints set state = 'failed' where name = 'signing_key_history'")
        answer = await live.http.get(KEYS, params={"as_of": f"position:{position}"}, headers=live.bearer)
        assert "has stopped at position" in refused(answer, 503)["detail"]
    finally:
        await connection.execute("update read.checkpoints set state = 'active' where name = 'signing_key_history'")
        await connection.close()
