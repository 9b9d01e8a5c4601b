"""How many tokens each client got on each UTC day, with which secret, as which bot, for which audience and scopes."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.database import AnyConnection
from events.issuance import NO_SECRET
from projections.catch_up import ISSUANCE, CatchUp, Issuance, Totals

By = Literal["secret", "bot", "audience", "scope"]
"""What the usage of a client can be divided by."""

OF_CLIENT = """
select day, {of} as of, sum(tokens), min(first_at), max(last_at) from read.usage_daily
 where client = $1 and day between $2 and $3 group by 1, 2 order by 1, 2 nulls first limit $4
"""
OF_SECRET = f"nullif(secret, '{NO_SECRET}')::text"
OF_SCOPES = (
    "select client, scope, max(last_at), audience from read.usage_daily where client = any($1::uuid[]) group by 1, 2, 4"
)
TOTALS = """
select client, day, encode(substring(sha256(use) for 16), 'hex')::uuid as use, secret, bot, audience, scope, tokens, first_at, last_at
  from uses cross join lateral (select convert_to(secret::text, 'UTF8') || '\\x00' || convert_to(coalesce('=' || bot, ''), 'UTF8')
    || '\\x00' || convert_to(coalesce('=' || audience, ''), 'UTF8') || '\\x00' || convert_to(coalesce('=' || scope, ''), 'UTF8')) as named (use)
"""
"""`use` is what `use_of` makes of the same parts."""

AUDIENCES = """
select distinct name from read.usage_daily u, unnest(string_to_array(u.audience, ' ')) as name where name = any($1::text[])
"""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`use` stands for secret, bot, audience and scope, which are too long for a key.

    The bot is None if users authorized the tokens. The audience is None for the default one, the scope if it was not kept.
    """

    client: UUID
    day: date
    use: UUID
    secret: UUID
    bot: str | None
    audience: str | None
    scope: str | None
    tokens: int
    first_at: datetime
    last_at: datetime


def project(entry: Issuance, find: Callable[..., Row | None]) -> Iterable[Row]:
    """Yields the row of the entry's use, with its tokens more."""
    token = entry.token
    bot = token.sub if token.authorization is None else None
    scope = token.scope if entry.has_scope else None
    day, use = entry.issued_at.date(), use_of(entry.secret, bot, token.audience, scope)
    row = find(entry.client, day, use)
    first_at, last_at = entry.since or entry.issued_at, entry.issued_at
    if row is not None:
        tokens = row.tokens + entry.tokens
        yield row.__replace__(tokens=tokens, first_at=min(row.first_at, first_at), last_at=max(row.last_at, last_at))
        return
    yield Row(
        client=entry.client,
        day=day,
        use=use,
        secret=entry.secret,
        bot=bot,
        audience=token.audience,
        scope=scope,
        tokens=entry.tokens,
        first_at=first_at,
        last_at=last_at,
    )


@lru_cache(maxsize=4096)
def use_of(secret: UUID, bot: str | None, audience: str | None, scope: str | None) -> UUID:
    """A text stands for itself and None for no text, whatever is in it."""
    parts = (str(secret), *(("" if text is None else f"={text}") for text in (bot, audience, scope)))
    return UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16])


PROJECTION = CatchUp(
    name="usage_daily",
    version=1,
    follows=ISSUANCE,
    row=Row,
    key=("client", "day", "use"),
    project=project,
    totals=Totals(query=TOTALS, combined={"tokens": "sum", "first_at": "min", "last_at": "max"}),
)


class Usage(Struct, frozen=True, kw_only=True):
    """Of one day, and of one value of the column by which it is divided."""

    day: date
    of: str | None
    tokens: int
    first_at: datetime
    last_at: datetime


async def of_client(
    connection: AnyConnection, client: UUID, since: date, until: date, *, by: By | None, limit: int
) -> list[Usage]:
    """Returns the usage on the days from `since` to `until`, oldest first, at most `limit` rows."""
    of = OF_SECRET if by == "secret" else f"{by}::text" if by else "null::text"
    rows = await connection.fetch(OF_CLIENT.format(of=of), client, since, until, limit)
    return [
        Usage(day=day, of=of, tokens=int(tokens), first_at=first, last_at=last) for day, of, tokens, first, last in rows
    ]


class ScopeUse(Struct, frozen=True):
    """When a client last got a token with these scopes; None: with scopes that were not kept. The audience None is the default one."""

    client: UUID
    scope: str | None
    last_at: datetime
    audience: str | None = None


async def of_scopes(connection: AnyConnection, clients: Sequence[UUID]) -> list[ScopeUse]:
    return [ScopeUse(*row) for row in await connection.fetch(OF_SCOPES, clients)]


async def audiences(connection: AnyConnection, names: Sequence[str]) -> set[str]:
    """Returns those names for which there are tokens. Only a URI can be a resource (RFC 8707), and to look for one takes a scan."""
    uris = [name for name in names if "://" in name]
    return {row[0] for row in await connection.fetch(AUDIENCES, uris)} if uris else set()
