"""/api/v1/auth/apis: what tokens can be for, who is granted it, and what a token for it has."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest

from tests.flows.conftest import Live, oauth_error, refused
from tests.flows.people import allow, asked, code_for, logged_in, redeemed, refreshed

PATH, CLIENTS = "/api/v1/auth/apis", "/api/v1/auth/clients"
SCOPES = {"crm:read": {"en": "Read your contacts", "de": "Deine Kontakte lesen"}, "crm:write": {}}


async def make(live: Live, identifier: str, **body: Any) -> httpx.Response:
    asked = {"identifier": identifier, "name": "CRM", "scopes": SCOPES, **body}
    return await live.http.post(PATH, json=asked, headers=live.bearer)


async def made(live: Live, identifier: str, **body: Any) -> str:
    """The location of a new API."""
    answer = await make(live, identifier, **body)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_an_api_is_registered_changed_and_deleted_and_each_version_can_be_read(live: Live):
    answer = await make(live, "https://crm.example.com/1")
    body, there = answer.json(), answer.headers["location"]
    assert body == {
        "id": there.rpartition("/")[2],
        "identifier": "https://crm.example.com/1",
        "name": "CRM",
        "scopes": SCOPES,
        "accessTokenSignedResponseAlg": None,
        "accessTokenLifetime": None,
        "dpopRequired": False,
        "mtlsRequired": False,
        "accessTokenClaims": [],
        "introspectors": [],
        "anyClient": False,
        "builtIn": False,
        "createdUtc": body["createdUtc"],
    }
    shown = await live.http.get(there, headers=live.bearer)
    assert (shown.json(), shown.headers["etag"]) == (body, '"1"')
    refused(await live.http.patch(there, json={"name": "Contacts"}, headers=live.bearer), 428)
    change = {"accessTokenLifetime": 300, "scopes": {"crm:read": {}}, "introspectors": [live.client_id]}
    changed = await live.http.patch(there, json=change, headers={**live.bearer, "If-Match": '"1"'})
    assert changed.json() == {**body, **change}
    then = {"as_of": f"position:{answer.headers['muniment-position']}"}
    assert (await live.http.get(there, params=then, headers=live.bearer)).json() == body
    assert (
        await live.http.get(PATH, params={**then, "identifier": body["identifier"]}, headers=live.bearer)
    ).json() == [body]
    assert (await live.http.delete(there, headers=live.bearer)).status_code == 204
    refused(await live.http.get(there, headers=live.bearer), 404)
    assert (await make(live, "https://crm.example.com/1")).status_code == 201
    history = (await live.http.get(f"{there}/history", headers=live.bearer)).json()
    assert [each["type"].partition(".")[2] for each in history] == ["registered", "deleted", "changed", "registered"]
    assert history[2]["changes"]["accessTokenLifetime"] == {"before": None, "after": 300}


async def test_the_servers_own_apis_come_first_and_stay_as_its_settings_make_them(live: Live):
    await made(live, "urn:example:listed")
    listed = (await live.http.get(PATH, headers=live.bearer)).json()
    assert [(each["id"], each["identifier"]) for each in listed[:2]] == [
        ("default", live.url),
        ("management", f"{live.url}/api/v1"),
    ]
    assert "urn:example:listed" in [each["identifier"] for each in listed]
    own = f"{PATH}/management"
    assert (await live.http.get(own, headers=live.bearer)).json() == listed[1]
    refused(await live.http.patch(own, json={"name": "x"}, headers={**live.bearer, "If-Match": "*"}), 409)
    refused(await live.http.delete(own, headers=live.bearer), 409)
    for reserved in (live.url, f"{live.url}/", f"{live.url}/api/v1"):
        assert list(refused(await make(live, reserved), 400)["errors"]) == ["identifier"]


async def test_an_identifier_is_registered_once(live: Live):
    answers = await asyncio.gather(*(make(live, "urn:example:once") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"identifier": "crm"}, "identifier"),
        ({"identifier": "https://crm.example.com/#x"}, "identifier"),
        ({"identifier": "https://crm.example.com/ x"}, "identifier"),
        ({"identifier": "urn:" + "x" * 1000}, "identifier"),
        ({"name": ""}, "name"),
        ({"name": " CRM"}, "name"),
        ({"scopes": {"a b": {}}}, "scopes"),
        ({"scopes": {"a,b": {}}}, "scopes"),
        ({"scopes": {"openid": {}}}, "scopes"),
        ({"scopes": {"a": {"english": "Read"}}}, "scopes"),
        ({"scopes": {"a": {"en": "\u202eRead"}}}, "scopes"),
        ({"scopes": {"a": {"en": ""}}}, "scopes"),
        ({"scopes": {"a": []}}, "scopes"),
        ({"scopes": {f"s{number}": {} for number in range(101)}}, "scopes"),
        ({"accessTokenSignedResponseAlg": "HS256"}, "accessTokenSignedResponseAlg"),
        ({"accessTokenLifetime": 1}, "accessTokenLifetime"),
        ({"accessTokenLifetime": 90000}, "accessTokenLifetime"),
        ({"accessTokenClaims": ["password"]}, "accessTokenClaims"),
        ({"introspectors": ["oauth_client_of_nobody"]}, "introspectors"),
        ({"dpopRequired": "yes"}, "dpopRequired"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_is_no_api_is_refused_by_its_field(live: Live, body: dict[str, Any], field: str):
    given = {"identifier": "urn:example:bad", **body}
    assert list(refused(await make(live, **given), 400)["errors"]) == [field]


async def test_a_machine_gets_tokens_for_the_apis_that_it_is_granted_and_no_others(live: Live):
    crm, erp = "https://crm.example.com/2", "api://erp-2"
    await made(live, crm, accessTokenLifetime=120, accessTokenSignedResponseAlg="EdDSA")
    await made(live, erp, scopes={"crm:write": {}, "post": {}})
    grants = [{"identifier": crm, "scopes": ["crm:read", "crm:write"]}, {"identifier": erp, "scopes": ["post"]}]
    client = await live.register(scopes=["api:public", "clients:read"], apis=grants)
    token = (await live.token_for(*client, resource=crm)).json()
    claims = claims_of(token["access_token"])
    assert (claims["aud"], claims["scope"], token["expires_in"]) == (crm, "crm:read crm:write", 120)
    assert jwt.get_unverified_header(token["access_token"])["alg"] == "EdDSA"
    both = claims_of(await live.access_token(*client, resource=crm, audience=erp))
    assert (both["aud"], both["scope"]) == ([crm, erp], "crm:read post")
    assert "crm:write" in oauth_error(
        await live.token_for(*client, resource=f"{crm} {erp}", scope="crm:write"), 400, "invalid_scope"
    )
    assert "api:public" in oauth_error(
        await live.token_for(*client, resource=crm, scope="api:public"), 400, "invalid_scope"
    )
    for elsewhere in ("https://x.example.com", f"{crm} https://x.example.com"):
        oauth_error(await live.token_for(*client, resource=elsewhere), 400, "invalid_target")
    for other in (await live.register(), await live.register(apis=None)):
        assert crm in oauth_error(await live.token_for(*other, resource=crm), 400, "invalid_target")
    plain = claims_of(await live.access_token(*client))
    assert (plain["aud"], plain["scope"]) == (live.url, "api:public clients:read")


async def test_an_api_that_needs_bound_tokens_gets_no_others(live: Live):
    for number, needed in enumerate(("dpopRequired", "mtlsRequired")):
        bound = f"urn:example:bound-{number}"
        await made(live, bound, **{needed: True})
        client = await live.register(apis=[{"identifier": bound, "scopes": ["crm:read"]}])
        text = oauth_error(await live.token_for(*client, resource=bound), 400, "invalid_request")
        assert ("DPoP proof" in text, "certificate" in text) == (number == 0, number == 1)


async def test_a_token_for_the_management_api_works_there_and_a_scope_of_its_name_elsewhere_does_not(live: Live):
    other = "https://other.example.com/3"
    await made(live, other, scopes={"operate": {}, "clients:read": {}})
    client = await live.register(
        scopes=["clients:read", "api:public"], apis=[{"identifier": other, "scopes": ["operate", "clients:read"]}]
    )
    management = await live.access_token(*client, resource=f"{live.url}/api/v1")
    assert (claims_of(management)["aud"], claims_of(management)["scope"]) == (f"{live.url}/api/v1", "clients:read")

    async def status(token: str, method: str = "GET", path: str = CLIENTS) -> int:
        return (await live.http.request(method, path, headers={"Authorization": f"Bearer {token}"})).status_code

    assert await status(management) == 200
    assert await status(await live.access_token(*client, resource=other)) == 401
    for both in (f"{live.url}/api/v1 {other}", f"{other} {live.url}"):
        token = await live.access_token(*client, resource=both)
        assert "operate" not in claims_of(token)["scope"].split()
        assert (await status(token), await status(token, "POST", PATH)) == (200, 403)


async def test_only_what_a_token_has_is_granted_and_operators_grant_anything(live: Live):
    crm = "https://crm.example.com/4"
    await made(live, crm)
    grant = [{"identifier": crm, "scopes": ["crm:read"]}]
    weak = await live.caller("ann-4", "clients:write", "clients:read", "api:public")
    body = {"m2m": True, "botUserId": "ann-4"}
    refused(await live.http.post(CLIENTS, json={**body, "apis": grant}, headers=weak), 403)
    refused(await live.http.post(CLIENTS, json={**body, "apis": None}, headers=weak), 403)
    own = (await live.http.post(CLIENTS, json={**body, "scopes": ["api:public"]}, headers=weak)).json()
    there = f"{CLIENTS}/{own['clientId']}"
    ifs = {"If-Match": "*"}
    refused(await live.http.patch(there, json={"apis": grant}, headers={**weak, **ifs}), 403)
    given = await live.http.patch(there, json={"apis": grant}, headers={**live.bearer, **ifs})
    assert given.json()["apis"] == grant
    refused(await live.http.post(f"{there}/secrets", json={}, headers=weak), 403)
    assert claims_of(await live.access_token(own["clientId"], own["clientSecret"], resource=crm))["scope"] == "crm:read"
    assert (await live.http.patch(there, json={"apis": []}, headers={**weak, **ifs})).json()["apis"] == []
    for bad in ([{"identifier": "urn:nobody"}], [{"identifier": crm, "scopes": ["no"]}], [grant[0], grant[0]]):
        answer = await live.http.patch(there, json={"apis": bad}, headers={**live.bearer, **ifs})
        assert list(refused(answer, 400)["errors"]) == ["apis"]


async def test_a_deleted_api_is_withdrawn_from_its_clients_and_stays_so_when_it_is_registered_again(live: Live):
    crm = "https://crm.example.com/5"
    there = await made(live, crm)
    client = await live.register(apis=[{"identifier": crm, "scopes": ["crm:read"]}])
    listed = (await live.http.get(CLIENTS, params={"api": crm}, headers=live.bearer)).json()
    assert [each["clientId"] for each in listed] == [client[0]]
    await live.http.delete(there, headers=live.bearer)
    oauth_error(await live.token_for(*client, resource=crm), 400, "invalid_target")
    assert (await live.http.get(f"{CLIENTS}/{client[0]}", headers=live.bearer)).json()["apis"] == []
    await made(live, crm)
    oauth_error(await live.token_for(*client, resource=crm), 400, "invalid_target")


async def test_an_api_names_who_introspects_its_tokens(live: Live):
    crm = "https://crm.example.com/6"
    server, stranger = await live.register(), await live.register()
    await made(live, crm, introspectors=[server[0]])
    token = await live.access_token(*await live.register(apis=[{"identifier": crm}]), resource=crm)
    seen = []
    for client_id, secret in (server, stranger):
        form = {"token": token, "client_id": client_id, "client_secret": secret}
        seen.append((await live.http.post("/openid/introspect", data=form)).json())
    assert (seen[0]["active"], seen[0]["aud"], seen[1]) == (True, crm, {"active": False})


async def test_a_person_allows_an_api_in_its_words_and_its_tokens_have_the_claims_it_wants(live: Live):
    crm, erp = "https://crm.example.com/7", "urn:example:erp-7"
    await made(live, crm, anyClient=True, accessTokenClaims=["email"])
    await made(live, erp, name="Ledger", anyClient=True, scopes={"post": {"en": "Post for you"}})
    client = await live.interactive(displayName="My Web App")
    async with logged_in(live) as person:
        scope = "openid offline_access crm:read post"
        asking = await asked(person.browser, client[0], scope=scope, resource=f"{crm} {erp}")
        page = (await person.browser.get(asking.headers["location"])).text
        assert all(words in page for words in ("Read your contacts", "Post for you", "CRM", "Ledger", crm, erp))
        german = (await person.browser.get(asking.headers["location"], headers={"Accept-Language": "de"})).text
        assert "Deine Kontakte lesen" in german
        for api in (crm, erp):
            await allow(live, person.user, client[0], f"{scope} email", api)
        code, pkce = await code_for(live, person, client[0], scope=scope, resource=f"{crm} {erp}")
        tokens = (await redeemed(live, client, code, pkce)).json()
    claims = claims_of(tokens["access_token"])
    assert (claims["aud"], claims["scope"], "@" in claims["email"]) == ([crm, erp], scope, True)
    narrow = await refreshed(live, client, tokens["refresh_token"], resource=erp)
    claims = claims_of(narrow.json()["access_token"])
    assert (claims["aud"], claims["scope"], "email" in claims) == (erp, "openid offline_access post", False)


async def test_an_mcp_server_at_the_root_of_a_host_may_say_the_slash_or_not(live: Live):
    await made(live, "https://mcp.example.com", anyClient=True)
    refusal = refused(await make(live, "https://mcp.example.com/"), 400)["errors"]
    assert "the API https://mcp.example.com:" in refusal["identifier"][0]
    client = await live.interactive()
    async with logged_in(live) as person:
        scope = "openid offline_access crm:read"
        await allow(live, person.user, client[0], scope, "https://mcp.example.com")
        code, pkce = await code_for(live, person, client[0], scope=scope, resource="https://mcp.example.com/")
        tokens = (await redeemed(live, client, code, pkce, resource="https://mcp.example.com/")).json()
    again = (await refreshed(live, client, tokens["refresh_token"], resource="https://mcp.example.com/")).json()
    for each in (tokens, again):
        claims = claims_of(each["access_token"])
        assert (claims["aud"], claims["scope"]) == ("https://mcp.example.com", scope)
