"""Sessions: which are open, whose they are, and which clients still have to get a logout token for one that ended."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.codec import tags
from events.database import AnyConnection
from events.sealed import Sealed
from events.session import (
    SessionClientNotified,
    SessionClientNotReached,
    SessionEnded,
    SessionEvent,
    SessionReauthenticated,
    SessionStarted,
    SessionUsedAfterEnd,
)
from projections.table import Table

COLUMNS = "stream_id, user_id, token_hash, amr, acr, device, state, started_at, authenticated_at, expires_at, ended_at, notify, version"
FIND = f"select {COLUMNS} from read.sessions where stream_id = $1"
OF_USER = f"""
select {COLUMNS} from read.sessions
 where user_id = $1 and state = 'open' and expires_at > clock_timestamp() order by stream_id desc
"""
OPEN = f"select {COLUMNS} from read.sessions where state = 'open' and expires_at > clock_timestamp() {{conditions}} order by stream_id desc limit $1"
TO_NOTIFY = f"""
select {COLUMNS}, client_id from read.sessions join (
  select stream_id, client_id, row_number() over (partition by client_id order by ended_at, stream_id) as turn
    from read.sessions, unnest(notify) as client_id where notify <> '{{}}'
) as waiting using (stream_id) where turn <= $1 order by turn, ended_at limit $2
"""
EXPIRED = """
select stream_id from read.sessions where state = 'open' and expires_at <= clock_timestamp() order by expires_at limit $1
"""
# With `offset 0`, Postgres looks at the sessions of these users only, and not at all that are open.
OF_STOPPED_USERS = """
select s.stream_id, u.state from read.users u
 cross join lateral (select stream_id from read.sessions where user_id = u.stream_id and state = 'open' offset 0) as s
 where u.state <> 'active' order by s.stream_id
"""
OF_FORMER = """
select s.stream_id from read.users u join read.sessions s on s.user_id = u.stream_id
 where u.password_at > u.created_at and u.password_at > clock_timestamp() - interval '91 days'
   and s.state = 'open' and greatest(s.started_at, s.authenticated_at) < u.password_at order by s.stream_id
"""


class Row(Struct, frozen=True, gc=False):
    stream_id: UUID
    user_id: UUID
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    device: Sealed | None
    state: str
    started_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    notify: tuple[str, ...]
    version: int


def project(row: Row | None, stream: UUID, event: SessionEvent) -> Row | None:
    """Returns the session's row after the event."""
    if isinstance(event, SessionStarted):
        return _started(stream, event)
    return None if row is None else _changed(row.__replace__(version=row.version + 1), event)


def _started(stream: UUID, event: SessionStarted) -> Row:
    return Row(
        stream_id=stream,
        user_id=event.user,
        token_hash=event.token_hash,
        amr=event.amr,
        acr=event.acr,
        device=event.device,
        state="open",
        started_at=event.at,
        authenticated_at=event.authenticated_at or event.at,
        expires_at=event.expires_at,
        ended_at=None,
        notify=(),
        version=1,
    )


def _changed(row: Row, event: SessionEvent) -> Row:
    match event:
        case SessionStarted() | SessionUsedAfterEnd():
            return row
        case SessionReauthenticated():
            return row.__replace__(token_hash=event.token_hash, amr=event.amr, acr=event.acr, authenticated_at=event.at)
        case SessionEnded():
            return row.__replace__(state="ended", ended_at=event.at, notify=event.notify, device=None)
        case SessionClientNotified() | SessionClientNotReached():
            return row.__replace__(notify=tuple(each for each in row.notify if each != event.client_id))


TABLE = Table(name="sessions", row=Row, tags=tags(SessionEvent), project=project)


def row_of(values: Iterable[Any]) -> Row:
    """Returns the row of the values of these COLUMNS, which are its fields."""
    stream, user, token_hash, amr, acr, device, state, started, authenticated, expires, ended, notify, version = values
    moments = started, authenticated, expires, ended
    return Row(stream, user, token_hash, tuple(amr), acr, device, state, *moments, tuple(notify), version)


async def find(connection: AnyConnection, session: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, session)
    return None if record is None else row_of(record)


async def of_user(connection: AnyConnection, user: UUID) -> list[Row]:
    """Returns the user's open sessions, latest first."""
    return [row_of(record) for record in await connection.fetch(OF_USER, user)]


async def listed(connection: AnyConnection, *, user: UUID | None, after: UUID | None, limit: int) -> list[Row]:
    """Returns open sessions, latest first, at most `limit`: those of a user, or of everybody."""
    given: list[object] = [limit]
    conditions = ""
    for condition, value in (("and user_id = ${}::uuid ", user), ("and stream_id < ${}::uuid ", after)):
        if value is not None:
            given.append(value)
            conditions += condition.format(len(given))
    return [row_of(record) for record in await connection.fetch(OPEN.format(conditions=conditions), *given)]


async def to_notify(connection: AnyConnection, *, each: int, limit: int) -> list[tuple[Row, str]]:
    """Returns ended sessions, each with a client to notify: first the oldest of every client, then the second oldest, and so on."""
    records = await connection.fetch(TO_NOTIFY, each, limit)
    return [(row_of(columns), client_id) for *columns, client_id in records]


async def expired(connection: AnyConnection, *, limit: int) -> list[UUID]:
    """Returns open sessions that have expired, oldest first."""
    return [row[0] for row in await connection.fetch(EXPIRED, limit)]


async def of_stopped_users(connection: AnyConnection) -> dict[UUID, str]:
    """Returns the open sessions of users who are not active, each with the state of its user."""
    return {row[0]: row[1] for row in await connection.fetch(OF_STOPPED_USERS)}


async def of_former_passwords(connection: AnyConnection) -> list[UUID]:
    """Returns the open sessions that are older than their user's password. No session lives longer than 90 days."""
    return [row[0] for row in await connection.fetch(OF_FORMER)]
