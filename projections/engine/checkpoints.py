"""How far each catch-up projection has followed its log. A checkpoint belongs to a table: its name is the name of that table.

Beside the live table of one version there may be the table of the next, NAME_v2, with a checkpoint of its own.
"""

from typing import Any

from msgspec import Struct

from events import locks
from events.database import AnyConnection, Connection
from events.replay import Checkpoint
from projections import columns
from projections.catch_up import CatchUp
from projections.engine import entries, schemas

ONE_AT_A_TIME = locks.in_transaction(locks.INSTALLATION)
"""Two processes that created the same table at once would fail on each other."""

FIND = "select name, version, position, chain, state, failed_position, error from read.checkpoints where name = any($1::text[])"
CLAIM = """
select name, version, position, chain, state, failed_position, error from read.checkpoints
 where name = any($1::text[]) and version = $2 for update skip locked
"""
HOLD = "select 1 from read.checkpoints where name = $1 for update"
BEGIN = "insert into read.checkpoints (name, version, position, chain, state) values ($1, $2, 0, $3, 'active') on conflict (name) do nothing"
ADVANCE = "update read.checkpoints set position = $2, chain = $3, updated_at = clock_timestamp() where name = $1"
FAIL = """
update read.checkpoints set state = 'failed', failed_position = $3, error = $4, updated_at = clock_timestamp()
 where name = any($1::text[]) and version = $2
"""
REPLACE = """
insert into read.checkpoints (name, version, position, chain, state) values ($1, $2, $3, $4, 'active')
on conflict (name) do update set version = excluded.version, position = excluded.position, chain = excluded.chain, state = 'active',
  failed_position = null, error = null, updated_at = clock_timestamp()
"""
BESIDE = "starts_with(name, $1 || '_v') and substr(name, length($1) + 3) ~ '^[0-9]+$'"
BUILDING = f"select name, version, position, chain, state, failed_position, error from read.checkpoints where {BESIDE} order by version"
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

    @property
    def table(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def reached(self) -> Checkpoint:
        return Checkpoint(self.position, self.chain)


def id_beside(projection: CatchUp[Any, Any]) -> str:
    return f"{projection.id}_v{projection.version}"


def _names(projection: CatchUp[Any, Any]) -> list[str]:
    return [projection.id, id_beside(projection)]


async def live(connection: AnyConnection, projection: CatchUp[Any, Any]) -> Standing | None:
    """The checkpoint of the table that is read, whatever its version; None before anybody followed."""
    row = await connection.fetchrow(FIND, [projection.id])
    return None if row is None else Standing(*row)


async def building(connection: AnyConnection, projection: CatchUp[Any, Any]) -> list[Standing]:
    """The checkpoints of tables that are built beside it, whatever their version."""
    return [Standing(*row) for row in await connection.fetch(BUILDING, projection.id)]


async def claim(connection: Connection, projection: CatchUp[Any, Any]) -> Standing | None:
    """The checkpoint of this version, held until the transaction ends; None while somebody else holds it, or where there is none."""
    row = await connection.fetchrow(CLAIM, _names(projection), projection.version)
    return None if row is None else Standing(*row)


async def advance(connection: Connection, name: str, reached: Checkpoint) -> None:
    await connection.execute(ADVANCE, name, reached.position, reached.chain)


async def fail(connection: Connection, projection: CatchUp[Any, Any], position: int, why: str) -> None:
    await connection.execute(FAIL, _names(projection), projection.version, position, why)


async def replace(connection: Connection, projection: CatchUp[Any, Any], reached: Checkpoint) -> None:
    """Says that the live table is of this version, and how far it is. Of this and earlier versions nothing is built any more."""
    for row in await connection.fetch(FORGET, projection.id, projection.version):
        await connection.execute(f'drop table if exists "{projection.schema}"."{row[0].rpartition(".")[2]}"')
    await connection.execute(REPLACE, projection.id, projection.version, reached.position, reached.chain)


async def install(connection: Connection, projection: CatchUp[Any, Any]) -> None:
    """Creates what this version of the projection needs to be followed, unless it is there. Harmless to repeat. Raises NoSchema."""
    if await _is_installed(connection, projection):
        return
    await schemas.check(connection, projection.schema)
    async with connection.transaction():
        await connection.execute(ONE_AT_A_TIME)
        if await _is_installed(connection, projection):
            return
        name = projection.beside if await live(connection, projection) else projection.name
        await _create(connection, projection, name)
        genesis = await entries.chain_at(connection, projection.follows, 0)
        prefix = projection.id.removesuffix(projection.name)
        await connection.execute(BEGIN, f"{prefix}{name}", projection.version, genesis)


async def _is_installed(connection: Connection, projection: CatchUp[Any, Any]) -> bool:
    """Whether there is a checkpoint of this version, or of a later one, which this one leaves alone."""
    rows = await connection.fetch(FIND, _names(projection))
    return any(row["version"] >= projection.version for row in rows)


async def _create(connection: Connection, projection: CatchUp[Any, Any], name: str) -> None:
    """A table without a checkpoint is emptied: nobody knows what its rows were made from."""
    relation = f'"{projection.schema}"."{name}"'
    if await connection.fetchval("select to_regclass($1)", relation) is None:
        await connection.execute(columns.creation(projection, name))
    else:
        await connection.execute(f"delete from {relation}")
