"""Tokens for others: exchanged by clients that act for somebody, and asserted by the providers of enterprises."""

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import ECKey
from msgspec import Struct

from events.database import read
from projections import authorizations
from service.commands.authorization import AuthorizeByAssertion
from service.commands.handle import AUTHORIZATION, handle
from service.crypto.credentials import new_id
from service.reactions import session_end
from tests.flows.conftest import META, Live, is_active, oauth_error, refused
from tests.flows.consoles import staff
from tests.flows.people import code_for, logged_in, tokens_for
from tests.flows.test_cli import on
from tests.flows.test_provenance import explained, verified
from tests.rules.proving import proof
from tests.rules.samples import ASSERTED

CLIENTS, ISSUERS = "/api/v1/auth/clients", "/api/v1/auth/trusted-issuers"
CRM, ENTERPRISE, THERE = "https://crm.example.com", "https://idp.example.com", "https://chat.example"
CB = "https://app.example.com/cb"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN, ID_TOKEN, JWT, ID_JAG = (
    f"urn:ietf:params:oauth:token-type:{kind}" for kind in ("access_token", "id_token", "jwt", "id-jag")
)
KEY = ECKey.generate_key("P-256")
PUBLIC: Any = KEY.as_dict(private=False)

Client = tuple[str, str]


class Parties(Struct, frozen=True):
    """An application that people use, an agent that may exchange its tokens, and a provider that asserts users."""

    app: Client
    agent: Client
    issuer: str


async def changed(live: Live, client: Client, **fields: Any) -> None:
    headers = {**live.bearer, "If-Match": "*"}
    answer = await live.http.patch(f"{CLIENTS}/{client[0]}", json=fields, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
async def parties(live: Live) -> Parties:
    app = await live.interactive(redirectUri=CB, scopes=["api:public", "crm:read", "crm:write"])
    agent = await live.register(botUserId="bot-agent", scopes=["api:public"])
    policy = {"clients": [app[0]], "audiences": [CRM], "scopes": ["crm:read"], "issuers": [ENTERPRISE]}
    await changed(live, agent, tokenExchange=[policy])
    await changed(live, app, identityAssertions=[{"audience": THERE, "clientId": "app-there", "scopes": ["chat"]}])
    body = {
        "issuer": ENTERPRISE,
        "name": "Example Corp",
        "purposes": ["id_jag", "subject_token"],
        "jwks": {"keys": [PUBLIC]},
        "provisions": True,
    }
    made = await live.http.post(ISSUERS, json=body, headers=live.bearer)
    assert made.status_code == 201, made.text
    return Parties(app, agent, made.headers["location"])


async def persons_tokens(live: Live, app: Client, scope: str = "openid crm:read crm:write") -> dict[str, Any]:
    async with logged_in(live) as person:
        return await tokens_for(live, person, app, scope)


async def exchanged(live: Live, client: Client, subject: str, **more: str) -> httpx.Response:
    return await exchanged_with(live, client, subject, {}, **more)


async def exchanged_with(live: Live, client: Client, text: str, proving: dict[str, str], **more: str) -> httpx.Response:
    form = {"grant_type": EXCHANGE, "subject_token": text, "subject_token_type": ACCESS_TOKEN}
    return await live.http.post("/openid/token", data={**form, **more}, auth=client, headers=proving)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def assertion(client: str, us: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ENTERPRISE,
        "sub": "ada",
        "aud": us,
        "client_id": client,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + 300,
        "scope": "crm:read operate",
        **changes,
    }
    header = {"alg": "ES256", "typ": claims.pop("typ", "oauth-id-jag+jwt")}
    return jose.encode(header, {name: value for name, value in claims.items() if value is not None}, KEY)


async def asserted(live: Live, client: Client, text: str, **more: str) -> httpx.Response:
    form = {"grant_type": BEARER, "assertion": text, **more}
    return await live.http.post("/openid/token", data=form, auth=client)


async def test_an_agent_acts_for_a_person_with_a_token_that_says_so(live: Live, parties: Parties):
    tokens = await persons_tokens(live, parties.app)
    answer = await exchanged(live, parties.agent, tokens["access_token"], resource=CRM)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["issued_token_type"], body["token_type"], body["scope"]) == (ACCESS_TOKEN, "Bearer", "crm:read")
    subject, made = claims_of(tokens["access_token"]), claims_of(body["access_token"])
    assert (made["sub"], made["aud"], made["client_id"]) == (subject["sub"], CRM, parties.agent[0])
    assert made["act"] == {"sub": "bot-agent", "client_id": parties.agent[0]}
    assert made["exp"] <= subject["exp"]
    seen = await live.http.post("/openid/introspect", data={"token": body["access_token"]}, auth=parties.agent)
    assert (seen.json()["active"], seen.json()["act"]) == (True, made["act"])
    assert (await live.http.get(CLIENTS, headers={"Authorization": f"Bearer {body['access_token']}"})).status_code in (
        401,
        403,
    )


