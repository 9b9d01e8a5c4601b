"""The two trees, over the two logs: their names, their logs, and the entries of their leaves."""

from collections.abc import Callable
from typing import Literal

import asyncpg
from msgspec import Struct

from events.batches import RECORDED_AT
from events.database import AnyConnection
from events.transparency.entries import event_entry, token_entry

EVENTS_BETWEEN = """
select position, recorded_at, stream_id, version, schema_ver, type, meta, data from log.events
 where position > $1 and position <= $2 order by position
"""
# The times leave out the partitions of other days.
TOKENS_BETWEEN = f"""
select position, issued_at, client, secret, jti, data from log.issuance
 where position > $1 and position <= $2
   and issued_at >= ({RECORDED_AT.format(batches="log.issuance_batches", position="$1::bigint + 1")})
   and issued_at <= ({RECORDED_AT.format(batches="log.issuance_batches", position="$2")})
 order by position
"""


class Tree(Struct, frozen=True, kw_only=True):
    """`of` says which log it is, for people. The leaf of a position has the index position - 1."""

    name: Literal["log", "issuance"]
    of: str
    batches: str
    tiles: str
    rows: str
    entry: Callable[[asyncpg.Record], bytes]

    def origin(self, issuer: str) -> str:
        """Returns the name of the tree in its checkpoints. A key's name cannot have a plus sign, and an issuer's path can."""
        name = issuer.replace("+", "%2B")
        return name if self.name == "log" else f"{name}/issuance"


def _event(row: asyncpg.Record) -> bytes:
    position, recorded_at, stream, version, schema, kind, meta, data = row
    return event_entry(
        position=position,
        recorded_at=recorded_at,
        stream=stream,
        version=version,
        schema_version=schema,
        kind=kind,
        meta=meta,
        data=data,
    )


def _token(row: asyncpg.Record) -> bytes:
    position, issued_at, client, secret, jti, data = row
    return token_entry(position=position, issued_at=issued_at, client=client, secret=secret, jti=jti, data=data)


EVENTS = Tree(name="log", of="event log", batches="log.batches", tiles="log_tiles", rows=EVENTS_BETWEEN, entry=_event)
ISSUANCE = Tree(
    name="issuance",
    of="issuance log",
    batches="log.issuance_batches",
    tiles="issuance_tiles",
    rows=TOKENS_BETWEEN,
    entry=_token,
)
BOTH = (EVENTS, ISSUANCE)


async def entries(connection: AnyConnection, tree: Tree, first: int, end: int) -> list[bytes]:
    """Returns the entries of these leaves, from `first` up to (not including) `end`; fewer, if the log does not have all."""
    return [tree.entry(row) for row in await connection.fetch(tree.rows, first, end)]
