"""What the database knows of an installation, for muniment status."""

from datetime import datetime, timedelta

from msgspec import Struct

from events import issued_tokens
from events.database import Connection
from events.transparency import kept
from events.transparency.quorum import Quorum
from events.transparency.trees import BOTH, Tree
from projections import signing_keys
from projections.catch_up import LOGS
from projections.engine import status
from service.fitness import PRESENT_AT

HEAD = "select last_position, recorded_at, chain from {batches} order by last_position desc limit 1"
DATABASE = "select current_database(), current_setting('server_version'), pg_database_size(current_database()), clock_timestamp()"
WORKERS = """
select nullif(count(*) filter (where starts_with(application_name, $1)),
              case when bool_or(query = '<insufficient privilege>') then 0 end)
  from pg_catalog.pg_stat_activity where datname = current_database()
"""
"""A login that may not see the sessions of others cannot tell that there is none."""
COSIGNED = "select count(*) from log.cosignatures where tree = $1 and size = $2"


class Database(Struct, frozen=True, kw_only=True):
    name: str
    postgres: str
    bytes: int
    schema: str


class Head(Struct, frozen=True, kw_only=True):
    """The last entry of a log."""

    log: str
    position: int
    recorded_at: datetime
    chain: str


class Tokens(Struct, frozen=True, kw_only=True):
    """How many were issued in the last minute, hour and day."""

    minute: int
    hour: int
    day: int


class Projections(Struct, frozen=True, kw_only=True):
    """`lag` counts entries, `lag_seconds` is how long the oldest has waited, and `furthest` names the one that is so far behind.

    `failed` are those that are no longer followed, and `differing` those that their last verification found wrong.
    """

    tables: int
    failed: list[str]
    differing: list[str]
    lag: int
    lag_seconds: float
    furthest: str | None


class Checkpoint(Struct, frozen=True, kw_only=True):
    """`has_quorum` is null where none is demanded."""

    log: str
    size: int
    made_at: datetime
    cosignatures: int
    has_quorum: bool | None


class Key(Struct, frozen=True, kw_only=True):
    """`days` are those since it began to sign, or since it was published."""

    kid: str
    alg: str
    state: str
    days: int


class Installation(Struct, frozen=True, kw_only=True):
    """`workers` are the serving processes that have a connection to the database; null if this login may not see them."""

    database: Database
    workers: int | None
    logs: list[Head]
    tokens: Tokens
    projections: Projections
    checkpoints: list[Checkpoint]
    keys: list[Key]


async def read(connection: Connection, schema: str, quorum: Quorum) -> Installation:
    row = await connection.fetchrow(DATABASE)
    assert row is not None
    name, postgres, size, now = row
    checkpoints = [await _checkpoint(connection, tree, quorum) for tree in BOTH]
    return Installation(
        database=Database(name=name, postgres=postgres.partition(" ")[0], bytes=size, schema=schema),
        workers=await connection.fetchval(WORKERS, PRESENT_AT),
        logs=[await _head(connection, tree) for tree in BOTH],
        tokens=await _tokens(connection, now),
        projections=await _projections(connection),
        checkpoints=[each for each in checkpoints if each is not None],
        keys=[_key(row, now) for row in await signing_keys.every(connection) if row.state != "retired"],
    )


async def _head(connection: Connection, tree: Tree) -> Head:
    row = await connection.fetchrow(HEAD.format(batches=tree.batches))
    assert row is not None, "each log begins with a batch"
    return Head(log=LOGS[tree.name], position=row[0], recorded_at=row[1], chain=row[2].hex())


async def _tokens(connection: Connection, now: datetime) -> Tokens:
    """The positions of the issuance log have no gaps, so their difference is a number of tokens."""
    lengths = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
    end = await issued_tokens.position_of(connection, now)
    return Tokens(
        **{name: end - await issued_tokens.position_of(connection, now - length) for name, length in lengths.items()}
    )


async def _projections(connection: Connection) -> Projections:
    found = await status.statuses(connection)
    furthest = max(found, key=lambda each: each.lag, default=None)
    return Projections(
        tables=len(found),
        failed=[each.name for each in found if each.state in ("failed", "not loaded")],
        differing=[each.name for each in found if each.verification and each.verification.outcome != "agrees"],
        lag=furthest.lag if furthest else 0,
        lag_seconds=max((each.lag_seconds for each in found), default=0.0),
        furthest=furthest.name if furthest and furthest.lag else None,
    )


async def _checkpoint(connection: Connection, tree: Tree, quorum: Quorum) -> Checkpoint | None:
    newest = await kept.newest(connection, tree)
    if newest is None:
        return None
    witnessed = await kept.witnessed(connection, tree, quorum)
    return Checkpoint(
        log=LOGS[tree.name],
        size=newest.size,
        made_at=newest.made_at,
        cosignatures=await connection.fetchval(COSIGNED, tree.name, newest.size),
        has_quorum=None if not quorum.least else witnessed is not None and witnessed.size == newest.size,
    )


def _key(row: signing_keys.Row, now: datetime) -> Key:
    return Key(kid=row.kid, alg=row.alg, state=row.state, days=(now - (row.activated_at or row.published_at)).days)
