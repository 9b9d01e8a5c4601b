"""Workload identity: a client authenticates by tokens of its platform, which an operator trusts. It has no secret."""

import time
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from service.oauth.client_assertion import JWT_BEARER, JWT_SPIFFE
from tests.flows.conftest import Live, oauth_error, refused
from tests.flows.test_cli import on
from tests.patience import until

CLIENTS, ISSUERS = "/api/v1/auth/clients", "/api/v1/auth/trusted-issuers"
CLUSTER, DOMAIN = "https://kubernetes.example", "spiffe://example.org"
POD = "system:serviceaccount:crm:sync"
KEY, STRANGER = ECKey.generate_key("P-256", {"kid": "k"}), ECKey.generate_key("P-256", {"kid": "k"})


@pytest.fixture(scope="module")
async def issuers(live: Live) -> dict[str, str]:
    """Where the trusted issuers are, by their identifiers."""
    found: dict[str, str] = {}
    for issuer, purposes in ((CLUSTER, ["workload"]), (DOMAIN, ["workload"]), ("https://idp.example", ["id_jag"])):
        body = {
            "issuer": issuer,
            "name": issuer,
            "purposes": purposes,
            "algorithms": ["ES256"],
            "jwks": {"keys": [KEY.as_dict(private=False)]},
        }
        made = await live.http.post(ISSUERS, json=body, headers=live.bearer)
        assert made.status_code == 201, made.text
        found[issuer] = made.headers["location"]
    return found


@pytest.fixture(scope="module")
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("ines", "audit:read")


def assertion(live: Live, key: ECKey = KEY, type_: str = JWT_BEARER, **claims: Any) -> dict[str, str]:
    usual = {"iss": CLUSTER, "sub": POD, "aud": live.url, "exp": int(time.time()) + 3000, "iat": int(time.time())}
    text = jwt.encode({"alg": "ES256", "kid": "k"}, {**usual, **claims}, key)
    return {"client_assertion_type": type_, "client_assertion": text}


async def registered(live: Live, **fields: Any) -> str:
    body = {
        "m2m": True,
        "botUserId": "bot-workload",
        "tokenEndpointAuthMethod": "workload_identity",
        "workloadIdentities": [{"issuer": CLUSTER, "subject": POD}],
        **fields,
    }
    made = await live.http.post(CLIENTS, json=body, headers=live.bearer)
    assert made.status_code == 201, made.text
    assert made.json()["clientSecret"] is None
    return made.json()["clientId"]


async def token(live: Live, **form: str) -> httpx.Response:
    return await live.http.post("/openid/token", data={"grant_type": "client_credentials", **form})


@pytest.mark.usefixtures("issuers")
async def test_a_pod_gets_tokens_with_the_token_of_its_service_account_as_often_as_it_likes(
    live: Live, auditor: dict[str, str]
):
    client = await registered(live)
    sent = assertion(live, jti="the same in every request")
    got = [await token(live, client_id=client, **sent) for _ in range(2)]
    assert [each.status_code for each in got] == [200, 200], got[0].text
    shown = (await live.http.get(f"{CLIENTS}/{client}", headers=live.bearer)).json()
    identity = shown["workloadIdentities"][0]
    issued = await live.http.get("/api/v1/audit/tokens", params={"secret": identity["identityId"]}, headers=auditor)
    assert [each["clientId"] for each in issued.json()] == [client, client]
    seen = await live.http.post(
        "/openid/introspect", data={"token": got[0].json()["access_token"], "client_id": client, **sent}
    )
    assert seen.json()["active"] is True

    async def used() -> bool:
        now = (await live.http.get(f"{CLIENTS}/{client}", headers=live.bearer)).json()["workloadIdentities"][0]
        return now["lastUsedUtc"] == max(each["issuedAt"] for each in issued.json())

    await until(used)
    assert "(last used " in (await on(live.database, "clients", "show", client)).out
    told = (await on(live.database, "clients", "show", client, "--json")).json["workload_identities"][0]
    assert (told["identity_id"], told["last_used_at"] is None) == (identity["identityId"], False)
    why = await live.http.get(f"/api/v1/audit/tokens/{issued.json()[0]['jti']}", headers=auditor)
    workload = why.json()["workloadIdentity"]
    assert (workload["issuer"], workload["subject"], workload["removed"]) == (CLUSTER, POD, None)
    assert workload["added"]["type"] == "client.registered"
    assert f"workload {CLUSTER} {POD}" in (await on(live.database, "tokens", "why", issued.json()[0]["jti"])).out
    for options in (("tokens", "list", "--client", client), ("blast-radius", client)):
        assert issued.json()[0]["jti"] in (await on(live.database, *options, "--client-key", POD)).out
        assert "no key with this kid" in (await on(live.database, *options, "--client-key", "x")).err
    dry = await on(live.database, "revoke-tree", client, "--client-key", f"{CLUSTER} {POD}", "--dry-run", "--json")
    assert dry.json["revoked"] == {"token": 2}
    for path, asked in (("tokens", {"client": client}), ("tokens", {}), ("blast-radius", {"id": client})):
        answer = await live.http.get(f"/api/v1/audit/{path}", params={**asked, "client_key": "x"}, headers=auditor)
        assert answer.status_code in (400, 404)
    follows = await live.http.get("/api/v1/audit/blast-radius", params={"id": CLUSTER}, headers=auditor)
    affected = {(each["kind"], each["id"], each["via"]["kind"]) for each in follows.json()["affected"]}
    assert ("secret", identity["identityId"], "issuer") in affected
    assert {("token", each["jti"], "secret") for each in issued.json()} <= affected
    assert ("agent", f"{client} bot-workload", "token") in affected


