"""Two tables of one shape compared in small parts, in the order of their key."""

from typing import Any

from msgspec import Struct

from events.database import Connection
from projections.columns import quoted
from projections.engine.pace import Pace

ROWS_A_STEP = 500
MOST_NAMED = 10

Key = tuple[Any, ...]


class Compared(Struct, frozen=True):
    """The rows of both tables and their digests (projections/engine/refold.py). `differing` has at most ten keys."""

    rows: int
    digest: str
    expected_digest: str
    differing: tuple[str, ...]


class _Part(Struct, frozen=True):
    """The rows whose keys are after the one and up to the other; None: from the beginning, or to the end."""

    after: Key | None
    upto: Key | None

    def where(self, key: tuple[str, ...]) -> tuple[str, list[Any]]:
        conditions: list[str] = []
        given: list[Any] = []
        for sign, bound in ((">", self.after), ("<=", self.upto)):
            if bound is not None:
                places = ", ".join(f"${len(given) + number}" for number in range(1, len(bound) + 1))
                conditions.append(f"({quoted(key)}) {sign} ({places})")
                given += bound
        return " and ".join(conditions) or "true", given


class Comparison:
    """Of the live table with what the log makes of it. Needs a transaction in which neither changes, and the key's index in both."""

    def __init__(self, connection: Connection, pace: Pace, *, live: str, folded: str, key: tuple[str, ...]) -> None:
        self._connection, self._pace = connection, pace
        self._live, self._folded, self._key = live, folded, key
        self._rows, self._sums = 0, [0, 0]
        self._differing: list[str] = []

    async def compared(self) -> Compared:
        after: Key | None = None
        while True:
            async with self._pace.step(self._connection):
                upto = await self._end(after)
                await self._compare(_Part(after, upto))
            if upto is None:
                break
            after = upto
        digest, expected = (f"{total % 2**64:016x}" for total in self._sums)
        return Compared(self._rows, digest, expected, tuple(self._differing))

    async def _end(self, after: Key | None) -> Key | None:
        """Returns the key at which a part ends; None for the last one. No part of either table is longer than a step."""
        where, given = _Part(after, None).where(self._key)
        named = quoted(self._key)
        nth = f"(select {named} from {{}} where {where} order by {named} offset {ROWS_A_STEP - 1} limit 1)"
        both = f"{nth.format(self._live)} union all {nth.format(self._folded)}"
        row = await self._connection.fetchrow(f"select {named} from ({both}) as ends order by {named} limit 1", *given)
        return None if row is None else tuple(row)

    async def _compare(self, part: _Part) -> None:
        where, given = part.where(self._key)
        counted: list[tuple[int, int]] = []
        for place, table in enumerate((self._live, self._folded)):
            query = (
                f"select count(*), coalesce(sum(hash_record_extended(t, 0)::numeric), 0) from {table} t where {where}"
            )
            row = await self._connection.fetchrow(query, *given)
            assert row is not None
            counted.append((row[0], int(row[1])))
            self._sums[place] += counted[-1][1]
        self._rows += counted[0][0]
        if counted[0] != counted[1] and len(self._differing) < MOST_NAMED:
            self._differing += await self._named(where, given)

    async def _named(self, where: str, given: list[Any]) -> list[str]:
        live, folded = (f"select * from {table} where {where}" for table in (self._live, self._folded))
        both = f"({live} except {folded}) union all ({folded} except {live})"
        named = ", ".join(f'"{column}"' for column in self._key)
        most = MOST_NAMED - len(self._differing)
        query = f"select distinct concat_ws(' ', {named}) from ({both}) as d order by 1 limit {most}"
        return [row[0] for row in await self._connection.fetch(query, *given)]
