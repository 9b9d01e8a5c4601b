"""The issuance log: every access token is recorded, durably, before it leaves."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.database import LOST, WRITER, AnyConnection, Connection, DatabaseSession, Unavailable, unavailable
from events.group_commit import Batcher

ISSUE = "select base, head from log.issue($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[])"


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


NO_TOKEN = Issue(client=NO_SECRET, secret=NO_SECRET, jti=NO_SECRET, token=TokenIssued(sub="", scope="", kid="", exp=0))
"""What is recorded and taken back."""

PROVED_SECONDS = 5.0

encode = json.Encoder().encode
decode = json.Decoder(TokenIssued).decode


class IssuanceLog:
    """The writing end of the issuance log: one connection per process."""

    def __init__(self, url: str) -> None:
        self._session = DatabaseSession(url, **WRITER)
        self._batches: Batcher[Issue, Issued] = Batcher(self._flush)
        self._one_at_a_time = asyncio.Lock()
        self._proved_until = 0.0

    async def record(self, issue: Issue) -> Issued:
        """Returns when the token is on disk. Raises Unavailable; then the token must not leave."""
        return await self._batches.submit(issue)

    async def close(self) -> None:
        await self._batches.idle()
        await self._session.close()

    async def prove(self) -> None:
        """Returns when a token could be recorded: one was within PROVED_SECONDS, or is now, and is taken back. Raises Unavailable."""
        if time.monotonic() < self._proved_until:
            return
        await self._call(*_arguments([NO_TOKEN]), keep=False)

    async def _flush(self, issues: list[Issue]) -> Sequence[Issued | Exception]:
        row = await self._call(*_arguments(issues))
        return [Issued(position=row["base"] + place, head=row["head"]) for place in range(1, len(issues) + 1)]

    async def _call(self, *arguments: Any, keep: bool = True) -> asyncpg.Record:
        try:
            async with self._one_at_a_time, self._session.using() as connection:
                self._session.warnings.clear()
                row = await (connection.fetchrow(ISSUE, *arguments) if keep else _taken_back(connection, arguments))
        except (asyncpg.LockNotAvailableError, *LOST) as fault:
            raise unavailable("the issuance log did not confirm", fault) from fault
        if row is None or any(warning.startswith("01000") for warning in self._session.warnings):
            raise Unavailable("the issuance log was not confirmed by the synchronous replica")
        self._proved_until = time.monotonic() + PROVED_SECONDS
        return row


def _arguments(issues: Sequence[Issue]) -> tuple[Any, ...]:
    rows = [(i.client, i.secret, i.jti, encode(i.token)) for i in issues]
    return tuple(map(list, zip(*rows, strict=True)))


async def _taken_back(connection: Connection, arguments: Sequence[Any]) -> asyncpg.Record | None:
    attempt = connection.transaction()
    await attempt.start()
    try:
        return await connection.fetchrow(ISSUE, *arguments)
    finally:
        await attempt.rollback()


async def make_partitions(connection: AnyConnection, days_ahead: int = 7) -> None:
    """A partition a day, from today on; harmless to repeat."""
    await connection.execute("select log.make_partitions($1)", days_ahead)
