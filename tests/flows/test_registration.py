"""POST /api/v1/auth/clients: what comes of a good request."""

import asyncio
import re
from hashlib import sha256

import asyncpg
import bcrypt
import httpx
import jwt
import pytest
from msgspec import json

from service.imported_secrets import ADDRESS_LIMIT
from tests.flows.conftest import Live, oauth_error, refused
from tests.flows.people import registered
from tests.flows.test_rate_limits import whole_minute

CLIENTS = "/api/v1/auth/clients"


async def test_the_answer_is_a_client_id_and_a_secret_at_a_new_place(live: Live):
    created = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "bot-abc123"}, headers=live.bearer)
    assert created.status_code == 201
    assert created.headers["content-type"] == "application/json"
    assert created.headers["cache-control"] == "no-store"
    assert set(created.json()) == {"clientId", "clientSecret"}
    assert re.fullmatch(r"oauth_client_[0-9a-f]{32}", created.json()["clientId"])
    assert re.fullmatch(r"secret_[A-Za-z0-9_-]{43}", created.json()["clientSecret"])
    assert created.headers["location"] == f"{CLIENTS}/{created.json()['clientId']}"
    assert int(created.headers["muniment-position"]) > 0
    shown = await live.http.get(created.headers["location"], headers=live.bearer)
    assert shown.status_code == 200
    secret = created.json()["clientSecret"]
    assert secret not in shown.text
    assert "clientSecret" not in shown.json()
    assert sha256(secret.encode()).hexdigest() not in shown.text


async def test_everything_that_was_sent_is_kept(live: Live):
    name = "Größe \U0001f916 'x' \"y\" \\ <b> \u200d"
    client_id, _ = await live.register(
        displayName=name, redirectUri="https://a.example/cb?x=1", botUserId="böt / 1 ?#%00"
    )
    shown = (await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)).json()
    assert shown["displayName"] == name
    assert shown["botUserId"] == "böt / 1 ?#%00"
    assert shown["redirectUris"] == ["https://a.example/cb?x=1"]
    assert (shown["m2m"], shown["state"], shown["scopes"], shown["lastUsedUtc"]) == (
        True,
        "active",
        ["api:public"],
        None,
    )


async def test_optional_fields_may_be_null_or_left_out(live: Live):
    for body in (
        {"m2m": True, "botUserId": "b", "displayName": None, "redirectUri": None},
        {"m2m": True, "botUserId": "b"},
        {"m2m": False, "redirectUri": "https://a.example/cb"},
        {"m2m": False, "redirectUri": "https://a.example/cb", "botUserId": None, "displayName": ""},
    ):
        created = await live.http.post(CLIENTS, json=body, headers=live.bearer)
        assert created.status_code == 201, created.text


async def test_each_secret_and_each_client_id_is_made_anew(live: Live):
    made = [await live.register(displayName="the same") for _ in range(3)]
    assert len({client_id for client_id, _ in made}) == len({secret for _, secret in made}) == 3


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=latin-1"]
)
async def test_a_content_type_may_have_parameters(live: Live, kind: str):
    body = '{"m2m": true, "botUserId": "é"}'.encode()
    assert (
        await live.http.post(CLIENTS, content=body, headers={**live.bearer, "Content-Type": kind})
    ).status_code == 201


@pytest.mark.parametrize(
    "uri",
    [
        "https://myapp.example.com/oauth/callback",
        "https://myapp.example.com",
        "https://myapp.example.com:8443/a/b?c=d&e=%20",
        "HTTPS://MyApp.example.com/Callback",
        "https://[2001:db8::1]/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:12345/cb",
        "http://localhost:3000/cb",
        "http://[::1]:9000/cb",
        "com.example.app:/oauth/callback",
        "com.example.app://callback",
        "https://a.example/" + "x" * 1982,
    ],
)
async def test_a_good_redirect_uri_is_registered_as_it_is(live: Live, uri: str):
    client_id, _ = await live.interactive(redirectUri=uri)
    assert (await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)).json()["redirectUris"] == [uri]


async def test_a_new_client_has_no_scope_that_its_caller_does_not_hold(live: Live):
    caller = await live.caller("narrow", "clients:write", "clients:read")
    created = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=caller)
    assert created.status_code == 201
    shown = await live.http.get(created.headers["location"], headers=caller)
    assert shown.json()["scopes"] == []
    assert shown.json()["owner"] == "narrow"


async def test_a_registered_bot_must_be_well_to_get_a_client(live: Live):
    bot = (await live.http.post("/api/v1/auth/bots", json={"email": "well@example.com"}, headers=live.bearer)).json()[
        "id"
    ]
    asked = {"m2m": True, "botUserId": bot}
    assert (await live.http.post(CLIENTS, json=asked, headers=live.bearer)).status_code == 201
    await live.http.post(f"/api/v1/auth/bots/{bot}/disable", headers=live.bearer)
    answer = refused(await live.http.post(CLIENTS, json=asked, headers=live.bearer), 400)
    assert answer["errors"] == {"botUserId": ["is a bot that was disabled"]}
    await live.http.delete(f"/api/v1/auth/bots/{bot}", headers=live.bearer)
    answer = refused(await live.http.post(CLIENTS, json=asked, headers=live.bearer), 400)
    assert answer["errors"] == {"botUserId": ["is a bot that was deleted"]}


