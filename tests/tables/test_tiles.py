"""The two trees follow their logs: the leaves that Postgres hashes, the tiles, and what stops them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from events.database import Connection
from events.issuance import IssuanceLog
from events.transparency import tree
from events.transparency.entries import (
    EVENT_LEAF,
    MOST_DATA,
    MOST_META,
    TOKEN_LEAF,
    bundle,
    event_entry,
    leaf_hash,
    token_entry,
)
from events.transparency.tree import Place
from projections import issuance_tiles, log_tiles, tiles
from projections.catch_up import CatchUp
from projections.engine import bulk, checkpoints, entries, follow
from projections.engine.checkpoints import install
from projections.engine.rebuild import rebuild
from projections.engine.verify import verify
from service.crypto.credentials import new_id
from tests.rules import test_tree
from tests.tables.conftest import column, connected
from tests.tables.test_issuance import issue
from tests.tables.test_projections import agreed, silent

BOTH = pytest.mark.parametrize("projection", [log_tiles.PROJECTION, issuance_tiles.PROJECTION], ids=lambda p: p.name)

APPEND = """
select log.append_events(array_agg(gen_random_uuid()), array_agg(0), null::uuid[], null::bytea[], null::bytea[], array_agg(i), array_agg(1), array_agg(1::smallint),
                         array_agg('bot.disabled'::text), array_agg('{}'::bytea), array_agg('{}'::bytea))
  from generate_series(1, $1::int) as i
"""
ISSUE = """
select log.issue(array_agg(gen_random_uuid()), array_agg(gen_random_uuid()), array_agg(gen_random_uuid()), array_agg('{}'::bytea))
  from generate_series(1, $1::int) as i
