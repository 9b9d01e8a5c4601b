"""Device authorizations (RFC 8628): which devices asked for access, and who approved or denied it. User codes are found by their hash."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.codec import decode, tags
from events.database import AnyConnection
from events.device_authorization import (
    DeviceAuthorizationApproved,
    DeviceAuthorizationDenied,
    DeviceAuthorizationEvent,
    DeviceAuthorizationRequested,
)
from projections.table import Table

COLUMNS = "stream_id, client, user_code, scopes, resource, state, requested_at, expires_at, answered_at, user_id, authorization_id, version"
WAITING = f"""
select {COLUMNS} from read.device_authorizations
 where user_code = $1 and state = 'waiting' and expires_at > clock_timestamp() order by stream_id desc limit 1
"""
FIND = f"select {COLUMNS} from read.device_authorizations where stream_id = $1"
LIST = f"""
select {COLUMNS} from read.device_authorizations where {{conditions}} order by stream_id desc limit $1
"""
STATES = ("waiting", "approved", "denied", "expired")
STATE = """(case when state = 'waiting' and expires_at <= clock_timestamp() then 'expired' else state end)"""

APPROVALS = """
select e.type, e.schema_ver, e.data from read.device_authorizations d join log.events e on e.stream_id = d.stream_id
 where d.authorization_id = any($1::uuid[]) and e.type = 'device_authorization.approved'
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`user_code` is its keyed hash. `state` is waiting, approved or denied; a waiting one has expired after `expires_at`."""

    stream_id: UUID
    client: UUID
    user_code: str
    scopes: tuple[str, ...]
    resource: str | None
    state: str
    requested_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    user_id: UUID | None
    authorization_id: UUID | None
    version: int

    def state_at(self, now: datetime) -> str:
        """Returns one of STATES."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    after: UUID | None = None
    client: UUID | None = None
    user: UUID | None = None
    state: str | None = None


def project(row: Row | None, stream: UUID, event: DeviceAuthorizationEvent) -> Row | None:
    """Returns the row of the device authorization after the event."""
    match event:
        case DeviceAuthorizationRequested():
            return _requested(stream, event)
        case DeviceAuthorizationApproved():
            return row and _answered(row, "approved", event).__replace__(authorization_id=event.authorization)
        case DeviceAuthorizationDenied():
            return row and _answered(row, "denied", event)


def _requested(stream: UUID, event: DeviceAuthorizationRequested) -> Row:
    return Row(
        stream_id=stream,
        client=event.client,
        user_code=event.user_code.hash,
        scopes=event.scopes,
        resource=event.resource,
        state="waiting",
        requested_at=event.at,
        expires_at=event.expires_at,
        answered_at=None,
        user_id=None,
        authorization_id=None,
        version=1,
    )


def _answered(row: Row, state: str, event: DeviceAuthorizationApproved | DeviceAuthorizationDenied) -> Row:
    return row.__replace__(state=state, answered_at=event.at, user_id=event.user, version=row.version + 1)


TABLE = Table(name="device_authorizations", row=Row, tags=tags(DeviceAuthorizationEvent), project=project)


def _row(record: asyncpg.Record) -> Row:
    columns: dict[str, Any] = {**dict(record), "scopes": tuple(record["scopes"])}
    return Row(**columns)


async def waiting(connection: AnyConnection, user_code: str) -> Row | None:
    """Returns the one that nobody has answered and that has not expired, by the keyed hash of its user code."""
    record = await connection.fetchrow(WAITING, user_code)
    return None if record is None else _row(record)


async def find(connection: AnyConnection, stream: UUID) -> Row | None:
    record = await connection.fetchrow(FIND, stream)
    return None if record is None else _row(record)


async def listed(connection: AnyConnection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Returns device authorizations, latest first, at most `limit`."""
    given: list[object] = [limit]
    conditions = ["true"]
    for condition, value in (
        ("stream_id < ${}::uuid", wanted.after),
        ("client = ${}::uuid", wanted.client),
        ("user_id = ${}::uuid", wanted.user),
        (f"{STATE} = ${{}}", wanted.state),
    ):
        if value is not None:
            given.append(value)
            conditions.append(condition.format(len(given)))
    found = await connection.fetch(LIST.format(conditions=" and ".join(conditions)), *given)
    return [_row(record) for record in found]


async def approvals(connection: AnyConnection, authorizations: Sequence[UUID]) -> list[DeviceAuthorizationApproved]:
    """Returns the approvals that led to these authorizations, as far as they were for devices."""
    found = await connection.fetch(APPROVALS, list(authorizations))
    events = [decode(row["type"], row["schema_ver"], row["data"]) for row in found]
    return [event for event in events if isinstance(event, DeviceAuthorizationApproved)]
