"""The security settings of a client in the console: how it authenticates, what its tokens are bound to, what it may do for others."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from service.clock import utc_now
from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import Staff, form, staff
from tests.flows.test_private_key_jwt import OTHER, public

CLIENTS = "/api/v1/auth/clients"
ISSUER = "https://token.actions.example.com"
WORKLOAD = {
    "tokenEndpointAuthMethod": "workload_identity",
    "workloadIdentities.0.issuer": ISSUER,
    "workloadIdentities.0.subject": "repo:acme/crm:ref:refs/heads/main",
    "workloadIdentities.0.singleUse": "yes",
}
EXCHANGE = {
    "tokenExchange.0.clients": "crm",
    "tokenExchange.0.audiences": "urn:example:crm",
    "tokenExchange.0.scopes": "crm:read crm:write",
}
ASSERTION = {"identityAssertions.0.audience": "https://other.example.com", "identityAssertions.0.clientId": "there"}
POWER: Mapping[str, Mapping[str, str]] = {
    "a key at an address": {
        "tokenEndpointAuthMethod": "private_key_jwt",
        "jwksUri": "https://crm.example.com/jwks.json",
    },
    "a certificate of its own, by a key at an address": {
        "tokenEndpointAuthMethod": "self_signed_tls_client_auth",
        "jwksUri": "https://crm.example.com/jwks.json",
    },
    "a certificate": {
        "tokenEndpointAuthMethod": "tls_client_auth",
        "certificateNameKind": "tlsClientAuthSanDns",
        "certificateName": "crm.example.com",
    },
    "a workload": WORKLOAD,
    "an exchange": EXCHANGE,
    "an assertion": ASSERTION,
}


async def read(live: Live, client: str) -> dict[str, Any]:
    return (await live.http.get(f"{CLIENTS}/{client}", headers=live.bearer)).json()


async def saved(somebody: Staff, client: str, **fields: str) -> Shown:
    page = await somebody.look(f"/clients/{client}/edit")
    return Shown(await somebody.led(await somebody.send(page, "version", **fields, reason="x")))


async def trust(live: Live) -> None:
    body = {"issuer": ISSUER, "name": "Actions", "purposes": ["workload"]}
    answer = await live.http.post("/api/v1/auth/trusted-issuers", json=body, headers=live.bearer)
    assert answer.status_code in (201, 409), answer.text


@pytest.mark.parametrize("which", POWER)
async def test_what_gives_power_needs_a_recent_sign_in_and_is_then_saved(live: Live, which: str):
    client, _ = await live.register()
    old = await read(live, client)
    async with staff(live, "operator", proved_at=utc_now() - timedelta(hours=1)) as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        asked = await somebody.send(page, "version", **POWER[which], reason="x")
        assert "/openid/authorize" in asked.headers.get("location", ""), asked.text
        assert await read(live, client) == old
    async with staff(live, "operator") as somebody:
        page = await saved(somebody, client, **POWER[which])
        assert "The client is changed." in page.text
    assert await read(live, client) != old


async def test_a_new_client_gets_a_workload_instead_of_a_secret_after_a_recent_sign_in(live: Live):
    await trust(live)
    fields = {"botUserId": "bot-1", "displayName": "CI", **WORKLOAD, **EXCHANGE, "dpopBoundAccessTokens": "yes"}
    async with staff(live, "operator", proved_at=utc_now() - timedelta(hours=1)) as somebody:
        page = await somebody.look("/new/client?kind=machine")
        asked = await somebody.send(page, "kind", **fields, reason="x")
        assert "/openid/authorize" in asked.headers.get("location", ""), asked.text
    async with staff(live, "operator") as somebody:
        sent = await somebody.send(await somebody.look("/new/client?kind=machine"), "kind", **fields, reason="x")
        made = await somebody.led(sent)
        assert ("the client authenticates without one" in made.text, "secret_" in made.text) == (True, False)
        about = await read(live, sent.headers["location"].partition("made=")[2])
        assert (about["tokenEndpointAuthMethod"], about["dpopBoundAccessTokens"]) == ("workload_identity", True)
        assert about["tokenExchange"][0]["audiences"] == ["urn:example:crm"]


async def test_a_new_client_gets_its_keys_and_a_refused_key_is_not_shown_again(live: Live):
    fields = {"botUserId": "bot-1", "tokenEndpointAuthMethod": "private_key_jwt", "reason": "x"}
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/client?kind=machine")
        private = json.dumps(OTHER.as_dict(private=True))
        refused = await somebody.send(page, "kind", **fields, jwks=private)
        assert (refused.status_code, str(OTHER.as_dict(private=True)["d"]) in refused.text) == (400, False)
        sent = await somebody.send(page, "kind", **fields, jwks=json.dumps(public(OTHER)))
        assert sent.status_code == 303, sent.text
        client = sent.headers["location"].partition("made=")[2]
        assert len((await live.http.get(f"{CLIENTS}/{client}/keys", headers=live.bearer)).json()) == 1


async def test_to_demand_less_of_a_client_needs_a_recent_sign_in_and_to_demand_more_does_not(live: Live):
    client, _ = await live.register()
    both = {"dpopBoundAccessTokens": "yes", "tlsClientCertificateBoundAccessTokens": "yes"}
    async with staff(live, "operator", proved_at=utc_now() - timedelta(hours=1)) as somebody:
        assert "The client is changed." in (await saved(somebody, client, **both)).text
        for name in both:
            page = await somebody.look(f"/clients/{client}/edit")
            asked = await somebody.send(page, "version", **{name: ""}, reason="x")
            assert "/openid/authorize" in asked.headers.get("location", ""), name
    after = await read(live, client)
    assert (after["dpopBoundAccessTokens"], after["tlsClientCertificateBoundAccessTokens"]) == (True, True)


async def test_the_things_of_a_list_are_added_changed_and_removed_and_an_untouched_form_changes_none(live: Live):
    await trust(live)
    client, _ = await live.register()
    async with staff(live, "operator") as somebody:
        assert f'value="{ISSUER}">Actions' in (await somebody.browser.http.get(f"/console/clients/{client}/edit")).text
        await saved(somebody, client, **WORKLOAD)
        second = {"workloadIdentities.1.issuer": ISSUER, "workloadIdentities.1.subject": "repo:acme/billing:*"}
        await saved(somebody, client, **second)
        before = await read(live, client)
        assert [(each["subject"], each["singleUse"]) for each in before["workloadIdentities"]] == [
            (WORKLOAD["workloadIdentities.0.subject"], True),
            ("repo:acme/billing:*", False),
        ]
        await saved(somebody, client, displayName="Renamed")
        assert (await read(live, client))["workloadIdentities"] == before["workloadIdentities"]
        await saved(somebody, client, **{"workloadIdentities.0.remove": "yes"})
        assert (await read(live, client))["workloadIdentities"] == before["workloadIdentities"][1:]
        await saved(somebody, client, **EXCHANGE, **ASSERTION)
        about = await read(live, client)
        assert (about["tokenExchange"][0]["scopes"], about["identityAssertions"][0]["clientId"]) == (
            ["crm:read", "crm:write"],
            "there",
        )
        page = await somebody.look(f"/clients/{client}")
        assert all(
            text in page.text for text in ("repo:acme/billing:*", "urn:example:crm", "https://other.example.com")
        )


async def test_what_the_api_says_of_a_thing_in_a_list_stands_at_its_field(live: Live):
    client, _ = await live.register()
    wrong = {**WORKLOAD, "workloadIdentities.0.subject": "*", "identityAssertions.0.audience": "https://x.example"}
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        sent = await somebody.send(page, "version", **wrong, reason="x")
        assert sent.status_code == 400
        for place in ('href="#f-workloadIdentities.0"', 'id="f-identityAssertions.0.clientId-fault"'):
            assert place in sent.text, sent.text
        fields = form(Shown(sent), "version").fields
        assert (fields["workloadIdentities.0.subject"], fields["tokenEndpointAuthMethod"]) == ("*", "workload_identity")
        certificate = {"tokenEndpointAuthMethod": "tls_client_auth", "certificateName": " "}
        sent = await somebody.send(page, "version", **certificate, reason="x")
        assert (sent.status_code, 'href="#f-tokenEndpointAuthMethod"' in sent.text) == (400, True)


async def test_only_an_operator_is_asked_what_a_client_may_do_for_others_and_a_bot_with_a_secret_has_no_open_group(
    live: Live,
):
    async with staff(live, "owner") as owner:
        made = await owner.send(await owner.look("/new/client?kind=machine"), "kind", botUserId="b", reason="x")
        client = made.headers["location"].partition("made=")[2]
        edit = await owner.browser.http.get(f"/console/clients/{client}/edit")
        assert ("tokenExchange" in edit.text, "How it authenticates" in edit.text) == (False, True)
        assert '<details class="group" open>' not in edit.text
