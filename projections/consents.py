"""Consents: the scopes that a user allowed a client, until the user withdraws them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.codec import tags
from events.consent import ConsentEvent, ConsentGiven, ConsentWithdrawn
from events.database import AnyConnection
from projections.table import Table

COLUMNS = "stream_id, user_id, client_id, resource, scopes, state, given_at, withdrawn_at, version"
FIND = f"select {COLUMNS} from read.consents where stream_id = $1"
OF_USER = (
    f"select {COLUMNS} from read.consents where user_id = $1 and state = 'given' order by given_at desc, stream_id"
)

LIST = f"""
select {COLUMNS} from read.consents
 where ($1::uuid is null or stream_id > $1) and ($2::uuid is null or user_id = $2) and ($3::text is null or client_id = $3)
   and ($4::text is null or state = $4)
 order by stream_id limit $5
"""
OF_CLIENT = "select stream_id from read.consents where client_id = $1 order by stream_id"


class Row(Struct, frozen=True, gc=False):
    stream_id: UUID
    user_id: UUID
    client_id: str
    resource: str | None
    scopes: tuple[str, ...]
    state: str
    given_at: datetime
    withdrawn_at: datetime | None
    version: int


def project(row: Row | None, stream: UUID, event: ConsentEvent) -> Row | None:
    """Returns the consent's row after the event."""
    match event:
        case ConsentGiven():
            return Row(
                stream_id=stream,
                user_id=event.user,
                client_id=event.client_id,
                resource=event.resource,
                scopes=event.scopes,
                state="given",
                given_at=event.at,
                withdrawn_at=row.withdrawn_at if row else None,
                version=row.version + 1 if row else 1,
            )
        case ConsentWithdrawn():
            return row and row.__replace__(state="withdrawn", scopes=(), withdrawn_at=event.at, version=row.version + 1)


TABLE = Table(name="consents", row=Row, tags=tags(ConsentEvent), project=project)


def row_of(values: Iterable[Any]) -> Row:
    """Returns the row of the values of these COLUMNS, which are its fields."""
    stream, user, client_id, resource, scopes, *others = values
    return Row(stream, user, client_id, resource, tuple(scopes), *others)


async def find(connection: AnyConnection, stream: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, stream)
    return None if record is None else row_of(record)


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    after: UUID | None = None
    user: UUID | None = None
    client_id: str | None = None
    state: str | None = None


async def listed(connection: AnyConnection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Returns consents, also withdrawn ones, in the order of their streams, at most `limit`."""
    given = (wanted.after, wanted.user, wanted.client_id, wanted.state)
    return [row_of(record) for record in await connection.fetch(LIST, *given, limit)]


async def of_user(connection: AnyConnection, user: UUID) -> list[Row]:
    """Returns the user's consents that are not withdrawn, latest first."""
    return [row_of(record) for record in await connection.fetch(OF_USER, user)]


async def of_client(connection: AnyConnection, client_id: str) -> list[UUID]:
    """Returns the streams of all consents to this client, including withdrawn ones."""
    return [row[0] for row in await connection.fetch(OF_CLIENT, client_id)]
