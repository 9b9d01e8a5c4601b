"""One projection verified in the background: folded slowly, and then compared with its table as of one snapshot."""

from typing import Any

import asyncpg
from msgspec import Struct

from events.codec import TYPES
from events.database import Connection
from events.relations import fault_of
from events.replay import head
from projections.catch_up import CatchUp
from projections.engine import checkpoints, schemas, slow_fold
from projections.engine.comparison import Comparison
from projections.engine.entries import Poison
from projections.engine.pace import Pace
from projections.engine.slow_fold import FOLDED, ISSUANCE, MovedOn, SlowFold
from projections.engine.swap import BRIEFLY
from projections.engine.verdict import Unfolded, Verdict, refused
from projections.registry import Projection
from projections.table import Table

ROUNDS = 3
"""Each leaves less for the snapshot: what was appended during the round before."""

COLUMNS = """
select coalesce(array_agg(attname::text), '{}') from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
"""
OF_LATER_VERSION = (
    "select exists (select from log.events where stream_id = any($1::text[]::uuid[]) and type <> all($2::text[]))"
)


class _Live(Struct, frozen=True):
    """The table that is verified. An inline one is always at the end of the log."""

    projection: CatchUp[Any, Any]
    is_inline: bool

    @property
    def sql(self) -> str:
        return f'"{self.projection.schema}"."{self.projection.name}"'


async def verified(connection: Connection, projection: Projection, pace: Pace) -> Verdict | Unfolded:
    """Raises MovedOn."""
    live = _Live(slow_fold.followed(projection), True) if isinstance(projection, Table) else _Live(projection, False)
    name = live.projection.id
    async with pace.step(connection):
        await _position(connection, live)
        if gone := await fault_of(connection, f"{live.projection.schema}.{live.projection.name}"):
            return refused(name, gone)
    try:
        fold = await slow_fold.begun(connection, live.projection, live.sql, pace)
        for _ in range(ROUNDS):
            await fold.reach(await _position(connection, live), pace)
        async with connection.transaction(isolation="repeatable_read"):
            verdict = await _compared(connection, live, fold, pace.within_a_snapshot)
        await fold.forget(pace)
    except Poison as poison:
        return Unfolded(poison.position, str(poison))
    return verdict


async def _compared(connection: Connection, live: _Live, fold: SlowFold, pace: Pace) -> Verdict:
    """Compares as of one snapshot, which begins after the locks: until it ends, no other table takes the place of the live one."""
    async with pace.step(connection):
        await _lock(connection, live)
        position = await _position(connection, live)
        if set(await connection.fetchval(COLUMNS, live.sql)) != set(live.projection.columns):
            raise MovedOn("its table has the columns of another version of Muniment")
    await fold.reach(position, pace)
    comparison = Comparison(connection, pace, live=live.sql, folded=f"pg_temp.{FOLDED}", key=live.projection.key)
    found = await comparison.compared()
    async with pace.step(connection):
        await _check_events(connection, live, found.differing)
    return Verdict(
        name=live.projection.id,
        position=position,
        rows=found.rows,
        digest=found.digest,
        expected_digest=found.expected_digest,
        differing=found.differing,
    )


async def _lock(connection: Connection, live: _Live) -> None:
    """Raises MovedOn if a migration or a swap has one of the tables: to wait for it with other locks held would hold up others."""
    try:
        await connection.execute(BRIEFLY)
        await connection.execute(f"lock table {live.sql} in access share mode")
        if live.projection.follows.log == "issuance":
            await connection.execute(ISSUANCE)
    except asyncpg.LockNotAvailableError as fault:
        raise MovedOn("another transaction has locked its table") from fault


async def _check_events(connection: Connection, live: _Live, differing: tuple[str, ...]) -> None:
    """Raises MovedOn if a row may differ because a later version of Muniment, which runs beside this one, wrote an event of a new type."""
    if live.projection.key[0] != "stream_id" or not differing:
        return
    streams = [key.split(" ", 1)[0] for key in differing]
    if await connection.fetchval(OF_LATER_VERSION, streams, sorted(TYPES)):
        raise MovedOn("the log has events of a later version of Muniment")


async def _position(connection: Connection, live: _Live) -> int:
    """Returns the position up to which the table has the log. Raises MovedOn."""
    if live.is_inline:
        return (await head(connection)).position
    if fault := await schemas.fault_of(connection, live.projection.schema):
        raise MovedOn(fault)
    standing = await checkpoints.live(connection, live.projection)
    if standing is None:
        raise MovedOn("nobody follows it yet")
    if standing.version != live.projection.version:
        raise MovedOn(f"its table is of version {standing.version}, and this program makes {live.projection.version}")
    return standing.position
