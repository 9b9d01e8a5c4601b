"""What follows from a compromise is revoked over HTTP and at the command line, with real tokens."""

from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest

from service import operators
from service.values.scopes import OPERATORS
from tests.flows.conftest import META, Live, is_active, oauth_error, refused
from tests.flows.people import logged_in, refreshed, tokens_for
from tests.flows.test_blast_radius import CLIENTS, bearer_of, registered
from tests.flows.test_cli import on
from tests.flows.test_cli_users import typed

PATH = "/api/v1/audit/revocations"
EVENTS = "/api/v1/audit/events"


async def asked(live: Live, bearer: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    headers = {**(bearer or live.bearer), "Muniment-Reason": "ticket 4711"}
    return await live.http.post(PATH, json=body, headers=headers)


async def revoked(live: Live, **body: Any) -> Any:
    answer = await asked(live, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def happened(live: Live, position: int, request: str) -> list[Any]:
    """The events of a request, once the feed has them."""
    headers = {**live.bearer, "Muniment-Min-Position": str(position)}
    while (
        answer := await live.http.get(EVENTS, params={"request": request, "order": "oldest"}, headers=headers)
    ).status_code == 503:
        pass
    return answer.json()


async def test_all_that_follows_from_a_leaked_secret_is_revoked_and_what_another_secret_got_lives_on(live: Live):
    mallory = await operators.create(live.beside.ledger, "mallory", live.url, META, scopes=OPERATORS)
    stolen = await live.access_token(mallory.client_id, mallory.secret.reveal())
    path = f"{CLIENTS}/{mallory.client_id}/secrets"
    first = (await live.http.get(path, headers=live.bearer)).json()[0]["secretId"]
    second = (await live.http.post(path, json={}, headers=live.bearer)).json()["clientSecret"]
    other = await live.access_token(mallory.client_id, second)
    made, _ = await registered(live, bearer_of(stolen))
    its = await live.access_token(made["clientId"], made["clientSecret"])

    before = await live.last_change()
    seen = await revoked(live, id=first, dryRun=True)
    assert await live.last_change() == before
    assert (seen["dryRun"], seen["complete"], seen["lastPosition"], seen["checkpoint"]) == (True, True, None, None)
    assert seen["revoked"] == {"secret": 2, "client": 1, "token": 2}
    assert [await is_active(live, token) for token in (stolen, its, other)] == [True, True, True]

    answer = await asked(live, id=first, dryRun=False)
    done = answer.json()
    assert (done["revoked"], done["complete"], done["unchanged"]) == (seen["revoked"], True, {})
    assert done["follows"] == {"token": 2, "change": 1, "client": 1, "secret": 1}
    assert [await is_active(live, token) for token in (stolen, its, other)] == [False, False, True]
    oauth_error(await live.token_for(mallory.client_id, mallory.secret.reveal()), 401, "invalid_client")
    oauth_error(await live.token_for(made["clientId"], made["clientSecret"]), 401, "invalid_client")
    assert await live.access_token(mallory.client_id, second)
    origin, size, *_ = done["checkpoint"].split("\n")
    assert (origin, int(size) >= done["lastPosition"]) == (live.url, True)

    order, *others = await happened(live, done["position"], answer.headers["x-request-id"])
    assert (order["type"], order["reason"], order["position"]) == (
        "revocation.ordered",
        "ticket 4711",
        done["firstPosition"],
    )
    assert {event["cause"] for event in others} == {done["firstPosition"]}
    types = [event["type"] for event in others]
    assert sorted(types) == sorted([*["client.secret_revoked"] * 2, "client.disabled", *["access_token.revoked"] * 2])
    assert others[-1]["position"] == done["lastPosition"]

    again = await revoked(live, id=first, dryRun=False)
    assert (again["revoked"], again["unchanged"], again["firstPosition"]) == ({}, seen["revoked"], None)
    assert again["tokensValidUntil"] == done["tokensValidUntil"]


async def test_what_follows_from_a_user_is_stopped_and_the_reason_is_sealed_with_the_user_s_data_key(
    live: Live,
):
    client = await live.interactive(displayName="My Web App")
    async with logged_in(live) as person:
        tokens = await tokens_for(live, person, client, "openid offline_access")
        answer = await asked(live, id=str(person.user), dryRun=False)
        done = answer.json()
        assert (done["revoked"], done["complete"]) == ({"user": 1, "session": 1, "authorization": 1}, True)
        assert done["unchanged"] == {"token": 1}
        expires = jwt.decode(tokens["access_token"], options={"verify_signature": False})["exp"]
        assert datetime.fromisoformat(done["tokensValidUntil"]).timestamp() == expires
        assert not await is_active(live, tokens["access_token"])
        oauth_error(await refreshed(live, client, tokens["refresh_token"]), 400, "invalid_grant")
        order = (await happened(live, done["position"], answer.headers["x-request-id"]))[0]
        assert (order["type"], order["reason"]) == ("revocation.ordered", {"sealedFor": str(person.user)})
        stored = await live.beside.ledger.pool.fetchval(
            "select convert_from(meta, 'UTF8') from log.events where position = $1", done["firstPosition"]
        )
        assert "ticket" not in stored  # the ids in it are hexadecimal: four given digits are there by chance


async def test_a_caller_whose_own_secret_leaked_revokes_it_with_the_rest_and_is_told(live: Live):
    own = await operators.create(live.beside.ledger, "careless", live.url, META, scopes=OPERATORS)
    token = await live.access_token(own.client_id, own.secret.reveal())
    secret = (await live.http.get(f"{CLIENTS}/{own.client_id}/secrets", headers=live.bearer)).json()[0]["secretId"]
    answer = await asked(live, bearer_of(token), id=secret, dryRun=False)
    assert answer.status_code == 200, answer.text
    assert any(own.client_id in note for note in answer.json()["notes"])
    refused(await live.http.get(CLIENTS, headers=bearer_of(token)), 401)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"id", "dryRun"}),
        ({"id": "", "since": "x", "dryRun": "yes", "more": 1}, {"id", "since", "dryRun", "more"}),
        ({"id": "a\u0000b", "since": "position:999999999999", "dryRun": True}, {"id", "since"}),
        ({"id": "x", "since": "2999-01-01", "dryRun": True}, {"since"}),
    ],
)
async def test_every_fault_of_a_request_is_named(live: Live, body: dict[str, Any], faults: set[str]):
    assert set(refused(await live.http.post(PATH, json=body, headers=live.bearer), 400)["errors"]) == faults


