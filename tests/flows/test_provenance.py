"""Why there is a token: in one request, on the command line, and as a bundle that a stranger verifies."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from events import muniment_verify
from service.crypto.credentials import new_id
from tests.flows.conftest import Live, refused
from tests.flows.people import CALLBACK, logged_in, refreshed, tokens_for
from tests.flows.test_cli import on
from tests.rules.proving import KEY, proof

TOKENS = "/api/v1/audit/tokens"
CLIENTS = "/api/v1/auth/clients"
LONG = [CALLBACK, *(f"{CALLBACK}/{number}/{'x' * 1960}" for number in range(14))]
"""So many URIs that the entry of their change has only the hash of its data."""


@pytest.fixture
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("auditor-of-provenance", "audit:read")


def jti_of(token: str) -> str:
    return jwt.decode(token, options={"verify_signature": False})["jti"]


async def explained(live: Live, auditor: dict[str, str], jti: str, **query: str) -> Any:
    answer = await live.http.get(f"{TOKENS}/{jti}", params=query, headers=auditor)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def verified(live: Live, bundle: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    key = bundle.with_suffix(".vkey")
    key.write_text((await live.http.get("/log/key")).text)
    status = muniment_verify.main(["--key", str(key), str(bundle)])
    return status, capsys.readouterr().out


async def test_a_machine_token_is_explained_and_its_bundle_is_verified_by_a_stranger(
    live: Live, auditor: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    alice = await live.caller("alice-of-provenance", "clients:write", "clients:read", "api:public")
    bot = (await live.http.post("/api/v1/auth/bots", json={"email": "why@example.com"}, headers=live.bearer)).json()[
        "id"
    ]
    body = {"m2m": True, "botUserId": bot}
    headers = {**live.bearer, "Muniment-Reason": "ticket 4711"}
    made = (await live.http.post(CLIENTS, json=body, headers=headers)).json()
    jti = jti_of(await live.access_token(made["clientId"], made["clientSecret"]))
    answer = await explained(live, auditor, jti)
    assert (answer["token"]["jti"], answer["token"]["clientId"]) == (jti, made["clientId"])
    assert (answer["client"]["version"], answer["client"]["owner"]) == (
        1,
        answer["client"]["registered"]["actor"]["sub"],
    )
    assert answer["secret"]["hint"] == f"…{made['clientSecret'][-4:]}"
    assert [event["type"] for event in answer["bot"]["events"]] == ["bot.registered"]
    [scope] = answer["scopes"]
    assert (scope["scope"], [event["reason"] for event in scope["given"]]) == ("api:public", ["ticket 4711"])
    assert [event["type"] for event in answer["signingKey"]["events"]] == [
        "signing_key.published",
        "signing_key.activated",
    ]
    assert (answer["login"], answer["stopped"]) == (None, [])
    bundle = tmp_path / "why.json"
    bundle.write_text(json.dumps(await explained(live, auditor, jti, proof="true")))
    status, said = await verified(live, bundle, capsys)
    assert status == 0, said
    forged = json.loads(bundle.read_text())
    forged["answer"]["client"]["owner"] = "mallory"
    bundle.write_text(json.dumps(forged))
    status, said = await verified(live, bundle, capsys)
    assert (status, 'answer.client.owner is "mallory"' in said) == (1, True)
    await live.http.post(f"{CLIENTS}/{made['clientId']}/disable", headers=live.bearer)
    assert [event["type"] for event in (await explained(live, auditor, jti))["stopped"]] == ["client.disabled"]
    refused(await live.http.get(f"{TOKENS}/{jti}", headers=alice), 403)


async def test_the_key_of_a_bound_token_is_in_its_list_and_explanation_and_a_stranger_verifies_it(
    live: Live, auditor: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    headers = {"DPoP": proof("POST", f"{live.url}/openid/token")}
    answer = await live.http.post("/openid/token", data=form, headers=headers)
    jti = jti_of(answer.json()["access_token"])
    query = {"client": client_id, "jkt": KEY.thumbprint()}
    [listed] = (await live.http.get(TOKENS, params=query, headers=auditor)).json()
    assert (await live.http.get(TOKENS, params={**query, "jkt": "another"}, headers=auditor)).json() == []
    explained_as = await explained(live, auditor, jti, proof="true")
    assert listed["jkt"] == explained_as["answer"]["token"]["jkt"] == KEY.thumbprint()
    bundle = tmp_path / "why.json"
    bundle.write_text(json.dumps(explained_as))
    assert (await verified(live, bundle, capsys))[0] == 0
    explained_as["answer"]["token"]["jkt"] = "another"
    bundle.write_text(json.dumps(explained_as))
    assert (await verified(live, bundle, capsys))[0] == 1


async def test_a_token_from_before_and_one_from_after_a_restoration_are_explained_by_their_own_life_of_the_client(
    live: Live, auditor: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    client_id, secret = await live.register(displayName="First")
    path = f"{CLIENTS}/{client_id}"
    before = jti_of(await live.access_token(client_id, secret))
    deleted = await live.http.delete(path, headers=live.bearer)
    as_of = f"position:{int(deleted.headers['muniment-position']) - 1}"
    restored = await live.http.post(f"{path}/restore", json={"asOf": as_of}, headers=live.bearer)
    after = jti_of(await live.access_token(client_id, restored.json()["clientSecret"]))
    earlier, later = [await explained(live, auditor, jti) for jti in (before, after)]
    assert [event["type"] for event in earlier["stopped"]] == ["client.deleted"]
    assert earlier["secret"]["added"]["type"] == "client.registered"
    assert later["stopped"] == []
    assert later["secret"]["added"]["type"] == "client.restored"
    assert [event["type"] for event in later["scopes"][0]["given"]] == ["client.restored"]
    assert later["client"]["displayName"] == "First"
    for jti in (before, after):
        bundle = tmp_path / f"{jti}.json"
        bundle.write_text(json.dumps(await explained(live, auditor, jti, proof="true")))
        status, said = await verified(live, bundle, capsys)
        assert status == 0, said
    await live.http.post(f"{path}/disable", headers=live.bearer)
    await live.http.post(f"{path}/enable", headers=live.bearer)
    assert [event["type"] for event in (await explained(live, auditor, before))["stopped"]] == ["client.deleted"]
    assert (await explained(live, auditor, after))["stopped"] == []


async def test_a_token_of_a_login_is_explained_at_the_command_line_and_names_nobody(
    live: Live, auditor: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    client = await live.interactive(displayName="My Web App", redirectUris=LONG)
    change, known = {"redirectUris": LONG[::-1]}, {**live.bearer, "If-Match": '"1"'}
    changed = await live.http.patch(f"{CLIENTS}/{client[0]}", json=change, headers=known)
    assert changed.status_code == 200, changed.text
    async with logged_in(live) as person:
        first = await tokens_for(live, person, client, "openid offline_access")
        second = (await refreshed(live, client, first["refresh_token"])).json()
    jti = jti_of(second["access_token"])
    login = (await explained(live, auditor, jti))["login"]
    assert (login["userId"], login["amr"]) == (str(person.user), ["pwd"])
    assert [parent["jti"] for parent in login["parents"]] == [jti_of(first["access_token"])]
    assert login["exchanged"]["type"] == "authorization.refresh_token_rotated"
    told = await on(live.database, "tokens", "why", jti)
    for words in ("token", "authorization.granted", "session.started", "scope openid", "signing_key.activated"):
        assert words in told.out
    bundle = tmp_path / "why.json"
    written = await on(live.database, "tokens", "why", jti, "--proof", "-o", str(bundle))
    assert written.status == 0, written.err
    status, said = await verified(live, bundle, capsys)
    assert status == 0, said
    assert [each["position"] for each in json.loads(bundle.read_text())["entries"] if "data" in each]
    assert person.email not in told.out + bundle.read_text()
    script = await on(live.database, "tokens", "why", jti, "--json")
    assert script.json["token"]["jti"] == jti


async def test_a_token_that_was_never_issued_and_a_query_that_is_wrong_are_refused(live: Live, auditor: dict[str, str]):
    for jti in (str(new_id()), str(uuid4()), "x", str(UUID(int=(2**48 - 1) << 80 | 7 << 76 | 2 << 62))):
        refused(await live.http.get(f"{TOKENS}/{jti}", headers=auditor), 404)
    answer = await live.http.get(f"{TOKENS}/{new_id()}?proof=maybe&x=1", headers=auditor)
    assert refused(answer, 400)["errors"].keys() == {"proof", "x"}
    none, output = [
        await on(live.database, "tokens", "why", *words) for words in ((str(new_id()),), (str(new_id()), "-o", "f"))
    ]
    assert (none.status, "No token" in none.err) == (1, True)
    assert "-o is for --proof" in output.err
