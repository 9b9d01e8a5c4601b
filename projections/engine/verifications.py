"""The result of the last verification of each projection, by the service or by a command."""

from datetime import datetime, timedelta
from typing import Any, Literal

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from projections.engine.verdict import NOTHING, Unfolded, Verdict

Outcome = Literal["agrees", "differs", "failed"]

BEGIN = """
insert into read.verifications (name) values ($1) on conflict (name) do update set begun_at = clock_timestamp()
"""
KEEP = """
insert into read.verifications as v (name, verified_at, outcome, position, rows, digest, expected_digest, differing, error, seconds)
values ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (name) do update set verified_at = excluded.verified_at, outcome = excluded.outcome, position = excluded.position,
  rows = excluded.rows, digest = excluded.digest, expected_digest = excluded.expected_digest, differing = excluded.differing,
  error = excluded.error, seconds = excluded.seconds
returning verified_at, outcome, position, rows, digest, expected_digest, differing, error, seconds
"""
ALL = """
select name, verified_at, outcome, position, rows, digest, expected_digest, differing, error, seconds
  from read.verifications where verified_at is not null
"""
DUE = """
select name from unnest($1::text[]) as name left join read.verifications v using (name)
 where v.begun_at is null or v.begun_at < clock_timestamp() - $2::interval order by v.begun_at nulls first, name limit 1
"""


class Verification(Struct, frozen=True, kw_only=True):
    """What was found, up to a position of the log that the projection follows.

    `differing` has the keys of at most ten rows that are not what the log makes of them. `failed` is a log that cannot be folded.
    """

    verified_at: datetime
    outcome: Outcome
    position: int
    rows: int
    digest: str
    expected_digest: str
    differing: tuple[str, ...] = ()
    error: str | None = None
    seconds: float

    @property
    def said(self) -> str:
        """Returns the result as the rest of a sentence about the projection."""
        match self.outcome:
            case "agrees":
                return "is what the log makes of it"
            case "differs":
                return f"is not what the log makes of it: {', '.join(self.differing) or 'its rows are others'}"
            case "failed":
                return f"cannot be verified: {self.error}"

    @property
    def found(self) -> tuple[object, ...]:
        """What tells a difference from another one."""
        return self.outcome, self.differing, self.error


async def all_of(connection: AnyConnection) -> dict[str, Verification]:
    """By the name of the projection."""
    return {row["name"]: _read(row) for row in await connection.fetch(ALL)}


def _read(row: asyncpg.Record) -> Verification:
    fields: dict[str, Any] = {name: row[name] for name in Verification.__struct_fields__}
    fields["differing"] = tuple(row["differing"])
    return Verification(**fields)


async def due(connection: AnyConnection, names: list[str], every: timedelta) -> str | None:
    """Returns the one that was begun the longest ago, if that is so long ago. One that was interrupted waits for its turn as others do."""
    return await connection.fetchval(DUE, names, every)


async def begin(connection: AnyConnection, name: str) -> None:
    await connection.execute(BEGIN, name)


async def keep(connection: AnyConnection, name: str, verdict: Verdict | Unfolded, seconds: float) -> Verification:
    given: tuple[object, ...]
    match verdict:
        case Verdict(agrees=agrees):
            outcome: Outcome = "agrees" if agrees else "differs"
            given = (
                verdict.position,
                verdict.rows,
                verdict.digest,
                verdict.expected_digest,
                list(verdict.differing),
                None,
            )
        case Unfolded():
            outcome, given = "failed", (verdict.position, 0, NOTHING, NOTHING, [], verdict.why)
    row = await connection.fetchrow(KEEP, name, outcome, *given, seconds)
    assert row is not None
    return _read(row)
