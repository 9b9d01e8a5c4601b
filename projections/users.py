"""Users: one row each, with what authentication needs. Personal data is sealed, and removed when the user is erased."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, json

from events.codec import tags
from events.database import AnyConnection
from events.sealed import Sealed
from events.user import (
    Factor,
    Role,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserEvent,
    UserFactorAdded,
    UserFactorRemoved,
    UserPasswordChanged,
    UserProfileChanged,
    UserRegistered,
    UserRoleGiven,
    UserRoleTaken,
    UserVerified,
    all_roles,
)
from projections.table import Table

COLUMNS = "stream_id, state, verified, profile, password, password_at, factors, created_at, version, roles, group_roles"
FIND = f"select {COLUMNS} from read.users where stream_id = any($1::uuid[])"
LIST = f"""
select {COLUMNS} from read.users
 where ($1::uuid is null or stream_id > $1) and ($2::text is null or state = $2) and state <> 'erased' order by stream_id limit $3
"""
OF_IDS = f"""
select {COLUMNS} from read.users
 where stream_id = any($1::uuid[]) and ($2::uuid is null or stream_id > $2) and ($3::text is null or state = $3) and state <> 'erased'
 order by stream_id limit $4
"""

OPERATOR_BESIDES = """
select true from read.users
 where stream_id <> all($1::uuid[]) and state = 'active' and ('operator' = any(roles) or $2 and 'operator' = any(group_roles)) limit 1
"""
STREAMS = """
select stream_id from read.sessions where user_id = $1
 union all select stream_id from read.consents where user_id = $1
 union all select stream_id from read.authorizations where user_id = $1
"""
"""All sessions, consents and authorizations of a user, in any state. Too slow for requests; rare commands use it."""


class Row(Struct, frozen=True, gc=False):
    """`roles` are those that a person gave, and `group_roles` those through groups; what the user has is `all_roles`."""

    stream_id: UUID
    state: str
    verified: bool
    profile: Sealed | None
    password: Sealed | None
    password_at: datetime | None
    factors: Sequence[Factor]
    created_at: datetime
    version: int
    roles: tuple[Role, ...] = ()
    group_roles: tuple[Role, ...] = ()

    @property
    def all_roles(self) -> tuple[Role, ...]:
        return all_roles(self.roles, self.group_roles)


def project(row: Row | None, stream: UUID, event: UserEvent) -> Row | None:
    """Returns the user's row after the event. An erased user keeps the row, because a `sub` is never used again."""
    if isinstance(event, UserRegistered):
        return _registered(stream, event)
    return None if row is None else _changed(row.__replace__(version=row.version + 1), event)


def _registered(stream: UUID, event: UserRegistered) -> Row:
    return Row(
        stream_id=stream,
        state="active",
        verified=event.email_verified,
        profile=event.profile,
        password=event.password,
        password_at=event.at if event.password else None,
        factors=(),
        created_at=event.at,
        version=1,
    )


def _changed(row: Row, event: UserEvent) -> Row:
    match event:
        case UserRegistered():
            return row
        case UserVerified():
            return row.__replace__(verified=True)
        case UserPasswordChanged():
            return row.__replace__(password=event.password, password_at=event.at)
        case UserProfileChanged():
            return row.__replace__(profile=event.profile)
        case UserFactorAdded():
            return row.__replace__(factors=(*row.factors, event.factor))
        case UserFactorRemoved():
            return row.__replace__(factors=tuple(f for f in row.factors if f.factor_id != event.factor_id))
        case UserRoleGiven() if event.source == "group":
            return row.__replace__(group_roles=(*row.group_roles, event.role))
        case UserRoleGiven():
            return row.__replace__(roles=(*row.roles, event.role))
        case UserRoleTaken() if event.source == "group":
            return row.__replace__(group_roles=tuple(role for role in row.group_roles if role != event.role))
        case UserRoleTaken():
            return row.__replace__(roles=tuple(role for role in row.roles if role != event.role))
        case UserDisabled():
            return row.__replace__(state="disabled")
        case UserEnabled():
            return row.__replace__(state="active")
        case UserErased():
            return _erased(row)


def _erased(row: Row) -> Row:
    return row.__replace__(
        state="erased", profile=None, password=None, password_at=None, factors=(), roles=(), group_roles=()
    )


TABLE = Table(name="users", row=Row, tags=tags(UserEvent), project=project)

_factors = json.Decoder(tuple[Factor, ...]).decode


def row_of(values: Iterable[Any]) -> Row:
    """Returns the row of the values of these COLUMNS, which are its fields."""
    stream, state, verified, profile, password, at, factors, created_at, version, roles, group_roles = values
    secret = profile, password, at, _factors(factors)
    return Row(stream, state, verified, *secret, created_at, version, tuple(roles), tuple(group_roles))


async def find(connection: AnyConnection, user: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, [user])
    return None if record is None else row_of(record)


async def found(connection: AnyConnection, ids: Sequence[UUID]) -> list[Row]:
    """Returns those of these users that there are or were."""
    return [row_of(record) for record in await connection.fetch(FIND, ids)]


async def listed(connection: AnyConnection, *, after: UUID | None, state: str | None, limit: int) -> list[Row]:
    """Returns users, oldest first, at most `limit`, without erased ones."""
    return [row_of(record) for record in await connection.fetch(LIST, after, state, limit)]


async def of_ids(
    connection: AnyConnection, ids: Sequence[UUID], *, after: UUID | None, state: str | None, limit: int
) -> list[Row]:
    """Returns those of these users that are not erased."""
    return [row_of(record) for record in await connection.fetch(OF_IDS, ids, after, state, limit)]


async def streams_of(connection: AnyConnection, user: UUID) -> list[UUID]:
    """Returns the user's own stream, and those of all sessions, consents and authorizations that the user ever had."""
    return [user, *(row[0] for row in await connection.fetch(STREAMS, user))]


async def has_operator_besides(connection: AnyConnection, ids: Collection[UUID], *, by_groups: bool) -> bool:
    """Returns whether somebody who is none of these users is active and has the role operator, given or, if these count, through a group."""
    return await connection.fetchval(OPERATOR_BESIDES, list(ids), by_groups) is not None