async def test_somebody_else_s_bot_gets_no_client_of_mine(live: Live):
    bot = (await live.http.post("/api/v1/auth/bots", json={"email": "theirs@example.com"}, headers=live.bearer)).json()[
        "id"
    ]
    caller = await live.caller("thief", "clients:write", "clients:read", "api:public")
    for asked in ({"m2m": True}, {"m2m": False, "redirectUri": "https://a.example/cb"}):
        answer = refused(await live.http.post(CLIENTS, json={**asked, "botUserId": bot}, headers=caller), 400)
        assert list(answer["errors"]) == ["botUserId"]


async def test_no_machine_acts_as_a_person(live: Live):
    user, _ = await registered(live)
    for bot, said in ((str(user), "is the id of a user"), (user.hex, "looks like"), (str(user).upper(), "looks like")):
        answer = await live.http.post("/api/v1/auth/clients", json={"m2m": True, "botUserId": bot}, headers=live.bearer)
        assert refused(answer, 400)["errors"]["botUserId"][0].startswith(said)
    directory = "0192f000-0000-7000-8000-000000000001"  # the surrounding product may name its bots like this
    await live.register(botUserId=directory)


async def test_redirect_uris_scopes_and_the_first_secret_s_name_can_be_said_at_once(live: Live):
    body = {
        "m2m": False,
        "redirectUri": "https://a.example/cb",
        "redirectUris": ["https://b.example/cb", "https://a.example/cb"],
        "scopes": ["openid", "crm:read", "crm:read"],
        "secretName": "laptop",
    }
    created = await live.http.post(CLIENTS, json=body, headers=live.bearer)
    assert created.status_code == 201, created.text
    shown = (await live.http.get(created.headers["location"], headers=live.bearer)).json()
    assert shown["redirectUris"] == ["https://a.example/cb", "https://b.example/cb"]
    assert shown["scopes"] == ["crm:read"]
    secrets = (await live.http.get(f"{created.headers['location']}/secrets", headers=live.bearer)).json()
    assert [one["name"] for one in secrets] == ["laptop"]


async def test_redirect_uris_do_instead_of_one(live: Live):
    for body, status in ((["https://a.example/cb"], 201), ([], 400)):
        created = await live.http.post(CLIENTS, json={"m2m": False, "redirectUris": body}, headers=live.bearer)
        assert created.status_code == status, created.text


async def test_a_scope_that_an_operator_gave_is_in_the_first_token(live: Live):
    client = await live.register(scopes=["invoices:read"])
    assert (await live.token_for(*client)).json()["scope"] == "invoices:read"


async def test_nobody_else_registers_with_a_scope_that_they_lack(live: Live):
    caller = await live.caller("registers", "clients:write", "api:public")
    body = {"m2m": True, "botUserId": "b", "scopes": ["api:public", "invoices:read"]}
    assert "invoices:read" in refused(await live.http.post(CLIENTS, json=body, headers=caller), 403)["detail"]
    assert (await live.http.post(CLIENTS, json={**body, "scopes": ["api:public"]}, headers=caller)).status_code == 201


async def test_every_fault_of_several_redirect_uris_is_named(live: Live):
    many = [f"https://a.example/{n}" for n in range(20)]
    for body, field, fault in (
        ({"redirectUris": ["https://a.example/", "ftp://b/"]}, "redirectUris", "[1] "),
        ({"redirectUri": "https://b.example/", "redirectUris": many}, "redirectUris", "more than 20"),
        ({"redirectUris": [*many, "https://b.example/"]}, "redirectUris", "20"),
        ({"redirectUri": "ftp://b/", "redirectUris": ["https://a.example/"]}, "redirectUri", "ftp"),
    ):
        errors = refused(await live.http.post(CLIENTS, json={"m2m": False, **body}, headers=live.bearer), 400)["errors"]
        assert list(errors) == [field]
        assert fault in errors[field][0]


async def test_a_value_that_is_none_of_several_is_told_them(live: Live):
    body = {"m2m": False, "redirectUri": "https://a.example/", "idTokenSignedResponseAlg": "HS256"}
    errors = refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 400)["errors"]
    assert errors == {"idTokenSignedResponseAlg": ["must be one of: RS256, ES256"]}


HASHED = bcrypt.hashpw(b"a secret of another server", bcrypt.gensalt(4)).decode()


