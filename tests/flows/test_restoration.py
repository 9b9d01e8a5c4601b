"""A client or bot is restored over HTTP: the difference first, and nothing that was issued before is valid again."""

import httpx
import pytest

from service.reactions import session_end
from service.use_cases.restoration import CLIENTS as CLIENTS_STAY
from service.use_cases.restoration import NEW_LIFE, ONE_TO_COME
from tests.flows.conftest import Live, is_active, oauth_error, refused
from tests.flows.people import code_for, logged_in, redeemed, refreshed, tokens_for
from tests.flows.test_as_of import head

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"


async def restored(
    live: Live, path: str, position: int, bearer: dict[str, str] | None = None, **body: object
) -> httpx.Response:
    asked = {"asOf": f"position:{position}", **body}
    return await live.http.post(f"{path}/restore", json=asked, headers=bearer or live.bearer)


async def test_a_deleted_client_comes_back_under_its_id_with_a_new_secret_and_none_of_its_tokens(live: Live):
    client_id, secret = await live.register(displayName="Loom", scopes=["api:public"])
    path, then = f"{CLIENTS}/{client_id}", await head(live)
    before = (await live.http.get(path, headers=live.bearer)).json()
    token = await live.access_token(client_id, secret)
    assert await is_active(live, token)
    await live.http.delete(path, headers=live.bearer)

    tried = (await restored(live, path, then, dryRun=True)).json()
    assert (tried["dryRun"], tried["clientSecret"]) == (True, None)
    assert (tried["changes"]["clientId"], tried["changes"]["displayName"]) == ({"after": client_id}, {"after": "Loom"})
    assert tried["changes"]["secrets"] == {"after": []}
    assert ONE_TO_COME in tried["notRestored"]
    refused(await live.http.get(path, headers=live.bearer), 404)

    done = await restored(live, path, then)
    assert done.status_code == 200, done.text
    assert int(done.headers["muniment-position"]) > then
    assert NEW_LIFE in done.json()["notRestored"]
    assert done.json()["changes"].keys() == tried["changes"].keys()
    after = await live.http.get(path, headers=live.bearer)
    assert {**after.json(), "lastUsedUtc": None} == {**before, "lastUsedUtc": None}
    assert after.headers["etag"] == '"3"'
    assert not await is_active(live, token)
    oauth_error(await live.token_for(client_id, secret), 401, "invalid_client")
    fresh = await live.access_token(client_id, done.json()["clientSecret"])
    assert await is_active(live, fresh)

    second = await head(live)
    await live.http.delete(path, headers=live.bearer)
    assert (await restored(live, path, second, keepSecrets=True)).json()["clientSecret"] is None
    assert await live.access_token(client_id, done.json()["clientSecret"])
    assert not await is_active(live, token)
    assert not await is_active(live, fresh)


async def test_kept_secrets_authenticate_and_those_revoked_since_do_not(live: Live):
    client_id, first = await live.register()
    path = f"{CLIENTS}/{client_id}"
    added = (await live.http.post(f"{path}/secrets", json={"name": "leaked"}, headers=live.bearer)).json()
    then = await head(live)
    await live.http.delete(f"{path}/secrets/{added['secretId']}", headers=live.bearer)
    await live.http.delete(path, headers=live.bearer)
    done = (await restored(live, path, then, keepSecrets=True)).json()
    assert f"The secret leaked ({added['hint']}) was revoked since then and stays revoked." in done["notRestored"]
    assert await live.access_token(client_id, first)
    oauth_error(await live.token_for(client_id, added["clientSecret"]), 401, "invalid_client")


