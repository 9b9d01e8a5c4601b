"""What every projection publishes: its version, position, lag and state, about how many rows it has, and its last verification."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from events import replay
from events.batches import WAITED
from events.database import AnyConnection, Connection
from events.replay import Checkpoint
from projections import registry
from projections.catch_up import BATCHES, LOGS, OURS, CatchUp
from projections.engine import checkpoints, refold, schemas, verifications
from projections.engine.checkpoints import Standing
from projections.engine.verdict import NOTHING
from projections.engine.verifications import Verification
from projections.packages import LeftOut
from projections.registry import Projection
from projections.table import Table

FEW_BYTES = 1 << 20
ROWS = "select pg_relation_size(oid) as bytes, reltuples::bigint as rows from pg_class where oid = to_regclass($1)"


class Status(Struct, frozen=True, kw_only=True):
    """`position` and `lag` count entries of the log that the projection follows. An inline table has no version, and no lag.

    `lag_seconds` is how long the oldest entry that is not followed yet has been in the log. `rows` is exact for a small table, and
    otherwise Postgres' estimate, if it has one. The exact number and the digest are those of the last verification, or of `counted`.
    """

    name: str
    version: int | None
    follows: str
    state: str
    position: int
    lag: int
    lag_seconds: float
    rows: int | None
    failed_position: int | None = None
    error: str | None = None
    updated_at: datetime | None = None
    verification: Verification | None = None

    @property
    def table(self) -> str:
        """What SQL calls it."""
        schema, _, table = self.name.rpartition(".")
        return _relation(schema or OURS, table)


class Counted(Struct, frozen=True):
    """The number and the digest of a table's rows: equal tables have equal digests, whatever the order of their rows."""

    rows: int
    digest: str


class _Logs(Struct, frozen=True):
    """The ends of both logs, and what was found by the last verifications."""

    ends: Mapping[str, Checkpoint]
    verified: Mapping[str, Verification]


async def statuses(connection: AnyConnection, only: str | None = None) -> list[Status]:
    """One snapshot of all projections (or of one), of the tables built beside those of an earlier version, and of what is left out.

    It reads no table of a projection but small ones, so that it can be asked for often.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        ends = {log: await replay.head(connection, batches) for log, batches in BATCHES.items()}
        logs = _Logs(ends, await verifications.all_of(connection))
        found: list[Status] = []
        ours = only in registry.PROJECTIONS  # then no package is imported, which may take long
        for name, projection in (registry.PROJECTIONS if ours else registry.everything()).items():
            if only in (None, name):
                found += await _of(connection, projection, logs)
        if ours:
            return found
        left_out = [each for each in registry.of_packages().left_out if only in (None, each.name)]
        return found + [_of_left_out(each) for each in left_out]


async def counted(connection: Connection, relation: str) -> Counted:
    """Reads the whole table. The count of a table that does not exist is 0."""
    if await connection.fetchval("select to_regclass($1)", relation) is None:
        return Counted(0, NOTHING)
    return Counted(*await refold.digest(connection, relation))


def _of_left_out(left_out: LeftOut) -> Status:
    return _not_followed(left_out.name, "", "not loaded").__replace__(error=left_out.why)


def _not_followed(name: str, log: str, state: str) -> Status:
    return Status(
        name=name, version=None, follows=LOGS.get(log, ""), state=state, position=0, lag=0, lag_seconds=0.0, rows=None
    )


async def _of(connection: AnyConnection, projection: Projection, logs: _Logs) -> list[Status]:
    match projection:
        case Table():
            return [await _of_inline(connection, projection, logs)]
        case CatchUp():
            return await _of_catch_up(connection, projection, logs)


async def _of_inline(connection: AnyConnection, table: Table, logs: _Logs) -> Status:
    return Status(
        name=table.name,
        version=None,
        follows=LOGS["log"],
        state="inline",
        position=logs.ends["log"].position,
        lag=0,
        lag_seconds=0.0,
        rows=await _rows(connection, _relation(OURS, table.name)),
        verification=logs.verified.get(table.name),
    )


async def _of_catch_up(connection: AnyConnection, projection: CatchUp[Any, Any], logs: _Logs) -> list[Status]:
    log = projection.follows.log
    live, fault = await checkpoints.live(connection, projection), await schemas.fault_of(connection, projection.schema)
    if live is None or fault:
        nothing = _not_followed(projection.id, log, "not started").__replace__(version=projection.version, error=fault)
        lag = logs.ends[log].position
        waiting = await _waiting(connection, log, 0) if lag else 0.0
        rows = None if fault else await _rows(connection, _relation(projection.schema, projection.name))
        return [nothing.__replace__(lag=lag, lag_seconds=waiting, rows=rows)]
    found = [await _of_table(connection, projection, live, logs)]
    for beside in await checkpoints.building(connection, projection):
        status = await _of_table(connection, projection, beside, logs)
        found.append(status.__replace__(state="building" if status.state == "active" else status.state))
    return found


async def _of_table(
    connection: AnyConnection, projection: CatchUp[Any, Any], standing: Standing, logs: _Logs
) -> Status:
    log = projection.follows.log
    lag = logs.ends[log].position - standing.position
    return Status(
        name=standing.name,
        version=standing.version,
        follows=LOGS[log],
        state=standing.state,
        position=standing.position,
        lag=lag,
        lag_seconds=await _waiting(connection, log, standing.position) if lag > 0 else 0.0,
        rows=await _rows(connection, _relation(projection.schema, standing.table)),
        failed_position=standing.failed_position,
        error=standing.error,
        updated_at=standing.updated_at,
        verification=logs.verified.get(standing.name),
    )


async def _waiting(connection: AnyConnection, log: str, position: int) -> float:
    """For how many seconds the oldest entry after the position has been in the log."""
    return await connection.fetchval(f"select {WAITED.format(batches=BATCHES[log], position='$1')}", position + 1)


def _relation(schema: str, table: str) -> str:
    return f'"{schema}"."{table}"'


async def _rows(connection: AnyConnection, relation: str) -> int | None:
    size = await connection.fetchrow(ROWS, relation)
    if size is None:
        return None
    if size["bytes"] <= FEW_BYTES:
        return await connection.fetchval(f"select count(*) from {relation}")
    return size["rows"] if size["rows"] >= 0 else None
