"""Authorizations: which user granted which client access, in which session, and whether the authorization is still active."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct

from events.authorization import (
    NO_SESSION,
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRevoked,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    RedemptionRefused,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
)
from events.codec import tags
from events.database import AnyConnection
from events.ids import CLIENT_ID_PREFIX
from projections.table import Table

COLUMNS = "stream_id, client, user_id, session_id, scopes, resource, state, granted_at, redeemed_at, used_at, refresh_until, revoked_at, why, version, bound_by, restored, asserted_by"
OF_USER = f"select {COLUMNS} from read.authorizations where user_id = $1 and state = 'active' order by stream_id desc"
OF_SESSION = f"select {COLUMNS} from read.authorizations where session_id = $1 and state = 'active' order by stream_id"
STANDING = """
select exists(select from read.authorizations
               where session_id = $1 and user_id = $2 and client = $3 and restored = $4 and state = 'active')
"""
FIND = f"select {COLUMNS} from read.authorizations where stream_id = $1"
LIST = f"""
select {COLUMNS} from read.authorizations
 where ($1::uuid is null or stream_id > $1) and ($2::uuid is null or user_id = $2) and ($3::uuid is null or client = $3)
   and ($4::text is null or state = $4)
 order by stream_id limit $5
"""
LAST_OF_SESSIONS = """
select session_id, max(greatest(granted_at, used_at)) from read.authorizations
 where session_id = any($1::uuid[]) and state = 'active' group by session_id
"""
LAST_OF_CLIENT = """
select bound_by from read.authorizations where client = $1 and bound_by is not null order by stream_id desc limit $2
"""
REVOKED = (
    "select stream_id, revoked_at from read.authorizations where stream_id = any($1::uuid[]) and state = 'revoked'"
)
REVOKED_SINCE = (
    "select stream_id, revoked_at from read.authorizations where revoked_at > clock_timestamp() - $1::interval"
)
# Few users are stopped. With `offset 0`, Postgres looks at the authorizations of these only, and not at all that are active.
OF_STOPPED = """
select a.stream_id, u.state from read.users u
 cross join lateral (select stream_id from read.authorizations where user_id = u.stream_id and state = 'active' offset 0) as a
 where u.state <> 'active' order by a.stream_id
"""
OF_ENDED = """
select a.stream_id from read.sessions s join read.authorizations a on a.session_id = s.stream_id
 where s.ended_at > clock_timestamp() - interval '1 day' and a.state = 'active' and not 'offline_access' = any(a.scopes)
 order by a.stream_id
"""
OF_ASSERTIONS = """
select stream_id from read.authorizations
 where session_id = $1 and state = 'active' and granted_at < clock_timestamp() - interval '1 day' order by stream_id limit $2
"""
OF_FORMER = """
select a.stream_id from read.users u join read.authorizations a on a.user_id = u.stream_id
  left join read.sessions s on s.stream_id = a.session_id
 where u.password_at > u.created_at and u.password_at > clock_timestamp() - interval '91 days'
   and a.state = 'active' and (a.granted_at < u.password_at or greatest(s.started_at, s.authenticated_at) < u.password_at) order by a.stream_id
"""
CONSENTED = f"""(c.resource is not distinct from a.resource or c.resource = any(string_to_array(a.resource, ' ')))
   and c.client_id = coalesce((select k.client_id from read.clients k where k.stream_id = a.client),
                              '{CLIENT_ID_PREFIX}' || replace(a.client::text, '-', ''))"""
"""The condition that the consent `c` is to the client of the authorization `a`, and for its resource or one of its resources."""

OF_WITHDRAWN = f"""
select a.stream_id from read.consents c join read.authorizations a on a.user_id = c.user_id
 where c.withdrawn_at > clock_timestamp() - interval '91 days' and a.state = 'active' and a.granted_at < c.withdrawn_at
   and {CONSENTED}
 order by a.stream_id
"""
# The inner limit does the same for clients that were restored.
OF_RESTORED = """
select a.stream_id from read.clients c
 cross join lateral (select stream_id from read.authorizations where client = c.stream_id and state = 'active' and restored < c.restored
                      order by stream_id limit 1000) as a
 where c.restored > 0 order by a.stream_id limit 1000
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    client: UUID
    user_id: UUID
    session_id: UUID
    scopes: tuple[str, ...]
    resource: str | None
    state: str
    granted_at: datetime | None
    redeemed_at: datetime | None
    used_at: datetime | None
    refresh_until: datetime | None
    revoked_at: datetime | None
    why: str | None
    version: int
    bound_by: tuple[str, ...] | None
    restored: int = 0
    asserted_by: str | None = None
    """The trusted issuer that asserted the user, who has no session here then."""


def project(row: Row | None, stream: UUID, event: AuthorizationEvent) -> Row | None:
    """Returns the authorization's row after the event. Of a long stream most are rotations, so these are matched first."""
    if isinstance(event, AuthorizationGranted):
        return _granted(stream, event)
    if row is None:
        return None
    version = row.version + 1
    match event:
        case RefreshTokenRotated():
            return row.__replace__(used_at=event.at, version=version)
        case CodeIssued():
            return row.__replace__(granted_at=event.at, version=version)
        case CodeRedeemed():
            return row.__replace__(redeemed_at=event.at, used_at=event.at, version=version)
        case RefreshTokenIssued():
            return row.__replace__(refresh_until=event.expires_at, version=version)
        case AuthorizationRevoked() if row.state == "active":
            return row.__replace__(state="revoked", revoked_at=event.at, why=event.why, version=version)
        case AuthorizationRevoked() | CodeReplayed() | RedemptionRefused() | RefreshTokenReplayed():
            return row.__replace__(version=version)


