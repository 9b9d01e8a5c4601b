"""Lists of clients by name, and by when they last got a token. Clients without a name, and those that never got one, come last.

A page begins after a client and the value that it was sorted by, so that it stays right when many clients have the same value, and when
that client is changed or deleted meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Literal
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from events.ids import CLIENT_ID_PREFIX, client_id_in_sql, client_id_of
from projections.client_lists import Client, View, Wanted, conditions

Order = Literal["name", "name_descending", "recently_used", "long_unused"]

FEW = 5000
"""If so few clients match the filters, they are read and sorted. Of more, the first ones are soon found by walking through an index."""

MATCHING = "select c.stream_id from read.clients c where true {conditions} limit $1"


class After(Struct, frozen=True):
    """The last client of the page before, with the value that it was sorted by."""

    stream: UUID
    value: str | datetime | None


class Part(Struct, frozen=True, kw_only=True):
    """The query for those clients of a list that have the value, or for those that have none; where its page begins, and its order."""

    select: str
    after: str
    begins: Callable[[After], tuple[object, ...]]
    order: str


NAMED = Part(
    select="select {terms}, lower(c.display_name) as sorted_by from {clients} c where c.display_name is not null",
    after="(lower(c.display_name), c.stream_id) {than} (${0}::text, ${1}::uuid)",
    begins=lambda after: (after.value, after.stream),
    order="lower(c.display_name) {order}, c.stream_id {order}",
)
UNNAMED = Part(
    select="select {terms}, null::text as sorted_by from {clients} c where c.display_name is null",
    after="c.stream_id {than} ${0}::uuid",
    begins=lambda after: (after.stream,),
    order="c.stream_id {order}",
)
USED = Part(
    select="select {terms}, u.used_at as sorted_by from {uses} u"
    f" join read.clients c on c.stream_id = replace(u.id, '{CLIENT_ID_PREFIX}', '')::uuid where u.kind = 'client'",
    after="(u.used_at, u.id) {than} (${0}::timestamptz, ${1}::text)",
    begins=lambda after: (after.value, client_id_of(after.stream)),
    order="u.used_at {order}, u.id {order}",
)
NEVER = Part(
    select="select {terms}, null::timestamptz as sorted_by from {clients} c where not exists"
    " (select from read.last_used u where u.kind = 'client' and u.id = "
    f"{client_id_in_sql('c.stream_id')})",
    after=UNNAMED.after,
    begins=UNNAMED.begins,
    order=UNNAMED.order,
)
ORDERS: Mapping[Order, tuple[Part, Part, bool]] = {
    "name": (NAMED, UNNAMED, False),
    "name_descending": (NAMED, UNNAMED, True),
    "recently_used": (USED, NEVER, True),
    "long_unused": (USED, NEVER, False),
}
"""The clients with the value, those without it, and whether the order is descending."""


class Sorted(Struct, Generic[Client], frozen=True):
    """A client, and the value that it is sorted by: its name in lower case, or when it was last used; None if it has none."""

    row: Client
    value: str | datetime | None


class Matching(Struct, frozen=True):
    """What the filters leave: all clients and uses with conditions, or those of a few clients, which Postgres reads first because of `offset 0`.

    The parameters are numbered from 2; the first is the limit.
    """

    clients: str
    uses: str
    conditions: str
    given: Sequence[object]


# Joined to the array, a client is looked up by its key however long the array is; a plan that is made once does not know that.
FEW_CLIENTS = "(select c.* from unnest($2::uuid[]) as few (stream_id) join read.clients c using (stream_id) offset 0)"
FEW_USES = """
(select u.* from unnest($3::text[]) as few (id) join read.last_used u on u.kind = 'client' and u.id = few.id offset 0)
"""
EACH_IS_USED = "and $2::uuid[] is not null and $3::text[] is not null"
"""Postgres wants to know the type of each parameter, also of one that this part of the list does not need."""


async def listed(
    connection: AnyConnection, wanted: Wanted, view: View[Client], order: Order, after: After | None, *, limit: int
) -> list[Sorted[Client]]:
    """Returns clients, at most `limit`."""
    matching = await _matching(connection, wanted)
    valued, without, descending = ORDERS[order]
    found: list[Sorted[Client]] = []
    if after is None or after.value is not None:
        found = await _found(connection, view, valued, matching, after, descending=descending, limit=limit)
        after = None
    if len(found) == limit:
        return found
    return found + await _found(
        connection, view, without, matching, after, descending=descending, limit=limit - len(found)
    )


async def first(
    connection: AnyConnection, wanted: Wanted, view: View[Client], order: Order, *, limit: int
) -> list[Client]:
    """Returns the first clients in this order, at most `limit`."""
    return [each.row for each in await listed(connection, wanted, view, order, None, limit=limit)]


async def _matching(connection: AnyConnection, wanted: Wanted) -> Matching:
    given: list[object] = [FEW + 1]
    filters = conditions(wanted, given)
    everything = Matching("read.clients", "read.last_used", filters, given[1:])
    if not filters:
        return everything
    found = [record[0] for record in await connection.fetch(MATCHING.format(conditions=filters), *given)]
    if len(found) > FEW:
        return everything
    return Matching(FEW_CLIENTS, FEW_USES, EACH_IS_USED, [found, [client_id_of(stream) for stream in found]])


async def _found(
    connection: AnyConnection,
    view: View[Client],
    part: Part,
    matching: Matching,
    after: After | None,
    *,
    descending: bool,
    limit: int,
) -> list[Sorted[Client]]:
    given: list[object] = [limit, *matching.given]
    terms = view.asked(given)
    statement = f"{part.select.format(terms=terms, clients=matching.clients, uses=matching.uses)} {matching.conditions}"
    if after is not None:
        begins = part.begins(after)
        places = range(len(given) + 1, len(given) + 1 + len(begins))
        statement += f" and {part.after.format(*places, than='<' if descending else '>')}"
        given += begins
    statement += f" order by {part.order.format(order='desc' if descending else 'asc')} limit $1"
    return [Sorted(view.of(record), record["sorted_by"]) for record in await connection.fetch(statement, *given)]
