"""Issued access tokens as the command line shows them, and whether each can still be used."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from events.issuance import NO_SECRET, decode
from service.provenance.token_states import TokenState, states


class IssuedToken(Struct, frozen=True, kw_only=True):
    """The record of a token. `state` is valid, or says why it is not. `jkt` is the thumbprint of the key that it is bound to."""

    jti: UUID
    client_id: str
    sub: str
    scope: str
    issued_at: datetime
    expires_at: datetime
    state: str
    secret_id: UUID | None
    key_id: str
    address: str | None
    authorization_id: UUID | None
    jkt: str | None
    position: int


async def shown(connection: AnyConnection, rows: Sequence[asyncpg.Record]) -> list[IssuedToken]:
    """The tokens of these rows of the issuance log, in their order."""
    return [_shown(row, state) for row, state in zip(rows, await states(connection, rows), strict=True)]


def _shown(row: asyncpg.Record, found: TokenState) -> IssuedToken:
    token = decode(row["data"])
    return IssuedToken(
        jti=row["jti"],
        client_id=found.client_id,
        sub=token.sub,
        scope=token.scope,
        issued_at=row["issued_at"],
        expires_at=datetime.fromtimestamp(token.exp, UTC),
        state=found.state,
        secret_id=None if row["secret"] == NO_SECRET else row["secret"],
        key_id=token.kid,
        address=token.address,
        authorization_id=token.authorization,
        jkt=token.jkt,
        position=row["position"],
    )