async def test_a_client_is_brought_along_with_its_id_and_its_secret(live: Live):
    body = {"m2m": True, "botUserId": "b", "clientId": "crm:sync@old", "clientSecret": "kept since 2019 +/=%"}
    created = await live.http.post(CLIENTS, json=body, headers=live.bearer)
    assert created.status_code == 201, created.text
    assert created.json() == {"clientId": "crm:sync@old", "clientSecret": None}
    token = await live.access_token("crm:sync@old", "kept since 2019 +/=%")
    assert jwt.decode(token, options={"verify_signature": False})["client_id"] == "crm:sync@old"
    shown = await live.http.get(created.headers["location"], headers=live.bearer)
    assert (shown.status_code, shown.json()["clientId"]) == (200, "crm:sync@old")
    secret = await live.http.post(f"{created.headers['location']}/secrets", json={}, headers=live.bearer)
    assert (await live.token_for("crm:sync@old", secret.json()["clientSecret"])).status_code == 200
    refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 409)
    assert (await live.http.delete(created.headers["location"], headers=live.bearer)).status_code == 204
    oauth_error(await live.token_for("crm:sync@old", "kept since 2019 +/=%"), 401, "invalid_client")
    refused(await live.http.post(CLIENTS, json=body, headers=live.bearer), 409)


async def test_a_secret_that_is_known_by_another_server_s_hash_is_proved_once_and_then_kept_as_ours(live: Live):
    body = {"m2m": True, "botUserId": "b", "clientId": "of-hydra", "clientSecretHash": HASHED}
    place = (await live.http.post(CLIENTS, json=body, headers=live.bearer)).headers["location"]
    oauth_error(await live.token_for("of-hydra", "another secret altogether"), 401, "invalid_client")
    assert (await live.http.get(f"{place}/secrets", headers=live.bearer)).json()[0]["hint"] == "unknown"
    answers = await asyncio.gather(*(live.token_for("of-hydra", "a secret of another server") for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (await live.http.get(place, headers=live.bearer)).headers["etag"] == '"2"'
    assert (await live.http.get(f"{place}/secrets", headers=live.bearer)).json()[0]["hint"] == "…rver"


async def test_a_short_secret_keeps_its_slow_hash_for_a_fast_one_would_be_guessed(live: Live):
    kept = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    body = {"m2m": True, "botUserId": "b", "clientId": "of-a-person", "clientSecretHash": kept}
    place = (await live.http.post(CLIENTS, json=body, headers=live.bearer)).headers["location"]
    for _ in range(2):
        assert (await live.token_for("of-a-person", "hunter2")).status_code == 200
    oauth_error(await live.token_for("of-a-person", "hunter3"), 401, "invalid_client")
    assert (await live.http.get(place, headers=live.bearer)).headers["etag"] == '"1"'
    secret = (await live.http.get(f"{place}/secrets", headers=live.bearer)).json()[0]
    assert secret["hint"] == "unknown"
    assert (await live.http.delete(f"{place}/secrets/{secret['secretId']}", headers=live.bearer)).status_code == 204
    oauth_error(await live.token_for("of-a-person", "hunter2"), 401, "invalid_client")


async def test_strangers_cannot_have_slow_hashes_computed_without_end(live: Live):
    body = {"m2m": True, "botUserId": "b", "clientId": "guessed-at", "clientSecretHash": HASHED}
    await live.http.post(CLIENTS, json=body, headers=live.bearer)

    async def guess() -> list[httpx.Response]:
        return [await live.token_for("guessed-at", f"guess {n}") for n in range(ADDRESS_LIMIT + 1)]

    answers = await whole_minute(live, guess)
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) <= 60
    connection = await asyncpg.connect(live.database)
    remembered = "select convert_from(data, 'UTF8') from log.events where type = 'refusal.client_authentication'"
    told = [json.decode(row[0]) for row in await connection.fetch(remembered)]
    await connection.close()
    assert {"wrong_secret", "throttled"} <= {event["why"] for event in told if event["client_id"] == "guessed-at"}


async def test_only_an_operator_brings_clients_along_and_every_fault_is_named(live: Live):
    caller = await live.caller("no-operator", "clients:write", "api:public")
    good = {"m2m": False, "redirectUri": "https://a.example/"}
    for field, value in (("clientId", "x"), ("clientSecret", "x" * 16), ("clientSecretHash", HASHED)):
        answer = await live.http.post(CLIENTS, json={**good, field: value}, headers=caller)
        assert "operator" in refused(answer, 403)["detail"]
    for body, fields in (
        (
            {"clientId": "a/b", "clientSecret": "short", "clientSecretHash": "md5"},
            {"clientId", "clientSecret", "clientSecretHash"},
        ),
        ({"clientId": f"OAuth_Client_{'0' * 32}"}, {"clientId"}),
        ({"public": True, "clientSecretHash": HASHED}, {"clientSecretHash"}),
        ({"clientSecret": "x" * 15 + "é"}, {"clientSecret"}),
    ):
        answer = refused(await live.http.post(CLIENTS, json={**good, **body}, headers=live.bearer), 400)
        assert set(answer["errors"]) == fields
