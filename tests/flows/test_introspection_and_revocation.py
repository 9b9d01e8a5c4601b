"""POST /openid/introspect (RFC 7662) and POST /openid/revoke (RFC 7009)."""

import asyncio
import base64
from typing import Any

import httpx
import jwt
import pytest

from service import operators
from service.resources import open_resources
from tests.flows.conftest import MASTER_KEY, META, Live, new_database, oauth_error, serving, settings_for
from tests.patience import PATIENCE

INACTIVE = {"active": False}
CLIENTS = "/api/v1/auth/clients"


async def ask(
    live: Live, path: str, token: str | None, client: tuple[str, str] | None = None, **more: str
) -> httpx.Response:
    client_id, secret = client or (live.client_id, live.client_secret)
    form = {"client_id": client_id, "client_secret": secret, **more, **({} if token is None else {"token": token})}
    return await live.http.post(path, data=form)


async def introspected(live: Live, token: str, client: tuple[str, str] | None = None, **more: str) -> dict[str, Any]:
    answer = await ask(live, "/openid/introspect", token, client, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def revoke(live: Live, token: str, client: tuple[str, str] | None = None, **more: str) -> None:
    answer = await ask(live, "/openid/revoke", token, client, **more)
    assert answer.status_code == 200, answer.text


async def test_a_good_token_is_active_and_says_what_it_says(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert await introspected(live, token) == {"active": True, "token_type": "Bearer", **claims}
    assert await introspected(live, token, client) == {"active": True, "token_type": "Bearer", **claims}


async def test_who_may_not_look_into_a_token_learns_nothing_and_a_resource_server_may(live: Live):
    token = await live.access_token(*await live.register())
    assert await introspected(live, token, await live.register()) == INACTIVE
    async with open_resources(settings_for(live.database, live.url), live.database, MASTER_KEY) as resources:
        made = await operators.create(resources.ledger, "crm-api", live.url, META, scopes=[f"introspect:{live.url}"])
    assert (await introspected(live, token, (made.client_id, made.secret.reveal())))["active"]


async def test_the_caller_may_authenticate_by_basic(live: Live):
    basic = base64.b64encode(f"{live.client_id}:{live.client_secret}".encode()).decode()
    for path, body in (("/openid/introspect", INACTIVE), ("/openid/revoke", {})):
        answer = await live.http.post(path, data={"token": "x"}, headers={"Authorization": f"Basic {basic}"})
        assert (answer.status_code, answer.json()) == (200, body)


@pytest.mark.parametrize("path", ["/openid/introspect", "/openid/revoke"])
async def test_whoever_does_not_prove_itself_learns_nothing(live: Live, path: str):
    disabled = await live.register()
    await live.http.post(f"{CLIENTS}/{disabled[0]}/disable", headers=live.bearer)
    answers = [
        await ask(live, path, live.token, (live.client_id, "wrong")),
        await ask(live, path, live.token, ("nobody", "wrong")),
        await ask(live, path, live.token, disabled),
        await ask(live, path, "garbage", ("nobody", "wrong")),
        await ask(live, path, None, ("nobody", "wrong")),
        await live.http.post(path, data={"token": live.token}),
        await live.http.post(path, data={"token": live.token}, headers=live.bearer),
    ]
    for answer in answers:
        oauth_error(answer, 401, "invalid_client")
        assert ("www-authenticate" in answer.headers) == ("authorization" in answer.request.headers)
    assert len({answer.content for answer in answers}) == 1
    assert (await introspected(live, live.token))["active"]


@pytest.mark.parametrize("path", ["/openid/introspect", "/openid/revoke"])
async def test_a_missing_token_an_odd_one_and_two_are_invalid_requests(live: Live, path: str):
    assert "token" in oauth_error(await ask(live, path, None), 400, "invalid_request")
    oauth_error(await ask(live, path, ""), 400, "invalid_request")
    oauth_error(await ask(live, path, "a\0b"), 400, "invalid_request")
    oauth_error(await ask(live, path, "é"), 400, "invalid_request")
    twice = f"client_id={live.client_id}&client_secret={live.client_secret}&token=a&token=b"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    oauth_error(await live.http.post(path, content=twice.encode(), headers=kind), 400, "invalid_request")
    both = {"Authorization": "Basic " + base64.b64encode(f"{live.client_id}:{live.client_secret}".encode()).decode()}
    oauth_error(
        await live.http.post(path, data={"token": "x", "client_secret": live.client_secret}, headers=both),
        400,
        "invalid_request",
    )


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "e30.e30.e30", "bnVsbA.e30.x", "[]", "secret_x", " ", "..", "a" * 50_000],
    ids=lambda t: t[:12],
)
async def test_garbage_is_inactive_and_as_good_as_revoked(live: Live, token: str):
    assert await introspected(live, token) == INACTIVE
    await revoke(live, token)


