"""Access tokens that were revoked before they expired (RFC 7009)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.access_token import AccessTokenEvent
from events.codec import tags
from events.database import AnyConnection
from projections.table import Table

ALIVE = "select stream_id, expires_at from read.revoked_tokens where expires_at > clock_timestamp()"
REVOKED_AT = "select stream_id, revoked_at from read.revoked_tokens where stream_id = any($1::uuid[])"
FIND = "select stream_id, expires_at from read.revoked_tokens where stream_id = any($1::uuid[])"


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    client_id: str
    revoked_at: datetime
    expires_at: datetime
    version: int


def project(row: Row | None, stream: UUID, event: AccessTokenEvent) -> Row | None:
    """Returns the token's row. The first revocation counts; a second one changes nothing."""
    return row or Row(
        stream_id=stream, client_id=event.client_id, revoked_at=event.at, expires_at=event.expires_at, version=1
    )


TABLE = Table(name="revoked_tokens", row=Row, tags=tags(AccessTokenEvent), project=project)


async def alive(connection: AnyConnection) -> dict[UUID, datetime]:
    """Returns the jti of every revoked token that has not expired, with its expiry."""
    return {row[0]: row[1] for row in await connection.fetch(ALIVE)}


async def find(connection: AnyConnection, tokens: list[UUID]) -> dict[UUID, datetime]:
    return {row[0]: row[1] for row in await connection.fetch(FIND, tokens)}


async def revoked_at(connection: AnyConnection, tokens: list[UUID]) -> dict[UUID, datetime]:
    return {row[0]: row[1] for row in await connection.fetch(REVOKED_AT, tokens)}
