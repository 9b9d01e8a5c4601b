"""Lists of issued tokens in the order of their positions: of some secrets, by their ids, or all, each with further conditions.

What one call reads is bounded. So a list may end early, and its edge says how far it is complete.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.batches import POSITIONS
from events.database import AnyConnection
from events.extent import BETWEEN, Extent

COLUMNS = "position, issued_at, client, secret, jti, data"
FIELD = "convert_from(data, 'UTF8')::json ->> "
BY_USER = f"{FIELD} 'authorization' is not null"
CONDITIONS = {
    "client": "client = {}::uuid",
    "secret": "secret = {}::uuid",
    "authorization": f"{FIELD} 'authorization' = {{}}::text",
    "key": f"{FIELD} 'kid' = {{}}::text",
    "jkt": "convert_from(data, 'UTF8')::json -> 'cnf' ->> 'jkt' = {}::text",
    "subject": f"{FIELD} 'sub' = {{}}::text",
    "user": f"({FIELD} 'sub' = {{}}::text and {BY_USER})",
    "bot": f"({FIELD} 'sub' = {{}}::text and not {BY_USER})",
}

# Each secret is a short walk of its index, so that the number of its tokens does not matter. A client without a secret has an index of
# its own, which Postgres uses only where the secret is a literal.
OF_SECRETS = f"""
select {{columns}} from (
  select t.* from unnest($3::uuid[]) as wanted (secret) cross join lateral
    (select {{columns}} from log.issuance i where i.secret = wanted.secret and {BETWEEN}{{conditions}}
      order by position {{order}} limit {{limit}}) as t
  union all
  (select {{columns}} from log.issuance where secret = '00000000-0000-0000-0000-000000000000' and client = $4
      and {BETWEEN}{{conditions}} order by position {{order}} limit {{limit}})) as found
 order by position {{order}} limit {{limit}}
"""
EDGE_OF_SECRETS = f"""
select position from (
  select t.* from unnest($3::uuid[]) as wanted (secret) cross join lateral
    (select position from log.issuance i where i.secret = wanted.secret and {BETWEEN}
      order by position {{order}} offset {{most}} limit 1) as t
  union all
  (select position from log.issuance where secret = '00000000-0000-0000-0000-000000000000' and client = $4
      and {BETWEEN} order by position {{order}} offset {{most}} limit 1)) as found
 order by position {{order}} limit 1
"""
ALL = """
select {columns} from log.issuance where position > $1 and position <= $2{conditions} order by position {order} limit {limit}
"""
# The stretches do not overlap, so that no token is read twice, however many are wanted.
OF_IDS = """
select found.* from unnest($1::timestamptz[], $2::timestamptz[]) as stretch (first_at, last_at)
  cross join lateral ({after}) as after
  cross join lateral ({upto}) as upto
  cross join lateral
    (select {columns}, true{conditions} as wanted from log.issuance
      where position > after.low and position <= upto.low and issued_at between stretch.first_at and stretch.last_at and jti = any($3::uuid[])
      offset 0) as found
