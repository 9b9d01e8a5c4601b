"""Idempotency-Key: the same POST twice is one command and one answer."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.flows.conftest import Live, refused

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
BODY = {"m2m": True, "botUserId": "bot-abc123"}


async def post(
    live: Live, key: str, body: Any = BODY, path: str = CLIENTS, bearer: dict[str, str] | None = None
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **(bearer or live.bearer)}
    return await live.http.post(path, content=content, headers=headers)


async def asked(live: Live, question: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(live.database)
    try:
        return await connection.fetchval(question, *arguments)
    finally:
        await connection.close()


async def test_a_retry_gets_the_first_answer_with_its_secret(live: Live):
    first = await post(live, "retry")
    again = await post(live, "retry")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await live.access_token(again.json()["clientId"], again.json()["clientSecret"])


async def test_a_retry_is_one_event(live: Live):
    before = await asked(live, "select last_position from log.batches order by 1 desc limit 1")
    for _ in range(3):
        await post(live, "one event")
    assert await asked(live, "select count(*) from log.events where position > $1", before) == 1


async def test_without_a_key_the_same_request_twice_is_two_clients(live: Live):
    first, second = [await live.http.post(CLIENTS, json=BODY, headers=live.bearer) for _ in range(2)]
    assert first.json()["clientId"] != second.json()["clientId"]


async def test_another_body_under_the_same_key_is_a_clash(live: Live):
    assert (await post(live, "clash")).status_code == 201
    for body in ({**BODY, "displayName": "other"}, {**BODY, "m2m": True, "displayName": None}):
        assert "Idempotency-Key" in refused(await post(live, "clash", body), 409)["detail"]


async def test_a_request_that_was_refused_leaves_its_key_free(live: Live):
    refused(await post(live, "free", {"m2m": True}), 400)
    assert (await post(live, "free")).status_code == 201


async def test_another_caller_s_same_key_is_another_command(live: Live):
    caller = await live.caller("idempotent-other", "clients:write")
    mine, theirs = await post(live, "shared"), await post(live, "shared", bearer=caller)
    assert theirs.status_code == 201
    assert mine.json()["clientId"] != theirs.json()["clientId"]
    assert (await post(live, "shared", bearer=caller)).content == theirs.content


async def test_the_same_key_at_another_path_is_another_command(live: Live):
    client_id, _ = await live.register()
    other_id, _ = await live.register()
    body = b'{"name": "idempotent"}'
    secrets = [await post(live, "paths", body, f"{CLIENTS}/{each}/secrets") for each in (client_id, other_id)]
    assert [answer.status_code for answer in secrets] == [201, 201]
    assert secrets[0].json()["clientSecret"] != secrets[1].json()["clientSecret"]
    assert (await post(live, "paths", body, f"{CLIENTS}/{client_id}/secrets")).content == secrets[0].content


async def test_a_key_tells_nobody_the_answer_to_somebody_else_s_secret(live: Live):
    """The path of another's client and its key: the answer is the refusal that any stranger gets."""
    client_id, _ = await live.register()
    path = f"{CLIENTS}/{client_id}/secrets"
    assert (await post(live, "guessed", b"{}", path)).status_code == 201
    caller = await live.caller("idempotent-thief", "clients:write")
    refused(await post(live, "guessed", b"{}", path, caller), 404)


async def test_ten_at_once_are_one_client(live: Live):
    answers = await asyncio.gather(*(post(live, "ten") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_of_ten_different_ones_at_once_under_one_key_one_wins(live: Live):
    answers = await asyncio.gather(*(post(live, "race", {**BODY, "displayName": f"n{n}"}) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_a_bot_and_a_secret_are_made_once_too(live: Live):
    bots = await asyncio.gather(*(post(live, "bot", {"email": "idempotent@example.com"}, BOTS) for _ in range(5)))
    assert len({(answer.status_code, answer.content) for answer in bots}) == 1
    assert bots[0].status_code == 201
    client_id, _ = await live.register()
    path = f"{CLIENTS}/{client_id}/secrets"
    secrets = await asyncio.gather(*(post(live, "secret", {"name": "second"}, path) for _ in range(5)))
    assert len({answer.content for answer in secrets}) == 1
    assert len((await live.http.get(path, headers=live.bearer)).json()) == 2


async def test_a_key_may_have_255_printable_characters(live: Live):
    key = "".join(chr(c) for c in range(33, 127)) + "x" * 161
    assert [(await post(live, key)).status_code for _ in range(2)] == [201, 201]


async def test_the_kept_answer_can_be_read_by_nobody_who_reads_the_database(live: Live):
    answer = (await post(live, "kept key")).json()
    connection = await asyncpg.connect(live.database)
    rows = await connection.fetch(
        "select command_id::text, fingerprint, response, c::text as shown from log.commands c"
    )
    await connection.close()
    assert rows
    everything = b"".join(bytes(row["response"]) + bytes(row["fingerprint"]) + row["shown"].encode() for row in rows)
    for secret in (answer["clientSecret"], answer["clientId"], "kept key"):
        assert secret.encode() not in everything
        assert secret.encode().hex().encode() not in everything


async def test_after_24_hours_a_key_is_free_again(live: Live):
    first = await post(live, "old")
    await asked(
        live,
        "update log.commands set recorded_at = recorded_at - interval '25 hours' where last_position = $1",
        int(first.headers["muniment-position"]),
    )
    again = await post(live, "old")
    assert again.status_code == 201, again.text
    assert again.json()["clientId"] != first.json()["clientId"]
    assert (await post(live, "old")).content == again.content


async def test_an_answer_sealed_under_a_former_master_key_is_a_clash_and_no_second_client(live: Live):
    first = await post(live, "former")
    await asked(
        live,
        "update log.commands set response = set_byte(response, 0, get_byte(response, 0) # 1) where last_position = $1",
        int(first.headers["muniment-position"]),
    )
    assert "master key" in refused(await post(live, "former"), 409)["detail"]


MADE = {
    "a client": (CLIENTS, BODY),
    "a bot": (BOTS, {"email": "idempotent-deleted@example.com"}),
    "a person": ("/api/v1/auth/users", {"email": "idempotent-erased@example.com", "name": "Ada Lovelace"}),
    "a secret": (f"{CLIENTS}/CLIENT/secrets", {"name": "revoked"}),
}


@pytest.mark.parametrize(("path", "body"), MADE.values(), ids=MADE)
async def test_of_what_was_deleted_since_nothing_is_told_again(live: Live, path: str, body: Any):
    client_id, _ = await live.register()
    path = path.replace("CLIENT", client_id)
    first = await post(live, "deleted", body, path)
    assert first.status_code == 201
    assert (await post(live, "deleted", body, path)).content == first.content
    assert (await live.http.delete(first.headers["location"], headers=live.bearer)).status_code == 204
    again = await post(live, "deleted", body, path)
    assert "new Idempotency-Key" in refused(again, 409)["detail"]
    assert not [value for value in first.json().values() if value and isinstance(value, str) and value in again.text]


async def test_of_a_secret_whose_client_was_deleted_nothing_is_told_again_either(live: Live):
    client_id, _ = await live.register()
    path = f"{CLIENTS}/{client_id}/secrets"
    assert (await post(live, "gone with it", b"{}", path)).status_code == 201
    assert (await live.http.delete(f"{CLIENTS}/{client_id}", headers=live.bearer)).status_code == 204
    refused(await post(live, "gone with it", b"{}", path), 409)
