"""Clients register themselves at /openid/register (RFC 7591) and manage their registration (RFC 7592)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from service.endpoints import self_registration
from service.grants import registration_permission
from tests.flows.browsing import browser, sealed
from tests.flows.conftest import Live, new_database, oauth_error, serving, serving_registrations
from tests.flows.people import CALLBACK, asked, code_for, logged_in, redeemed, sent_back
from tests.flows.people import registered as account
from tests.flows.test_client_documents import code_by_consent
from tests.flows.test_refusals import stored
from tests.patience import until
from tests.rules.client_metadata import STOCK

PATH = "/openid/register"
WEB = {"redirect_uris": ["https://app.example.com/cb"], "client_name": "App"}


@pytest.fixture(scope="module")
async def live(postgres: str) -> AsyncIterator[Live]:
    """A service where everybody may register a client."""
    async with serving_registrations(await new_database(postgres), "open") as service:
        yield service


async def registered(live: Live, **metadata: Any) -> dict[str, Any]:
    answer = await live.http.post(PATH, json={**WEB, **metadata})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def by(client: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": client["registration_client_uri"],
        "headers": {"Authorization": f"Bearer {client['registration_access_token']}"},
    }


@pytest.mark.parametrize("name", STOCK)
async def test_stock_clients_register_and_read_what_was_registered(live: Live, name: str):
    told = await registered(live, **STOCK[name])
    assert told["redirect_uris"] == STOCK[name]["redirect_uris"]
    assert told["client_name"] == STOCK[name]["client_name"]
    is_public = STOCK[name].get("token_endpoint_auth_method") == "none"
    assert ("client_secret" in told) is not is_public
    read = await live.http.get(**by(told))
    once = {"client_secret", "client_secret_expires_at"}
    assert read.json() == {name: value for name, value in told.items() if name not in once}


async def test_the_metadata_names_the_endpoint(live: Live):
    found = (await live.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["registration_endpoint"] == f"{live.url}{PATH}"


async def test_a_person_signs_in_through_a_client_that_registered_itself(live: Live):
    told = await registered(live, scope="openid api:public")
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, told["client_id"], scope="openid api:public clients:write")
        tokens = await redeemed(live, (told["client_id"], told["client_secret"]), code, pkce)
    assert tokens.status_code == 200, tokens.text
    assert set(tokens.json()["scope"].split()) == {"openid", "api:public"}


async def test_the_consent_page_says_that_nobody_has_verified_it(live: Live):
    told = await registered(live, policy_uri="https://app.example.com/privacy", token_endpoint_auth_method="none")
    owned, _ = await live.interactive(displayName="App")
    _, email = await account(live)
    async with browser(live) as there:
        await there.signed_in(email)
        page = await there.look(f"/consent?request={await sealed(live, told['client_id'])}")
        other = await there.look(f"/consent?request={await sealed(live, owned)}")
    assert "Not verified This application registered itself. Nobody has checked who it is." in page.text
    assert "privacy policy (https://app.example.com/privacy)" in page.text
    assert "You'll be sent to app.example.com." in page.text
    assert "Not verified" not in other.text


async def test_the_log_says_how_it_came_about_and_never_its_token(live: Live):
    told = await registered(live, contacts=["a@app.example.com"], client_uri="https://app.example.com")
    history = await live.http.get(f"/api/v1/auth/clients/{told['client_id']}/history", headers=live.bearer)
    assert told["registration_access_token"] not in history.text
    assert "token_hash" not in history.text
    asked = {"client": told["client_id"], "type": "client.registered"}

    async def recorded() -> list[dict[str, Any]]:
        return (await live.http.get("/api/v1/audit/events", params=asked, headers=live.bearer)).json()

    (event,) = await until(recorded)
    assert event["actor"] == {"by": "service", "why": "a client registered itself"}
    assert event["address"] is None
    assert event["data"]["owner"] == "muniment-dynamic"
    assert event["data"]["registration"]["about"]["client_uri"] == "https://app.example.com"
    assert "a@app.example.com" not in str(event), "addresses of people would stay in the log for ever"
    assert "contacts" not in told


async def test_a_client_replaces_its_metadata_and_keeps_what_cannot_change(live: Live):
    told = await registered(live, scope="openid api:public", contacts=["a@app.example.com"])
    mine = {"client_id": told["client_id"], "redirect_uris": ["https://app.example.com/other"], "client_name": "Other"}
    answer = await live.http.put(**by(told), json=mine)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json().get(name) for name in (*mine, "scope", "contacts")} == {
        **mine,
        "scope": "openid api:public",
        "contacts": None,
    }
    assert (await live.http.get(**by(told))).json() == answer.json()
    assert (await live.http.put(**by(told), json={**mine, "client_secret": told["client_secret"]})).status_code == 200
    for wrong in (
        {"client_id": "oauth_client_other"},
        {"client_secret": "secret_of_my_choice"},
        {"token_endpoint_auth_method": "none"},
        {"grant_types": ["client_credentials"]},
        {"subject_type": "pairwise"},
    ):
        oauth_error(await live.http.put(**by(told), json={**mine, **wrong}), 400, "invalid_client_metadata")
    oauth_error(await live.http.put(**by(told), json={**mine, "redirect_uris": []}), 400, "invalid_redirect_uri")
    more = await live.http.put(**by(told), json={**mine, "scope": "openid clients:write operate"})
    assert more.json()["scope"] == "openid"


async def test_who_allowed_it_is_asked_again_only_after_its_redirect_uris_changed(live: Live):
    told = await registered(live, token_endpoint_auth_method="none", redirect_uris=[CALLBACK])
    mine = {"client_id": told["client_id"], "client_name": "App"}
    async with logged_in(live) as person:
        await code_by_consent(person, told["client_id"])
        assert (await live.http.put(**by(told), json={**mine, "redirect_uris": [CALLBACK]})).status_code == 200
        assert "code" in sent_back(await asked(person.browser, told["client_id"]))
        other = {**mine, "redirect_uris": [CALLBACK, "https://other.example/cb"]}
        assert (await live.http.put(**by(told), json=other)).status_code == 200
        await code_by_consent(person, told["client_id"])
        assert "code" in sent_back(await asked(person.browser, told["client_id"]))


async def test_a_client_with_a_key_has_no_secret_and_may_replace_its_key(live: Live):
    one, two = (ECKey.generate_key("P-256").as_dict(private=False) for _ in range(2))
    told = await registered(live, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [{**one, "kid": "1"}]})
    assert "client_secret" not in told
    assert told["token_endpoint_auth_method"] == "private_key_jwt"
    body = {"client_id": told["client_id"], **WEB}
    assert (await live.http.put(**by(told), json=body)).json()["jwks"] == told["jwks"]
    changed = await live.http.put(**by(told), json={**body, "jwks": {"keys": [{**two, "kid": "2"}]}})
    assert [key["kid"] for key in changed.json()["jwks"]["keys"]] == ["2"]
    moved = await live.http.put(**by(told), json={**body, "jwks_uri": "https://app.example.com/jwks"})
    assert moved.json()["jwks_uri"] == "https://app.example.com/jwks"
    assert "jwks" not in moved.json()
    assert (await live.http.get(**by(told))).json() == moved.json()


async def test_what_a_trusted_issuer_signed_about_the_software_goes_before_what_the_client_says(live: Live):
    key, stranger = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    issuer, header = "https://vouch.example.com", {"alg": "ES256", "typ": "JWT"}
    trust = {
        "issuer": issuer,
        "name": "Vouch",
        "purposes": ["software_statement"],
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    made = await live.http.post("/api/v1/auth/trusted-issuers", json=trust, headers=live.bearer)
    assert made.status_code == 201, made.text
    claims = {"iss": issuer, "client_name": "Vouched", "software_id": "s-1", "client_id": "oauth_client_of_mine"}
    statement = jwt.encode(header, claims, key)

    async def known() -> httpx.Response | None:
        answer = await live.http.post(PATH, json={**WEB, "software_statement": statement})
        return answer if answer.status_code == 201 else None

    told = (await until(known)).json()
    assert (told["client_name"], told["software_id"]) == ("Vouched", "s-1")
    assert told["client_id"] != "oauth_client_of_mine"
    assert told["software_statement"] == statement
    for wrong, error in (
        (jwt.encode(header, claims, stranger), "invalid_software_statement"),
        (jwt.encode(header, {**claims, "iss": "https://other.example.com"}, key), "unapproved_software_statement"),
        ("eyJhbGciOiJub25lIn0.e30.", "invalid_software_statement"),
        ("x" * 20_000, "invalid_software_statement"),
        (7, "invalid_client_metadata"),
    ):
        oauth_error(await live.http.post(PATH, json={**WEB, "software_statement": wrong}), 400, error)
    again = {"client_id": told["client_id"], **WEB, "software_statement": jwt.encode(header, claims, stranger)}
    oauth_error(await live.http.put(**by(told), json=again), 400, "invalid_software_statement")
    recorded = [json.loads(each) for each in await stored(live, "refusal.client_authentication")]
    of_statements = {each["client_id"] for each in recorded if each["why"] == "wrong_software_statement"}
    assert of_statements == {None, told["client_id"]}
    mine = {"client_id": told["client_id"], **WEB, "client_name": "My own words"}
    assert (await live.http.put(**by(told), json=mine)).json()["client_name"] == "My own words"
    row = await live.http.get(f"/api/v1/auth/clients/{told['client_id']}/history", headers=live.bearer)
    assert "client.about_changed" in {each["type"] for each in row.json()}


async def test_a_client_deletes_itself_and_its_token_is_worth_nothing_then(live: Live):
    told = await registered(live)
    assert (await live.http.delete(**by(told))).status_code == 204
    for method in ("GET", "DELETE"):
        oauth_error(await live.http.request(method, **by(told)), 401, "invalid_token")


async def test_every_wrong_token_gets_the_same_refusal(live: Live):
    told, other = await registered(live), await registered(live)
    said = {
        oauth_error(answer, 401, "invalid_token")
        for answer in [
            await live.http.get(told["registration_client_uri"]),
            await live.http.get(told["registration_client_uri"], headers=by(other)["headers"]),
            await live.http.get(told["registration_client_uri"], headers=live.bearer),
            await live.http.get(f"{PATH}/{live.client_id}", headers=by(other)["headers"]),
            await live.http.get(f"{PATH}/oauth_client_nobody", headers=by(other)["headers"]),
            await live.http.delete(told["registration_client_uri"], headers=by(other)["headers"]),
            await live.http.put(told["registration_client_uri"], headers=by(other)["headers"], json={}),
        ]
    }
    assert len(said) == 1
    assert (await live.http.get(**by(told))).status_code == 200


async def test_an_operator_who_disables_a_client_ends_its_management_too(live: Live):
    told = await registered(live)
    disabled = await live.http.post(f"/api/v1/auth/clients/{told['client_id']}/disable", headers=live.bearer)
    assert disabled.status_code == 200
    oauth_error(await live.http.get(**by(told)), 401, "invalid_token")


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "64 KiB and more": ({"content": b'{"client_name": "' + b"a" * 65_536 + b'"}'}, 413, "invalid_request"),
    "deep JSON": ({"content": b'{"a":' * 10_000}, 400, "invalid_client_metadata"),
    "no JSON": ({"content": b"redirect_uris=x"}, 400, "invalid_client_metadata"),
    "members twice": ({"content": b'{"redirect_uris": [], "redirect_uris": []}'}, 400, "invalid_client_metadata"),
    "a list": ({"content": b"[]"}, 400, "invalid_client_metadata"),
    "half a character": ({"content": b'{"client_name": "\\ud800"}'}, 400, "invalid_client_metadata"),
    "a thousand redirect URIs": (
        {"content": json.dumps({"redirect_uris": ["https://a.example/cb"] * 1000}).encode()},
        400,
        "invalid_redirect_uri",
    ),
    "plain http": (
        {"content": b'{"redirect_uris": ["http://a.example/cb"]}'},
        400,
        "invalid_redirect_uri",
    ),
    "two Authorization headers": (
        {"content": b"{}", "headers": [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]},
        400,
        "invalid_request",
    ),
    "another scheme": ({"content": b"{}", "headers": {"Authorization": "Basic eDp5"}}, 400, "invalid_request"),
    "a token that is none": ({"content": b"{}", "headers": {"Authorization": "Bearer x"}}, 401, "invalid_token"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_in_the_words_of_the_specification(live: Live, name: str):
    sent, status, error = BAD[name]
    headers = httpx.Headers(sent.get("headers", {}))
    headers["Content-Type"] = "application/json"
    oauth_error(await live.http.post(PATH, content=sent["content"], headers=headers), status, error)


async def test_another_content_type_is_refused(live: Live):
    oauth_error(await live.http.post(PATH, data={"redirect_uris": "x"}), 400, "invalid_client_metadata")


async def test_a_flood_of_registrations_is_throttled_and_recorded_once(live: Live, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registration_permission, "MOST_OF_ALL", 0)
    for _ in range(3):
        refused = await live.http.post(PATH, json=WEB)
        assert "try again" in oauth_error(refused, 429, "temporarily_unavailable")
        assert int(refused.headers["retry-after"]) <= 60


async def test_a_client_changes_itself_only_so_often(live: Live, monkeypatch: pytest.MonkeyPatch):
    told, other = await registered(live), await registered(live)
    mine = {"client_id": told["client_id"], **WEB}
    with monkeypatch.context() as patch:
        patch.setattr(self_registration, "MOST_EVENTS", 1)
        oauth_error(await live.http.put(**by(told), json=mine), 403, "access_denied")
    monkeypatch.setattr(registration_permission, "MOST_CHANGES_IN_A_DAY", 2)
    assert (await live.http.put(**by(told), json=mine)).status_code == 200
    for method in ("PUT", "DELETE"):
        oauth_error(await live.http.request(method, **by(told), json=mine), 429, "temporarily_unavailable")
    assert (await live.http.get(**by(told))).status_code == 200
    assert (await live.http.delete(**by(other))).status_code == 204


async def test_clients_that_nobody_used_are_bounded(live: Live, monkeypatch: pytest.MonkeyPatch):
    await registered(live)
    monkeypatch.setattr(registration_permission, "MOST_NEVER_USED", 1)
    oauth_error(await live.http.post(PATH, json=WEB), 429, "temporarily_unavailable")


async def test_it_is_off_unless_an_operator_turns_it_on(postgres: str):
    async with serving(await new_database(postgres)) as service:
        oauth_error(await service.http.post(PATH, json=WEB), 403, "access_denied")
        assert "registration_endpoint" not in (await service.http.get("/.well-known/openid-configuration")).json()