"""
INSERT = "insert into log.events values ($1, $2::text::timestamptz, $3, $4, $5, $6, sha256(''), $7, $8)"
TIMES = ["2000-01-01 00:00:00.000001+00", "2026-11-27 11:59:59.999999+00", "2242-03-16 12:56:31.5+00"]


async def grow(connection: Connection, projection: CatchUp[Any, Any], *batches: int) -> None:
    for count in batches:
        await connection.execute(APPEND if projection is log_tiles.PROJECTION else ISSUE, count)


async def followed(connection: Connection, projection: CatchUp[Any, Any]) -> None:
    await install(connection, projection)
    while await follow.step(connection, projection):
        pass


async def stored(connection: Connection, projection: CatchUp[Any, Any]) -> dict[Place, bytes]:
    rows = await connection.fetch(f"select height, number, hashes from read.{projection.name}")
    return {Place(height, number): hashes for height, number, hashes in rows}


async def leaves(connection: Connection, projection: CatchUp[Any, Any]) -> list[bytes]:
    """Computed here, from the rows as they are stored."""
    if projection is log_tiles.PROJECTION:
        return [leaf_hash(event_entry(**dict(row))) for row in await connection.fetch(
            "select position, recorded_at, stream_id as stream, version, schema_ver as schema_version, type as kind, meta, data"
            " from log.events order by position")]  # fmt: skip
    rows = await connection.fetch("select * from log.issuance order by position")
    return [leaf_hash(token_entry(**dict(row))) for row in rows]


@pytest.fixture(autouse=True)
async def _not_followed_yet(database: str, superuser) -> AsyncIterator[None]:
    """The database is shared, and its tables stay."""
    yield
    for projection in (log_tiles.PROJECTION, issuance_tiles.PROJECTION):
        await superuser.execute(f"drop table if exists read.{projection.name}, read.{projection.name}_rebuilt")


async def test_postgres_and_python_compute_the_same_leaf_of_odd_rows(superuser):
    odd = [(0, 0), (MOST_META, MOST_DATA), (MOST_META + 1, MOST_DATA + 1), (2, 100_000), (40_000, 2)]
    position = 0
    for meta, data in odd:
        for version, schema, kind, at in (
            (1, 1, "bot.disabled", TIMES[0]),
            (2**31 - 1, 2**15 - 1, "ä\N{OWL}.x", TIMES[1]),
            (258, 2, "", TIMES[2]),
        ):
            position += 1
            await superuser.execute(INSERT, position * 2**33, at, UUID(int=2**127 + position), version, schema, kind, b"\xff" * meta, b"\0" * data)  # fmt: skip
    hashed = await column(superuser, f"select {EVENT_LEAF} from log.events order by position")
    assert hashed == await leaves(superuser, log_tiles.PROJECTION)
    assert len(set(hashed)) == 15

    for number, data in enumerate((0, 2, MOST_DATA, MOST_DATA + 1)):
        await superuser.execute(
            "insert into log.issuance values ($1, $2::text::timestamptz, $3, $4, $5, $6)",
            number * 2**33, TIMES[number % 3], UUID(int=number), UUID(int=2**128 - 1), new_id(), b"\x80" * data,
        )  # fmt: skip
    hashed = await column(superuser, f"select {TOKEN_LEAF} from log.issuance order by position")
    assert hashed == await leaves(superuser, issuance_tiles.PROJECTION)
    await superuser.execute("set session_replication_role = replica; truncate log.events, log.issuance")


def test_every_entry_fits_into_a_bundle():
    largest = event_entry(
        position=1, recorded_at=datetime(2026, 11, 27, tzinfo=UTC), stream=UUID(int=1), version=1, schema_version=1, kind="x" * 200,
        meta=b"m" * MOST_META, data=b"d" * MOST_DATA,
    )  # fmt: skip
    assert bundle([largest, b"e"]) == len(largest).to_bytes(2, "big") + largest + b"\0\1e"


@BOTH
async def test_the_tiles_are_those_of_the_log_and_are_verified_and_rebuilt(database, reader, monkeypatch, projection):
    monkeypatch.setattr(follow, "LEAVES_A_STEP", 100)
    await grow(reader, projection, 1, 1, 254, 1, 30, 300, 200)
    await followed(reader, projection)
    made = await leaves(reader, projection)
    assert await stored(reader, projection) == test_tree.tiles(made)
    await agreed(database, projection.name)

    await grow(reader, projection, 250)
    await followed(reader, projection)
    expected = test_tree.tiles(await leaves(reader, projection))
    assert await stored(reader, projection) == expected
    monkeypatch.setattr(bulk, "MOST_WIDE_ROWS", 1)
    monkeypatch.setattr(bulk, "POSITIONS_A_PAGE", 90)
    await rebuild(database, projection.name, silent)
    assert await stored(reader, projection) == expected
    await agreed(database, projection.name)
    found = await tiles.find(reader, projection.name, tree.places([(0, 1000)]))
    assert tree.root(1000, found) == test_tree.mth((await leaves(reader, projection))[:1000])


@BOTH
async def test_a_follower_asks_for_the_leaves_of_one_tile_at_a_time(reader, projection):
    await grow(reader, projection, 100, 500)
    asked: list[tuple[int, int]] = []
    with reader.query_logger(lambda said: asked.append(said.args[:2]) if "string_agg(leaf" in said.query else None):
        await followed(reader, projection)
    assert asked == [(0, 256), (256, 512), (512, 600)]


@BOTH
async def test_a_changed_hash_in_a_tile_is_found(database, reader, projection):
    await grow(reader, projection, 300)
    await followed(reader, projection)
    await reader.execute(f"update read.{projection.name} set hashes = set_byte(hashes, 5, 1 - get_byte(hashes, 5) % 2) where height = 0 and number = 1")  # fmt: skip
    assert (await verify(database, projection.name, silent)).differing == ("0 1",)


@BOTH
async def test_a_follower_that_dies_half_way_leaves_tiles_that_another_goes_on_with(
    database, superuser, reader, monkeypatch, projection
):
    monkeypatch.setattr(follow, "LEAVES_A_STEP", 200)
    await grow(reader, projection, *[50] * 12)
    async with connected(database) as dying:
        await install(dying, projection)
        assert await follow.step(dying, projection)
        transaction = dying.transaction()
        await transaction.start()
        assert await follow._step(dying, projection)
        await superuser.execute("select pg_terminate_backend($1, 1000)", dying.get_server_pid())
    assert {place: len(hashes) // 32 for place, hashes in (await stored(reader, projection)).items()} == {
        Place(0, 0): 200,
        Place(4, 0): 12,
    }
    await followed(reader, projection)
    assert await stored(reader, projection) == test_tree.tiles(await leaves(reader, projection))
    await agreed(database, projection.name)


async def test_a_row_that_is_gone_stops_the_tree_and_a_rebuild_leaves_the_tiles_that_are_there(
    database, reader, superuser
):
    tokens = IssuanceLog(database)
    for _ in range(3):
        await tokens.record(issue())
    await tokens.close()
    await followed(reader, issuance_tiles.PROJECTION)
    before = await stored(reader, issuance_tiles.PROJECTION)
    await superuser.execute("set session_replication_role = replica; delete from log.issuance where position = 2")
    with pytest.raises(entries.Poison, match="rows from here to position 3 are gone") as fault:
        await rebuild(database, "issuance_tiles", silent)
    assert fault.value.position == 1
    assert await stored(reader, issuance_tiles.PROJECTION) == before
    live = await checkpoints.live(reader, issuance_tiles.PROJECTION)
    assert live is not None
    assert (live.state, live.position) == ("active", 3)
    await grow(reader, issuance_tiles.PROJECTION, 2)
    await followed(reader, issuance_tiles.PROJECTION)
    after = await stored(reader, issuance_tiles.PROJECTION)
    assert after[Place(0, 0)].startswith(before[Place(0, 0)]), "the tree goes on without the row"
    assert len(after[Place(0, 0)]) == 5 * 32
