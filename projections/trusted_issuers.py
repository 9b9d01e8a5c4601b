"""The trusted issuers. A deleted one has no row, so that its identifier can be registered once more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.codec import tags
from events.database import AnyConnection
from events.trusted_issuer import (
    Trust,
    TrustedIssuerChanged,
    TrustedIssuerDeleted,
    TrustedIssuerDisabled,
    TrustedIssuerEnabled,
    TrustedIssuerEvent,
    TrustedIssuerRegistered,
)
from projections.table import Table

COLUMNS = "stream_id, issuer, trust, state, created_at, version"
FIND = f"select {COLUMNS} from read.trusted_issuers where stream_id = $1"
NAMED = f"select {COLUMNS} from read.trusted_issuers where issuer = $1"
ACTIVE = f"select {COLUMNS} from read.trusted_issuers where state = 'active'"
LIST = f"""
select {COLUMNS} from read.trusted_issuers where $1::uuid is null or stream_id > $1 order by stream_id limit $2
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    issuer: str
    trust: Trust
    state: str
    created_at: datetime
    version: int


def project(row: Row | None, stream: UUID, event: TrustedIssuerEvent) -> Row | None:
    """Returns the issuer's row after the event."""
    if isinstance(event, TrustedIssuerRegistered):
        return Row(
            stream_id=stream, issuer=event.issuer, trust=event.trust, state="active", created_at=event.at, version=1
        )
    if row is None:
        return None
    match event:
        case TrustedIssuerChanged():
            return row.__replace__(trust=event.trust, version=row.version + 1)
        case TrustedIssuerDisabled():
            return row.__replace__(state="disabled", version=row.version + 1)
        case TrustedIssuerEnabled():
            return row.__replace__(state="active", version=row.version + 1)
        case TrustedIssuerDeleted():
            return None


TABLE = Table(name="trusted_issuers", row=Row, tags=tags(TrustedIssuerEvent), project=project)

_trust = json.Decoder(Trust).decode


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {**dict(record), "trust": _trust(record["trust"])}
    return Row(**columns)


async def find(connection: AnyConnection, stream: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, stream)
    return None if record is None else _row(record)


async def named(connection: AnyConnection, issuer: str) -> Row | None:
    """Returns the issuer with this identifier."""
    record = await connection.fetchrow(NAMED, issuer)
    return None if record is None else _row(record)


async def active(connection: AnyConnection) -> dict[str, Row]:
    """Returns the issuers whose tokens are accepted, by their identifiers."""
    return {row.issuer: row for row in map(_row, await connection.fetch(ACTIVE))}


async def listed(connection: AnyConnection, *, after: UUID | None, limit: int) -> Sequence[Row]:
    """Returns issuers, oldest first, at most `limit`."""
    return [_row(record) for record in await connection.fetch(LIST, after, limit)]
