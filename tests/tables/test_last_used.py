"""Last used: the issuance log is followed so that every token counts exactly once, and what cannot be read stops it where all can see."""

import asyncio
from collections import Counter

import pytest
from msgspec import json

from events.database import Connection
from events.ids import client_id_of
from events.issuance import TokenIssued
from projections import last_used
from projections.engine import entries, follow, refold
from projections.engine.checkpoints import install
from projections.engine.rebuild import rebuild
from projections.engine.status import Status, statuses
from projections.engine.verify import verify
from service.crypto.credentials import new_id
from tests.tables.conftest import connected
from tests.tables.test_issuance import issue
from tests.tables.test_projections import agreed, silent

ISSUE = (
    "select log.issue(array[gen_random_uuid()], array[gen_random_uuid()], array[gen_random_uuid()], array[$1::bytea])"
)


async def followed(connection: Connection) -> None:
    await install(connection, last_used.PROJECTION)
    while await step(connection):
        pass


async def step(connection: Connection) -> bool:
    return await follow.step(connection, last_used.PROJECTION) is not None


async def told(connection: Connection) -> Status:
    return {each.name: each for each in await statuses(connection)}["last_used"]


async def test_a_token_counts_for_its_client_its_secret_and_its_bot(tokens, reader):
    client, secret = new_id(), new_id()
    for bot in ("one", "one", "other"):
        await tokens.record(issue(bot, client=client, secret=secret))
    await followed(reader)
    rows = await reader.fetch("select kind, id, used_at, tokens from read.last_used")
    times = [row[0] for row in await reader.fetch("select issued_at from log.issuance order by position")]
    assert {tuple(row) for row in rows} == {
        ("client", client_id_of(client), times[2], 3),
        ("secret", str(secret), times[2], 3),
        ("bot", "one", times[1], 2),
        ("bot", "other", times[2], 1),
    }
    assert await last_used.secrets_used(reader, [secret, new_id()]) == {secret: times[2]}


async def test_followers_that_race_count_every_token_exactly_once(database, tokens, monkeypatch):
    monkeypatch.setattr(follow, "TOKENS_A_STEP", 2)
    secrets, stopped = [new_id() for _ in range(5)], asyncio.Event()
    issued: Counter[str] = Counter()
    steps: Counter[int] = Counter()

    async def issuing(number: int) -> None:
        for turn in range(60):
            secret = secrets[(number + turn) % 5]
            await tokens.record(issue(secret=secret))
            issued[str(secret)] += 1

    async def following(number: int) -> None:
        async with connected(database) as connection:
            await install(connection, last_used.PROJECTION)
            while await step(connection) or not stopped.is_set():
                steps[number] += 1

    followers = [asyncio.create_task(following(number)) for number in range(3)]
    await asyncio.gather(*(issuing(number) for number in range(4)))
    stopped.set()
    await asyncio.gather(*followers)
    async with connected(database) as connection:
        await followed(connection)
        rows = await connection.fetch("select id, tokens from read.last_used where kind = 'secret'")
        assert {row[0]: row[1] for row in rows} == issued
        assert (await told(connection)).lag == 0
    assert sum(steps.values()) > 10
    await agreed(database, last_used.PROJECTION.name)


async def test_a_follower_that_dies_between_two_steps_loses_nothing_and_counts_nothing_twice(
    database, tokens, superuser, monkeypatch
):
    monkeypatch.setattr(follow, "TOKENS_A_STEP", 1)
    for _ in range(6):
        await tokens.record(issue())
    async with connected(database) as dying:
        await install(dying, last_used.PROJECTION)
        assert await step(dying)
        transaction = dying.transaction()
        await transaction.start()
        assert await follow._step(dying, last_used.PROJECTION)
        await superuser.execute("select pg_terminate_backend($1, 1000)", dying.get_server_pid())
    async with connected(database) as heir:
        assert (await told(heir)).position == 1
        await followed(heir)
    await agreed(database, last_used.PROJECTION.name)