async def test_hints_change_nothing_whatever_they_say(live: Live):
    token = await live.access_token(*await live.register())
    for hint in ("access_token", "refresh_token", "nonsense"):
        assert (await introspected(live, token, token_type_hint=hint))["active"]
    client = await live.register()
    for hint in ("access_token", "refresh_token", "nonsense"):
        token = await live.access_token(*client)
        await revoke(live, token, client, token_type_hint=hint)
        assert await introspected(live, token) == INACTIVE


async def test_a_revoked_token_is_inactive_and_its_client_s_others_are_not(live: Live):
    client = await live.register()
    gone, kept = await live.access_token(*client), await live.access_token(*client)
    await revoke(live, gone, client)
    assert await introspected(live, gone) == INACTIVE
    assert (await introspected(live, kept))["active"]
    await revoke(live, gone, client)
    assert await introspected(live, gone) == INACTIVE


async def test_a_client_cannot_revoke_another_s_token_not_even_an_operator(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    for other in (await live.register(), (live.client_id, live.client_secret)):
        oauth_error(await ask(live, "/openid/revoke", token, other), 400, "invalid_grant")
    assert (await introspected(live, token))["active"]


async def test_revoking_at_once_is_one_event(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    await asyncio.gather(*(revoke(live, token, client) for _ in range(8)))
    assert await introspected(live, token) == INACTIVE


async def test_the_tokens_of_a_disabled_client_are_inactive_at_once_and_active_again_when_it_is_enabled(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    await live.http.post(f"{CLIENTS}/{client[0]}/disable", headers=live.bearer)
    assert await introspected(live, token) == INACTIVE
    await live.http.post(f"{CLIENTS}/{client[0]}/enable", headers=live.bearer)
    assert (await introspected(live, token))["active"]


async def test_the_tokens_of_a_deleted_client_are_inactive_at_once(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    await live.http.delete(f"{CLIENTS}/{client[0]}", headers=live.bearer)
    assert await introspected(live, token) == INACTIVE


async def test_revoking_a_secret_leaves_the_tokens_that_it_got(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    secrets = (await live.http.get(f"{CLIENTS}/{client[0]}/secrets", headers=live.bearer)).json()
    await live.http.delete(f"{CLIENTS}/{client[0]}/secrets/{secrets[0]['secretId']}", headers=live.bearer)
    assert (await introspected(live, token))["active"]


async def test_a_revoked_token_stays_inactive_through_the_seconds_that_clocks_are_forgiven(
    postgres: str, monkeypatch: pytest.MonkeyPatch
):
    """A token is taken for a few seconds longer than it says; a revocation must not be forgotten before that."""
    for module in ("service.oauth.tokens", "service.endpoints.revoke"):
        monkeypatch.setattr(f"{module}.LEEWAY_SECONDS", PATIENCE)
    async with serving(await new_database(postgres), token_lifetime=1, rate_limit=0) as brief:
        client = (brief.client_id, brief.client_secret)
        kept, gone = await brief.access_token(*client), await brief.access_token(*client)
        await revoke(brief, gone, client)
        await asyncio.sleep(1.1)
        await revoke(brief, await brief.access_token(*client), client)  # at which those that have expired are forgotten
        assert (await introspected(brief, kept, client))["active"]
        assert await introspected(brief, gone, client) == INACTIVE
