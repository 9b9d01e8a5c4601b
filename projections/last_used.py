"""When each client, secret and bot last got a token, and how many: followed from the issuance log, never an update of a client."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from events.issuance import decode
from projections.clients import client_id_of

NAME = "last_used"
VERSION = 1

ADD = """
insert into {table} as t (kind, id, used_at, tokens) select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[])
on conflict (kind, id) do update set used_at = greatest(t.used_at, excluded.used_at), tokens = t.tokens + excluded.tokens
"""
FIND = "select id, used_at from read.last_used where kind = $1 and id = any($2::text[])"


class Use(Struct, frozen=True):
    at: datetime
    tokens: int


Uses = dict[tuple[str, str], Use]


class Poison(Exception):
    """A row of the issuance log that cannot be read; the projection stops at it, visibly."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position


def project(rows: Iterable[asyncpg.Record]) -> Uses:
    """What a page of the issuance log adds. Raises Poison."""
    times: dict[tuple[UUID, UUID, str | None], list[datetime]] = {}
    for position, issued_at, client, secret, data in rows:
        try:
            token = decode(data)
            bot = token.sub if token.authorization is None else None  # else it is a person, who is nobody's bot
            times.setdefault((client, secret, bot), []).append(issued_at)
        except ValueError as fault:
            raise Poison(position, str(fault)) from fault
    uses: Uses = {}
    for (client, secret, bot), used in times.items():
        keys = {"client": client_id_of(client), "secret": str(secret) if secret.int else None, "bot": bot}
        for key in ((kind, name) for kind, name in keys.items() if name is not None):
            known = uses.get(key, Use(used[0], 0))
            uses[key] = Use(max(known.at, *used), known.tokens + len(used))
    return uses


async def add(connection: AnyConnection, uses: Uses, *, table: str = "read.last_used") -> None:
    """Adds the uses to the table (or to the one that is built beside it), in an order that cannot deadlock."""
    if not uses:
        return
    keys = sorted(uses)
    columns: Sequence[Any] = (
        [k for k, _ in keys],
        [i for _, i in keys],
        [uses[k].at for k in keys],
        [uses[k].tokens for k in keys],
    )
    await connection.execute(ADD.format(table=table), *columns)


async def find(connection: AnyConnection, kind: str, ids: Sequence[str]) -> dict[str, datetime]:
    """When each of these was last used; those that never were are left out."""
    return {row[0]: row[1] for row in await connection.fetch(FIND, kind, ids)}


async def clients_used(connection: AnyConnection, clients: Sequence[UUID]) -> dict[UUID, datetime]:
    """By the client's stream."""
    streams = {client_id_of(stream): stream for stream in clients}
    return {streams[key]: at for key, at in (await find(connection, "client", list(streams))).items()}


async def secrets_used(connection: AnyConnection, secrets: Sequence[UUID]) -> dict[UUID, datetime]:
    return {UUID(key): at for key, at in (await find(connection, "secret", [str(s) for s in secrets])).items()}
