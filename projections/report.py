"""What every projection publishes, (position, lag, rows, digest, state), and the proof that it equals a fold of the log."""

from msgspec import Struct

from events.database import Connection, connected
from events.relations import fault_of
from events.replay import head
from projections import building, last_used
from projections.building import Progress
from projections.inline import INLINE

NAMES = (*INLINE, last_used.NAME)

LOGS_HEADS = """
select (select last_position from log.batches order by last_position desc limit 1),
       (select last_position from log.issuance_batches order by last_position desc limit 1)
"""


class Report(Struct, frozen=True, kw_only=True):
    """`position` and `lag` count events of the log that the projection follows."""

    name: str
    follows: str
    position: int
    lag: int
    rows: int
    digest: str
    state: str
    error: str | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """`differing` names rows (at most ten) that are not what the log makes of them, or what stands in the place of the table."""

    name: str
    position: int
    rows: int
    digest: str
    expected_digest: str
    differing: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return self.digest == self.expected_digest and not self.differing


async def reports(connection: Connection) -> list[Report]:
    """One snapshot of all projections."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        heads = await connection.fetchrow(LOGS_HEADS)
        assert heads is not None
        found: list[Report] = []
        for name in INLINE:
            rows, digest = await building.digest(connection, f"read.{name}")
            found.append(
                Report(name=name, follows="log", position=heads[0], lag=0, rows=rows, digest=digest, state="inline")
            )
        found.append(await _last_used(connection, heads[1]))
        return found


async def _last_used(connection: Connection, end: int) -> Report:
    name = last_used.NAME
    rows, digest = await building.digest(connection, f"read.{name}")
    at = await connection.fetchrow(
        "select position, state, failed_position, error from read.checkpoints where name = $1", name
    )
    position, state = (at["position"], at["state"]) if at else (0, "not started")
    error = f"at {at['failed_position']}: {at['error']}" if at and at["error"] else None
    return Report(
        name=name,
        follows="issuance",
        position=position,
        lag=end - position,
        rows=rows,
        digest=digest,
        state=state,
        error=error,
    )


async def verify(url: str, name: str, progress: Progress) -> Verdict:
    """Folds the log, as of one snapshot, into a table of this session's own, and compares row by row. Raises UnreadableEvent, Poison."""
    async with (
        connected(url) as reader,
        connected(url) as checker,
        reader.transaction(isolation="repeatable_read"),
    ):
        snapshot = await reader.fetchval("select pg_export_snapshot()")
        async with checker.transaction(isolation="repeatable_read"):
            await checker.execute(f"set transaction snapshot '{snapshot}'")
            return await _compare(reader, checker, name, progress)


async def _compare(reader: Connection, checker: Connection, name: str, progress: Progress) -> Verdict:
    await checker.execute(f"create temporary table folded (like read.{name} including all) on commit drop")
    if name == last_used.NAME:
        position = await reader.fetchval("select position from read.checkpoints where name = $1", name) or 0
        await building.count_uses(checker, after=0, upto=position, into="pg_temp.folded", progress=progress)
        key = "kind || ' ' || id"
    else:
        position = (await head(reader)).position
        table = INLINE[name]
        rows = building.rows_of(reader, table, upto=position, progress=progress)
        await building.copy(checker, rows, table, into="folded", schema=None)
        key = "stream_id::text"
    no_table = await fault_of(checker, f"read.{name}")
    live, folded = await building.digest(checker, f"read.{name}"), await building.digest(checker, "pg_temp.folded")
    return Verdict(
        name=name,
        position=position,
        rows=live[0],
        digest=live[1],
        expected_digest=folded[1],
        differing=(no_table,) if no_table else await _differing(checker, name, key) if live != folded else (),
    )


async def _differing(connection: Connection, name: str, key: str) -> tuple[str, ...]:
    one_way = f"(select * from read.{name} except select * from pg_temp.folded)"
    other_way = f"(select * from pg_temp.folded except select * from read.{name})"
    query = f"select distinct {key} from ({one_way} union all {other_way}) as d order by 1 limit 10"
    return tuple(row[0] for row in await connection.fetch(query))