def _granted(stream: UUID, event: AuthorizationGranted) -> Row:
    row = Row(
        stream_id=stream,
        client=event.client,
        user_id=event.user,
        session_id=event.session,
        scopes=event.scopes,
        resource=event.resource,
        state="active",
        granted_at=(event.assertion.at or None) if event.assertion else None,
        redeemed_at=None,
        used_at=None,
        refresh_until=None,
        revoked_at=None,
        why=None,
        version=1,
        bound_by=None if event.bound_by is UNSET else event.bound_by,
    )
    if not event.life and not event.assertion:
        return row
    # Of more than 15 keywords Python makes a dictionary first, which takes longer than the row.
    return row.__replace__(
        restored=event.life,
        asserted_by=event.assertion.issuer if event.assertion else None,
    )


TABLE = Table(name="authorizations", row=Row, tags=tags(AuthorizationEvent), project=project, by_column=True)


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {
        **dict(record),
        "scopes": tuple(record["scopes"]),
        "bound_by": None if record["bound_by"] is None else tuple(record["bound_by"]),
    }
    return Row(**columns)


async def find(connection: AnyConnection, authorization: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, authorization)
    return None if record is None else _row(record)


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    after: UUID | None = None
    user: UUID | None = None
    client: UUID | None = None
    state: str | None = None


async def listed(connection: AnyConnection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Returns authorizations, also revoked ones, oldest first, at most `limit`."""
    given = (wanted.after, wanted.user, wanted.client, wanted.state)
    return [_row(record) for record in await connection.fetch(LIST, *given, limit)]


async def of_user(connection: AnyConnection, user: UUID) -> list[Row]:
    """Returns the user's active authorizations, latest first."""
    return [_row(record) for record in await connection.fetch(OF_USER, user)]


async def of_session(connection: AnyConnection, session: UUID) -> list[Row]:
    """Returns the active authorizations that were granted in this session."""
    return [_row(record) for record in await connection.fetch(OF_SESSION, session)]


async def last_bindings(connection: AnyConnection, client: UUID, most: int) -> list[frozenset[str]]:
    """Returns what bound the last codes of a client (PKCE, nonce), where that was recorded; latest first."""
    return [frozenset(row[0]) for row in await connection.fetch(LAST_OF_CLIENT, client, most)]


async def of_stopped_users(connection: AnyConnection) -> dict[UUID, str]:
    """Returns the active authorizations of users who are not active, each with the state of its user."""
    return {row[0]: row[1] for row in await connection.fetch(OF_STOPPED)}


async def of_ended_sessions(connection: AnyConnection) -> list[UUID]:
    """Returns the active authorizations of sessions that ended within a day. No access token lives longer."""
    return [row[0] for row in await connection.fetch(OF_ENDED)]


async def of_old_assertions(connection: AnyConnection, *, limit: int) -> list[UUID]:
    """Returns the active authorizations by an assertion of more than a day ago. They cannot be refreshed, and no access token lives longer."""
    return [row[0] for row in await connection.fetch(OF_ASSERTIONS, NO_SESSION, limit)]


async def of_former_passwords(connection: AnyConnection) -> list[UUID]:
    """Returns the active authorizations that are older than their user's password, or whose session is."""
    return [row[0] for row in await connection.fetch(OF_FORMER)]


async def of_withdrawn_consents(connection: AnyConnection) -> list[UUID]:
    """Returns the active authorizations that are older than the withdrawal of their consent."""
    return [row[0] for row in await connection.fetch(OF_WITHDRAWN)]


async def of_restored_clients(connection: AnyConnection) -> list[UUID]:
    """Returns active authorizations of clients that were deleted and restored since, at most a thousand."""
    return [row[0] for row in await connection.fetch(OF_RESTORED)]


async def revoked(connection: AnyConnection, authorizations: list[UUID], within: timedelta) -> dict[UUID, datetime]:
    """Returns which of these are revoked, each with the time at which its last token has expired."""
    return {row[0]: row[1] + within for row in await connection.fetch(REVOKED, authorizations)}


async def lately_revoked(connection: AnyConnection, within: timedelta) -> dict[UUID, datetime]:
    """Returns the revoked authorizations whose tokens may not have expired, each with the time at which the last one has."""
    return {row[0]: row[1] + within for row in await connection.fetch(REVOKED_SINCE, within)}


async def last_of_sessions(connection: AnyConnection, sessions: Sequence[UUID]) -> dict[UUID, datetime]:
    """Returns when a client last got a token by each of these sessions, without those by which none did."""
    return {session: at for session, at in await connection.fetch(LAST_OF_SESSIONS, sessions) if at is not None}


async def is_standing(connection: AnyConnection, session: UUID, user: UUID, client: UUID, restored: int) -> bool:
    """Returns whether the user still authorizes the client in this session. `restored` is how often the client was restored."""
    return await connection.fetchval(STANDING, session, user, client, restored) is True
