"""/api/v1/auth/initial-access-tokens: issued once, used up, revoked; and what clients register with them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.crypto import opaque_tokens
from tests.flows.conftest import Live, new_database, oauth_error, refused, serving_registrations
from tests.flows.consoles import staff
from tests.flows.test_cli import on
from tests.flows.test_credentials import whose

PATH = "/api/v1/auth/initial-access-tokens"
REGISTER = "/openid/register"
WEB = {"redirect_uris": ["https://app.example.com/cb"]}
MACHINE = {"grant_types": ["client_credentials"], "scope": "api:public"}


@pytest.fixture(scope="module")
async def live(postgres: str) -> AsyncIterator[Live]:
    """A service where clients register with initial access tokens alone."""
    async with serving_registrations(await new_database(postgres), "tokens") as service:
        yield service


async def issued(live: Live, **body: Any) -> dict[str, Any]:
    answer = await live.http.post(PATH, json={"name": "CI", **body}, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def registered(live: Live, token: dict[str, Any], **metadata: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token['token']}"}
    return await live.http.post(REGISTER, json=metadata or WEB, headers=headers)


async def shown(live: Live, token: dict[str, Any]) -> dict[str, Any]:
    return (await live.http.get(f"{PATH}/{token['id']}", headers=live.bearer)).json()


async def test_a_token_registers_as_many_clients_as_it_may_and_each_names_it_as_its_cause(live: Live):
    token = await issued(live, uses=2)
    clients = [(await registered(live, token)).json()["client_id"] for _ in range(2)]
    oauth_error(await registered(live, token), 401, "invalid_token")
    found = await shown(live, token)
    assert (found["uses"], found["used"], found["state"], found["owner"]) == (2, 2, "active", found["owner"])
    history = (await live.http.get(f"{PATH}/{token['id']}/history?order=oldest", headers=live.bearer)).json()
    assert [each["type"].partition(".")[2] for each in history] == ["issued", "used", "used"]
    assert token["token"] not in str(history)
    for client, use in zip(clients, history[1:], strict=True):
        row = (await live.http.get(f"/api/v1/auth/clients/{client}", headers=live.bearer)).json()
        first = (await live.http.get(f"/api/v1/auth/clients/{client}/history", headers=live.bearer)).json()[-1]
        assert row["owner"] == found["owner"]
        assert first["cause"] == use["position"]


async def test_faulty_metadata_uses_nothing_up(live: Live):
    token = await issued(live)
    oauth_error(await registered(live, token, redirect_uris=["/cb"]), 400, "invalid_redirect_uri")
    assert (await registered(live, token)).status_code == 201


async def test_a_machine_client_needs_a_token_that_allows_it_and_acts_as_itself(live: Live):
    oauth_error(await registered(live, await issued(live), **MACHINE), 400, "invalid_client_metadata")
    told = (await registered(live, await issued(live, machineClients=True), **MACHINE)).json()
    token = await live.token_for(told["client_id"], told["client_secret"])
    assert token.status_code == 200, token.text
    assert token.json()["scope"] == "api:public"
    row = await live.http.get(f"/api/v1/auth/clients/{told['client_id']}", headers=live.bearer)
    assert row.json()["apis"] == []
    form = {"grant_type": "client_credentials", "resource": "https://api.example.com/admin"}
    answer = await live.http.post("/openid/token", data=form, auth=(told["client_id"], told["client_secret"]))
    oauth_error(answer, 400, "invalid_target")
    mine = {"Authorization": f"Bearer {told['registration_access_token']}"}
    body = {"client_id": told["client_id"], **MACHINE, "client_name": "Nightly"}
    changed = await live.http.put(told["registration_client_uri"], json=body, headers=mine)
    assert (changed.status_code, changed.json()["client_name"]) == (200, "Nightly")


async def test_a_token_that_is_revoked_or_missing_registers_nothing(live: Live):
    token = await issued(live, uses=5)
    client = (await registered(live, token)).json()["client_id"]
    assert (await live.http.delete(f"{PATH}/{token['id']}", headers=live.bearer)).status_code == 204
    oauth_error(await registered(live, token), 401, "invalid_token")
    for headers in ({}, live.bearer, {"Authorization": f"Bearer initial_{'A' * 64}"}):
        answer = await live.http.post(REGISTER, json=WEB, headers=headers)
        oauth_error(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert (await shown(live, token))["state"] == "revoked"
    assert (await live.http.get(f"/api/v1/auth/clients/{client}", headers=live.bearer)).status_code == 200


async def test_an_owner_issues_them_with_own_scopes_and_sees_only_own(live: Live):
    alice = await live.caller("alice", "clients:write", "clients:read", "api:public")
    answer = await live.http.post(PATH, json={"name": "mine"}, headers=alice)
    assert answer.status_code == 201, answer.text
    found = (await live.http.get(answer.headers["location"], headers=alice)).json()
    assert (found["scopes"], found["owner"], found["machineClients"]) == (["api:public"], "alice", False)
    theirs = await issued(live)
    assert [each["id"] for each in (await live.http.get(PATH, headers=alice)).json()] == [found["id"]]
    for method, path in (("GET", ""), ("GET", "/history"), ("DELETE", "")):
        refused(await live.http.request(method, f"{PATH}/{theirs['id']}{path}", headers=alice), 404)
    for scopes in (["clients:write"], ["crm:read"], ["operate"]):
        refused(await live.http.post(PATH, json={"name": "x", "scopes": scopes}, headers=alice), 403)
    refused(await live.http.post(PATH, json={"name": "x", "scopes": ["operate"]}, headers=live.bearer), 403)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x", "uses": 0},
        {"name": "x", "uses": 1001},
        {"name": "x", "uses": "1"},
        {"name": "x", "expiresUtc": "2020-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["a,b"]},
        {"name": "x", "machineClients": 1},
        {"name": "x", "token": "initial_x"},
    ],
)
async def test_every_fault_is_named(live: Live, body: dict[str, Any]):
    answer = await live.http.post(PATH, json=body, headers=live.bearer)
    assert refused(answer, 400)["errors"]


async def test_a_retry_shows_the_same_token_again(live: Live):
    headers = {**live.bearer, "Idempotency-Key": "initial-1"}
    one, two = [await live.http.post(PATH, json={"name": "CI"}, headers=headers) for _ in range(2)]
    assert one.json() == two.json()


async def test_operators_create_list_and_revoke_them_at_the_command_line(live: Live):
    made = await on(live.database, "initial-tokens", "create", "agents", "--owner", "crm", "--uses", "2", "--json")
    assert made.status == 0, made.err
    assert (await registered(live, made.json)).status_code == 201
    (row,) = (await on(live.database, "initial-tokens", "list", "--owner", "crm", "--json")).json
    assert (row["name"], row["used"], row["uses"], row["scopes"], row["state"]) == (
        "agents",
        1,
        2,
        ["api:public"],
        "active",
    )
    table = await on(live.database, "initial-tokens", "list", "--owner", "crm")
    assert "1 of 2" in table.out
    assert "hash" not in row
    for words in (["revoke", made.json["id"]], ["revoke", "x", "--yes"], ["create", "x", "--owner", "muniment"]):
        assert (await on(live.database, "initial-tokens", *words)).status == 1
    late = ("create", "x", "--owner", "crm", "--expires", "9999-12-31T23:59-05:00")
    assert "before the year 10000" in (await on(live.database, "initial-tokens", *late)).err
    assert (await on(live.database, "initial-tokens", "revoke", made.json["id"], "--yes")).status == 0
    oauth_error(await registered(live, made.json), 401, "invalid_token")
    told = await on(live.database, "initial-tokens", "history", made.json["id"], "--diff", "--json")
    assert [line["type"].rpartition(".")[2] for line in told.lines] == ["issued", "used", "revoked"]
    assert told.lines[1]["changes"]["used"] == {"before": 0, "after": 1}
    assert "hash" not in told.out
    never = await on(live.database, "initial-tokens", "history", "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55")
    assert "There never was" in never.err


async def test_as_of_a_moment_before_its_use_it_was_not_used(live: Live):
    answer = await live.http.post(PATH, json={"name": "CI"}, headers=live.bearer)
    token, then = answer.json(), answer.headers["muniment-position"]
    await registered(live, token)
    path = f"{PATH}/{token['id']}?as_of=position:{then}"
    assert (await live.http.get(path, headers=live.bearer)).json()["used"] == 0
    assert (await shown(live, token))["used"] == 1


async def test_whose_a_token_of_a_registration_is_that_was_found_and_how_its_client_came_about(live: Live):
    token = await issued(live, name="For Ada")
    told = (await registered(live, token)).json()
    row = (await live.http.get(f"/api/v1/auth/clients/{told['client_id']}", headers=live.bearer)).json()
    assert row["registration"] == {"initialAccessToken": token["id"], "softwareStatementIssuer": None}
    answer = (await whose(live, told["registration_access_token"])).json()
    assert (answer["kind"], answer["clientId"]) == ("registrationToken", told["client_id"])
    answer = (await whose(live, token["token"])).json()
    assert "clientId" not in answer
    assert (answer["kind"], answer["initialAccessToken"], answer["initialAccessTokenName"]) == (
        "initialAccessToken",
        token["id"],
        "For Ada",
    )
    forged = opaque_tokens.make(opaque_tokens.INITIAL_ACCESS_TOKEN, UUID(token["id"])).reveal()
    for wrong in (forged, "initial_x", "registration_x"):
        refused(await whose(live, wrong), 404)
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{told['client_id']}")
        assert "registered itself" in page.text
        assert token["id"] in page.text
        find = await somebody.look("/blast-radius")
        found = await somebody.send(find, "find", id=token["token"])
        assert "For Ada" in (await somebody.led(found)).text
        found = await somebody.send(find, "find", id=told["registration_access_token"])
        assert found.headers["location"] == f"/console/clients/{told['client_id']}"