async def test_it_is_revoked_with_the_subjects_token_or_authorization_or_client(live: Live, parties: Parties):
    tokens = await persons_tokens(live, parties.app, "openid offline_access crm:read")
    subject = tokens["access_token"]
    made = (await exchanged(live, parties.agent, subject)).json()["access_token"]
    assert await is_active(live, made)
    await live.http.post(f"{CLIENTS}/{parties.app[0]}/disable", headers=live.bearer)
    assert not await is_active(live, made)
    oauth_error(await exchanged(live, parties.agent, subject), 400, "invalid_request")
    await live.http.post(f"{CLIENTS}/{parties.app[0]}/enable", headers=live.bearer)
    assert await is_active(live, made)
    await live.http.post("/openid/revoke", data={"token": subject}, auth=parties.app)
    assert not await is_active(live, made)
    oauth_error(await exchanged(live, parties.agent, subject), 400, "invalid_request")
    again = await persons_tokens(live, parties.app, "openid offline_access crm:read")
    made = (await exchanged(live, parties.agent, again["access_token"])).json()["access_token"]
    await live.http.post("/openid/revoke", data={"token": again["refresh_token"]}, auth=parties.app)
    assert not await is_active(live, made)


REQUESTS: list[tuple[dict[str, str], str]] = [
    ({"subject_token": "x"}, "invalid_request"),
    ({"subject_token": "a" * 60_000}, "invalid_request"),
    ({"subject_token_type": "urn:example"}, "invalid_request"),
    ({"subject_token_type": ID_TOKEN}, "invalid_request"),
    ({"subject_token_type": JWT}, "invalid_request"),
    ({"requested_token_type": "urn:example"}, "invalid_request"),
    ({"actor_token": "x"}, "invalid_request"),
    ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ({"actor_token": "x", "actor_token_type": JWT}, "invalid_request"),
    ({"resource": "https://erp.example.com"}, "invalid_target"),
    ({"scope": "crm:write"}, "invalid_scope"),
    ({"scope": "operate"}, "invalid_scope"),
    ({"requested_token_type": ID_JAG, "audience": THERE}, "unauthorized_client"),
]


@pytest.mark.parametrize(("more", "error"), REQUESTS, ids=[f"{e} {n}" for n, (_, e) in enumerate(REQUESTS)])
async def test_a_wrong_request_gets_its_documented_error(
    live: Live, parties: Parties, more: dict[str, str], error: str
):
    subject = (await persons_tokens(live, parties.app))["access_token"]
    oauth_error(await exchanged(live, parties.agent, **{"subject": subject, **_named(more)}), 400, error)


def _named(more: dict[str, str]) -> dict[str, str]:
    return {("subject" if name == "subject_token" else name): value for name, value in more.items()}


async def test_a_client_without_a_policy_or_with_the_token_of_another_gets_nothing(live: Live, parties: Parties):
    subject = (await persons_tokens(live, parties.app))["access_token"]
    stranger = await live.register()
    nothing = await exchanged(live, stranger, subject)
    oauth_error(nothing, 400, "unauthorized_client")
    assert "tokenExchange" in nothing.text
    own = await live.access_token(*stranger)
    oauth_error(await exchanged(live, parties.agent, own), 400, "invalid_request")
    oauth_error(await exchanged(live, (parties.agent[0], "wrong"), subject), 401, "invalid_client")
    made = (await exchanged(live, parties.agent, subject)).json()["access_token"]
    oauth_error(await exchanged(live, parties.agent, made), 400, "invalid_request")
    other = await live.access_token(*stranger)
    more = {"actor_token": other, "actor_token_type": ACCESS_TOKEN}
    oauth_error(await exchanged(live, parties.agent, subject, **more), 400, "invalid_request")


