"""When each client, secret and bot last got a token, and how many tokens it got. The projection follows the issuance log."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from events.ids import client_id_in_sql, client_id_of
from events.issuance import NO_SECRET
from projections.catch_up import ISSUANCE, CatchUp, Issuance, Totals

FIND = "select id, used_at from read.last_used where kind = $1 and id = any($2::text[])"

OF_CLIENT = f"""
(select used_at from (select {client_id_in_sql("c.stream_id")} as id offset 0) as wanted join read.last_used u on u.kind = 'client' and u.id = wanted.id)
"""
"""For a statement that reads clients as `c`. `offset 0`: the id is made once, and not for each row that it is compared with."""

TOTALS = f"""
select kind, id, max(last_at) as used_at, sum(tokens)::bigint as tokens
  from uses cross join lateral (values
    ('client', {client_id_in_sql("client")}), ('secret', nullif(secret, '{NO_SECRET}')::text), ('bot', bot)) as used (kind, id)
 where id is not null group by 1, 2
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    kind: str
    id: str
    used_at: datetime
    tokens: int


def project(entry: Issuance, find: Callable[..., Row | None]) -> Iterable[Row]:
    """Yields the rows of the client, its secret (if it has one) and its bot, each with the entry's tokens more."""
    yield _used(find, entry, "client", client_id_of(entry.client))
    if entry.secret.int:
        yield _used(find, entry, "secret", str(entry.secret))
    if entry.token.authorization is None:  # With an authorization, the subject is a user and no bot.
        yield _used(find, entry, "bot", entry.token.sub)


def _used(find: Callable[..., Row | None], entry: Issuance, kind: str, name: str) -> Row:
    row = find(kind, name)
    used_at = entry.issued_at if row is None else max(row.used_at, entry.issued_at)
    return Row(kind=kind, id=name, used_at=used_at, tokens=entry.tokens + (0 if row is None else row.tokens))


PROJECTION = CatchUp(
    name="last_used",
    version=1,
    follows=ISSUANCE,
    row=Row,
    key=("kind", "id"),
    project=project,
    indexes=(("kind", "used_at", "id"),),
    totals=Totals(query=TOTALS, combined={"used_at": "max", "tokens": "sum"}),
)


async def find(connection: AnyConnection, kind: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Returns when each of these was last used, without those that never were."""
    return {row[0]: row[1] for row in await connection.fetch(FIND, kind, ids)}


async def clients_used(connection: AnyConnection, clients: Sequence[UUID]) -> dict[UUID, datetime]:
    """Returns the times by the client's stream."""
    streams = {client_id_of(stream): stream for stream in clients}
    return {streams[key]: at for key, at in (await find(connection, "client", list(streams))).items()}


async def secrets_used(connection: AnyConnection, secrets: Sequence[UUID]) -> dict[UUID, datetime]:
    return {UUID(key): at for key, at in (await find(connection, "secret", [str(s) for s in secrets])).items()}
