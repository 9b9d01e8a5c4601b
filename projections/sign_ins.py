"""Sessions with their users, and what these users allow one client each, at one moment: those of many requests in one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from projections import consents, sessions, users
from projections.consents import Row as Consent
from projections.joined import named, parts, sizes

FIND = f"""
select wanted.number::int, h.last_position, {named("s", sessions.COLUMNS)}, {named("u", users.COLUMNS)}, {named("c", consents.COLUMNS)}
  from unnest($1::uuid[], $2::text[]) with ordinality as wanted (session, client_id, number)
  join read.sessions s on s.stream_id = wanted.session
  join read.users u on u.stream_id = s.user_id
 cross join (select last_position from log.batches order by last_position desc limit 1) h
  left join read.consents c on c.user_id = s.user_id and c.client_id = wanted.client_id and c.state = 'given'
"""
_TABLES = sizes(sessions.COLUMNS, users.COLUMNS, consents.COLUMNS)


class Wanted(Struct, frozen=True):
    """A session, and the client of which the consents are wanted; "" is none."""

    session: UUID
    client_id: str


class SignIn(Struct, frozen=True):
    """A session in any state, its user in any state, and the consents of this user to the client that are not withdrawn, all as of a
    position of the log.
    """

    position: int
    session: sessions.Row
    user: users.Row
    consents: Sequence[Consent]


async def find(connection: AnyConnection, wanted: Sequence[Wanted]) -> list[SignIn | None]:
    """Returns each of these, in their order, or None if there is no such session."""
    found: dict[int, SignIn] = {}
    asked = [each.session for each in wanted], [each.client_id for each in wanted]
    for record in await connection.fetch(FIND, *asked):
        number, position, *columns = record
        one, before = _sign_in(position, columns), found.get(number)
        found[number] = one if before is None else one.__replace__(consents=(*before.consents, *one.consents))
    return [found.get(number) for number in range(1, len(wanted) + 1)]


def _sign_in(position: int, columns: Sequence[Any]) -> SignIn:
    session, user, consent = parts(columns, _TABLES)
    allowed = () if consent[0] is None else (consents.row_of(consent),)
    return SignIn(position, sessions.row_of(session), users.row_of(user), allowed)