@pytest.mark.usefixtures("issuers")
async def test_a_jwt_svid_may_have_its_own_assertion_type_and_no_iss(live: Live):
    client = await registered(live, workloadIdentities=[{"issuer": DOMAIN, "subject": f"{DOMAIN}/ns/*/sa/sync"}])
    svid = assertion(live, type_=JWT_SPIFFE, iss="https://spire.example", sub=f"{DOMAIN}/ns/crm/sa/sync")
    assert (await token(live, client_id=client, **svid)).status_code == 200
    keyed = await token(live, **assertion(live, type_=JWT_SPIFFE, iss="x", sub="x"))
    assert "This client_assertion_type is not offered" in oauth_error(keyed, 401, "invalid_client")


@pytest.mark.usefixtures("issuers")
async def test_a_token_for_single_use_authenticates_once(live: Live):
    one = {"issuer": CLUSTER, "subject": POD, "singleUse": True}
    client = await registered(live, workloadIdentities=[one])
    sent = assertion(live, jti=uuid4().hex)
    assert (await token(live, client_id=client, **sent)).status_code == 200
    assert "used before" in oauth_error(await token(live, client_id=client, **sent), 401, "invalid_client")
    assert "no jti" in oauth_error(await token(live, client_id=client, **assertion(live)), 401, "invalid_client")


@pytest.mark.usefixtures("issuers")
async def test_what_is_not_wholly_right_is_refused_in_words_and_recorded(live: Live, auditor: dict[str, str]):
    client = await registered(live)
    at_idp = {"issuer": "https://idp.example", "subject": "x"}
    other = await registered(live, workloadIdentities=[at_idp])
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (client, {"sub": "system:serviceaccount:crm:other"}, "workloadIdentities"),
        (client, {"iss": "https://evil.example"}, "workloadIdentities"),
        (client, {"aud": "https://other.example"}, "its aud must be one of"),
        (client, {"aud": [live.url, "https://other.example"]}, "its aud must be one text"),
        (client, {"exp": int(time.time()) - 100}, "it has expired"),
        (client, {"exp": None}, "exp"),
        (client, {"key": STRANGER}, "its signature is of none"),
        (other, {"iss": "https://idp.example", "sub": "x"}, "its issuer is not trusted for workload"),
    ]
    for named, changes, says in wrong:
        assert says in oauth_error(
            await token(live, client_id=named, **assertion(live, **changes)), 401, "invalid_client"
        )
    nobody = oauth_error(await token(live, **assertion(live)), 401, "invalid_client")
    assert "beside a parameter client_id" in nobody
    reached = {**auditor, "Muniment-Min-Position": str(await live.last_change())}
    events = await live.http.get(
        "/api/v1/audit/events", params={"type": "refusal.client_authentication", "limit": "100"}, headers=reached
    )
    whys = {each["data"]["why"] for each in events.json() if each["data"]["client_id"] in (client, other)}
    assert whys == {"unknown_workload", "wrong_assertion", "expired_assertion"}


