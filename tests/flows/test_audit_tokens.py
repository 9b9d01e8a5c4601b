"""/api/v1/audit/tokens: which tokens a secret, a client, a bot, an authorization or a signing key got."""

import csv
import io
from typing import Any

import jwt
import pytest
from httpx import Response

from events.ids import client_stream
from service.endpoints import token_search
from tests.flows.conftest import Live, refused
from tests.flows.people import ALL, CALLBACK, logged_in, refreshed, tokens_for

TOKENS = "/api/v1/audit/tokens"
CLIENTS = "/api/v1/auth/clients"


@pytest.fixture(scope="module")
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("ines", "audit:read")


async def listed(live: Live, auditor: dict[str, str], **query: str) -> list[str]:
    """The jti of each token of all pages, which are the same on the way back."""
    answer = await live.http.get(TOKENS, params=query, headers=auditor)
    assert "prev" not in answer.links
    found = jtis_of(answer)
    while "next" in answer.links:
        answer = await live.http.get(answer.links["next"]["url"], headers=auditor)
        found += jtis_of(answer)
    back = jtis_of(answer)
    while "prev" in answer.links:
        answer = await live.http.get(answer.links["prev"]["url"], headers=auditor)
        back = jtis_of(answer) + back
    assert back == found
    return found


def jtis_of(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [token["jti"] for token in answer.json()]


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_secret_s_tokens_are_told_from_those_of_the_client_s_other_secret(live: Live, auditor: dict[str, str]):
    client_id, first = await live.register(botUserId="bot-of-tokens")
    second = await live.http.post(f"{CLIENTS}/{client_id}/secrets", json={}, headers=live.bearer)
    position = {**auditor, "Muniment-Min-Position": second.headers["muniment-position"]}
    given = [await live.access_token(client_id, secret) for secret in (first, second.json()["clientSecret"], first)]
    jtis = [claims(token)["jti"] for token in given]
    second_id = second.json()["secretId"]
    await live.http.delete(f"{CLIENTS}/{client_id}/secrets/{second_id}", headers=live.bearer)
    assert await listed(live, auditor, secret=second_id) == [jtis[1]]
    assert await listed(live, auditor, client=client_id) == jtis[::-1]
    assert await listed(live, auditor, client=client_id, order="oldest", limit="1") == jtis
    assert await listed(live, position, bot="bot-of-tokens", order="oldest") == jtis
    assert await listed(live, auditor, jti=jtis[0]) == jtis[:1]
    (token,) = (await live.http.get(TOKENS, params={"jti": jtis[1]}, headers=auditor)).json()
    assert (token["clientId"], token["secretId"], token["sub"]) == (client_id, second_id, "bot-of-tokens")
    assert token["kid"] == jwt.get_unverified_header(given[1])["kid"]
    assert token["scope"] == "api:public"
    at = {"since": token["issuedAt"], "until": f"position:{token['position']}"}
    assert await listed(live, auditor, client=client_id, **at) == [jtis[1]]
    assert await listed(live, auditor, client=str(client_stream(client_id)), **at) == [jtis[1]]
    table = await live.http.get(TOKENS, params={"jti": jtis[1]}, headers={**auditor, "Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(table.text))
    apostrophe = "'" if token["kid"].startswith("-") else ""  # as one thumbprint in 64 does, and formulas
    shown = {**token, "kid": f"{apostrophe}{token['kid']}"}
    assert {name: row[name] or None for name in row} == {
        name: None if field is None else str(field) for name, field in shown.items()
    }


async def test_a_key_s_tokens_are_found_though_each_request_reads_only_a_part_of_the_log(
    live: Live, auditor: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    client_id, secret = await live.register(accessTokenSignedResponseAlg="EdDSA")
    first = await live.access_token(client_id, secret)
    await live.access_token(*await live.register())
    second = await live.access_token(client_id, secret)
    kid = jwt.get_unverified_header(first)["kid"]
    jtis = [claims(token)["jti"] for token in (first, second)]
    monkeypatch.setattr(token_search, "MOST_READ", 1)
    assert (await listed(live, auditor, key=kid))[:2] == jtis[::-1]
    assert (await listed(live, auditor, key=kid, order="oldest"))[-2:] == jtis
    assert await listed(live, auditor, key="nobody-s") == []
    monkeypatch.undo()
    assert {*jtis} < {*await listed(live, auditor, limit="1000")}


async def test_every_fault_of_a_query_is_named_at_once(live: Live, auditor: dict[str, str]):
    query = {"secret": "x", "jti": "y", "since": "z", "user": "u", "authorization": "a", "cursor": "1", "sub": "b"}
    errors = refused(await live.http.get(TOKENS, params=query, headers=auditor), 400)["errors"]
    assert set(errors) == set(query)


async def test_of_several_filters_each_is_fulfilled_however_little_one_request_reads(
    live: Live, auditor: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    client_id, secret = await live.register(botUserId="bot-of-two")
    other_id, other_secret = await live.register(botUserId="bot-of-two")
    bob_id, bob_secret = await live.register(botUserId="bot-of-one", accessTokenSignedResponseAlg="EdDSA")
    second = await live.http.post(f"{CLIENTS}/{client_id}/secrets", json={}, headers=live.bearer)
    auditor = {**auditor, "Muniment-Min-Position": second.headers["muniment-position"]}
    second_id, second_secret = second.json()["secretId"], second.json()["clientSecret"]
    used = [(client_id, secret), (client_id, second_secret), (other_id, other_secret), (bob_id, bob_secret)] * 2
    tokens = [await live.access_token(*each) for each in used]
    jtis, kids = [claims(token)["jti"] for token in tokens], [jwt.get_unverified_header(t)["kid"] for t in tokens]
    assert len(set(kids)) == 2
    cases: list[tuple[dict[str, str], set[int]]] = [
        ({"bot": "bot-of-two"}, {0, 1, 2, 4, 5, 6}),
        ({"subject": "bot-of-two"}, {0, 1, 2, 4, 5, 6}),
        ({"bot": "bot-of-two", "subject": "bot-of-one"}, set()),
        ({"client": client_id, "bot": "bot-of-two", "key": kids[0]}, {0, 1, 4, 5}),
        ({"client": client_id, "secret": second_id, "subject": "bot-of-two"}, {1, 5}),
        ({"client": other_id, "secret": second_id}, set()),
        ({"client": bob_id, "key": kids[0]}, set()),
        ({"client": bob_id, "key": kids[3], "subject": "bot-of-one"}, {3, 7}),
        ({"jti": jtis[1], "secret": second_id, "key": kids[0]}, {1}),
        ({"jti": jtis[1], "client": other_id}, set()),
        ({"jti": jtis[1], "authorization": second_id}, set()),
        ({"subject": "bot-of-two", "since": await issued(live, auditor, jtis[4])}, {4, 5, 6}),
    ]
    for most in (token_search.MOST_READ, 2):
        monkeypatch.setattr(token_search, "MOST_READ", most)
        for query, expected in cases:
            in_order = [jti for number, jti in enumerate(jtis) if number in expected]
            assert await listed(live, auditor, **query, limit="2", order="oldest") == in_order, (query, most)
            assert await listed(live, auditor, **query) == in_order[::-1], (query, most)


async def issued(live: Live, auditor: dict[str, str], jti: str) -> str:
    (token,) = (await live.http.get(TOKENS, params={"jti": jti}, headers=auditor)).json()
    return token["issuedAt"]


async def test_a_user_s_tokens_are_found_with_other_filters(live: Live, auditor: dict[str, str]):
    clients = [await live.interactive(), await live.interactive()]
    async with logged_in(live) as person:
        told = [await tokens_for(live, person, client, ALL) for client in clients]
    tokens = [each["access_token"] for each in told]
    for client, each in zip(clients, told, strict=True):
        refresh_token = each["refresh_token"]
        for _ in range(2):
            answer = (await refreshed(live, client, refresh_token)).json()
            refresh_token = answer["refresh_token"]
            tokens.append(answer["access_token"])
    head = await live.beside.ledger.pool.fetchval("select max(position) from log.events")
    auditor = {**auditor, "Muniment-Min-Position": str(head)}
    jtis, first = [claims(token)["jti"] for token in tokens], [0, 2, 3]
    cases: list[tuple[dict[str, str], list[int]]] = [
        ({"user": str(person.user)}, [*range(6)]),
        ({"subject": str(person.user)}, [*range(6)]),
        ({"user": str(person.user), "client": clients[0][0]}, first),
        ({"user": str(person.user), "authorization": claims(tokens[0])["grant_id"]}, first),
        ({"authorization": claims(tokens[0])["grant_id"], "client": clients[1][0]}, []),
        ({"client": clients[0][0], "bot": str(person.user)}, []),
        ({"client": clients[0][0], "subject": str(person.user)}, first),
    ]
    for query, expected in cases:
        in_order = [jtis[number] for number in expected]
        assert await listed(live, auditor, **query, order="oldest", limit="2") == in_order, query
        assert await listed(live, auditor, **query) == in_order[::-1], query


async def test_an_authorization_s_tokens_are_found_also_those_of_a_public_client(live: Live, auditor: dict[str, str]):
    body = {"m2m": False, "redirectUri": CALLBACK, "public": True}
    client_id = (await live.http.post(CLIENTS, json=body, headers=live.bearer)).json()["clientId"]
    async with logged_in(live) as person:
        told = await tokens_for(live, person, (client_id, None), ALL)
    again = (await refreshed(live, (client_id, None), told["refresh_token"])).json()
    both = [claims(each["access_token"]) for each in (told, again)]
    jtis, authorization = [each["jti"] for each in both], both[0]["grant_id"]
    for query in ({"authorization": authorization}, {"client": client_id}):
        assert await listed(live, auditor, limit="1", **query) == jtis[::-1]
        assert await listed(live, auditor, limit="1", order="oldest", **query) == jtis
    (token, _) = (await live.http.get(TOKENS, params={"authorization": authorization}, headers=auditor)).json()
    assert (token["secretId"], token["authorization"], token["sub"]) == (None, authorization, str(person.user))


@pytest.mark.parametrize("keep", [True, False], ids=["with its secret", "with a new one"])
async def test_a_restored_client_s_tokens_are_those_of_all_its_lives_each_once(
    live: Live, auditor: dict[str, str], *, keep: bool
):
    client_id, secret = await live.register()
    path = f"{CLIENTS}/{client_id}"
    tokens = [await live.access_token(client_id, secret)]
    disabled = await live.http.post(f"{path}/disable", headers=live.bearer)
    await live.http.delete(path, headers=live.bearer)
    then = int(disabled.headers["muniment-position"]) - 1
    asked = {"asOf": f"position:{then}", "keepSecrets": keep}
    restored = await live.http.post(f"{path}/restore", json=asked, headers=live.bearer)
    tokens.append(await live.access_token(client_id, restored.json()["clientSecret"] or secret))
    jtis = [claims(token)["jti"] for token in tokens]
    assert await listed(live, auditor, client=client_id, order="oldest") == jtis
