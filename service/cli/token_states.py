"""Issued access tokens as the command line shows them, and whether each can still be used."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.client import ClientDeleted
from events.database import AnyConnection
from events.ids import client_id_of
from events.issuance import NO_SECRET, decode
from events.replay import histories
from projections import authorizations, clients, revoked_tokens
from projections.clients import Found
from service.configuration.settings import LEEWAY_SECONDS, LONGEST_TOKEN

LONGEST = timedelta(seconds=LONGEST_TOKEN + LEEWAY_SECONDS)


class IssuedToken(Struct, frozen=True, kw_only=True):
    """The record of a token. `state` is valid, or says why it is not."""

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
    position: int


class _Stopped(Struct, frozen=True, kw_only=True):
    """What stops tokens that have not expired, among the clients and authorizations of some tokens."""

    clients: dict[UUID, Found]
    deleted_at: dict[UUID, datetime]
    revoked: set[UUID]
    now: datetime


async def shown(connection: AnyConnection, rows: Sequence[asyncpg.Record]) -> list[IssuedToken]:
    """The tokens of these rows of the issuance log, in their order."""
    stopped = await _stopped(connection, rows)
    return [_shown(row, stopped) for row in rows]


async def _stopped(connection: AnyConnection, rows: Sequence[asyncpg.Record]) -> _Stopped:
    given = {row["jti"]: decode(row["data"]).authorization for row in rows}
    granted = [each for each in given.values() if each is not None]
    found, _ = await clients.find_as_of(connection, list({row["client"] for row in rows}))
    restored = [stream for stream, each in found.items() if each.client.restored]
    past = await histories(connection, restored)
    deleted_at = {each.stream_id: each.recorded_at for each in past if isinstance(each.event, ClientDeleted)}
    revoked = {*await revoked_tokens.find(connection, list(given))}
    revoked |= {*await authorizations.revoked(connection, granted, LONGEST)}
    now = await connection.fetchval("select clock_timestamp()")
    return _Stopped(clients=found, deleted_at=deleted_at, revoked=revoked, now=now)


def _shown(row: asyncpg.Record, stopped: _Stopped) -> IssuedToken:
    token = decode(row["data"])
    expires_at = datetime.fromtimestamp(token.exp, UTC)
    return IssuedToken(
        jti=row["jti"],
        client_id=_client_id(row["client"], stopped),
        sub=token.sub,
        scope=token.scope,
        issued_at=row["issued_at"],
        expires_at=expires_at,
        state="expired" if expires_at <= stopped.now else _state(row, token.authorization, stopped),
        secret_id=None if row["secret"] == NO_SECRET else row["secret"],
        key_id=token.kid,
        address=token.address,
        authorization_id=token.authorization,
        position=row["position"],
    )


def _state(row: asyncpg.Record, authorization: UUID | None, stopped: _Stopped) -> str:
    client = stopped.clients.get(row["client"])
    if row["jti"] in stopped.revoked or authorization in stopped.revoked:
        return "revoked"
    if client is None or stopped.deleted_at.get(row["client"], row["issued_at"]) > row["issued_at"]:
        return "client deleted"
    if client.client.state != "active":
        return "client disabled"
    return "valid" if client.may_act else f"bot {client.bot_state}"


def _client_id(stream: UUID, stopped: _Stopped) -> str:
    found = stopped.clients.get(stream)
    return client_id_of(stream) if found is None else found.client.client_id
