"""An append that was decided from other streams, too: it takes place if nothing overtook the decision. A token that its events name is
recorded in the same commit.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.array_literals import literal
from events.issuance import Issue, columns_of

APPEND_WITH_TOKENS = """
select base, st, sv, sp, overtaken
  from log.append_with_tokens($1::text::uuid[], $2::text::int[], $3::uuid[], $4::bytea[], $5::bytea[], $6::text::int[],
                              $7::text::int[], $8::text::smallint[], $9::text::text[], $10::bytea[], $11::bytea[], $12::jsonb,
                              $13::text::int[], $14::text::uuid[], $15::text::uuid[], $16::text::uuid[], $17::bytea[],
                              $18::text::int[], $19::text::uuid[], $20::text::bigint[])
"""


class DecidedFrom(Struct, frozen=True, kw_only=True):
    """Other streams that an append was decided from, as of the position `since`: if anything happened to one of them after that, the
    append is refused as a Conflict.
    """

    streams: Sequence[UUID]
    since: int


class Token(DecidedFrom, frozen=True, kw_only=True):
    """The record of a token, and what it was decided from."""

    issue: Issue


def arguments(decisions: Sequence[DecidedFrom | None]) -> tuple[Any, ...]:
    """Returns the arguments of the statement after those of an append. At least one item was decided from other streams."""
    numbered = [(number, decided) for number, decided in enumerate(decisions, 1) if decided is not None]
    tokens = [(number, decided) for number, decided in numbered if isinstance(decided, Token)]
    relied_on = [(number, stream, decided.since) for number, decided in numbered for stream in decided.streams]
    return (
        literal([number for number, _ in tokens]),
        *columns_of([token.issue for _, token in tokens]),
        *map(literal, zip(*relied_on, strict=True)),
    )
