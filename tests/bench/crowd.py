"""Many tokens that are still to be followed, and many clients that were registered, both made in the database."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from events.client import ClientCredentials
from events.database import connected, log_in
from events.envelope import ByOperator
from projections import registry
from projections.engine import checkpoints, entries
from projections.engine.rebuild import rebuild
from projections.engine.verify import verify
from tests.bench.history import client_events, writing
from tests.bench.history.generation import Batch
from tests.bench.history.world import Done, World
from tests.bench.machine import Failed

A_CALL = 100_000
LAST = """
create temporary table last as
  select row_number() over () - 1 as place, client, secret, data
    from (select distinct on (client) client, secret, data from log.issuance order by client, position desc) as of_client
"""
BURST = """
select count(log.issue(clients, secrets, jtis, records)) from (
  select array_agg(client) as clients, array_agg(secret) as secrets, array_agg(gen_random_uuid()) as jtis, array_agg(data) as records
    from generate_series(0, $1::int - 1) as number join last on place = number % (select count(*) from last) group by number / 16) as batches
"""
OWNERS = 100
A_BATCH = 8
OPERATOR = ByOperator(user="root")
A_DAY = timedelta(days=1)
LAST_USED = "last_used"


async def issue(url: str, count: int) -> None:
    """Records so many tokens like the last one of each client, 16 in a batch, as the service would have."""
    connection = await log_in(url)
    try:
        await connection.execute("set synchronous_commit = off")
        await connection.execute(LAST)
        for done in range(0, count, A_CALL):
            await connection.fetchval(BURST, min(A_CALL, count - done))
    finally:
        await connection.close()


async def to_follow(url: str) -> int:
    """Returns how many tokens are behind the table of last uses."""
    projection = registry.PROJECTIONS[LAST_USED]
    assert not isinstance(projection, registry.Table)
    async with connected(url) as connection:
        live = await checkpoints.live(connection, projection)
        end = await entries.head(connection, projection.follows)
        return end.position - (live.position if live else 0)


async def verified(url: str) -> tuple[int, float]:
    """Returns of how many tokens the last uses were verified, and the seconds. Raises Failed if they differ."""
    await rebuild(url, LAST_USED, _unseen)
    begun = time.perf_counter()
    verdict = await verify(url, LAST_USED, _unseen)
    if not verdict.agrees:
        raise Failed(f"{LAST_USED} does not agree with the log: {verdict}")
    return verdict.position, time.perf_counter() - begun


async def register(url: str, count: int) -> None:
    """Writes so many registrations, and makes every table of them. The database is migrated and empty."""
    connection = await log_in(url)
    try:
        await writing.write_events(connection, _registrations(count), count)
    finally:
        await connection.close()
    for name in (*registry.INLINE, *(each.name for each in registry.catch_up())):
        await rebuild(url, name, _unseen)
    connection = await log_in(url)
    try:
        await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()


def _registrations(count: int) -> Iterator[Batch]:
    world = World(datetime.now(UTC) - A_DAY, OWNERS)
    for number in range(0, count, A_BATCH):
        world.now += A_DAY / (count + 1) * A_BATCH
        made = [_registration(world) for _ in range(min(A_BATCH, count - number))]
        yield Batch(world.now, made)


def _registration(world: World) -> Done:
    owner = world.dice.choice(world.owners)
    client, done = client_events.registered(world, owner, ClientCredentials(bot_user_id=owner), world.by(OPERATOR))
    world.clients.append(world.clients[0] if world.clients else client)  # their number names the next one
    return done


def _unseen(_done: int, _total: int) -> None:
    pass
