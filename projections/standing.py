"""Authorizations and their users at one moment, as the token endpoint needs them: those of many requests in one statement."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from events.codec import Event, decode
from events.database import AnyConnection
from projections.keyed_users import COLUMNS, KeyedUser

PAST = f"""
select a.stream_id, 0 as version, null as type, null as schema_ver, null as data, {COLUMNS}
  from read.authorizations a
  join read.users u on u.stream_id = a.user_id
  left join vault.people p on p.user_id = u.stream_id
 where a.stream_id = any($1::uuid[])
union all
select e.stream_id, e.version, e.type, e.schema_ver, e.data, null, null, null, null, null, null
  from log.events e where e.stream_id = any($1::uuid[])
order by 1, 2
"""
"""Each event once, and the user in a row of their own, which comes first."""


class Past(Struct, frozen=True):
    """The events of an authorization, none if there is none, and its user as of then."""

    events: Sequence[Event]
    user: KeyedUser | None


async def past(connection: AnyConnection, streams: Sequence[UUID]) -> list[Past]:
    """Returns the past of each of these authorizations, in their order."""
    events: dict[UUID, list[Event]] = {stream: [] for stream in streams}
    users: dict[UUID, KeyedUser] = {}
    for stream, version, kind, schema, data, *user in await connection.fetch(PAST, list(events)):
        if version == 0:
            users[stream] = KeyedUser(*user)
        else:
            events[stream].append(decode(kind, schema, data))
    return [Past(events[stream], users.get(stream)) for stream in streams]
