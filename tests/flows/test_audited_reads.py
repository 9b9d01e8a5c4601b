"""No read of the audit API, of the past or of the log's entries is without a trace, and a minute of them is few events."""

from uuid import uuid4

from msgspec import json

from events.audit_read import AuditRead
from events.database import connected
from tests.flows.conftest import Live, new_database, serving
from tests.flows.test_as_of import head
from tests.flows.test_management_tokens import CLIENTS

AUDIT = "/api/v1/audit"
USERS = "/api/v1/auth/users"


async def test_every_read_leaves_a_trace_even_when_the_process_ends(postgres: str):
    database = await new_database(postgres)
    async with serving(database) as live:
        client = f"{CLIENTS}/{(await live.register())[0]}"
        await _read_everything(live, client)
    read = await _recorded(database)
    assert {(each.path, each.filters): each.found for each in read if each.since is None} == {
        (f"{AUDIT}/events", ("type=signing_key", "limit=1")): 1,
        (f"{AUDIT}/events", ("limit=3",)): 3,
        ("/log/tile/entries/000.p/3", ()): 3,
        ("/log/proof/inclusion/2", ()): None,
        (f"{client}/history", ()): 1,
        (f"{USERS}/{{user_id}}/history", ()): 0,
        (f"{CLIENTS}/{{client_id}}", ("as_of=position:1",)): 0,
        (f"{AUDIT}/stream", ("type=client.registered", "since=position:1")): None,
        (f"{AUDIT}/rehearsals", ("maxTokenLifetime=60",)): 1,
    }
    sums = {(each.path, each.filters): (each.reads, each.found) for each in read if each.since is not None}
    assert sums[f"{AUDIT}/events", ("limit=3",)] == (2, 6)
    assert sums["/log/tile/{tile:path}", ()] == (1, 2)
    reads, found = sums[f"{AUDIT}/stream", ("type=client.registered", "since=position:1")]
    assert reads == 0
    assert found is not None
    assert found > 0
    assert len(sums) == 3


async def _read_everything(live: Live, client: str) -> None:
    reader = await live.caller("a-reader", "audit:read", "clients:read", "users:read")
    followed = {**reader, "Muniment-Min-Position": str(await head(live))}
    for query in ({"type": "signing_key", "limit": 1}, *[{"limit": 3}] * 3):
        assert (await live.http.get(f"{AUDIT}/events", params=query, headers=followed)).is_success
    for path in ("tile/entries/000.p/3", "tile/entries/000.p/2", "proof/inclusion/2"):
        assert (await live.http.get(f"/log/{path}", headers=reader)).is_success
    assert (await live.http.get(f"{client}/history", headers=reader)).is_success
    assert (await live.http.get(f"{USERS}/{uuid4()}/history", headers=reader)).status_code == 404
    assert (await live.http.get(client, params={"as_of": "position:1"}, headers=reader)).status_code == 404
    wish = {"maxTokenLifetime": 60}
    assert (await live.http.post(f"{AUDIT}/rehearsals", json=wish, headers=reader)).is_success
    assert (await live.http.get(CLIENTS, params={"state": "deleted"}, headers=reader)).is_success  # no read of the past
    query = {"type": "client.registered", "since": "position:1"}
    async with live.http.stream("GET", f"{AUDIT}/stream", params=query, headers=reader) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                break


async def test_a_change_is_no_read_whatever_its_body_says(live: Live):
    client_id, _ = await live.register()
    for act, body in (("disable", '{"x": ' + "[" * 6000), ("enable", '{"dryRun": true}'), ("disable", "\udcff")):
        content, headers = body.encode(errors="surrogateescape"), {**live.bearer, "Content-Type": "application/json"}
        answer = await live.http.post(f"{CLIENTS}/{client_id}/{act}", content=content, headers=headers)
        assert answer.is_success, answer.text
    assert not [each for each in await _recorded(live.database) if client_id in each.path]


async def test_what_was_posted_about_nothing_is_not_recorded(live: Live):
    body = {"asOf": "position:1", "dryRun": True, "x" * 5000: "Ada Lovelace"}
    path = "/api/v1/auth/bots/nobody-of-this-test/restore"
    answer = await live.http.post(path, json=body, headers=live.bearer)
    assert answer.status_code == 404
    read = [each for each in await _recorded(live.database) if each.path == "/api/v1/auth/bots/{bot_id}/restore"]
    assert [each.filters for each in read] == [()]


async def _recorded(database: str) -> list[AuditRead]:
    async with connected(database) as connection:
        stored = await connection.fetch(
            "select convert_from(data, 'UTF8') from log.events where type = 'audit.read' order by position"
        )
    return [json.decode(data, type=AuditRead) for (data,) in stored]