async def test_a_follower_leaves_it_to_the_one_that_is_at_it(database, tokens, reader):
    await tokens.record(issue())
    async with connected(database) as busy:
        await install(busy, last_used.PROJECTION)
        async with busy.transaction():
            assert await follow._step(busy, last_used.PROJECTION)
            assert not await step(reader)
    assert (await told(reader)).position == 1


@pytest.mark.parametrize("data", [b"not JSON", b"{}", b"\xff"], ids=["no JSON", "without a sub", "no UTF-8"])
async def test_a_row_that_cannot_be_read_stops_it_visibly_at_its_position(tokens, reader, data):
    await tokens.record(issue())
    await followed(reader)
    await tokens.record(issue())
    await reader.execute(ISSUE, data)
    await tokens.record(issue())
    await followed(reader)
    now = await told(reader)
    assert (now.state, now.position, now.lag) == ("failed", 1, 3)
    assert (now.failed_position, now.error is None) == (3, False)
    assert not await step(reader), "it stays where it is"
    rows = await refold.digest(reader, "read.last_used")
    await followed(reader)
    assert await refold.digest(reader, "read.last_used") == rows


async def test_a_rebuild_repairs_it_once_the_row_can_be_read(database, tokens, reader, monkeypatch):
    poison = json.encode({"bot": "bot-abc123"})
    await tokens.record(issue())
    await reader.execute(ISSUE, poison)
    await followed(reader)
    with pytest.raises(entries.Poison):
        await rebuild(database, last_used.PROJECTION.name, silent)
    assert (await told(reader)).state == "failed", "a rebuild that fails leaves everything as it was"

    def decode(data: bytes) -> TokenIssued:
        return TokenIssued(sub=json.decode(data).get("bot") or json.decode(data)["sub"], scope="", kid="", exp=0)

    monkeypatch.setattr(entries, "decode", decode)  # what a new version of Muniment brings
    await rebuild(database, last_used.PROJECTION.name, silent)
    now = await told(reader)
    assert (now.state, now.position, now.lag, now.error) == ("active", 2, 0, None)
    await tokens.record(issue())
    await followed(reader)
    assert (await told(reader)).position == 3
    await agreed(database, last_used.PROJECTION.name)


async def test_a_log_that_is_not_the_one_that_was_followed_stops_it(tokens, reader, superuser):
    for _ in range(2):
        await tokens.record(issue())
    await followed(reader)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("update log.issuance_batches set chain = sha256(chain) where last_position = 2")
    await tokens.record(issue())
    assert not await step(reader)
    now = await told(reader)
    assert (now.state, now.position) == ("failed", 2)
    assert now.error is not None
    assert "it lost or changed history" in now.error


async def test_a_log_that_lost_its_tail_and_grew_again_stops_it(tokens, reader, superuser):
    """What a failover to a lagging standby looks like: the position is there, and it is another's."""
    for _ in range(3):
        await tokens.record(issue())
    await followed(reader)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "delete from log.issuance where position > 1; delete from log.issuance_batches where last_position > 1"
    )
    for _ in range(4):
        await tokens.record(issue())
    assert not await step(reader)
    assert (await told(reader)).state == "failed"


async def test_before_anybody_followed_it_says_so(tokens, reader):
    await tokens.record(issue())
    now = await told(reader)
    assert (now.state, now.position, now.lag, now.rows) == ("not started", 0, 1, 0)


async def test_a_tampered_count_does_not_agree(database, tokens, reader, superuser):
    client = new_id()
    await tokens.record(issue(client=client))
    await followed(reader)
    await superuser.execute("update read.last_used set tokens = 2 where kind = 'client'")
    verdict = await verify(database, last_used.PROJECTION.name, silent)
    assert verdict.differing == (f"client {client_id_of(client)}",)
