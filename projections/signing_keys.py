"""The public parts of the signing keys, and their states."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.codec import tags
from events.database import AnyConnection
from events.signing_key import PublicJwk, SigningKeyActivated, SigningKeyEvent, SigningKeyPublished, SigningKeyRetired
from projections.table import Table

COLUMNS = "stream_id, kid, alg, public_jwk, state, published_at, activated_at, retired_at, version"
STREAM_OF = "select stream_id from read.signing_keys where kid = $1"
ALL = f"select {COLUMNS} from read.signing_keys order by stream_id"
LIST = f"""
select {COLUMNS} from read.signing_keys
 where ($1::uuid is null or stream_id > $1) and ($2::text is null or state = $2) order by stream_id limit $3
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    kid: str
    alg: str
    public_jwk: PublicJwk
    state: str
    published_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    version: int


def project(row: Row | None, stream: UUID, event: SigningKeyEvent) -> Row | None:
    """Returns the key's row after the event."""
    if isinstance(event, SigningKeyPublished):
        return _published(stream, event)
    if row is None:
        return None
    match event:
        case SigningKeyActivated():
            return row.__replace__(state="active", activated_at=event.at, version=row.version + 1)
        case SigningKeyRetired():
            return row.__replace__(state="retired", retired_at=event.at, version=row.version + 1)


def _published(stream: UUID, event: SigningKeyPublished) -> Row:
    return Row(
        stream_id=stream,
        kid=event.kid,
        alg=event.alg,
        public_jwk=event.public_jwk,
        state="published",
        published_at=event.at,
        activated_at=None,
        retired_at=None,
        version=1,
    )


TABLE = Table(name="signing_keys", row=Row, tags=tags(SigningKeyEvent), project=project)

_public_jwk = json.Decoder(PublicJwk).decode


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {**dict(record), "public_jwk": _public_jwk(record["public_jwk"])}
    return Row(**columns)


async def every(connection: AnyConnection) -> list[Row]:
    """Returns all keys, oldest first."""
    return [_row(record) for record in await connection.fetch(ALL)]


async def stream_of(connection: AnyConnection, kid: str) -> UUID | None:
    """Returns the stream of the key, or None if there is no such key."""
    return await connection.fetchval(STREAM_OF, kid)


async def listed(connection: AnyConnection, *, after: UUID | None, state: str | None, limit: int) -> list[Row]:
    """Returns keys, oldest first, at most `limit`."""
    return [_row(record) for record in await connection.fetch(LIST, after, state, limit)]


def active(rows: list[Row], alg: str) -> Row | None:
    """Returns the key that signs for the algorithm: the last activated one that is not retired, or None."""
    signing = [row for row in rows if row.state == "active" and row.alg == alg]
    return max(signing, key=lambda row: (row.activated_at, row.stream_id), default=None)
