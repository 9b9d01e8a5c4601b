"""What every projection publishes: (position, lag, rows, digest, state)."""

from typing import Any

from msgspec import Struct

from events.database import Connection
from events.replay import Checkpoint, head
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints, entries, refold, schemas
from projections.engine.checkpoints import Standing
from projections.packages import LeftOut
from projections.table import Table

NOTHING = "0" * 16
"""The digest of a table without rows."""


class Status(Struct, frozen=True, kw_only=True):
    """`position` and `lag` count entries of the log that the projection follows."""

    name: str
    follows: str
    position: int
    lag: int
    rows: int
    digest: str
    state: str
    error: str | None = None


async def statuses(connection: Connection) -> list[Status]:
    """One snapshot of all projections, of the tables that are built beside those of an earlier version, and of what is left out."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found: list[Status] = []
        at = (await head(connection)).position
        for projection in registry.everything().values():
            match projection:
                case Table():
                    found.append(await _of_inline(connection, projection, at))
                case CatchUp():
                    found += await _of_catch_up(connection, projection)
        return found + [_of_left_out(each) for each in registry.of_packages().left_out]


def _of_left_out(left_out: LeftOut) -> Status:
    return _not_followed(left_out.name, "", "not loaded").__replace__(error=left_out.why)


def _not_followed(name: str, log: str, state: str) -> Status:
    return Status(name=name, follows=log, position=0, lag=0, rows=0, digest=NOTHING, state=state)


async def _of_inline(connection: Connection, table: Table, at: int) -> Status:
    rows, digest = await refold.digest(connection, f"read.{table.name}")
    return Status(name=table.name, follows="log", position=at, lag=0, rows=rows, digest=digest, state="inline")


async def _of_catch_up(connection: Connection, projection: CatchUp[Any, Any]) -> list[Status]:
    end = await entries.head(connection, projection.follows)
    live = await checkpoints.live(connection, projection)
    nothing = _not_followed(projection.id, projection.follows.log, "not started").__replace__(lag=end.position)
    if fault := await schemas.fault_of(connection, projection.schema):
        return [nothing.__replace__(error=fault)]
    if live is None:
        rows, digest = await digest_if_any(connection, f'"{projection.schema}"."{projection.name}"')
        return [nothing.__replace__(rows=rows, digest=digest)]
    found = [await _of_table(connection, projection, live, end)]
    for beside in await checkpoints.building(connection, projection):
        status = await _of_table(connection, projection, beside, end)
        found.append(status.__replace__(state="building" if status.state == "active" else status.state))
    return found


async def _of_table(
    connection: Connection, projection: CatchUp[Any, Any], standing: Standing, end: Checkpoint
) -> Status:
    rows, digest = await digest_if_any(connection, f'"{projection.schema}"."{standing.table}"')
    return Status(
        name=standing.name,
        follows=projection.follows.log,
        position=standing.position,
        lag=end.position - standing.position,
        rows=rows,
        digest=digest,
        state=standing.state,
        error=f"at {standing.failed_position}: {standing.error}" if standing.error else None,
    )


async def digest_if_any(connection: Connection, relation: str) -> tuple[int, str]:
    """(0, NOTHING) where there is no table."""
    if await connection.fetchval("select to_regclass($1)", relation) is None:
        return 0, NOTHING
    return await refold.digest(connection, relation)
