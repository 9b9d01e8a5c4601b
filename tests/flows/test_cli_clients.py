"""muniment clients and muniment operator, on a live service whose API did what they tell of."""

import asyncio
import json
from pathlib import Path

from tests.flows.conftest import Live, until_used
from tests.flows.test_cli import on

CLIENTS = "/api/v1/auth/clients"


async def test_an_operator_made_at_the_command_line_may_call_the_api_with_the_scopes_it_was_given(live: Live):
    words = ("operator", "create", "alice", "--scope", "clients:read", "--scope", "operate", "--json")
    made = await on(live.database, *words, MUNIMENT_ISSUER=live.url)
    assert set(made.json) == {"client_id", "client_secret", "issuer", "token_endpoint"}
    assert made.json["token_endpoint"] == f"{live.url}/openid/token"
    assert made.err == ""
    granted = await live.token_for(made.json["client_id"], made.json["client_secret"])
    assert granted.json()["scope"] == "clients:read operate"
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    assert (await live.http.get(CLIENTS, headers=bearer)).status_code == 200
    assert (await live.http.delete(CLIENTS, headers=bearer)).status_code == 403


async def test_an_auditor_made_at_the_command_line_reads_everything_and_has_no_scope_that_writes(live: Live):
    made = await on(live.database, "operator", "create", "ines", "--auditor", MUNIMENT_ISSUER=live.url)
    assert "The auditor ines is there." in made.out
    assert "users:write" not in made.out
    client_id, secret = [made.out.split(f"{name} ")[1].split()[0] for name in ("client_id", "client_secret")]
    granted = (await live.token_for(client_id, secret)).json()
    assert granted["scope"].split() == ["audit:read", "clients:read", "bots:read", "users:read"]
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    own = (await live.http.get(f"{CLIENTS}/{client_id}", headers=bearer)).json()
    assert (own["displayName"], own["owner"]) == ("Auditor ines", "muniment")
    both = await on(live.database, "operator", "create", "ines", "--auditor", "--scope", "operate")
    assert (both.status, "contradict" in both.err) == (1, True)


async def test_an_operator_s_name_and_scopes_are_checked_before_anything_is_done(live: Live):
    blank, scope = await asyncio.gather(
        on(live.database, "operator", "create", "  "), on(live.database, "operator", "create", "bob", "--scope", 'a"b')
    )
    assert (blank.status, scope.status) == (1, 1)
    assert "printable characters" in blank.err
    assert "is not a scope" in scope.err


async def test_history_tells_what_changed_from_what_to_what_and_by_whom(live: Live):
    client_id, _ = await live.register(displayName="Before")
    path = f"{CLIENTS}/{client_id}"
    added = await live.http.post(f"{path}/secrets", json={"name": "second"}, headers=live.bearer)
    await live.http.delete(f"{path}/secrets/{added.json()['secretId']}", headers=live.bearer)
    shown = await live.http.get(path, headers=live.bearer)
    headers = {**live.bearer, "If-Match": shown.headers["etag"]}
    await live.http.patch(path, json={"displayName": "\x41fter \u200d"}, headers=headers)
    await live.http.delete(path, headers=live.bearer)
    told, script, gone = await asyncio.gather(
        on(live.database, "clients", "history", client_id),
        on(live.database, "clients", "history", client_id, "--json"),
        on(live.database, "clients", "show", client_id),
    )
    sentences = [line["told"] for line in script.lines]
    assert 'name "Before"' in sentences[0]
    assert sentences[1].startswith('secret "second" (…')
    assert sentences[1].endswith("added")
    assert sentences[2].startswith('secret "second" (…')
    assert sentences[2].endswith("revoked")
    assert sentences[3] == 'name changed from "Before" to "After \u200d"'
    assert sentences[4] == "deleted"
    assert all(line["actor"]["client_id"] == live.client_id for line in script.lines)
    assert '"After \\u200d"' in told.out  # what could paint the terminal is spelt out
    assert "hash" not in script.out
    assert gone.status == 1
    assert "was deleted" in gone.err


async def test_clients_are_listed_by_filters_and_shown_with_their_secrets_hints_and_last_use(live: Live):
    name = "Listed here alone"
    client_id, secret = await live.register(displayName=name, botUserId="bot-listed", scopes=["listed:read"])
    other, _ = await live.register(displayName=f"{name} too", botUserId="bot-listed")
    await live.http.post(f"{CLIENTS}/{other}/disable", headers=live.bearer)
    await live.access_token(client_id, secret)
    await until_used(live, client_id)
    table, first, disabled, named, scoped, shown, told = await asyncio.gather(
        on(live.database, "clients", "list", "--bot", "bot-listed"),
        on(live.database, "clients", "list", "--bot", "bot-listed", "--limit", "1", "--json"),
        on(live.database, "clients", "list", "--bot", "bot-listed", "--state", "disabled", "--json"),
        on(live.database, "clients", "list", "--name", "HERE ALONE TOO", "--json"),
        on(live.database, "clients", "list", "--scope", "listed:read", "--json"),
        on(live.database, "clients", "show", client_id, "--json"),
        on(live.database, "clients", "show", client_id),
    )
    assert table.out.split()[0] == "client_id"
    assert [line.split()[0] for line in table.out.splitlines()[2:]] == [client_id, other]
    assert [client["client_id"] for client in first.json] == [client_id]
    assert first.json[0]["last_used_at"] is not None
    assert "there are more than these 1" in first.err
    assert [client["client_id"] for client in disabled.json] == [other]
    assert [client["client_id"] for client in named.json] == [other]
    assert [client["client_id"] for client in scoped.json] == [client_id]
    (kept,) = shown.json["secrets"]
    assert (kept["hint"], "hash" in kept) == (f"…{secret[-4:]}", False)
    assert kept["last_used_at"] is not None
    assert kept["hint"] in told.out
    assert secret not in told.out + shown.out


