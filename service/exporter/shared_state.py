"""The state that all processes share, read from the database: positions, lags, ages."""

import asyncio
import time

import asyncpg

from events.batches import WAITED
from events.database import LOST, Connection, Unavailable
from events.database_session import DatabaseSession
from events.transparency.trees import BOTH, Tree
from projections import packages, registry
from projections.catch_up import BATCHES, LOGS
from service.configuration.settings import Settings
from service.configuration.witnesses import Witness
from service.exporter import readings
from service.exporter.readings import Reading

FRESH_SECONDS = 5.0
"""How long a reading is shown: it costs the database some index look-ups, however often it is asked for."""

MOST_SECONDS = 3.0
"""How long the database may take. Prometheus waits for ten seconds."""

HEAD = "select last_position from {batches} order by last_position desc limit 1"
NAME = "regexp_replace(c.name, '_v[0-9]+$', '')"
"""The projection of a table, which may be built beside the one that is read."""

KNOWN = "split_part(c.name, '.', 1) = any($1::text[])"
"""A package that was removed leaves its checkpoints behind, and nobody follows them any more."""

FAILED = f"""
select {NAME} as name, bool_or(c.state = 'failed') as failed from read.checkpoints c
 where split_part({NAME}, '.', 1) = any($1::text[]) group by 1 order by 1
"""
VERIFIED = f"""
select name, outcome <> 'agrees' as differs, extract(epoch from clock_timestamp() - verified_at)::float8 as seconds
  from read.verifications c where verified_at is not null and {KNOWN} order by name
"""
PROJECTIONS = f"""
select c.name, head.last_position - c.position as events, {WAITED} as seconds
  from read.checkpoints c, ({HEAD}) as head
 where c.name = {NAME} and {KNOWN}
   and exists (select from {{batches}} b where b.last_position = c.position and b.chain = c.chain) order by c.name
"""
"""The chain value tells which log a projection follows, also for the projections of packages, which need not be loaded for it.
A table that is built beside another is not late: nobody reads it.
"""

CHECKPOINT = f"""
select c.size, {WAITED} as seconds from (select coalesce(max(size), 0) as size from log.checkpoints where tree = $1) as c
"""
"""Without a checkpoint, the oldest entry is the first one: a log whose first checkpoint cannot be made has to be noticed, too."""
WITNESS = """
select last.size, coalesce((select extract(epoch from clock_timestamp() - c.made_at)::float8 from log.checkpoints c
                             where c.tree = $1 and c.size > last.size order by c.size limit 1), 0) as seconds
  from (select coalesce(max(size), 0) as size from log.cosignatures where tree = $1 and name = $2 and key_id = $3) as last
"""
KEYS = """
select alg, extract(epoch from clock_timestamp() - max(activated_at))::float8 as seconds from read.signing_keys
 where state = 'active' group by alg order by alg
"""
WEBHOOK = f"""
select greatest(head.last_position - p.position, 0) as events, {WAITED} as seconds
  from push.checkpoints p, ({HEAD}) as head where p.name = 'audit'
"""


class SharedState:
    """One per exporter. It reads by a connection of its own."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._session = DatabaseSession(url)
        self._known = [*registry.PROJECTIONS, *packages.schemas()]
        self._witnesses, self._pushes = settings.witnesses, settings.webhook is not None
        self._one_at_a_time = asyncio.Lock()
        self._readings: list[Reading] = []
        self._until = 0.0

    async def readings(self) -> list[Reading]:
        """Return what was read within FRESH_SECONDS. While the database cannot be read, that is all that is said."""
        async with self._one_at_a_time:
            if time.monotonic() > self._until:
                self._readings = await self._read()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._readings

    async def close(self) -> None:
        await self._session.close()

    async def _read(self) -> list[Reading]:
        try:
            async with asyncio.timeout(MOST_SECONDS), self._session.using() as connection:
                found = await self._ask(connection)
        except (Unavailable, TimeoutError, asyncpg.PostgresError, *LOST):
            return [Reading(readings.DATABASE_UP, 0)]
        return [Reading(readings.DATABASE_UP, 1), *found]

    async def _ask(self, connection: Connection) -> list[Reading]:
        known = self._known
        found = [*await _keys(connection), *await _failed(connection, known), *await _verified(connection, known)]
        if self._pushes:
            found += await _webhook(connection)
        for log, batches in BATCHES.items():
            found += [Reading(readings.POSITION, await connection.fetchval(HEAD.format(batches=batches)), (LOGS[log],))]
            found += await _projections(connection, batches, known)
        for tree in BOTH:
            found += await _checkpoint(connection, tree)
            for witness in self._witnesses:
                found += await _witness(connection, tree, witness)
        return found


async def _keys(connection: Connection) -> list[Reading]:
    return [Reading(readings.KEY_AGE, row["seconds"], (row["alg"],)) for row in await connection.fetch(KEYS)]


async def _failed(connection: Connection, known: list[str]) -> list[Reading]:
    return [Reading(readings.FAILED, row["failed"], (row["name"],)) for row in await connection.fetch(FAILED, known)]


async def _verified(connection: Connection, known: list[str]) -> list[Reading]:
    rows = await connection.fetch(VERIFIED, known)
    found = [Reading(readings.DIFFERS, row["differs"], (row["name"],)) for row in rows]
    return found + [Reading(readings.VERIFICATION_AGE, row["seconds"], (row["name"],)) for row in rows]


async def _projections(connection: Connection, batches: str, known: list[str]) -> list[Reading]:
    rows = await connection.fetch(PROJECTIONS.format(batches=batches, position="c.position + 1"), known)
    behind = [Reading(readings.LAG_EVENTS, row["events"], (row["name"],)) for row in rows]
    return behind + [Reading(readings.LAG_SECONDS, row["seconds"], (row["name"],)) for row in rows]


async def _checkpoint(connection: Connection, tree: Tree) -> list[Reading]:
    row = await connection.fetchrow(CHECKPOINT.format(batches=tree.batches, position="c.size + 1"), tree.name)
    assert row is not None
    log = (LOGS[tree.name],)
    return [Reading(readings.CHECKPOINT_SIZE, row["size"], log), Reading(readings.CHECKPOINT_LAG, row["seconds"], log)]


async def _witness(connection: Connection, tree: Tree, witness: Witness) -> list[Reading]:
    row = await connection.fetchrow(WITNESS, tree.name, witness.key.name, witness.key.key_id)
    assert row is not None
    of = (f"{witness.key.name}+{witness.key.key_id.hex()}", LOGS[tree.name])  # a witness may have two keys for a while
    return [Reading(readings.COSIGNED_SIZE, row["size"], of), Reading(readings.WITNESS_LAG, row["seconds"], of)]


async def _webhook(connection: Connection) -> list[Reading]:
    row = await connection.fetchrow(WEBHOOK.format(batches=BATCHES["log"], position="p.position + 1"))
    if row is None:
        return []
    return [Reading(readings.WEBHOOK_LAG_EVENTS, row["events"]), Reading(readings.WEBHOOK_LAG, row["seconds"])]