async def test_a_token_that_is_bound_to_a_key_is_exchanged_with_its_proof_alone(live: Live, parties: Parties):
    subject = await bound_token(live, parties.app)
    theirs = {"DPoP": proof("POST", f"{live.url}/openid/token", key=ECKey.generate_key("P-256"))}
    for headers in ({}, theirs):
        answer = await exchanged_with(live, parties.agent, subject, headers)
        assert "bound to a key" in oauth_error(answer, 400, "invalid_request")
    proving = {"DPoP": proof("POST", f"{live.url}/openid/token")}
    answer = await exchanged_with(live, parties.agent, subject, proving)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert claims_of(answer.json()["access_token"])["cnf"] == claims_of(subject)["cnf"]


async def bound_token(live: Live, client: Client) -> str:
    """A person's token that is bound to a key."""
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0], scope="openid crm:read", redirect_uri=CB)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CB, "code_verifier": pkce.verifier}
    headers = {"DPoP": proof("POST", f"{live.url}/openid/token")}
    answer = await live.http.post("/openid/token", data=form, auth=client, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def test_only_an_operator_lets_a_client_exchange(live: Live, parties: Parties):
    owner = await live.caller("delegator", "clients:write", "clients:read", "api:public")
    body = {"m2m": True, "botUserId": "delegator"}
    made = (await live.http.post(CLIENTS, json=body, headers=owner)).json()
    there, headers = f"{CLIENTS}/{made['clientId']}", {**owner, "If-Match": "*"}
    policy = {"clients": [parties.app[0]], "audiences": [CRM], "scopes": ["crm:read"]}
    given = {"tokenExchange": [policy]}
    assert "operate" in refused(await live.http.patch(there, json=given, headers=headers), 403)["detail"]
    bad = {"tokenExchange": [{**policy, "scopes": ["operate"], "audiences": ["crm"], "clients": []}]}
    answer = await live.http.patch(there, json=bad, headers={**live.bearer, "If-Match": "*"})
    assert len(refused(answer, 400)["errors"]["tokenExchange"]) == 3
    taken = await live.http.patch(there, json={"tokenExchange": []}, headers=headers)
    assert taken.status_code == 200


async def test_a_client_is_registered_with_its_policies_by_an_operator_alone(live: Live, parties: Parties):
    owner = await live.caller("registrar of agents", "clients:write", "api:public")
    exchange = {"clients": [parties.app[0]], "audiences": [CRM], "scopes": ["crm:read"]}
    there = {"audience": THERE, "clientId": "agent-there", "scopes": ["chat"]}
    body = {"m2m": True, "botUserId": "agent", "tokenExchange": [exchange], "identityAssertions": [there]}
    assert "operate" in refused(await live.http.post(CLIENTS, json=body, headers=owner), 403)["detail"]
    bad = {**body, "tokenExchange": [{**exchange, "clients": []}], "identityAssertions": [{**there, "audience": "x"}]}
    faults = refused(await live.http.post(CLIENTS, json=bad, headers=live.bearer), 400)["errors"]
    assert {"tokenExchange", "identityAssertions"} == faults.keys()
    made = (await live.http.post(CLIENTS, json=body, headers=live.bearer)).json()
    shown = (await live.http.get(f"{CLIENTS}/{made['clientId']}", headers=live.bearer)).json()
    assert shown["tokenExchange"] == [{**exchange, "issuers": [], "impersonation": False}]
    assert shown["identityAssertions"] == [there]


async def test_an_enterprises_assertion_gets_a_token_for_its_user_once(live: Live, parties: Parties):
    text = assertion(parties.app[0], live.url)
    answer = await asserted(live, parties.app, text)
    assert answer.status_code == 200, answer.text
    body, made = answer.json(), claims_of(answer.json()["access_token"])
    assert (body["scope"], "refresh_token" in body) == ("crm:read", False)
    user = await live.beside.people.find_upstream(ENTERPRISE, "ada")
    assert user is not None
    assert UUID(made["sub"]) == user.stream_id
    assert await is_active(live, body["access_token"])
    oauth_error(await asserted(live, parties.app, text), 400, "invalid_grant")
    path = "/api/v1/auth/grants"
    (grant,) = (await live.http.get(path, params={"userId": made["sub"]}, headers=live.bearer)).json()
    assert (grant["assertedBy"], grant["sessionId"], grant["state"]) == (ENTERPRISE, None, "active")
    again = (await asserted(live, parties.app, assertion(parties.app[0], live.url))).json()
    assert claims_of(again["access_token"])["sub"] == made["sub"]
    await live.http.post(f"{parties.issuer}/disable", headers=live.bearer)
    assert not await is_active(live, again["access_token"])
    await live.http.post(f"{parties.issuer}/enable", headers=live.bearer)
    assert await is_active(live, again["access_token"])
    await live.http.post(f"/api/v1/auth/users/{user.stream_id}/disable", headers=live.bearer)
    assert not await is_active(live, again["access_token"])
    oauth_error(await asserted(live, parties.app, assertion(parties.app[0], live.url)), 400, "invalid_grant")


async def test_what_was_asserted_more_than_a_day_ago_is_no_longer_active(live: Live, parties: Parties):
    ledger = live.beside.ledger
    assert ASSERTED.assertion
    ages = (timedelta(hours=23), timedelta(hours=25))
    streams = [new_id() for _ in ages]
    for stream, age in zip(streams, ages, strict=True):
        granted = ASSERTED.__replace__(
            user=new_id(), assertion=ASSERTED.assertion.__replace__(at=datetime.now(UTC) - age)
        )
        await handle(ledger, AUTHORIZATION, stream, AuthorizeByAssertion(granted=granted), META, fresh=True)
    await session_end.expire(ledger)
    rows = [await read(ledger.pool, partial(authorizations.find, authorization=stream)) for stream in streams]
    assert [row and row.why for row in rows] == [None, "expired"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"typ": "JWT"}, "invalid_grant"),
    "another client": ({"client_id": "oauth_client_other"}, "invalid_grant"),
    "no client": ({"client_id": None}, "invalid_grant"),
    "another audience": ({"aud": "https://other.example"}, "invalid_grant"),
    "expired": ({"exp": 1}, "invalid_grant"),
    "too long a life": ({"exp": int(time.time()) + 5000}, "invalid_grant"),
    "no jti": ({"jti": None}, "invalid_grant"),
    "another issuer": ({"iss": "https://evil.example"}, "invalid_grant"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "a list of scopes": ({"scope": ["crm:read"]}, "invalid_grant"),
    "a resource that is none": ({"resource": 7}, "invalid_grant"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_assertion_gets_its_documented_error(live: Live, parties: Parties, name: str):
    changes, error = BAD[name]
    text = assertion(parties.app[0], live.url, sub="bea", **changes)
    body = oauth_error(await asserted(live, parties.app, text), 400, error)
    assert text not in str(body)


async def test_an_assertion_is_needed_and_gives_no_more_than_it_says(live: Live, parties: Parties):
    form = {"grant_type": BEARER}
    oauth_error(await live.http.post("/openid/token", data=form, auth=parties.app), 400, "invalid_request")
    for scope in ("crm:write", "operate", "openid"):
        text = assertion(parties.app[0], live.url, sub="cleo")
        oauth_error(await asserted(live, parties.app, text, scope=scope), 400, "invalid_scope")
    text = assertion(parties.app[0], live.url, sub="cleo")
    oauth_error(await asserted(live, parties.app, text, resource="https://erp.example.com"), 400, "invalid_target")


async def test_a_token_of_a_trusted_issuer_is_exchanged_for_its_user(live: Live, parties: Parties):
    assert (await asserted(live, parties.app, assertion(parties.app[0], live.url, sub="dora"))).status_code == 200
    text = assertion(parties.app[0], live.url, sub="dora", typ="at+jwt", act={"sub": "their-agent"})
    answer = await exchanged(live, parties.agent, text, subject_token_type=JWT)
    assert answer.status_code == 200, answer.text
    made = claims_of(answer.json()["access_token"])
    assert made["act"]["act"] == {"sub": "their-agent"}
    deep: dict[str, Any] = {"sub": "0"}
    for number in range(8):
        deep = {"sub": str(number), "act": deep}
    for changes in ({"act": deep}, {"may_act": {"sub": "bot-other"}}, {"sub": "nobody"}):
        text = assertion(parties.app[0], live.url, **{"sub": "dora", "typ": "at+jwt", **changes})
        oauth_error(await exchanged(live, parties.agent, text, subject_token_type=JWT), 400, "invalid_request")


async def test_a_client_asserts_its_own_signed_in_user_elsewhere(live: Live, parties: Parties):
    tokens = await persons_tokens(live, parties.app)
    more = {"requested_token_type": ID_JAG, "audience": THERE, "scope": "chat", "subject_token_type": ID_TOKEN}
    answer = await exchanged(live, parties.app, tokens["id_token"], **more, resource=f"{THERE}/mcp")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["issued_token_type"], body["token_type"]) == (ID_JAG, "N_A")
    made = claims_of(body["access_token"])
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "oauth-id-jag+jwt"
    assert (made["aud"], made["client_id"], made["scope"]) == (THERE, "app-there", "chat")
    assert made["resource"] == f"{THERE}/mcp"
    assert made["exp"] - made["iat"] <= 300
    seen = await live.http.post("/openid/introspect", data={"token": body["access_token"]}, auth=parties.app)
    assert seen.json() == {"active": False}, "an assertion is for another server"
    wrong = {**more, "audience": "https://evil.example"}
    oauth_error(await exchanged(live, parties.app, tokens["id_token"], **wrong), 400, "invalid_target")
    oauth_error(await exchanged(live, parties.app, "x.y.z", **more), 400, "invalid_request")
    user, session = made["sub"], claims_of(tokens["id_token"])["sid"]
    ended = await live.http.delete(f"/api/v1/auth/users/{user}/sessions/{session}", headers=live.bearer)
    assert ended.status_code in (200, 204), ended.text
    oauth_error(await exchanged(live, parties.app, tokens["id_token"], **more), 400, "invalid_request")
    oauth_error(await exchanged(live, parties.agent, tokens["access_token"]), 400, "invalid_request")


async def test_an_id_token_asserts_nobody_after_its_user_revoked_the_client(live: Live, parties: Parties):
    tokens = await persons_tokens(live, parties.app, "openid offline_access crm:read")
    more = {"requested_token_type": ID_JAG, "audience": THERE, "scope": "chat", "subject_token_type": ID_TOKEN}
    assert (await exchanged(live, parties.app, tokens["id_token"], **more)).status_code == 200
    revoked = await live.http.post("/openid/revoke", data={"token": tokens["refresh_token"]}, auth=parties.app)
    assert revoked.status_code == 200
    answer = await exchanged(live, parties.app, tokens["id_token"], **more)
    assert "no longer authorizes" in oauth_error(answer, 400, "invalid_request")


async def test_the_token_of_a_user_is_no_actor(live: Live, parties: Parties):
    tokens = await persons_tokens(live, parties.app)
    more = {"actor_token": tokens["access_token"], "actor_token_type": ACCESS_TOKEN}
    answer = await exchanged(live, parties.app, tokens["access_token"], **more)
    assert "for itself" in oauth_error(answer, 400, "invalid_request")


async def test_the_chain_of_an_exchanged_token_leads_to_the_person_and_a_stolen_one_to_what_came_of_it(
    live: Live, parties: Parties
):
    tokens = await persons_tokens(live, parties.app)
    subject = claims_of(tokens["access_token"])
    made = claims_of((await exchanged(live, parties.agent, tokens["access_token"])).json()["access_token"])
    why = (await live.http.get(f"/api/v1/audit/tokens/{made['jti']}", headers=live.bearer)).json()
    assert why["login"]["userId"] == subject["sub"]
    (before,) = why["exchangedFrom"]
    assert (before["jti"], before["clientId"]) == (subject["jti"], parties.app[0])
    assert before["exchanged"]["type"] == "exchange.made"
    path = "/api/v1/audit/blast-radius"
    found = (await live.http.get(path, params={"id": subject["jti"]}, headers=live.bearer)).json()
    assert made["jti"] in [each["id"] for each in found["affected"] if each["kind"] == "token"]


async def test_the_tokens_that_a_token_was_exchanged_for_are_listed(live: Live, parties: Parties):
    subject, other = [(await persons_tokens(live, parties.app))["access_token"] for _ in range(2)]
    made = [
        claims_of((await exchanged(live, parties.agent, text)).json()["access_token"])["jti"]
        for text in (subject, other, subject)
    ]
    asked = {"subject_token": claims_of(subject)["jti"]}

    async def listed(**more: str) -> list[str]:
        answer = await live.http.get("/api/v1/audit/tokens", params={**asked, **more}, headers=live.bearer)
        assert answer.status_code == 200, answer.text
        return [each["jti"] for each in answer.json()]

    assert await listed() == [made[2], made[0]]
    assert await listed(order="oldest") == [made[0], made[2]]
    assert [await listed(jti=jti) for jti in made] == [[made[0]], [], [made[2]]]
    assert (await listed(client=parties.app[0]), len(await listed(client=parties.agent[0]))) == ([], 2)
    told = await on(live.database, "tokens", "list", "--subject-token", asked["subject_token"], "--json")
    assert [each["jti"] for each in told.json] == [made[2], made[0]]
    async with staff(live, "auditor") as auditor:
        page = (await auditor.look(f"/tokens?subject_token={asked['subject_token']}")).text
        assert [jti in page for jti in made] == [True, False, True]


async def test_what_followed_from_an_enterprise_that_was_taken_over_is_found_and_stopped(live: Live, parties: Parties):
    first = (await asserted(live, parties.app, assertion(parties.app[0], live.url, sub="gus"))).json()["access_token"]
    text = assertion(parties.app[0], live.url, sub="gus", typ="at+jwt")
    made = [first, (await exchanged(live, parties.agent, text, subject_token_type=JWT)).json()["access_token"]]
    made.append((await exchanged(live, parties.agent, first)).json()["access_token"])
    jtis, user = {claims_of(each)["jti"] for each in made}, claims_of(first)["sub"]
    issuer = parties.issuer.rpartition("/")[2]
    since = (await live.http.get(f"/api/v1/audit/tokens/{claims_of(first)['jti']}", headers=live.bearer)).json()
    asked = {"id": ENTERPRISE, "since": f"position:{since['login']['granted']['position']}"}
    found = (await live.http.get("/api/v1/audit/blast-radius", params=asked, headers=live.bearer)).json()
    assert found["origin"] == {"kind": "issuer", "id": issuer}
    by_kind = {kind: {each["id"] for each in found["affected"] if each["kind"] == kind} for kind in found["counts"]}
    assert (by_kind["token"], len(by_kind["authorization"])) == (jtis, 2)
    assert {f"{client[0]} {user}" for client in (parties.app, parties.agent)} <= by_kind["agent"]
    of_user = await live.http.get(
        "/api/v1/audit/tokens", params={"authorization": claims_of(first)["grant_id"]}, headers=live.bearer
    )
    assert [each["jti"] for each in of_user.json()] == [claims_of(first)["jti"]]
    order = {**asked, "id": issuer, "dryRun": False}
    done = (await live.http.post("/api/v1/audit/revocations", json=order, headers=live.bearer)).json()
    assert (done["revoked"], done["complete"]) == ({"issuer": 1, "authorization": 2}, True)
    await live.http.post(f"{parties.issuer}/enable", headers=live.bearer)
    assert [await is_active(live, each) for each in made] == [False] * 3


async def test_a_stranger_verifies_the_chain_of_each_such_token(
    live: Live, parties: Parties, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tokens = await persons_tokens(live, parties.app)
    of_agent = await exchanged(live, parties.agent, tokens["access_token"])
    more = {"requested_token_type": ID_JAG, "audience": THERE, "scope": "chat", "subject_token_type": ID_TOKEN}
    about_user = await exchanged(live, parties.app, tokens["id_token"], **more)
    of_enterprise = await asserted(live, parties.app, assertion(parties.app[0], live.url, sub="fay"))
    text = assertion(parties.app[0], live.url, sub="fay", typ="at+jwt")
    of_issuer = await exchanged(live, parties.agent, text, subject_token_type=JWT)
    for answer in (of_agent, about_user, of_enterprise, of_issuer):
        jti = claims_of(answer.json()["access_token"])["jti"]
        bundle = tmp_path / f"{jti}.json"
        bundle.write_text(json.dumps(await explained(live, live.bearer, jti, proof="true")))
        status, said = await verified(live, bundle, capsys)
        assert status == 0, said
        forged = bundle.read_text().replace(str(claims_of(tokens["access_token"])["jti"]), jti)
        bundle.write_text(forged.replace(ENTERPRISE, "https://evil.example"))
        assert answer is about_user or (await verified(live, bundle, capsys))[0] == 1
