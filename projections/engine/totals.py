"""Projections whose rows are totals of tokens, added up by Postgres: the tokens are read where they are, and only once for all that need them.

The result is that of `project`, the definition. Tokens of which the SQL is not certain (none that this version recorded) are folded
by `project`: Postgres reads JSON a little differently from the decoder, and what cannot be decoded has to stop the projection.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from events.database import Connection
from events.replay import Checkpoint
from projections.catch_up import CatchUp, Totals
from projections.columns import quoted
from projections.engine import entries
from projections.engine.entries import PASSING, USES, Bounds
from projections.engine.fold import Fold
from projections.engine.tables import encoded, from_json

POSITIONS_BY_PROJECT = 5000
"""The page that is folded by `project` where Postgres is not certain."""

TEXT = "jsonb_typeof(token -> '{0}') = 'string'"
TEXT_OR_NONE = "coalesce(jsonb_typeof(token -> '{0}'), 'null') in ('string', 'null')"
UUID_OR_NONE = "(token ->> '{0}' is null or token ->> '{0}' ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$')"
SELDOM = ("authorization", "subject_token", "actor", "client_key", "typ", "cnf")
OF_SELDOM = " and ".join(
    [
        *(TEXT_OR_NONE.format(name) for name in SELDOM if name != "cnf"),
        *(UUID_OR_NONE.format(name) for name in ("authorization", "subject_token")),
        "coalesce(token ->> 'typ', 'id_jag') = 'id_jag' and coalesce(jsonb_typeof(token -> 'cnf'), 'null') in ('object', 'null')",
        *(f"coalesce(jsonb_typeof(token -> 'cnf' -> '{name}'), 'string') = 'string'" for name in ("jkt", "x5t#S256")),
    ]
)
CERTAIN = " and ".join(
    [
        *(TEXT.format(name) for name in ("sub", "scope", "kid")),
        *(TEXT_OR_NONE.format(name) for name in ("address", "audience")),
        # An integer, and written as one: jsonb would not tell 1e3 from 1000, and json keeps what is written.
        "jsonb_typeof(token -> 'exp') = 'number' and length(token ->> 'exp') < 16 and text::json ->> 'exp' !~ '[^0-9]'",
        f"(not token ?| '{{{', '.join(SELDOM)}}}' or {OF_SELDOM})",
    ]
)
"""Whether a record has the types that the decoder asks for (events/issuance.py). It costs more than the rest, so it is in this order."""

USES_OF_TOKENS = f"""
with read as materialized (
  select client, secret, first_at, last_at, tokens, text, text::jsonb as token
    from (select client, secret, min(issued_at) as first_at, max(issued_at) as last_at, count(*) as tokens, convert_from(data, 'UTF8') as text
            from log.issuance where position > $1 and position <= $2 and issued_at between $3 and $4
           group by client, secret, data, (issued_at at time zone 'UTC')::date) as stored
), certain as (select coalesce(bool_and(({CERTAIN}) is true), true) as all_are from read
), each as (
  select client, secret, case when token ->> 'authorization' is null then token ->> 'sub' end as bot, token ->> 'audience' as audience,
         token ->> 'scope' as scope, first_at, last_at, tokens from read
   union all
  select client, secret, nullif(sub, ''), audience, scope, coalesce(first_at, used_at), used_at, tokens from ({USES}) as sums
), uses as materialized (
  select client, secret, bot, audience, scope, (last_at at time zone 'UTC')::date as day, min(first_at) as first_at,
         max(last_at) as last_at, sum(tokens)::bigint as tokens from each where (select all_are from certain) group by 1, 2, 3, 4, 5, 6
)
"""
COMBINED = {
    "sum": 't."{0}" + excluded."{0}"',
    "max": 'greatest(t."{0}", excluded."{0}")',
    "min": 'least(t."{0}", excluded."{0}")',
}


class Target(Struct, frozen=True):
    """The table that rows are added to. `merges` combines rows of one key at once, for which the table needs its primary key."""

    projection: CatchUp[Any, Any]
    table: str
    merges: bool = True

    def insertion(self, rows: str) -> str:
        """The statement that adds the rows of a query."""
        into = f"insert into {self.table} as t ({quoted(self.projection.columns)}) select {quoted(self.projection.columns)} from ({rows}) as rows"
        if not self.merges:
            return into
        combined = ", ".join(
            f'"{name}" = {COMBINED[how].format(name)}' for name, how in _of(self.projection).combined.items()
        )
        return f"{into} on conflict ({quoted(self.projection.key)}) do update set {combined}"

    def sum_of(self, parts: str) -> str:
        """The statement that adds the rows of a table of the same columns, each key once."""
        combined = _of(self.projection).combined
        same = quoted([name for name in self.projection.columns if name not in combined])
        made = ", ".join(f'{how}("{name}") as "{name}"' for name, how in combined.items())
        return f"insert into {self.table} ({same}, {quoted(tuple(combined))}) select {same}, {made} from {parts} group by {same}"


async def add(connection: Connection, targets: Sequence[Target], bounds: Bounds) -> bool:
    """Adds the tokens within the bounds to these tables; False, and nothing is added, if the SQL is not certain of all of them, or its
    rows cannot be written: `project` then says at which position.
    """
    adding = "".join(
        f", into_{place} as ({each.insertion(_of(each.projection).query)})" for place, each in enumerate(targets)
    )
    try:
        async with connection.transaction():
            return await connection.fetchval(
                f"{USES_OF_TOKENS}{adding} select all_are from certain", *bounds.within, *bounds.times
            )
    except asyncpg.PostgresError as fault:
        if isinstance(fault, PASSING):
            raise
        return False


class Adding:
    """A table that is being filled from the beginning of the log, as `Bulk` is (projections/engine/bulk.py)."""

    def __init__(self, target: Target, genesis: Checkpoint) -> None:
        self._target = target
        self.reached = genesis

    async def step(self, connection: Connection, upto: int, most: int) -> bool:
        """Adds about so many positions; False if there were none. Raises Poison."""
        source, position = self._target.projection.follows, self.reached.position
        bounds = await entries.bounds_after(connection, source, position, most=most, upto=upto)
        if bounds is None:
            return False
        if not await add(connection, [self._target], bounds):
            bounds = await entries.bounds_after(
                connection, source, position, most=min(most, POSITIONS_BY_PROJECT), upto=upto
            )
            assert bounds is not None
            await self._by_project(connection, bounds)
        self.reached = bounds.reached
        return True

    async def write(self, connection: Connection) -> None:
        """Everything is written at each step."""

    async def _by_project(self, connection: Connection, bounds: Bounds) -> None:
        projection = self._target.projection
        fold: Fold[Any, Any] = Fold(projection, complete=True)  # the totals of these tokens alone
        fold.take_in(await entries.within(connection, projection.follows, bounds))
        rows = f"select {from_json(projection)} from jsonb_populate_recordset(null::{self._target.table}, $1::jsonb)"
        await connection.execute(self._target.insertion(rows), encoded(fold.changes().new))


def _of(projection: CatchUp[Any, Any]) -> Totals:
    assert projection.totals is not None
    return projection.totals