async def test_nothing_is_accepted_of_an_issuer_that_is_disabled(live: Live, issuers: dict[str, str]):
    client = await registered(live)
    at = issuers[CLUSTER]
    assert (await live.http.post(f"{at}/disable", headers=live.bearer)).is_success
    gone = await token(live, client_id=client, **assertion(live))
    assert (await live.http.post(f"{at}/enable", headers=live.bearer)).is_success
    assert "not trusted" in oauth_error(gone, 401, "invalid_client")
    assert (await token(live, client_id=client, **assertion(live))).status_code == 200


async def test_a_registration_and_a_change_need_identities_that_can_be_of_somebody_only(live: Live):
    bad = {"m2m": True, "botUserId": "b", "tokenEndpointAuthMethod": "workload_identity"}
    nothing = refused(await live.http.post(CLIENTS, json=bad, headers=live.bearer), 400)
    assert "needs workloadIdentities" in nothing["errors"]["tokenEndpointAuthMethod"][0]
    anybody = [{"issuer": CLUSTER, "subject": "*"}, {"issuer": CLUSTER, "subject": "a:b*c*"}]
    answer = await live.http.post(CLIENTS, json={**bad, "workloadIdentities": anybody}, headers=live.bearer)
    assert len(refused(answer, 400)["errors"]["workloadIdentities"]) == 2
    client = await registered(live)
    headers = {**live.bearer, "If-Match": "*"}
    empty = await live.http.patch(f"{CLIENTS}/{client}", json={"workloadIdentities": []}, headers=headers)
    assert empty.status_code == 400


@pytest.mark.usefixtures("issuers")
async def test_an_operator_binds_a_client_to_a_workload_at_the_command_line(live: Live):
    words = ("--owner", "crm-team", "--bot", "bot-workload", "--auth-method", "workload_identity")
    made = await on(live.database, "clients", "create", *words, "--workload", f"{CLUSTER} {POD}", "--json")
    assert (made.status, made.json["client_secret"]) == (0, None), made.err
    client = made.json["client_id"]
    assert (await token(live, client_id=client, **assertion(live))).status_code == 200
    edited = await on(live.database, "clients", "edit", client, "--workload", f"{CLUSTER} a:b")
    assert (edited.status, "a:b" in edited.out) == (0, True), edited.err
    assert (await token(live, client_id=client, **assertion(live))).status_code == 401
    once = f"{CLUSTER} {POD} audience={live.url} single-use"
    assert (await on(live.database, "clients", "edit", client, "--workload", once)).status == 0
    sent = assertion(live, jti=uuid4().hex)
    assert [(await token(live, client_id=client, **sent)).status_code for _ in range(2)] == [200, 401]
    wrong = await on(live.database, "clients", "edit", client, "--workload", CLUSTER)
    assert (wrong.status, "an issuer and a subject" in wrong.err) == (1, True)


@pytest.mark.usefixtures("issuers")
async def test_a_workload_that_no_token_used_is_listed_as_unused(live: Live):
    both = [{"issuer": CLUSTER, "subject": each} for each in (POD, "system:serviceaccount:crm:old")]
    client = await registered(live, workloadIdentities=both)
    assert (await token(live, client_id=client, **assertion(live))).status_code == 200
    connection = await asyncpg.connect(live.database)
    # The table only: what the log has cannot be old.
    back = "update read.clients set created_at = created_at - interval '100 days' where client_id = $1"
    await connection.execute(back, client)
    await connection.close()

    async def listed() -> dict[str, Any] | None:
        found = await live.http.get("/api/v1/audit/unused", params={"limit": "1000"}, headers=live.bearer)
        its = [each for each in found.json() if each["clientId"] == client and not each["unused"]]
        return its[0] if its and len(its[0]["workloadIdentities"]) == 1 else None

    found = await until(listed)
    assert [each["subject"] for each in found["workloadIdentities"]] == [both[1]["subject"]]
    assert f"muniment clients edit {client} --workload '{CLUSTER} {POD}'" in found["commands"]
    told = await on(live.database, "clients", "unused")
    assert f"workload {CLUSTER} {both[1]['subject']}" in told.out
