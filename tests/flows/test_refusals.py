"""Refused attempts that matter are in the log, a sample of them, without a secret and without what a stranger wrote."""

import logging
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec import Struct, json

from service.grants import refusal_events
from tests.flows.conftest import Live, new_database, serving
from tests.flows.test_rate_limits import whole_minute

STRANGE = "a stranger's text, secret_1234"


class Seen(Struct, frozen=True):
    client_id: str | None
    why: str


@pytest.fixture(scope="module")
async def strict(postgres: str) -> AsyncIterator[Live]:
    """A service that lets nobody fail more than eleven times a minute, and ask no more than 30 times."""
    async with serving(await new_database(postgres), rate_limit=30, failed_auth_limit=11) as live:
        yield live


async def stored(live: Live, kind: str) -> list[str]:
    connection = await asyncpg.connect(live.database)
    rows = await connection.fetch(
        "select convert_from(data, 'UTF8'), convert_from(meta, 'UTF8') from log.events where type = $1 order by position",
        kind,
    )
    await connection.close()
    assert not [row for row in rows if STRANGE in row[0] + row[1] or "secret_1234" in row[0] + row[1]]
    return [row[0] for row in rows]


async def sampled(live: Live) -> int:
    """How many wrong secrets of all clients there were in this minute, as far as they were sampled."""
    connection = await asyncpg.connect(live.database)
    used = await connection.fetchval(
        "select used from limits.counts where key = 'refusals wrong_secret' and minute = date_trunc('minute', statement_timestamp())"
    )
    await connection.close()
    return used or 0


async def refused(live: Live) -> list[Seen]:
    return [json.decode(data, type=Seen) for data in await stored(live, "refusal.client_authentication")]


async def test_failed_authentications_are_events_and_lines_ten_of_a_client_in_a_minute_and_one_that_it_is_throttled(
    strict: Live, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)

    async def ask() -> list[Seen]:
        before = len(await refused(strict))
        client_id, _ = await strict.register()
        for _ in range(13):
            await strict.token_for(client_id, STRANGE)
        found = (await refused(strict))[before:]
        assert {each.client_id for each in found} == {client_id}
        return found

    found = await whole_minute(strict, ask)
    assert [each.why for each in found] == ["wrong_secret"] * 10 + ["throttled"]
    lines = [record.getMessage() for record in caplog.records if record.name == "muniment.refusals"]
    assert f"client authentication of {found[0].client_id} was refused: wrong secret" in lines
    assert STRANGE not in caplog.text


async def test_clients_that_never_were_share_a_sample_and_are_not_named_and_deleted_ones_are(strict: Live):
    async def ask() -> list[Seen]:
        before = len(await refused(strict))
        gone, secret = await strict.register()
        await strict.http.delete(f"/api/v1/auth/clients/{gone}", headers=strict.bearer)
        await strict.token_for(gone, secret)
        for n in range(12):
            await strict.token_for(f"{STRANGE} {n}", STRANGE)
        return [each if each.client_id != gone else Seen("gone", each.why) for each in (await refused(strict))[before:]]

    found = await whole_minute(strict, ask)
    assert found[0] == Seen("gone", "client_deleted")
    assert found[1:10] == [Seen(None, "unknown_client")] * 9
    assert {each.why for each in found[10:]} <= {"throttled"}


async def test_of_all_clients_together_no_more_than_so_many_are_remembered(
    strict: Live, monkeypatch: pytest.MonkeyPatch
):
    async def ask() -> int:
        before = len(await refused(strict))
        monkeypatch.setattr(refusal_events, "MOST_OF_ALL", await sampled(strict) + 3)
        for _ in range(5):
            await strict.token_for((await strict.register())[0], STRANGE)
        return len(await refused(strict)) - before

    assert await whole_minute(strict, ask) == 3


async def test_noise_hides_no_attack_on_an_operator_and_what_is_left_out_is_counted(
    strict: Live, monkeypatch: pytest.MonkeyPatch
):
    async def ask() -> tuple[list[str | None], dict[str, int]]:
        before, resources = len(await refused(strict)), strict.application.resources
        await refusal_events.record_left_out(resources, at_end=True)
        monkeypatch.setattr(refusal_events, "MOST_OF_ALL", await sampled(strict) + 3)
        for _ in range(5):
            await strict.token_for((await strict.register())[0], STRANGE)
        await strict.token_for(strict.client_id, STRANGE)
        named = [each.client_id for each in (await refused(strict))[before:]]
        await refusal_events.record_left_out(resources, at_end=True)
        return named, json.decode((await stored(strict, "refusal.left_out"))[-1])["counts"]

    named, counts = await whole_minute(strict, ask)
    assert len(named) == 4
    assert named[3] == strict.client_id
    assert counts == {"wrong_secret": 2}


async def test_a_caller_who_asks_too_often_is_remembered_once_a_minute(strict: Live):
    async def ask() -> list[str]:
        before = len(await stored(strict, "refusal.throttled"))
        for _ in range(33):
            await strict.http.get("/api/v1/auth/bots", headers=strict.bearer)
        return (await stored(strict, "refusal.throttled"))[before:]

    (event,) = await whole_minute(strict, ask)
    assert json.decode(event)["client_id"] == strict.client_id


async def test_a_caller_who_tries_to_get_more_than_it_has_is_remembered_a_few_times_a_minute(strict: Live):
    async def ask() -> list[str]:
        narrow = await strict.caller("narrow", "clients:write")
        before = len(await stored(strict, "refusal.not_permitted"))
        asked = {"m2m": True, "botUserId": "narrow", "scopes": ["operate"]}
        for _ in range(6):
            await strict.http.post("/api/v1/auth/clients", json=asked, headers=narrow)
            await strict.http.get("/api/v1/auth/users/users@example.com/history?secret=x", headers=narrow)
        return (await stored(strict, "refusal.not_permitted"))[before:]

    found = [json.decode(event) for event in await whole_minute(strict, ask)]
    assert len(found) == 10
    assert found[0]["request"] == "POST /api/v1/auth/clients"
    assert "your token lacks: operate" in found[0]["why"]
    assert found[1]["request"] == "GET /api/v1/auth/users/{user_id}/history"
    assert "the scope users:read" in found[1]["why"]
