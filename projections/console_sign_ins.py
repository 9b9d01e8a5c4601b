"""What the console knows of a person at each request, at one moment: that of many requests in one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from projections import sessions, users
from projections.joined import named, parts, sizes

FIND = f"""
select wanted.number::int, a.state, a.restored, p.wrapped, {named("s", sessions.COLUMNS)}, {named("u", users.COLUMNS)}
  from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted (granted, session, number)
  join read.authorizations a on a.stream_id = wanted.granted
  join read.sessions s on s.stream_id = wanted.session
  join read.users u on u.stream_id = s.user_id
  left join vault.people p on p.user_id = u.stream_id
"""
_TABLES = sizes(sessions.COLUMNS, users.COLUMNS)


class Wanted(Struct, frozen=True):
    """The authorization that a sign-in to the console led to, and its session."""

    authorization: UUID
    session: UUID


class ConsoleSignIn(Struct, frozen=True):
    """An authorization, a session and the session's user, each in any state. `wrapped` is the user's data key as it is stored, or None."""

    state: str
    restored: int
    wrapped: bytes | None
    session: sessions.Row
    user: users.Row


async def find(connection: AnyConnection, wanted: Sequence[Wanted]) -> list[ConsoleSignIn | None]:
    """Returns each of these, in their order, or None if there is no such authorization or session."""
    asked = [each.authorization for each in wanted], [each.session for each in wanted]
    found = {record[0]: _sign_in(*record) for record in await connection.fetch(FIND, *asked)}
    return [found.get(number) for number in range(1, len(wanted) + 1)]


def _sign_in(_number: int, state: str, restored: int, wrapped: bytes | None, *columns: Any) -> ConsoleSignIn:
    session, user = parts(columns, _TABLES)
    return ConsoleSignIn(state, restored, wrapped, sessions.row_of(session), users.row_of(user))
