"""A machine that asks for a token as it did before gets one as if it had never asked, with an id and times of its own."""

import random
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from msgspec import json

from events.api import stream_of as stream_of_api
from events.ids import client_stream
from events.issuance import TokenIssued
from service import rotation
from service.commands.api import DeleteApi
from service.commands.client import DisableClient, Holder
from service.commands.handle import API, CLIENT, handle
from service.grants.client_credentials import issue
from service.grants.oauth_request import OAuthRequest
from service.oauth.errors import Refusal
from service.vault import private_keys
from tests.flows.conftest import MASTER_KEY, META, Live, oauth_error
from tests.flows.test_apis import made
from tests.flows.test_introspection_again import Play, uncounted
from tests.flows.test_private_key_jwt import assertion, registered
from tests.patience import until

OWN = {"jti", "iat", "exp"}
"""The claims in which two tokens differ."""
FORM = ("content-type", "application/x-www-form-urlencoded")
RECORD = "select client, secret, convert_from(data, 'UTF8') as data from log.issuance where jti = $1"


async def ask(live: Live, form: dict[str, str]) -> httpx.Response:
    return await live.http.post("/openid/token", data=form)


def said(body: bytes) -> dict[str, Any]:
    answer = json.decode(body)
    return {**answer, "access_token": {k: v for k, v in claims(answer["access_token"]).items() if k not in OWN}}


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def by_a_process_that_remembers_nothing(live: Live, form: dict[str, str]) -> tuple[int, object]:
    request = OAuthRequest(resources=live.beside, form=dict(form), authorization=None, address="127.0.0.1")
    try:
        return 200, said(await issue(request))
    except Refusal as refused:
        return refused.status, refused.error


async def record_of(live: Live, token: str) -> tuple[UUID, UUID, TokenIssued]:
    row = await live.beside.ledger.pool.fetchrow(RECORD, UUID(claims(token)["jti"]))
    assert row is not None
    return row["client"], row["secret"], json.decode(row["data"], type=TokenIssued)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_response_is_that_of_a_process_that_remembers_nothing(
    live: Live, seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.grants.client_authentication._count_failures", uncounted)
    play, chance, statuses = Play(live), random.Random(seed), set[int]()
    await play.begin()
    acts = [play.disable, play.enable, play.revoke_secret, play.add_secret, play.register_another, play.nothing]
    for _ in range(8):
        for secret in (play.first, play.second):
            for more in ({}, {"scope": "api:public"}, {"scope": "none"}, {"resource": "https://crm.example.com"}):
                form = {
                    "grant_type": "client_credentials",
                    "client_id": play.client_id,
                    "client_secret": secret,
                    **more,
                }
                expected = await by_a_process_that_remembers_nothing(live, form)
                for _ in range(3):
                    answer = await ask(live, form)
                    body = said(answer.content) if answer.status_code == 200 else answer.json()["error"]
                    assert (answer.status_code, body) == expected
                statuses.add(expected[0])
        await chance.choice(acts)()
    assert {200, 400} <= statuses


async def test_what_was_asked_before_is_not_decided_again_and_is_recorded_as_before(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    first, _ = [await ask(live, form) for _ in range(2)]
    monkeypatch.setattr("service.endpoints.oauth.parse", None)
    again = await ask(live, form)
    assert (again.status_code, said(again.content)) == (200, said(first.content))
    tokens = [answer.json()["access_token"] for answer in (first, again)]
    before, after = [claims(token) for token in tokens]
    assert before["jti"] != after["jti"]
    assert after["exp"] - after["iat"] == before["exp"] - before["iat"]
    records = [await record_of(live, token) for token in tokens]
    assert [record[2].exp for record in records] == [before["exp"], after["exp"]]
    assert records[0][:2] == records[1][:2]
    assert records[0][2].__replace__(exp=0) == records[1][2].__replace__(exp=0)


async def test_what_another_process_commits_meanwhile_is_seen_before_the_token_leaves(live: Live):
    client_id, secret = await live.register()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    assert [(await ask(live, form)).status_code for _ in range(3)] == [200, 200, 200]
    stream = client_stream(client_id)
    assert stream is not None
    operator = Holder(owner=None, sub="operator", scopes=frozenset({"operate"}))
    await handle(live.beside.ledger, CLIENT, stream, DisableClient(by=operator), META)
    oauth_error(await ask(live, form), 401, "invalid_client")


async def test_a_token_that_is_bound_or_was_got_by_an_assertion_is_decided_each_time(live: Live):
    keyed, kept = await registered(live), live.application.resources.machine_tokens
    grant = {"grant_type": "client_credentials"}
    form = {**grant, **assertion(live, keyed)}
    before = len(kept._kept)
    assert (await ask(live, form)).status_code == 200
    oauth_error(await ask(live, form), 401, "invalid_client")
    client_id, secret = await live.register(dpopBoundAccessTokens=True)
    oauth_error(await ask(live, {**grant, "client_id": client_id, "client_secret": secret}), 400, "invalid_request")
    assert len(kept._kept) == before


async def test_a_token_is_for_the_apis_of_today_and_signed_by_the_key_of_today(live: Live):
    crm = "https://crm.example.com/again"
    there = await made(live, crm)
    client_id, secret = await live.register(apis=[{"identifier": crm, "scopes": ["crm:read"]}])
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "resource": crm}
    first, again = await ask(live, form), await ask(live, form)
    assert said(first.content) == said(again.content)
    before = jwt.get_unverified_header(again.json()["access_token"])["kid"]
    await rotation.rotate(live.database, live.beside.ledger, private_keys.wrapping(MASTER_KEY), META)

    async def by_the_next_key() -> bool:
        return jwt.get_unverified_header((await ask(live, form)).json()["access_token"])["kid"] != before

    await until(by_the_next_key)
    changed = {"accessTokenLifetime": 300}
    await live.http.patch(there, json=changed, headers={**live.bearer, "If-Match": "*"})
    assert [(await ask(live, form)).json()["expires_in"] for _ in range(2)] == [300, 300]
    await handle(live.beside.ledger, API, stream_of_api(crm), DeleteApi(), META)
    oauth_error(await ask(live, form), 400, "invalid_target")


@pytest.mark.parametrize(
    ("method", "headers", "more", "status"),
    [
        ("POST", [FORM], "", 200),
        ("GET", [FORM], "", 405),
        ("POST", [], "", 400),
        ("POST", [("content-type", "application/json")], "", 400),
        ("POST", [FORM, FORM], "", 400),
        ("POST", [FORM, ("authorization", "Basic YTpi")], "", 400),
        ("POST", [FORM, ("dpop", "no.proof")], "", 400),
        ("POST", [FORM, ("muniment-min-position", "1e9")], "", 400),
        ("POST", [FORM, ("muniment-min-position", "999999999")], "", 400),
        ("POST", [FORM], "&scope=api:public&scope=api:public", 400),
        ("POST", [FORM], "%20", 401),
    ],
)
async def test_a_request_that_says_something_else_is_not_taken_for_one_that_got_a_token(
    live: Live, method: str, headers: list[tuple[str, str]], more: str, status: int
):
    secret = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
    body = str(httpx.QueryParams(secret))
    for _ in range(3):
        asked = await live.http.request("POST", "/openid/token", content=body, headers=[FORM])
        assert asked.status_code == 200
    answer = await live.http.request(method, "/openid/token", content=body + more, headers=headers)
    assert (answer.status_code, b"access_token" in answer.content) == (status, status == 200)