"""


class Conditions(Struct, frozen=True, kw_only=True):
    """What each token of a list has: all that is given. A token of a `user` was authorized by the user, and one of a `bot` by nobody.

    That a token was exchanged for others, only events say: who lists those of a `subject_token` (its jti) reads these.
    """

    client: UUID | None = None
    secret: UUID | None = None
    authorization: UUID | None = None
    key: str | None = None
    jkt: str | None = None
    subject: str | None = None
    user: UUID | None = None
    bot: str | None = None
    subject_token: UUID | None = None

    def sql(self, first: int) -> tuple[str, list[object]]:
        """Returns the conditions, whose parameters are numbered from `first`, and their values."""
        given = [(name, value) for name in CONDITIONS if (value := getattr(self, name)) is not None]
        text = "".join(f" and {CONDITIONS[name].format(f'${number}')}" for number, (name, _) in enumerate(given, first))
        return text, [value if name in ("client", "secret") else str(value) for name, value in given]


class Part(Struct, frozen=True):
    """Tokens in the order of the extent, and the edge: the last position up to which they are complete, or None if they all are."""

    rows: list[asyncpg.Record]
    edge: int | None = None


def joined(parts: Sequence[Part], extent: Extent) -> Part:
    """Returns the tokens of all parts, up to the edge that comes first."""
    edges = [part.edge for part in parts if part.edge is not None]
    edge = (max(edges) if extent.newest_first else min(edges)) if edges else None
    within = extent if edge is None else cut(extent, edge)
    rows = {row["position"]: row for part in parts for row in part.rows if within.includes(row["position"])}
    return Part([rows[at] for at in sorted(rows, reverse=extent.newest_first)][: extent.limit], edge)


def cut(extent: Extent, edge: int) -> Extent:
    """Returns the extent up to the edge."""
    return extent.__replace__(after=edge - 1) if extent.newest_first else extent.__replace__(upto=edge)


async def of_secrets(
    connection: AnyConnection,
    secrets: Sequence[UUID],
    public_client: UUID | None,
    extent: Extent,
    conditions: Conditions,
    *,
    most: int,
) -> Part:
    """Returns the tokens that these secrets got, and those that this client got without a secret.

    With conditions, at most about `most` tokens are read.
    """
    given = (extent.after, extent.upto, list(secrets), public_client)
    text, values = conditions.sql(5)
    edge = None
    if values:
        each = max(most // (len(secrets) + 1), 1)
        edge = await connection.fetchval(EDGE_OF_SECRETS.format(order=extent.order, most=each - 1), *given)
    if edge is not None:
        extent = cut(extent, edge)
    rows = await connection.fetch(_statement(OF_SECRETS, extent, text), extent.after, extent.upto, *given[2:], *values)
    return Part(rows, edge)


async def scanned(connection: AnyConnection, extent: Extent, conditions: Conditions, *, most: int) -> Part:
    """Returns all tokens with the conditions. At most `most` tokens are read."""
    edge, part = None, extent
    if extent.upto - extent.after > most:
        edge = extent.upto - most + 1 if extent.newest_first else extent.after + most
        part = cut(extent, edge)
    text, values = conditions.sql(3)
    statement, rows = _statement(ALL, part, text), list[asyncpg.Record]()
    for step in part.steps():
        rows += await connection.fetch(statement, step.after, step.upto, *values)
        if len(rows) >= part.limit:
            break
    return Part(rows[: part.limit], edge)


async def of_ids(
    connection: AnyConnection,
    jtis: Mapping[UUID, datetime],
    windows: Sequence[timedelta],
    extent: Extent,
    conditions: Conditions,
) -> list[asyncpg.Record]:
    """Returns those of these tokens that have the conditions, in the order of the extent, however many they are.

    Each token was issued about the time that is given for it: it is searched for within the first window, then within the next.
    """
    missing, rows = dict(jtis), list[asyncpg.Record]()
    for window in windows:
        if missing:
            rows += await _about(connection, missing, window, conditions)
            for row in rows:
                missing.pop(row["jti"], None)
    found = (row for row in rows if row["wanted"] and extent.includes(row["position"]))
    return sorted(found, key=lambda row: row["position"], reverse=extent.newest_first)


async def _about(
    connection: AnyConnection, jtis: Mapping[UUID, datetime], window: timedelta, conditions: Conditions
) -> list[asyncpg.Record]:
    text, values = conditions.sql(4)
    after, upto = (
        POSITIONS.format(batches="log.issuance_batches", within=within, moments=f"array[stretch.{end}]")
        for within, end in (("<", "first_at"), ("<=", "last_at"))
    )
    statement = OF_IDS.format(after=after, upto=upto, columns=COLUMNS, conditions=text)
    stretches = _stretches(sorted(jtis.values()), window)
    first, last = [each[0] for each in stretches], [each[1] for each in stretches]
    return await connection.fetch(statement, first, last, list(jtis), *values)


def _stretches(times: Iterable[datetime], window: timedelta) -> list[tuple[datetime, datetime]]:
    """Returns the stretches of time around these times, which are in order, with those that overlap as one."""
    found: list[tuple[datetime, datetime]] = []
    for at in times:
        first = found.pop()[0] if found and at - window <= found[-1][1] else at - window
        found.append((first, at + window))
    return found


def _statement(form: str, extent: Extent, conditions: str) -> str:
    return form.format(columns=COLUMNS, order=extent.order, limit=int(extent.limit), conditions=conditions)
