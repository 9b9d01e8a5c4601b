"""/console/trusted-issuers: who is trusted, for what."""

from tests.flows.conftest import Live
from tests.flows.consoles import staff
from tests.flows.test_trusted_issuers import trust


async def test_an_auditor_sees_who_is_trusted_for_what(live: Live):
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
        page = await operator.look("/trusted-issuers")
        assert (await operator.send(page, f"disable-{issuer}")).status_code == 400
        for do, state in (("disable", "disabled"), ("enable", "active"), ("disable", "disabled")):
            await operator.led(await operator.send(page, f"{do}-{issuer}", reason="ticket 7"))
            assert (await live.http.get(there, headers=live.bearer)).json()["state"] == state
            page = await operator.look("/trusted-issuers")
        await operator.led(await operator.send(page, f"delete-{issuer}", reason="ticket 8"))
        assert (await live.http.get(there, headers=live.bearer)).status_code == 404
