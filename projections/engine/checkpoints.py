"""How far each catch-up projection has followed its log. A checkpoint belongs to a table: its name is the name of that table.

Beside the live table of one version there may be the table of the next, NAME_v2, with a checkpoint of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from events import locks, replay
from events.database import AnyConnection, Connection
from events.replay import Checkpoint
from projections import columns
from projections.catch_up import BATCHES, CatchUp
from projections.engine import entries, schemas

ONE_AT_A_TIME = locks.in_transaction(locks.INSTALLATION)
"""Two processes that created the same table at once would fail on each other."""

COLUMNS = "name, version, position, chain, state, failed_position, error, updated_at"
FIND = f"select {COLUMNS} from read.checkpoints where name = any($1::text[])"
OF_VERSION = f"""
select {COLUMNS} from read.checkpoints
 where (name, version) in (select * from unnest($1::text[], $2::int[])) and state <> 'failed'
"""
CLAIM = f"{OF_VERSION} for update skip locked"
BEHIND = f"""
select {", ".join(f"{log}.last_position, {log}.chain" for log in BATCHES)}, standing.*
  from {", ".join(f"({replay.HEAD.format(batches=batches)}) as {log}" for log, batches in BATCHES.items())}
  left join lateral ({OF_VERSION}) as standing on true
"""
"""The head of each log, and beside it each checkpoint, in one statement. It is asked when following begins, three times a second, and at
the end.
"""
HOLD = "select 1 from read.checkpoints where name = $1 for update"
BEGIN = "insert into read.checkpoints (name, version, position, chain, state) values ($1, $2, 0, $3, 'active') on conflict (name) do nothing"
ADVANCE = (
    "update read.checkpoints set position = $2, chain = $3, updated_at = clock_timestamp() where name = any($1::text[])"
)
FAIL = """
update read.checkpoints set state = 'failed', failed_position = $3, error = $4, updated_at = clock_timestamp()
 where name = any($1::text[]) and version = $2
"""
RESUME = """
update read.checkpoints set state = 'active', failed_position = null, error = null, updated_at = clock_timestamp()
 where name = any($1::text[]) and state = 'failed' returning position
"""
REPLACE = """
insert into read.checkpoints (name, version, position, chain, state) values ($1, $2, $3, $4, 'active')
on conflict (name) do update set version = excluded.version, position = excluded.position, chain = excluded.chain, state = 'active',
  failed_position = null, error = null, updated_at = clock_timestamp()
