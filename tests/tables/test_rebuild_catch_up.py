"""Rebuilding each catch-up projection while its log grows and is followed, and again after a rebuild that was killed half-way."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest

from events.database import LOST, Unavailable, connected, pool
from events.issuance import IssuanceLog
from projections import registry
from projections.engine import bulk, by_stream, rebuild
from projections.engine.election import Follower
from service.commands.handle import Ledger
from service.crypto.credentials import new_id
from tests.conftest import fresh_database
from tests.patience import PATIENCE
from tests.tables.conftest import writing
from tests.tables.test_issuance import issue
from tests.tables.test_projections import agreed, silent
from tests.tables.test_rebuild import PAUSE, Business, digest

EVERY = registry.catch_up()
BY_STREAM = {each.name for each in EVERY if by_stream.folding(each)}
OTHERS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


async def issuing(tokens: IssuanceLog, business: Business) -> None:
    while not business.stopped:
        await tokens.record(issue(secret=new_id()))
        await asyncio.sleep(PAUSE)


async def following(follower: Follower, business: Business) -> None:
    while not business.stopped:
        await follower.look()
        await asyncio.sleep(PAUSE)


@pytest.fixture(autouse=True)
def _little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "CALM_POSITIONS", 20)
    monkeypatch.setattr(bulk, "POSITIONS_A_PAGE", 30)
    for most in ("MOST_ROWS", "MOST_WIDE_ROWS"):
        monkeypatch.setattr(bulk, most, 0)


@pytest.fixture(scope="module")
async def grown(postgres: str) -> str:
    """A database in which each projection was rebuilt while events and tokens were appended and followed."""
    url = await fresh_database(postgres)
    async with writing(url) as log, pool(url) as connections:
        business, tokens, follower = Business(Ledger(log, connections), 8), IssuanceLog(url), Follower(EVERY, url)
        for _ in range(12):
            await asyncio.gather(*(business.happen(kind) for kind in business.streams))
            await asyncio.gather(*(tokens.record(issue()) for _ in range(10)))
        work = (business.go_on(), business.go_on(), issuing(tokens, business), following(follower, business))
        growing = [asyncio.create_task(each) for each in work]
        async with asyncio.timeout(PATIENCE):
            for projection in EVERY:
                await rebuild.rebuild(url, projection.name, silent)
        business.stopped = True
        await asyncio.gather(*growing)
        await follower.look()
        await follower.close()
        await tokens.close()
    return url


def killing(url: str) -> Callable[[int, int], None]:
    """A progress that ends every connection of the database as soon as half of the log is read."""

    async def kill() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(OTHERS)
        await connection.close()

    def progress(done: int, total: int) -> None:
        if done * 2 >= total:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, kill()).result()

    return progress


@pytest.mark.parametrize("name", [each.name for each in EVERY])
async def test_it_agrees_after_a_rebuild_under_load_and_the_next_one_killed_half_way_and_again_is_the_same(
    grown: str, name: str
):
    await agreed(grown, name)
    before = await digest(grown, name)
    with pytest.raises((Unavailable, *LOST)):
        await rebuild.rebuild(grown, name, killing(grown))
    async with connected(grown) as connection:
        written = await connection.fetchval(
            f"select count(*) from read.{name}_rebuilt"
        )  # what is done has no such table
    assert written > 0 or name in BY_STREAM, "it was half-way: only streams are written all at once"
    assert await digest(grown, name) == before
    await rebuild.rebuild(grown, name, silent)
    assert await digest(grown, name) == before


@pytest.mark.parametrize("name", ["client_history", "audit_events"])
async def test_streams_that_are_too_long_to_be_kept_are_folded_in_the_log_s_order_to_the_same_table(
    grown: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    before = await digest(grown, name)
    monkeypatch.setattr(by_stream, "MOST_ROWS", 1)
    await agreed(grown, name)
    await rebuild.rebuild(grown, name, silent)
    assert await digest(grown, name) == before
