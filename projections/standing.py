"""Authorizations and their users at one moment, as the token endpoint needs them: those of many requests in one statement."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from events.codec import Event
from events.database import AnyConnection
from events.replay import COLUMNS, recorded

PAST = f"""
select {", ".join(f"e.{column}" for column in COLUMNS.split(", "))}, u.state = 'active' as active
  from log.events e
  left join read.authorizations a on a.stream_id = e.stream_id
  left join read.users u on u.stream_id = a.user_id
 where e.stream_id = any($1::uuid[]) order by e.stream_id, e.version
"""
NOW = """
select a.stream_id, a.state, a.why, u.state = 'active' as active
  from read.authorizations a left join read.users u on u.stream_id = a.user_id
 where a.stream_id = any($1::uuid[])
"""


class Past(Struct, frozen=True):
    """The events of an authorization, none if there is none, and whether its user was active then."""

    events: Sequence[Event]
    active: bool


class Standing(Struct, frozen=True):
    """The state of an authorization, why it was revoked if it was, and whether its user is active."""

    state: str
    why: str | None
    active: bool


async def past(connection: AnyConnection, streams: Sequence[UUID]) -> list[Past]:
    """Returns the past of each of these authorizations, in their order."""
    events: dict[UUID, list[Event]] = {stream: [] for stream in streams}
    active: set[UUID] = set()
    for row in await connection.fetch(PAST, list(events)):
        *columns, is_active = row
        events[row["stream_id"]].append(recorded(tuple(columns)).event)
        if is_active:
            active.add(row["stream_id"])
    return [Past(events[stream], stream in active) for stream in streams]


async def now(connection: AnyConnection, streams: Sequence[UUID]) -> list[Standing | None]:
    """Returns the state of each of these authorizations, in their order, or None if there is none."""
    rows = await connection.fetch(NOW, list(set(streams)))
    found = {row["stream_id"]: Standing(row["state"], row["why"], bool(row["active"])) for row in rows}
    return [found.get(stream) for stream in streams]
