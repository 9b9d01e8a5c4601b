"""The proof that a projection's table equals a fold of its log."""

from typing import Any

from events.database import Connection, connected
from events.relations import fault_of
from events.replay import head
from projections import columns, registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints, refold, schemas, totals
from projections.engine.bulk import collect, reach, started
from projections.engine.by_stream import InLogOrder, OfTable, Progress, Target, fill, folding
from projections.engine.checkpoints import OtherVersion
from projections.engine.tables import Relation
from projections.engine.verdict import Verdict, of_nothing, refused
from projections.table import Table

FOLDED = "folded"


async def verify(url: str, name: str, progress: Progress) -> Verdict:
    """Folds the log, as of one snapshot, into a table of this session's own, and compares row by row.

    Raises UnreadableEvent, Poison, OtherVersion, NoSchema, KeyError.
    """
    async with (
        connected(url) as reader,
        connected(url) as checker,
        reader.transaction(isolation="repeatable_read"),
    ):
        snapshot = await reader.fetchval("select pg_export_snapshot()")
        async with checker.transaction(isolation="repeatable_read"):
            await checker.execute(f"set transaction snapshot '{snapshot}'")
            match registry.find(name):
                case Table() as table:
                    return await _of_inline(reader, checker, table, progress)
                case projection:
                    return await _of_catch_up(reader, checker, projection, progress)


async def _of_inline(reader: Connection, checker: Connection, table: Table, progress: Progress) -> Verdict:
    live = f"read.{table.name}"
    await _make_folded(checker, live, ("stream_id",))
    position = (await head(reader)).position
    await fill(Target(checker, FOLDED), reader, table, OfTable(table), upto=position, progress=progress)
    return await _compared(checker, table.name, live, position, ("stream_id",))


async def _of_catch_up(
    reader: Connection, checker: Connection, projection: CatchUp[Any, Any], progress: Progress
) -> Verdict:
    await schemas.check(checker, projection.schema)
    standing = await checkpoints.live(checker, projection)
    relation = await checker.fetchval("select to_regclass($1)::text", f'"{projection.schema}"."{projection.name}"')
    live: str = relation or f"{projection.schema}.{projection.name}"
    if standing is None and relation is None:
        return of_nothing(projection.id)
    if standing is not None and standing.version != projection.version:
        raise OtherVersion(projection.id, standing.version, projection.version)
    if gone := await fault_of(checker, live):
        return refused(projection.id, gone)
    await _make_folded(checker, live, projection.key)
    position = standing.position if standing else 0
    if projection.totals is not None:
        await collect(checker, totals.Target(projection, f"pg_temp.{FOLDED}"), position, progress)
    elif not await _by_stream(reader, checker, projection, position, progress):
        bulk = await started(checker, projection, Relation(projection, FOLDED, schema="pg_temp"))
        await reach(checker, bulk, position, progress)
    return await _compared(checker, projection.id, live, position, projection.key)


async def _by_stream(
    reader: Connection, checker: Connection, projection: CatchUp[Any, Any], position: int, progress: Progress
) -> bool:
    """False, and nothing is written, where it takes the log's order."""
    if (rows := folding(projection)) is None:
        return False
    try:
        async with checker.transaction():
            await fill(Target(checker, FOLDED), reader, projection, rows, upto=position, progress=progress)
    except InLogOrder:
        return False
    return True


async def _make_folded(checker: Connection, live: str, key: tuple[str, ...]) -> None:
    await checker.execute(f"{columns.like(live, f'pg_temp.{FOLDED}', key)} on commit drop")


async def _compared(connection: Connection, name: str, live: str, position: int, key: tuple[str, ...]) -> Verdict:
    no_table = await fault_of(connection, live)
    found, folded = await refold.digest(connection, live), await refold.digest(connection, f"pg_temp.{FOLDED}")
    return Verdict(
        name=name,
        position=position,
        rows=found[0],
        digest=found[1],
        expected_digest=folded[1],
        differing=(no_table,) if no_table else await _differing(connection, live, key) if found != folded else (),
    )


async def _differing(connection: Connection, live: str, key: tuple[str, ...]) -> tuple[str, ...]:
    one_way = f"(select * from {live} except select * from pg_temp.{FOLDED})"
    other_way = f"(select * from pg_temp.{FOLDED} except select * from {live})"
    named = ", ".join(f'"{column}"' for column in key)
    query = f"select distinct concat_ws(' ', {named}) from ({one_way} union all {other_way}) as d order by 1 limit 10"
    return tuple(row[0] for row in await connection.fetch(query))
