"""What is gone can still have live tokens: a revoked secret is found and stopped, and so is a single token."""

from uuid import uuid4

from tests.flows.browsing import Shown
from tests.flows.conftest import Live, refused
from tests.flows.consoles import staff
from tests.flows.people import logged_in, tokens_for
from tests.flows.test_blast_radius import jti_of
from tests.flows.test_console_evidence import reached
from tests.flows.test_management_tokens import CLIENTS
from tests.patience import until

REVOCATIONS = "/api/v1/audit/revocations"


async def is_valid(live: Live, token: str) -> bool:
    return (await live.http.get(CLIENTS, headers={"Authorization": f"Bearer {token}"})).status_code != 401


async def test_a_secret_that_was_revoked_is_chosen_and_its_tokens_are_stopped(live: Live):
    client, secret = await live.register(displayName="Rotated")
    token = await live.access_token(client, secret)
    listed = f"{CLIENTS}/{client}/secrets"
    first = (await live.http.get(listed, headers=live.bearer)).json()[0]
    await live.http.post(listed, json={"name": "next"}, headers=live.bearer)
    await live.http.delete(f"{listed}/{first['secretId']}", headers=live.bearer)
    position = await live.last_change()
    await until(lambda: reached(live, position))
    assert await is_valid(live, token)
    async with staff(live, "operator") as somebody, staff(live, "owner") as owner:
        assert (await owner.look(f"/clients/{client}/secrets")).status == 404
        page = await somebody.look(f"/clients/{client}/secrets")
        assert "1 revoked secret" in page.text
        assert any(link.endswith(f"blast-radius?id={first['secretId']}") for link in page.links)
        radius = await somebody.look(f"/clients/{client}/blast-radius?id={first['secretId']}")
        assert jti_of(token) in radius.text
        receipt = Shown(await somebody.send(radius, "stop", reason="found on a forum"))
        assert (receipt.status, f"{first['name']} {first['hint']}" in receipt.text) == (200, True), receipt.text
        assert not await is_valid(live, token)
        await live.http.delete(f"{CLIENTS}/{client}", headers=live.bearer)
        position = await live.last_change()
        await until(lambda: reached(live, position))
        gone = await somebody.look(f"/clients/{client}/blast-radius")
        assert {f"/console/clients/{client}/blast-radius?id={first['secretId']}"} <= set(gone.links)
        assert "next" in gone.text


async def test_a_single_token_is_revoked_with_a_reason_and_no_other(live: Live):
    client, secret = await live.register()
    token, other = await live.access_token(client, secret), await live.access_token(client, secret)
    async with staff(live, "operator") as somebody, staff(live, "auditor") as auditor:
        page = await somebody.look(f"/tokens/{jti_of(token)}")
        assert "Revoke this token" in page.text
        assert "Revoke this token" not in (await auditor.look(f"/tokens/{jti_of(token)}")).text
        ordered = await somebody.look(f"/blast-radius?id={jti_of(token)}")
        receipt = Shown(await somebody.send(ordered, "stop", reason="seen in a log file"))
        assert receipt.status == 200, receipt.text
        assert (await is_valid(live, token), await is_valid(live, other)) == (False, True)
        assert "Revoke this token" not in (await somebody.look(f"/tokens/{jti_of(token)}")).text
        assert "Nothing is left to stop." in (await somebody.look(f"/blast-radius?id={jti_of(token)}")).text


async def test_the_reason_for_the_revocation_of_a_users_token_is_sealed(live: Live):
    client = await live.interactive()
    async with logged_in(live) as person:
        token = (await tokens_for(live, person, client))["access_token"]
    order = {"id": jti_of(token), "dryRun": False}
    reason = {**live.bearer, "Muniment-Reason": "asked for by Ada"}
    done = (await live.http.post(REVOCATIONS, json=order, headers=reason)).json()
    assert (done["origin"], done["revoked"]) == ({"kind": "token", "id": jti_of(token)}, {"token": 1})
    again = (await live.http.post(REVOCATIONS, json=order, headers=live.bearer)).json()
    assert (again["revoked"], again["unchanged"]) == ({}, {"token": 1})
    event = (
        f"select position('asked for by Ada'::bytea in meta) from log.events where position = {done['firstPosition']}"
    )
    assert await live.beside.ledger.pool.fetchval(event) == 0
    refused(await live.http.post(REVOCATIONS, json={"id": str(uuid4()), "dryRun": "no"}, headers=live.bearer), 400)
