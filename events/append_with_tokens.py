"""An append whose events name a token: the token is recorded in the same commit, if nothing overtook the decision to issue it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.issuance import Issue, columns_of

APPEND_WITH_TOKENS = """
select base, st, sv, sp, overtaken
  from log.append_with_tokens($1::uuid[], $2::int[], $3::uuid[], $4::bytea[], $5::bytea[],
                              $6::int[], $7::int[], $8::smallint[], $9::text[], $10::bytea[], $11::bytea[],
                              $12::int[], $13::text[], $14::uuid[], $15::jsonb[],
                              $16::int[], $17::uuid[], $18::uuid[], $19::uuid[], $20::bytea[],
                              $21::int[], $22::uuid[], $23::bigint[])
"""


class Token(Struct, frozen=True, kw_only=True):
    """The record of a token. It was decided from these streams as of the position `since`: if anything happened to one of them after
    that, the append is refused as a Conflict.
    """

    issue: Issue
    streams: Sequence[UUID]
    since: int


def arguments(tokens: Sequence[Token | None]) -> tuple[Any, ...]:
    """Returns the arguments of the statement after those of an append. At least one item has a token."""
    numbered = [(number, token) for number, token in enumerate(tokens, 1) if token is not None]
    relied_on = [(number, stream, token.since) for number, token in numbered for stream in token.streams]
    return (
        [number for number, _ in numbered],
        *columns_of([token.issue for _, token in numbered]),
        *map(list, zip(*relied_on, strict=True)),
    )
