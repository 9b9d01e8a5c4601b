"""The checkpoints that were made and the cosignatures of witnesses, kept in the database for ever."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from events.transparency.notes import Signature, VerifierKey
from events.transparency.quorum import Quorum
from events.transparency.trees import Tree

_KEPT = """
select c.size, c.made_at, c.root, c.note || convert_to(coalesce((
         select string_agg(s.line, '' order by s.kept_at, s.name) from log.cosignatures s where s.tree = c.tree and s.size = c.size
       ), ''), 'UTF8') as note
  from log.checkpoints c where c.tree = $1
"""
NEWEST = f"{_KEPT} order by c.size desc limit 1"
OF_SIZE = f"{_KEPT} and c.size = $2"
UPTO_SIZE = f"{_KEPT} and c.size <= $2 order by c.size desc limit 1"
FROM_SIZE = f"{_KEPT} and c.size >= $2 order by c.size limit 1"
UPTO_TIME = f"{_KEPT} and c.made_at <= $2 order by c.made_at desc, c.size desc limit 1"
KEEP = "select log.keep_checkpoint($1, $2, $3, $4, $5)"
KEEP_COSIGNATURE = "select log.keep_cosignature($1, $2, $3, $4, $5)"
LAST_COSIGNED = (
    "select size from log.cosignatures where tree = $1 and name = $2 and key_id = $3 order by size desc limit 1"
)
WITNESSED = """
select size from log.cosignatures where tree = $1 and (name, key_id) in (select * from unnest($2::text[], $3::bytea[]))
   and size >= coalesce((select size from log.checkpoints where tree = $1 order by size desc offset $5 - 1 limit 1), 0)
 group by size having count(*) >= $4 order by size desc limit 1
"""

MOST_LOOKED_AT = 1000
"""So many of the newest checkpoints are searched for a quorum, however long ago it was lost: everybody may ask."""


class Kept(Struct, frozen=True, kw_only=True):
    """A checkpoint with the time when it was made. `note` is the signed note, as UTF-8, with the cosignatures that there are.

    `has_quorum` is whether it has the quorum that was asked for, and None if none is required.
    """

    size: int
    made_at: datetime
    root: bytes
    note: bytes
    has_quorum: bool | None = None


async def newest(connection: AnyConnection, tree: Tree) -> Kept | None:
    return _kept(await connection.fetchrow(NEWEST, tree.name))


async def witnessed(connection: AnyConnection, tree: Tree, quorum: Quorum) -> Kept | None:
    """Returns the newest checkpoint that has its quorum, or None if none of the last MOST_LOOKED_AT has, or none is required."""
    if quorum.least == 0:
        return None
    names, ids = [key.name for key in quorum.keys], [key.key_id for key in quorum.keys]
    size = await connection.fetchval(WITNESSED, tree.name, names, ids, quorum.least, MOST_LOOKED_AT)
    found = None if size is None else await of_size(connection, tree, size)
    return found and found.__replace__(has_quorum=True)


async def without_quorum(connection: AnyConnection, tree: Tree, quorum: Quorum) -> Kept | None:
    """Returns the newest checkpoint, which counts as one without its quorum, if one is required."""
    found = await newest(connection, tree)
    return found and found.__replace__(has_quorum=False if quorum.least else None)


async def of_size(connection: AnyConnection, tree: Tree, size: int) -> Kept | None:
    return _kept(await connection.fetchrow(OF_SIZE, tree.name, size))


async def upto_size(connection: AnyConnection, tree: Tree, size: int) -> Kept | None:
    """Returns the newest checkpoint of a tree of at most this size."""
    return _kept(await connection.fetchrow(UPTO_SIZE, tree.name, size))


async def from_size(connection: AnyConnection, tree: Tree, size: int) -> Kept | None:
    """Returns the first checkpoint of a tree of at least this size."""
    return _kept(await connection.fetchrow(FROM_SIZE, tree.name, size))


async def upto_time(connection: AnyConnection, tree: Tree, moment: datetime) -> Kept | None:
    """Returns the newest checkpoint that was made by then."""
    return _kept(await connection.fetchrow(UPTO_TIME, tree.name, moment))


async def keep(connection: AnyConnection, tree: Tree, *, size: int, chain: bytes, root: bytes, note: bytes) -> None:
    """Keeps a checkpoint, if it is not kept yet. Raises asyncpg's InvalidParameterValueError if the log or an earlier root contradicts it."""
    await connection.execute(KEEP, tree.name, size, chain, root, note)


async def last_cosigned(connection: AnyConnection, tree: Tree, key: VerifierKey) -> int:
    """Returns the largest size that this witness has cosigned, or 0."""
    return await connection.fetchval(LAST_COSIGNED, tree.name, key.name, key.key_id) or 0


async def keep_cosignature(connection: AnyConnection, tree: Tree, size: int, cosignature: Signature) -> None:
    """Keeps a cosignature, which must be verified, under the checkpoint of this size."""
    await connection.execute(KEEP_COSIGNATURE, tree.name, size, cosignature.name, cosignature.key_id, cosignature.line)


def _kept(row: asyncpg.Record | None) -> Kept | None:
    return None if row is None else Kept(size=row[0], made_at=row[1], root=row[2], note=row[3])
