"""The APIs that are registered here. There are few, so a process holds all of them. A deleted one keeps its row, with its identifier."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.api import ApiChanged, ApiDeleted, ApiEvent, ApiRegistered, ApiTerms
from events.codec import tags
from events.database import AnyConnection
from events.ids import api_id_of
from projections.table import Table

COLUMNS = "stream_id, identifier, terms, state, created_at, version"
ACTIVE = f"select {COLUMNS} from read.apis where state = 'active'"
FIND = f"{ACTIVE} and stream_id = $1"
LIST = f"""
{ACTIVE} and ($1::uuid is null or stream_id = $1) and ($2::uuid is null or stream_id > $2) order by stream_id limit $3
"""
DELETED = "select exists(select from read.apis where stream_id = $1 and state = 'deleted')"


class Row(Struct, frozen=True, kw_only=True):
    stream_id: UUID
    identifier: str
    terms: ApiTerms
    state: str
    created_at: datetime
    version: int

    @property
    def api_id(self) -> str:
        return api_id_of(self.stream_id)


def project(row: Row | None, stream: UUID, event: ApiEvent) -> Row | None:
    """Returns the API's row after the event."""
    match event:
        case ApiRegistered():
            return Row(
                stream_id=stream,
                identifier=event.identifier,
                terms=event.terms,
                state="active",
                created_at=event.at,
                version=row.version + 1 if row else 1,
            )
        case ApiChanged():
            return row and row.__replace__(terms=event.terms, version=row.version + 1)
        case ApiDeleted():
            return row and row.__replace__(
                terms=ApiTerms(name=row.terms.name), state="deleted", version=row.version + 1
            )


TABLE = Table(name="apis", row=Row, tags=tags(ApiEvent), project=project)

_terms = json.Decoder(ApiTerms).decode


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {**dict(record), "terms": _terms(record["terms"])}
    return Row(**columns)


async def every(connection: AnyConnection) -> dict[str, Row]:
    """Returns all APIs, by their identifiers."""
    return {row.identifier: row for row in map(_row, await connection.fetch(ACTIVE))}


async def find(connection: AnyConnection, stream: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, stream)
    return None if record is None else _row(record)


async def listed(
    connection: AnyConnection, *, after: UUID | None, limit: int, stream: UUID | None = None
) -> Sequence[Row]:
    return [_row(record) for record in await connection.fetch(LIST, stream, after, limit)]


async def was_deleted(connection: AnyConnection, stream: UUID) -> bool:
    return await connection.fetchval(DELETED, stream) is True
