"""/console/trusted-issuers: who is trusted, for what."""

from json import dumps

from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import staff
from tests.flows.test_trusted_issuers import PATH, PRIVATE, PUBLIC, trust


async def test_an_auditor_sees_who_is_trusted_for_what(live: Live):
    for each in (await live.http.get(PATH, params={"limit": "1000"}, headers=live.bearer)).json():
        assert (await live.http.delete(f"{PATH}/{each['id']}", headers=live.bearer)).status_code == 204
    async with staff(live, "auditor") as auditor:
        assert "No other server is trusted" in (await auditor.look("/trusted-issuers")).text
        made = await trust(
            live, "https://console-idp.example.com", name="Example Corp", purposes=["id_jag", "subject_token"]
        )
        assert made.status_code == 201
        page = (await auditor.look("/trusted-issuers")).text
        for said in ("Example Corp", "https://console-idp.example.com", "id_jag", "where its metadata says"):
            assert said in page


async def test_the_page_of_a_client_says_whose_tokens_it_exchanges_and_where_it_asserts_its_users(live: Live):
    client_id, _ = await live.register()
    policy = {"clients": ["crm-app"], "audiences": ["https://crm.example.com"], "scopes": ["crm:read"]}
    there = {"audience": "https://chat.example", "clientId": "app-there", "scopes": ["chat"]}
    changes = {"tokenExchange": [{**policy, "impersonation": True}], "identityAssertions": [there]}
    path, headers = f"/api/v1/auth/clients/{client_id}", {**live.bearer, "If-Match": "*"}
    assert (await live.http.patch(path, json=changes, headers=headers)).status_code == 200
    async with staff(live, "auditor") as auditor:
        page = (await auditor.look(f"/clients/{client_id}")).text
    for said in ("May exchange tokens of", "crm-app", "without saying who acts", "https://chat.example", "app-there"):
        assert said in page


async def test_an_operator_disables_enables_and_deletes_an_issuer_with_a_reason(live: Live):
    made = await trust(live, "https://stopped-idp.example.com", name="Stopped Corp", purposes=["subject_token"])
    issuer = made.json()["id"]
    there = f"/api/v1/auth/trusted-issuers/{issuer}"
    async with staff(live, "operator") as operator:
        page = await operator.look(f"/trusted-issuers/{issuer}")
        assert (await operator.send(page, "disable")).status_code == 400
        for do, state in (("disable", "disabled"), ("enable", "active"), ("disable", "disabled")):
            await operator.led(await operator.send(page, do, reason="ticket 7"))
            assert (await live.http.get(there, headers=live.bearer)).json()["state"] == state
            page = await operator.look(f"/trusted-issuers/{issuer}")
        await operator.led(await operator.send(page, "delete", reason="ticket 8"))
        assert (await live.http.get(there, headers=live.bearer)).status_code == 404
        gone = await operator.look(f"/trusted-issuers/{issuer}")
        assert (gone.status, "All trusted issuers" in gone.text) == (404, True)


async def test_an_operator_registers_and_changes_an_issuer_and_its_history_says_so(live: Live):
    async with staff(live, "operator") as operator:
        page = await operator.look("/new/trusted-issuer")
        given = {"issuer": "https://new-idp.example.com", "name": "New Corp", "reason": "ticket 9"}
        private = dumps({"keys": [PRIVATE]})
        refused = Shown(await operator.send(page, "issuer", **given, jwks=private))
        assert (refused.status, PRIVATE["d"] in refused.text) == (400, False)
        assert refused.form("issuer").fields["name"] == "New Corp"
        made = await operator.send(
            page, "issuer", **given, **{"purposes.workload": "yes"}, jwks=dumps({"keys": [PUBLIC]})
        )
        there = made.headers["location"].partition("/console")[2]
        asked = f"/api/v1/auth{there}"
        issuer = (await live.http.get(asked, headers=live.bearer)).json()
        assert (issuer["purposes"], issuer["algorithms"]) == (["workload"], ["RS256", "PS256", "ES256", "EdDSA"])
        assert issuer["jwks"]["keys"][0]["x"] == PUBLIC["x"]
        edit = await operator.look(f"{there}/edit")
        changed = {"jwks": "", "jwksUri": "https://new-idp.example.com/keys", "purposes.id_jag": "yes"}
        more = {"audiences": "urn:a urn:b", "provisions": "yes", "reason": "ticket 10"}
        assert (await operator.send(edit, "version", **changed, **more)).status_code == 303
        issuer = (await live.http.get(asked, headers=live.bearer)).json()
        assert (issuer["jwks"], issuer["jwksUri"]) == (None, "https://new-idp.example.com/keys")
        assert (issuer["audiences"], issuer["provisions"]) == (["urn:a", "urn:b"], True)
        stale = Shown(await operator.send(edit, "version", **changed, **more))
        assert (stale.status, stale.form("version").fields["jwksUri"]) == (412, "https://new-idp.example.com/keys")
        history = (await operator.look(f"{there}/history")).text
    for said in ("Trusted issuer registered", "Trusted issuer changed", "ticket 9", "ticket 10", "urn:b"):
        assert said in history
