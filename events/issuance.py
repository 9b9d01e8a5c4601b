"""The issuance log records every access token durably before the token is sent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType, field, json

from events.array_literals import literal
from events.database import LOST, WRITER, AnyConnection, Connection, Unavailable, unavailable
from events.database_session import DatabaseSession
from events.group_commit import Batcher, Watch

ISSUE = "select base, head from log.issue($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::bytea[])"


class Confirmation(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a token is bound to (RFC 7800 section 3.1): `jkt` is the thumbprint of a key whose possession is proved (RFC 9449 section 6.1),
    `x5t_s256` that of the certificate of a TLS connection (RFC 8705 section 3.1).
    """

    jkt: str | UnsetType = UNSET
    x5t_s256: str | UnsetType = field(default=UNSET, name="x5t#S256")


class TokenIssued(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of a token, beside its client, secret and jti. It never contains the token.

    A token that was issued from a user's authorization names the authorization and no address, which could be the user's.
    The audience is None for the default one. It was not recorded at first, so an old record may lack another one.
    `cnf` says what the token is bound to; None is a bearer token. `subject_token` is the jti of the token that it was exchanged for
    (RFC 8693), and `actor` who acts for its subject. `typ` says that it is no access token. `client_key` is the thumbprint of the key or
    certificate by which the client authenticated, if no event of the client has it: its id alone would not say which one it was.
    """

    sub: str
    scope: str
    kid: str
    exp: int
    address: str | None = None
    authorization: UUID | None = None
    audience: str | None = None
    cnf: Confirmation | None = None
    subject_token: UUID | None = None
    actor: str | None = None
    typ: Literal["id_jag"] | None = None
    client_key: str | None = None

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key that the token is bound to (RFC 9449 section 6.1)."""
        return (self.cnf and self.cnf.jkt) or None


NO_SECRET = UUID(int=0)
"""The value for a client that has no secret."""


class Issue(Struct, frozen=True, kw_only=True):
    client: UUID
    secret: UUID
    jti: UUID
    token: TokenIssued


class Issued(Struct, frozen=True):
    """`head` is the head of the event log at the commit. A decision from an older state must be repeated."""

    position: int
    head: int


NO_TOKEN = Issue(client=NO_SECRET, secret=NO_SECRET, jti=NO_SECRET, token=TokenIssued(sub="", scope="", kid="", exp=0))
"""The record that `prove` writes and rolls back."""

PROVED_SECONDS = 5.0

TURNS_UNTIL_SENT = 2
"""In the first turn of the event loop a batch begins its statement, and at the end of the turn uvloop sends it."""

Made = TypeVar("Made")

encode = json.Encoder().encode
decode = json.Decoder(TokenIssued).decode


class IssuanceLog:
    """Writes the issuance log, over one connection per process."""

    def __init__(self, url: str, watch: Watch | None = None) -> None:
        self._session = DatabaseSession(url, **WRITER)
        self._batches: Batcher[Issue, Issued] = Batcher(self._flush, watch=watch, of="commits")
        self._one_at_a_time = asyncio.Lock()
        self._proved_until = 0.0

    @property
    def waiting(self) -> int:
        """The number of records that wait for the next commit."""
        return self._batches.waiting

    def may_wait(self, ahead: int) -> bool:
        """Whether one more record may wait, after those that wait and `ahead` others that were accepted but do not wait yet."""
        return self._batches.may_wait(ahead)

    def record(self, issue: Issue) -> "asyncio.Future[Issued]":
        """Is done when the record is on disk. Raises Unavailable; then the token must not be sent."""
        return self._batches.put(issue)

    async def record_while(self, issue: Issue, make: Callable[[], Made]) -> tuple[Issued, Made]:
        """Records, and makes meanwhile what is to be sent once the record is on disk. Raises Unavailable; then it must not be sent."""
        recorded = self._batches.put(issue)
        try:
            for _ in range(TURNS_UNTIL_SENT):
                await asyncio.sleep(0)
            made = make()
        except BaseException:
            recorded.cancel()  # nobody waits for it any longer; it is recorded all the same
            raise
        return await recorded, made

    async def close(self) -> None:
        await self._batches.idle()
        await self._session.close()

    async def prove(self) -> None:
        """Returns if a token was recorded within PROVED_SECONDS, or can be recorded now (it is rolled back). Raises Unavailable."""
        if time.monotonic() < self._proved_until:
            return
        await self._call(*columns_of([NO_TOKEN]), keep=False)

    async def _flush(self, issues: list[Issue]) -> Sequence[Issued | Exception]:
        row = await self._call(*columns_of(issues))
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


def columns_of(issues: Sequence[Issue]) -> tuple[Any, ...]:
    """Returns the columns of these records, as the functions of the log take them."""
    return (
        literal([issue.client for issue in issues]),
        literal([issue.secret for issue in issues]),
        literal([issue.jti for issue in issues]),
        [encode(issue.token) for issue in issues],
    )


async def _taken_back(connection: Connection, arguments: Sequence[Any]) -> asyncpg.Record | None:
    attempt = connection.transaction()
    await attempt.start()
    try:
        return await connection.fetchrow(ISSUE, *arguments)
    finally:
        await attempt.rollback()


async def make_partitions(connection: AnyConnection, days_ahead: int = 7) -> None:
    """Makes one partition for each day, from today on. Can be repeated."""
    await connection.execute("select log.make_partitions($1)", days_ahead)
