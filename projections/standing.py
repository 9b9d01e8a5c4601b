"""Authorizations and their users at one moment, as the token endpoint needs them: those of many requests in one statement."""

from collections.abc import Container, Sequence
from uuid import UUID

from msgspec import Struct

from events.codec import Event, decode
from events.database import AnyConnection
from projections.keyed_users import COLUMNS, KeyedUser

BEGINNING = 4
"""The events of an authorization before its first refresh: granted, code issued, code redeemed, refresh token issued."""

PAST = f"""
select a.stream_id, e.version, e.types, e.schemas, e.data, {COLUMNS}
  from read.authorizations a
  join read.users u on u.stream_id = a.user_id
  left join vault.people p on p.user_id = u.stream_id
  cross join lateral (
    select max(e.version) as version, array_agg(e.type order by e.version) as types,
           array_agg(e.schema_ver order by e.version) as schemas, array_agg(e.data order by e.version) as data
      from ((select version, type, schema_ver, data from log.events where stream_id = a.stream_id and version <= {BEGINNING})
            union all
            (select version, type, schema_ver, data from log.events where stream_id = a.stream_id and version > {BEGINNING}
              order by version desc limit 1)) as e) as e
 where a.stream_id = any($1::uuid[])
"""


class Past(Struct, frozen=True):
    """The events of an authorization, none if there is none, and its user as of then.

    `left_out` counts the refreshes before the last one, of which nothing was read. So a read costs the same after any number of them.
    """

    events: Sequence[Event]
    user: KeyedUser | None
    left_out: int = 0

    def followed_by(self, events: Sequence[Event]) -> "Past":
        """Returns what would be read once these events have followed."""
        every = [*self.events, *events]
        kept = every if len(every) <= BEGINNING else [*every[:BEGINNING], every[-1]]
        return Past(kept, self.user, self.left_out + len(every) - len(kept))

    def is_of(self, users: Container[UUID]) -> bool:
        return self.user is not None and self.user.stream_id in users


NOTHING = Past((), None)


async def past(connection: AnyConnection, streams: Sequence[UUID]) -> list[Past]:
    """Returns the past of each of these authorizations, in their order, with refreshes left out."""
    found: dict[UUID, Past] = {}
    for stream, version, types, schemas, data, *user in await connection.fetch(PAST, list(set(streams))):
        events = [decode(*each) for each in zip(types, schemas, data, strict=True)]
        found[stream] = Past(events, KeyedUser(*user), version - len(events))
    return [found.get(stream, NOTHING) for stream in streams]