async def test_no_code_refresh_token_or_user_s_token_from_before_is_valid_again(live: Live):
    client = await live.interactive()
    path = f"{CLIENTS}/{client[0]}"
    async with logged_in(live) as person:
        tokens = await tokens_for(live, person, client)
        code, pkce = await code_for(live, person, client[0])
        then = await head(live)
        await live.http.delete(path, headers=live.bearer)
        assert (await restored(live, path, then, keepSecrets=True)).status_code == 200
        oauth_error(await redeemed(live, client, code, pkce), 400, "invalid_grant")
        oauth_error(await refreshed(live, client, tokens["refresh_token"]), 400, "invalid_grant")
        assert not await is_active(live, tokens["access_token"])
        of_client = {"token": tokens["refresh_token"], "client_id": client[0], "client_secret": client[1]}
        assert (await live.http.post("/openid/introspect", data=of_client)).json() == {"active": False}
        userinfo = await live.http.get(
            "/openid/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )
        assert userinfo.status_code == 401

        again = await tokens_for(live, person, client)
        assert await is_active(live, again["access_token"])
        assert (await refreshed(live, client, again["refresh_token"])).status_code == 200
    await session_end.finish(live.beside.ledger)
    listed = await live.http.get("/api/v1/auth/grants", params={"clientId": client[0]}, headers=live.bearer)
    assert [(one["state"], one["why"]) for one in listed.json()] == [
        ("revoked", "client_deleted"),
        ("revoked", "client_deleted"),
        ("active", None),
    ]


async def test_a_token_of_the_management_api_is_not_valid_again_either(live: Live):
    bearer = await live.caller("undone", "clients:read")
    mine = (await live.http.get(CLIENTS, params={"owner": "undone"}, headers=live.bearer)).json()
    listed = (await live.http.get(CLIENTS, params={"limit": "1000"}, headers=live.bearer)).json()
    (client_id,) = [one["clientId"] for one in (*mine, *listed) if one["botUserId"] == "undone"][:1]
    then = await head(live)
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200
    await live.http.delete(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert (await restored(live, f"{CLIENTS}/{client_id}", then)).status_code == 200
    refused(await live.http.get(CLIENTS, headers=bearer), 401)


async def test_the_changes_of_a_client_since_then_are_undone(live: Live):
    client_id, _ = await live.register(displayName="Before")
    path, then = f"{CLIENTS}/{client_id}", await head(live)
    etag = (
        await live.http.patch(path, json={"displayName": "After"}, headers={**live.bearer, "If-Match": "*"})
    ).headers["etag"]
    await live.http.post(f"{path}/disable", headers=live.bearer)
    stale = await live.http.post(
        f"{path}/restore", json={"asOf": f"position:{then}"}, headers={**live.bearer, "If-Match": etag}
    )
    refused(stale, 412)
    done = (await restored(live, path, then)).json()
    assert done["changes"]["displayName"] == {"before": "After", "after": "Before"}
    assert done["changes"]["state"] == {"before": "disabled", "after": "active"}
    assert done["notRestored"] == []
    again = await restored(live, path, then)
    assert (again.json()["changes"], "muniment-position" in again.headers) == ({}, False)


async def test_a_deleted_bot_comes_back_and_then_its_clients_can(live: Live):
    bot = await live.http.post(BOTS, json={"email": "undone@example.com", "firstName": "Undo"}, headers=live.bearer)
    bot_id = bot.json()["id"]
    client_id, secret = await live.register(botUserId=bot_id)
    token = await live.access_token(client_id, secret)
    then = await head(live)
    await live.http.delete(f"{BOTS}/{bot_id}", headers=live.bearer)
    early = refused(await restored(live, f"{CLIENTS}/{client_id}", then), 409)
    assert early["detail"] == f"Its bot {bot_id} is deleted. Restore the bot first."

    taken = await live.http.post(BOTS, json={"email": "undone@example.com"}, headers=live.bearer)
    clash = refused(await restored(live, f"{BOTS}/{bot_id}", then), 409)
    assert "Another bot has the address undone@example.com now. Delete that bot first" in clash["detail"]
    await live.http.delete(f"{BOTS}/{taken.json()['id']}", headers=live.bearer)

    done = (await restored(live, f"{BOTS}/{bot_id}", then)).json()
    assert done["changes"]["state"] == {"before": "deleted", "after": "active"}
    assert done["notRestored"] == [CLIENTS_STAY]
    assert (await live.http.get(f"{BOTS}/{bot_id}", headers=live.bearer)).json() == bot.json()
    refused(await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer), 404)
    assert (await restored(live, f"{CLIENTS}/{client_id}", then, keepSecrets=True)).status_code == 200
    assert not await is_active(live, token)
    assert await live.access_token(client_id, secret)


async def test_nobody_restores_what_is_not_theirs_or_what_they_may_not_give(live: Live):
    alice = await live.caller("undo-alice", "clients:write", "clients:read", "api:public")
    poor = await live.caller("undo-alice", "clients:write")
    bob = await live.caller("undo-bob", "clients:write", "api:public")
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=alice)).json()
    path, then = f"{CLIENTS}/{made['clientId']}", await head(live)
    await live.http.delete(path, headers=alice)
    refused(await restored(live, path, then, bob), 404)
    assert "your token lacks: api:public" in refused(await restored(live, path, then, poor), 403)["detail"]
    assert (await restored(live, path, then, alice)).status_code == 200
    await live.http.delete(path, headers=live.bearer)
    by_operator = refused(await restored(live, path, then, alice), 403)["detail"]
    assert by_operator == "An operator deleted this client, so only an operator (scope operate) can restore it."
    assert (await restored(live, path, then)).status_code == 200


WRONG = {
    "no moment": ({}, {"asOf": "is required"}),
    "no time": ({"asOf": "then"}, {"asOf": "must be a time such as"}),
    "the future": ({"asOf": "2999-01-01T00:00:00Z"}, {"asOf": "is in the future, so there is no answer yet"}),
    "beyond the log": ({"asOf": "position:99999999"}, {"asOf": "is beyond the end of the log"}),
    "before it was": ({"asOf": "position:1"}, {"asOf": "is position 1 of the log, when there was no such client"}),
    "all at once": (
        {"asOf": "then", "dryRun": 1, "keep": True},
        {"asOf": "must be a time", "dryRun": "must be true or false", "keep": "is not a field of this request"},
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_restoration_that_cannot_be_is_refused_with_every_fault(live: Live, wrong: str):
    body, faults = WRONG[wrong]
    answer = await live.http.post(f"{CLIENTS}/{live.client_id}/restore", json=body, headers=live.bearer)
    errors = refused(answer, 400)["errors"]
    assert errors.keys() == faults.keys()
    for name, fault in faults.items():
        assert errors[name][0].startswith(fault)