"""
BESIDE = "starts_with(name, $1 || '_v') and substr(name, length($1) + 3) ~ '^[0-9]+$'"
BUILDING = f"select {COLUMNS} from read.checkpoints where {BESIDE} order by version"
FORGET = f"delete from read.checkpoints where {BESIDE} and version <= $2 returning name"


class OtherVersion(Exception):
    """The live table is of another version of the projection than this program has."""

    def __init__(self, name: str, live: int, ours: int) -> None:
        then = "use the version of Muniment that made it, or a newer one"
        if live < ours:
            then = (
                "the service replaces it once the new version has caught up, and so does muniment projections rebuild"
            )
        super().__init__(f"The table of {name} is of version {live}, and this program makes version {ours}: {then}.")


class Standing(Struct, frozen=True):
    """A row of read.checkpoints."""

    name: str
    version: int
    position: int
    chain: bytes
    state: str
    failed_position: int | None
    error: str | None
    updated_at: datetime

    @property
    def table(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def reached(self) -> Checkpoint:
        return Checkpoint(self.position, self.chain)

    def at(self, reached: Checkpoint) -> "Standing":
        return self.__replace__(position=reached.position, chain=reached.chain)


Followed = tuple[CatchUp[Any, Any], Standing]
"""A projection, and the checkpoint of its version."""


def id_beside(projection: CatchUp[Any, Any]) -> str:
    return f"{projection.id}_v{projection.version}"


def _names(projection: CatchUp[Any, Any]) -> list[str]:
    return [projection.id, id_beside(projection)]


async def live(connection: AnyConnection, projection: CatchUp[Any, Any]) -> Standing | None:
    """The checkpoint of the table that is read, whatever its version; None before anybody followed."""
    return (await live_of(connection, [projection.id]))[0]


async def live_of(connection: AnyConnection, ids: Sequence[str]) -> list[Standing | None]:
    """The same of several projections, by their ids, in this order."""
    found = {row["name"]: Standing(*row) for row in await connection.fetch(FIND, list(set(ids)))}
    return [found.get(each) for each in ids]


async def building(connection: AnyConnection, projection: CatchUp[Any, Any]) -> list[Standing]:
    """The checkpoints of tables that are built beside it, whatever their version."""
    return [Standing(*row) for row in await connection.fetch(BUILDING, projection.id)]


async def claim(connection: Connection, projections: Sequence[CatchUp[Any, Any]]) -> list[Followed]:
    """Returns the checkpoints of these versions, held until the transaction ends, but none that somebody else holds or that failed."""
    by_name = _by_name(projections)
    rows = await connection.fetch(CLAIM, *_versions(by_name))
    return [(by_name[row["name"]], Standing(*row)) for row in rows]


def _by_name(projections: Sequence[CatchUp[Any, Any]]) -> dict[str, CatchUp[Any, Any]]:
    return {name: each for each in projections for name in _names(each)}


def _versions(by_name: Mapping[str, CatchUp[Any, Any]]) -> tuple[list[str], list[int]]:
    return list(by_name), [each.version for each in by_name.values()]


class Behind(Struct, frozen=True):
    """What can go on: it is not at the end of its log, or not yet the live table. `ends` are those of the logs, by name."""

    followed: list[Followed]
    ends: dict[str, Checkpoint]

    def after(self, reached: Mapping[str, Checkpoint]) -> "Behind":
        """Returns the same when these, by their ids, have reached that; the others are left out."""
        further = [(each, standing.at(reached[each.id])) for each, standing in self.followed if each.id in reached]
        return self.__replace__(followed=further)

    def short_of(self, ends: Mapping[str, Checkpoint]) -> list[Followed]:
        """Returns those that are not as far as these ends, or not yet the live table."""
        return [
            each
            for each in self.followed
            if each[1].position < ends[each[0].follows.log].position or each[1].name != each[0].id
        ]


async def behind(connection: Connection, projections: Sequence[CatchUp[Any, Any]]) -> Behind:
    """Returns the checkpoints of these versions that can go on."""
    by_name = _by_name(projections)
    rows = await connection.fetch(BEHIND, *_versions(by_name))
    ends = {log: Checkpoint(*rows[0][2 * place : 2 * place + 2]) for place, log in enumerate(BATCHES)}
    found = [(by_name[row["name"]], Standing(*row[2 * len(BATCHES) :])) for row in rows if row["name"] is not None]
    able = [each for each in found if each[1].reached != ends[each[0].follows.log] or each[1].name != each[0].id]
    return Behind(able, ends)


async def advance(connection: Connection, names: Sequence[str], reached: Checkpoint) -> None:
    await connection.execute(ADVANCE, names, reached.position, reached.chain)


async def fail(connection: Connection, projection: CatchUp[Any, Any], position: int, why: str) -> None:
    await connection.execute(FAIL, _names(projection), projection.version, position, why)


async def resume(connection: AnyConnection, projection: CatchUp[Any, Any]) -> int | None:
    """Lets a projection that failed try again, and returns the position after which it does; None: it has not failed.

    What it took in before stays right, for the step that failed was undone.
    """
    return await connection.fetchval(RESUME, _names(projection))


async def replace(connection: Connection, projection: CatchUp[Any, Any], reached: Checkpoint) -> None:
    """Says that the live table is of this version, and how far it is. Of this and earlier versions nothing is built any more."""
    for row in await connection.fetch(FORGET, projection.id, projection.version):
        await connection.execute(f'drop table if exists "{projection.schema}"."{row[0].rpartition(".")[2]}"')
    await connection.execute(REPLACE, projection.id, projection.version, reached.position, reached.chain)


async def install(connection: Connection, projection: CatchUp[Any, Any]) -> None:
    """Creates what this version of the projection needs to be followed, unless it is there. Harmless to repeat. Raises NoSchema."""
    if not await missing(connection, [projection]):
        return
    await schemas.check(connection, projection.schema)
    async with connection.transaction():
        await connection.execute(ONE_AT_A_TIME)
        if not await missing(connection, [projection]):
            return
        name = projection.beside if await live(connection, projection) else projection.name
        await _create(connection, projection, name)
        genesis = await entries.chain_at(connection, projection.follows, 0)
        prefix = projection.id.removesuffix(projection.name)
        await connection.execute(BEGIN, f"{prefix}{name}", projection.version, genesis)


async def missing(connection: Connection, projections: Sequence[CatchUp[Any, Any]]) -> list[CatchUp[Any, Any]]:
    """Returns those that have no checkpoint of their version, nor of a later one, which they leave alone."""
    versions = {
        row["name"]: row["version"] for row in await connection.fetch(FIND, [n for p in projections for n in _names(p)])
    }
    return [each for each in projections if each.version > max(versions.get(name, 0) for name in _names(each))]


async def _create(connection: Connection, projection: CatchUp[Any, Any], name: str) -> None:
    """A table without a checkpoint is emptied: nobody knows what its rows were made from."""
    relation = f'"{projection.schema}"."{name}"'
    if await connection.fetchval("select to_regclass($1)", relation) is None:
        await connection.execute(columns.creation(projection, name))
    else:
        await connection.execute(f"delete from {relation}")
