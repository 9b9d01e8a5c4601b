"""Clients that nobody registered for them (they did it themselves, or are documents at URLs): which are in use, and which are not."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from events.database import AnyConnection
from events.ids import client_id_in_sql
from projections.client_lists import Standing

USED_AS = client_id_in_sql("c.stream_id")
"""The name of a client in `last_used`."""

Kind = Literal["document", "registration"]
KINDS: dict[Kind, str] = {
    "document": "c.document is not null",
    "registration": "(c.registration is not null and not c.registration ? 'initial_access_token')",
}
"""How anybody could make a client. Each kind is counted by itself, so that none of one keeps out the other."""

OPEN = f"({' or '.join(KINDS.values())})"

NEVER_USED = f"""
select count(*) from (
  select from read.clients c
   where KIND and not exists (select from read.last_used u where u.kind = 'client' and u.id = {USED_AS})
   limit $1) as found
"""
UNUSED = f"""
select c.stream_id, c.version from read.clients c left join read.last_used u on u.kind = 'client' and u.id = {USED_AS}
 where (c.registration is not null or c.document is not null) and c.state = 'active'
   and not coalesce((c.login ->> 'first_party')::boolean, false)
   and (u.used_at is null or u.used_at < statement_timestamp() - make_interval(days => $1))
   and (not $2 or ({OPEN} and u.used_at is null))
   and not exists (select from log.events e where e.stream_id = c.stream_id
                      and e.recorded_at >= statement_timestamp() - make_interval(days => $1))
   and not exists (select from read.authorizations a where a.client = c.stream_id and a.state = 'active'
                      and (a.refresh_until > statement_timestamp() or a.granted_at is null
                           or a.granted_at > statement_timestamp() - interval '1 day'))
 order by c.stream_id limit $3
"""
"""Not in use: for so many days no token was issued to it and nothing about it was changed, and nobody can get a token by it without
signing in again. One that an operator has disabled, or made first-party, is kept.
"""

MOVED = "select max(recorded_at) from log.events where stream_id = $1 and type = 'client.redirect_uris_changed'"


async def never_used(connection: AnyConnection, kind: Kind, most: int) -> int:
    """Returns how many clients of this kind never got a token, counting no further than `most`."""
    return await connection.fetchval(NEVER_USED.replace("KIND", KINDS[kind]), most)


async def unused(connection: AnyConnection, *, days: int, most: int, only_never: bool = False) -> list[Standing]:
    """Returns at most `most` clients that are not in use, oldest first. With `only_never`, those that anybody could register and that
    never got a token.
    """
    return [Standing(*row) for row in await connection.fetch(UNUSED, days, only_never, most)]


async def redirect_uris_changed_at(connection: AnyConnection, client: UUID) -> datetime | None:
    """Returns when the client's redirect URIs last changed. None: they are those of its registration."""
    return await connection.fetchval(MOVED, client)