async def test_clients_are_listed_in_the_order_that_is_asked_for(live: Live):
    made = [await live.register(displayName=name, botUserId="bot-sorted") for name in ("Weft", "loom", "Bobbin")]
    await live.access_token(*made[1])
    await until_used(live, made[1][0])
    places = {client_id: number for number, (client_id, _) in enumerate(made)}
    asked = {"newest": [2, 1, 0], "name": [2, 1, 0], "name_descending": [0, 1, 2], "long_unused": [1, 0, 2]}
    words = ("clients", "list", "--bot", "bot-sorted", "--json", "--order")
    told = await asyncio.gather(*(on(live.database, *words, order) for order in asked))
    for (order, expected), answer in zip(asked.items(), told, strict=True):
        assert [places[client["client_id"]] for client in answer.json] == expected, order
    past = await on(live.database, *words, "name", "--as-of", "position:1")
    assert (past.status, "--as-of lists the oldest first" in past.err) == (1, True)


async def test_an_id_that_is_none_is_refused_in_a_sentence(live: Live):
    malformed, unknown = await asyncio.gather(
        on(live.database, "clients", "show", "non/sense"),
        on(live.database, "clients", "history", "oauth_client_" + 32 * "0"),
    )
    assert (malformed.status, unknown.status) == (1, 1)
    assert "is not a client_id" in malformed.err
    assert "There never was" in unknown.err


async def test_clients_of_another_server_are_imported_once_with_what_they_have_there(live: Live, tmp_path: Path):
    secret = "kept since 2019 in a vault"
    crm = {"m2m": True, "botUserId": "b", "clientId": "cli-crm", "clientSecret": secret}
    file = tmp_path / "clients.json"
    file.write_text(json.dumps([crm, {"m2m": True, "botUserId": "b", "clientId": "cli-new", "scopes": ["crm:read"]}]))
    made = await on(live.database, "clients", "import", str(file), "--owner", "crm-team", "--json")
    assert [(one["client_id"], one["state"]) for one in made.json] == [
        ("cli-crm", "registered"),
        ("cli-new", "registered"),
    ]
    assert (await live.token_for("cli-crm", secret)).status_code == 200
    assert (await live.token_for("cli-new", made.json[1]["client_secret"])).json()["scope"] == "crm:read"
    shown, again = await asyncio.gather(
        on(live.database, "clients", "show", "cli-crm", "--json"),
        on(live.database, "clients", "import", str(file), "--owner", "crm-team", "--json"),
    )
    assert shown.json["owner"] == "crm-team"
    assert {one["state"] for one in again.json} == {"was there already"}


async def test_nothing_is_imported_when_anything_is_wrong_and_all_of_it_is_named(live: Live, tmp_path: Path):
    good = {"m2m": True, "botUserId": "b", "clientId": "cli-good"}
    file = tmp_path / "clients.json"
    file.write_text(json.dumps([good, {"m2m": True, "clientId": "a/b"}, "x"]))
    told = await on(live.database, "clients", "import", str(file), "--owner", "crm-team")
    assert told.status == 1
    assert all(text in told.err for text in ("no. 2: botUserId", "no. 2: clientId", "no. 3: "))
    assert (await on(live.database, "clients", "show", "cli-good")).status == 1


async def test_how_a_client_asks_for_a_sign_in_is_set_and_shown(live: Live):
    client_id, _ = await live.interactive()
    options = (
        "--require-par",
        "yes",
        "--require-jar",
        "yes",
        "--jar-alg",
        "PS256",
        "--jarm-alg",
        "ES256",
        "--userinfo-alg",
        "RS256",
        *("--request-uri", "https://app.example.com/request", "--default-max-age", "600", "--require-auth-time", "yes"),
    )
    changed = await on(live.database, "clients", "edit", client_id, *options)
    assert changed.status == 0, changed.err
    shown = (await on(live.database, "clients", "show", client_id)).out
    for part in (
        "require_pushed_authorization_requests True",
        "require_signed_request_object True",
        "request_object_signing_alg PS256",
        "authorization_signed_response_alg ES256",
        "userinfo_signed_response_alg RS256",
        "request_uris https://app.example.com/request",
        "default_max_age 600",
        "require_auth_time True",
    ):
        assert part in " ".join(shown.split())
    await on(live.database, "clients", "edit", client_id, "--require-jar", "no", "--jar-alg", "any")
    after = (await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)).json()
    assert (after["requireSignedRequestObject"], after["requestObjectSigningAlg"]) == (False, None)
    assert after["requirePushedAuthorizationRequests"] is True
