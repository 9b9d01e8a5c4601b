"""Lists of clients by name, and by when they last got a token.

A page begins after a client and the value that it was sorted by, so that it stays right when many clients have the same value, and when
that client is changed or deleted meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from events.ids import CLIENT_ID_PREFIX, client_id_of
from projections.clients import COLUMNS, Row, Wanted, conditions, row_of

Order = Literal["name", "name_descending", "recently_used", "long_unused"]
"""Without a name, a client comes after all those that have one. One that never got a token is unused for longer than any other."""

# The order is that of an index; of a row comparison, Postgres finds the beginning in it.
NAMED = "(c.display_name is null), lower(coalesce(c.display_name, '')), c.stream_id"
BY_NAME = f"""
select {COLUMNS}, lower(c.display_name) as sorted_by from read.clients c where true {{conditions}} {{after}}
 order by (c.display_name is null) {{order}}, lower(coalesce(c.display_name, '')) {{order}}, c.stream_id {{order}} limit $1
"""
AFTER_NAME = f"and ({NAMED}) {{than}} (${{1}}::text is null, coalesce(${{1}}::text, ''), ${{0}}::uuid)"
USED = f"""
select {COLUMNS}, u.used_at as sorted_by from read.last_used u
  join read.clients c on c.stream_id = replace(u.id, '{CLIENT_ID_PREFIX}', '')::uuid
 where u.kind = 'client' {{conditions}} {{after}} order by u.used_at {{order}}, u.id {{order}} limit $1
"""
AFTER_USE = "and (u.used_at, u.id) {than} (${1}::timestamptz, ${0}::text)"
# events/ids.py says which id stands for a stream; one of an imported client has version 8.
NEVER = f"""
select {COLUMNS}, null::timestamptz as sorted_by from read.clients c
 where not exists (select from read.last_used u where u.kind = 'client' and u.id =
         case substr(c.stream_id::text, 15, 1) when '8' then c.stream_id::text else '{CLIENT_ID_PREFIX}' || replace(c.stream_id::text, '-', '') end)
   {{conditions}} {{after}} order by c.stream_id {{order}} limit $1
"""
AFTER_CLIENT = "and c.stream_id {than} ${0}::uuid"


class Sorted(Struct, frozen=True):
    """A client, and the value that it is sorted by: its name in lower case, or when it was last used; None if it has none."""

    row: Row
    value: str | datetime | None


class Named(Struct, frozen=True):
    """The last client of the page before, with the name that it was sorted by."""

    stream: UUID
    name: str | None


class Used(Struct, frozen=True):
    """The last client of the page before, with the last use that it was sorted by."""

    stream: UUID
    at: datetime | None


async def by_name(
    connection: AnyConnection, wanted: Wanted, after: Named | None, *, descending: bool, limit: int
) -> list[Sorted]:
    given = () if after is None else (after.stream, after.name)
    return await _found(connection, BY_NAME, wanted, AFTER_NAME, given, descending=descending, limit=limit)


async def by_use(
    connection: AnyConnection, wanted: Wanted, after: Used | None, *, descending: bool, limit: int
) -> list[Sorted]:
    """Clients that were never used have no row to be sorted by, so a query of its own finds them: the first ones, or the last."""
    found: list[Sorted] = []
    for statement in (USED, NEVER) if descending else (NEVER, USED):
        begins = _begins(statement, after, descending=descending)
        if begins is not None and len(found) < limit:
            end = AFTER_USE if statement == USED else AFTER_CLIENT
            rest = limit - len(found)
            found += await _found(connection, statement, wanted, end, begins, descending=descending, limit=rest)
    return found


async def first(connection: AnyConnection, wanted: Wanted, order: Order, *, limit: int) -> list[Row]:
    """Returns the first clients in this order, at most `limit`."""
    if order in ("name", "name_descending"):
        found = await by_name(connection, wanted, None, descending=order == "name_descending", limit=limit)
    else:
        found = await by_use(connection, wanted, None, descending=order == "recently_used", limit=limit)
    return [each.row for each in found]


def _begins(statement: str, after: Used | None, *, descending: bool) -> Sequence[object] | None:
    """Returns what a page of these clients begins after, () for the first of them; None if the pages before had all of them."""
    if after is None:
        return ()
    if (after.at is not None) == (statement == USED):
        return (client_id_of(after.stream), after.at) if statement == USED else (after.stream,)
    return () if (statement == NEVER) == descending else None


async def _found(
    connection: AnyConnection,
    statement: str,
    wanted: Wanted,
    after: str,
    begins: Sequence[object],
    *,
    descending: bool,
    limit: int,
) -> list[Sorted]:
    given: list[object] = [limit]
    filters = conditions(wanted, given)
    places = range(len(given) + 1, len(given) + 1 + len(begins))
    compared = after.format(*places, than="<" if descending else ">") if begins else ""
    asked = statement.format(conditions=filters, after=compared, order="desc" if descending else "asc")
    records = await connection.fetch(asked, *given, *begins)
    return [Sorted(row_of(record), record["sorted_by"]) for record in records]
