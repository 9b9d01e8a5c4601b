"""Whether issued access tokens can still be used, and what stopped those that cannot."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from events.ids import client_id_of
from events.issuance import TokenIssued, decode
from projections import authorizations, clients, revoked_tokens
from projections.clients import Found
from service.configuration.settings import LEEWAY_SECONDS, LONGEST_TOKEN

LONGEST = timedelta(seconds=LONGEST_TOKEN + LEEWAY_SECONDS)

DELETED_AT = """
select stream_id, max(recorded_at) from log.events where stream_id = any($1::uuid[]) and type = 'client.deleted' group by 1
"""

State = Literal["valid", "expired", "revoked", "client deleted", "client disabled", "bot disabled", "bot deleted"]


class TokenState(Struct, frozen=True, kw_only=True):
    """`stopped_at` is when the token, its authorization or its client ended, as far as that is known at once."""

    state: State
    stopped_at: datetime | None
    client_id: str


class _Stopped(Struct, frozen=True, kw_only=True):
    """What stops tokens that have not expired, among the clients and authorizations of some tokens."""

    clients: dict[UUID, Found]
    deleted_at: dict[UUID, datetime]
    revoked_at: dict[UUID, datetime]
    now: datetime


async def states(connection: AnyConnection, rows: Sequence[asyncpg.Record]) -> list[TokenState]:
    """Return the states of the tokens of these rows of the issuance log, in their order."""
    stopped = await _stopped(connection, rows)
    return [_state(row, stopped) for row in rows]


async def _stopped(connection: AnyConnection, rows: Sequence[asyncpg.Record]) -> _Stopped:
    now = await connection.fetchval("select clock_timestamp()")
    alive = {row["jti"]: row for row in rows if not _has_expired(decode(row["data"]), now)}
    given = {jti: decode(row["data"]).authorization for jti, row in alive.items()}
    granted = [each for each in given.values() if each is not None]
    streams = list({row["client"] for row in rows})
    found, _ = await clients.find_as_of(connection, streams)
    living = {row["client"] for row in alive.values()}
    ended = [stream for stream in living if stream not in found or found[stream].client.restored]
    ends = await authorizations.revoked(connection, granted, LONGEST)
    return _Stopped(
        clients=found,
        deleted_at={row[0]: row[1] for row in await connection.fetch(DELETED_AT, ended)},
        revoked_at={
            **{authorization: end - LONGEST for authorization, end in ends.items()},
            **await revoked_tokens.revoked_at(connection, list(given)),
        },
        now=now,
    )


def _state(row: asyncpg.Record, stopped: _Stopped) -> TokenState:
    token, found = decode(row["data"]), stopped.clients.get(row["client"])
    client_id = client_id_of(row["client"]) if found is None else found.client.client_id
    if _has_expired(token, stopped.now):
        return TokenState(state="expired", stopped_at=None, client_id=client_id)
    state, at = _end(row, token.authorization, stopped)
    return TokenState(state=state, stopped_at=at, client_id=client_id)


def _has_expired(token: TokenIssued, now: datetime) -> bool:
    return datetime.fromtimestamp(token.exp, UTC) <= now


def _end(row: asyncpg.Record, authorization: UUID | None, stopped: _Stopped) -> tuple[State, datetime | None]:
    found = stopped.clients.get(row["client"])
    for each in (row["jti"], authorization):
        if each is not None and each in stopped.revoked_at:
            return "revoked", stopped.revoked_at[each]
    deleted_at = stopped.deleted_at.get(row["client"])
    if found is None or (deleted_at is not None and deleted_at > row["issued_at"]):
        return "client deleted", deleted_at
    if found.client.state != "active":
        return "client disabled", None
    if found.may_act:
        return "valid", None
    return ("bot deleted" if found.bot_state == "deleted" else "bot disabled"), None
