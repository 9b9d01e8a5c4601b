"""The bots that are registered here. A deleted bot keeps its row, without its names, so that its clients stay stopped."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.bot import BotDeleted, BotDisabled, BotEnabled, BotEvent, BotRegistered, BotRestored
from events.codec import tags
from events.database import AnyConnection
from events.ids import bot_id_of
from projections.table import Table

COLUMNS = "stream_id, bot_id, owner, email, first_name, last_name, state, created_at, version"
FIND = f"select {COLUMNS} from read.bots where bot_id = $1"
LIST = f"""
select {COLUMNS} from read.bots
 where ($1::text is null or owner = $1) and ($2::uuid is null or stream_id > $2) and state <> 'deleted' order by stream_id limit $3
"""
OF_IDS = f"""
select {COLUMNS} from read.bots
 where stream_id = any($1::uuid[]) and ($2::text is null or owner = $2) and ($3::uuid is null or stream_id > $3) and state <> 'deleted'
 order by stream_id limit $4
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    bot_id: str
    owner: str
    email: str | None
    first_name: str | None
    last_name: str | None
    state: str
    created_at: datetime
    version: int


def project(row: Row | None, stream: UUID, event: BotEvent) -> Row | None:
    """Returns the bot's row after the event."""
    if isinstance(event, BotRegistered):
        return _registered(stream, event)
    if row is None:
        return None
    match event:
        case BotDisabled():
            return row.__replace__(state="disabled", version=row.version + 1)
        case BotEnabled():
            return row.__replace__(state="active", version=row.version + 1)
        case BotDeleted():
            return row.__replace__(
                state="deleted", email=None, first_name=None, last_name=None, version=row.version + 1
            )
        case BotRestored():
            return row.__replace__(
                state="active" if event.disabled_by is None else "disabled",
                email=event.email,
                first_name=event.first_name,
                last_name=event.last_name,
                version=row.version + 1,
            )


def _registered(stream: UUID, event: BotRegistered) -> Row:
    return Row(
        stream_id=stream,
        bot_id=bot_id_of(stream),
        owner=event.owner,
        email=event.email,
        first_name=event.first_name,
        last_name=event.last_name,
        state="active",
        created_at=event.at,
        version=1,
    )


TABLE = Table(name="bots", row=Row, tags=tags(BotEvent), project=project)


def _row(record: asyncpg.Record) -> Row:
    return Row(**dict(record))


async def find(connection: AnyConnection, bot_id: str) -> Row | None:
    """Returns the row of a bot, even if it is deleted; None for an id of the surrounding product's own directory."""
    record = await connection.fetchrow(FIND, bot_id)
    return None if record is None else _row(record)


async def listed(connection: AnyConnection, *, owner: str | None, after: UUID | None, limit: int) -> Sequence[Row]:
    return [_row(record) for record in await connection.fetch(LIST, owner, after, limit)]


async def of_ids(
    connection: AnyConnection, streams: Sequence[UUID], *, owner: str | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Returns those of these bots that are not deleted."""
    return [_row(record) for record in await connection.fetch(OF_IDS, streams, owner, after, limit)]
