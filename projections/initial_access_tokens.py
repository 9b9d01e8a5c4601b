"""The initial access tokens, also those that are used up, expired or revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.codec import tags
from events.database import AnyConnection
from events.initial_access_token import (
    InitialAccessTokenEvent,
    InitialAccessTokenIssued,
    InitialAccessTokenRevoked,
    InitialAccessTokenUsed,
)
from projections.table import Table

COLUMNS = "stream_id, owner, name, hash, hint, scopes, machines, uses, used, state, created_at, expires_at, last_used_at, version"
FIND = f"select {COLUMNS} from read.initial_access_tokens where stream_id = $1"
LIST = f"""
select {COLUMNS} from read.initial_access_tokens
 where ($1::uuid is null or stream_id > $1) and ($2::text is null or owner = $2) order by stream_id limit $3
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    owner: str
    name: str
    hash: str
    hint: str
    scopes: tuple[str, ...]
    machines: bool
    uses: int
    used: int
    state: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    version: int


def project(row: Row | None, stream: UUID, event: InitialAccessTokenEvent) -> Row | None:
    """Returns the token's row after the event."""
    if isinstance(event, InitialAccessTokenIssued):
        return _issued(stream, event)
    if row is None:
        return None
    match event:
        case InitialAccessTokenUsed():
            return row.__replace__(used=row.used + 1, last_used_at=event.at, version=row.version + 1)
        case InitialAccessTokenRevoked():
            return row.__replace__(state="revoked", version=row.version + 1)


def _issued(stream: UUID, event: InitialAccessTokenIssued) -> Row:
    return Row(
        stream_id=stream,
        owner=event.allows.owner,
        name=event.name,
        hash=event.hash,
        hint=event.hint,
        scopes=event.allows.scopes,
        machines=event.allows.machines,
        uses=event.allows.uses,
        used=0,
        state="active",
        created_at=event.at,
        expires_at=event.allows.expires_at,
        last_used_at=None,
        version=1,
    )


TABLE = Table(name="initial_access_tokens", row=Row, tags=tags(InitialAccessTokenEvent), project=project)


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {**dict(record), "scopes": tuple(record["scopes"])}
    return Row(**columns)


async def find(connection: AnyConnection, stream: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, stream)
    return None if record is None else _row(record)


async def listed(connection: AnyConnection, *, owner: str | None, after: UUID | None, limit: int) -> Sequence[Row]:
    """Returns the tokens of the owner (None: of everybody), oldest first, at most `limit`."""
    return [_row(record) for record in await connection.fetch(LIST, after, owner, limit)]