async def test_what_is_not_there_and_who_lacks_a_scope_is_refused(live: Live):
    assert "There is nothing with this id" in refused(await asked(live, id="nobody", dryRun=True), 404)["detail"]
    lacking = await live.caller("half-an-operator", "operate", "clients:write", "audit:read")
    answer = await asked(live, lacking, id="nobody", dryRun=True)
    assert "bots:write users:write" in refused(answer, 403)["detail"]
    assert 'scope="bots:write users:write"' in answer.headers["www-authenticate"]


async def test_the_command_shows_first_what_it_would_revoke_and_revokes_only_what_somebody_confirmed(live: Live):
    client_id, secret = await live.register()
    token = await live.access_token(client_id, secret)
    before = await live.last_change()
    shown = await on(live.database, "revoke-tree", client_id, "--since", "1d", "--dry-run")
    assert (shown.status, "would be revoked" in shown.out) == (0, True)
    asked_nobody = await on(live.database, "revoke-tree", client_id)
    assert (asked_nobody.status, "say --yes, or --dry-run" in asked_nobody.err) == (1, True)
    assert await live.last_change() == before
    done = await on(live.database, "revoke-tree", client_id, "--yes", "--reason", "ticket 4711", "--json")
    assert done.json["revoked"] == {"secret": 1, "client": 1, "token": 1}
    assert not await is_active(live, token)
    again = await on(live.database, "revoke-tree", client_id, "--yes")
    assert (again.status, "there was nothing to revoke" in again.err) == (0, True)
    for wrong, said in (("--since", "neither a position"), ("--reason", "--reason is empty")):
        told = await on(live.database, "revoke-tree", client_id, wrong, " ", "--yes")
        assert (told.status, said in told.err) == (1, True)
    future = await on(live.database, "revoke-tree", client_id, "--since", "2999-01-01", "--yes")
    assert (future.status, "is in the future" in future.err) == (1, True)


async def test_at_a_terminal_the_command_asks_first(live: Live):
    client_id, secret = await live.register()
    token = await live.access_token(client_id, secret)
    status, screen = await typed(live, ("revoke-tree", client_id), "y")
    assert status == 0
    assert (
        screen.index("would be revoked") < screen.index("Revoke all of this?") < screen.index("recorded at positions")
    )
    assert not await is_active(live, token)
