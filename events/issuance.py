"""The issuance log: every access token is recorded, durably, before it leaves."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.batching import Batcher
from events.chain import issuance_leaf, root_of
from events.database import LOST, WRITER, AnyConnection, Session, Unavailable

ISSUE = "select base, head from log.issue($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[], $5::bytea)"


class TokenIssued(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a token beside its client, secret and jti. Never the token.

    One that came of a person's authorization names it, and no address: it may be the person's own.
    """

    sub: str
    scope: str
    kid: str
    exp: int
    address: str | None = None
    authorization: UUID | None = None


NO_SECRET = UUID(int=0)
"""In the place of the secret of a client that has none."""


class Issue(Struct, frozen=True, kw_only=True):
    client: UUID
    secret: UUID
    jti: UUID
    token: TokenIssued


class Issued(Struct, frozen=True):
    """`head` is the head of the event log at the commit: what was decided from an older view must be decided again."""

    position: int
    head: int


encode = json.Encoder().encode
decode = json.Decoder(TokenIssued).decode


class IssuanceLog:
    """The writing end of the issuance log: one connection per process."""

    def __init__(self, url: str) -> None:
        self._session = Session(url, **WRITER)
        self._batches: Batcher[Issue, Issued] = Batcher(self._flush)

    async def record(self, issue: Issue) -> Issued:
        """Returns when the token is on disk. Raises Unavailable; then the token must not leave."""
        return await self._batches.submit(issue)

    async def close(self) -> None:
        await self._batches.idle()
        await self._session.close()

    async def _flush(self, issues: list[Issue]) -> Sequence[Issued | Exception]:
        rows = [(i.client, i.secret, i.jti, encode(i.token)) for i in issues]
        leaves = [issuance_leaf(client=c, secret=s, jti=j, data=d) for c, s, j, d in rows]
        row = await self._call(*map(list, zip(*rows, strict=True)), root_of(leaves))
        return [Issued(position=row["base"] + place, head=row["head"]) for place in range(1, len(issues) + 1)]

    async def _call(self, *arguments: Any) -> asyncpg.Record:
        try:
            async with self._session.using() as connection:
                self._session.warnings.clear()
                row = await connection.fetchrow(ISSUE, *arguments)
        except (asyncpg.LockNotAvailableError, *LOST) as fault:
            raise Unavailable("the issuance log did not confirm") from fault
        if row is None or any(warning.startswith("01000") for warning in self._session.warnings):
            raise Unavailable("the issuance log was not confirmed by the synchronous replica")
        return row


async def make_partitions(connection: AnyConnection, days_ahead: int = 7) -> None:
    """A partition a day, from today on; harmless to repeat."""
    await connection.execute("select log.make_partitions($1)", days_ahead)
