"""Reads what explains a token: its record, and the streams that it relies on."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from events import issued_tokens
from events.authorization import AuthorizationGranted
from events.codec import Recorded
from events.consent import stream_of as consent_stream
from events.database import AnyConnection
from events.exchange import TokenExchanged, stream_of
from events.ids import bot_stream, client_id_of
from events.replay import history, recorded, rows_of
from projections import signing_keys
from projections.catch_up import Issuance
from projections.engine.entries import issuance
from service.oauth.delegation import LONGEST_CHAIN
from service.provenance.explanation import Past, Sources

Rows = dict[int, asyncpg.Record]
Streams = dict[UUID, list[Recorded]]


class Stored(Struct, frozen=True, kw_only=True):
    """What explains a token, with the rows that it was read from: those of the events by their positions."""

    sources: Sources
    token: asyncpg.Record
    events: Mapping[int, asyncpg.Record]


async def read(connection: AnyConnection, jti: UUID) -> Stored | None:
    """Return None if no such token was issued, or if its record was deleted after its time of retention."""
    row = await issued_tokens.find(connection, jti)
    if row is None:
        return None
    rows: Rows = {}
    token = issuance(row)
    sources = await _sources(connection, token, rows)
    sources = sources.__replace__(exchanges=await _exchanges(connection, token))
    return Stored(sources=sources, token=row, events=rows)


async def _exchanges(connection: AnyConnection, token: Issuance) -> Past:
    """Return the exchanges that led to the token, from the last one to the first: each one's subject is the token of the one before."""
    found: list[Recorded] = []
    jti, subject = token.jti, token.token.subject_token
    while subject is not None and len(found) <= LONGEST_CHAIN:
        past = await history(connection, stream_of(subject))
        made = [each for each in past if isinstance(each.event, TokenExchanged) and each.event.jti == jti]
        row = await issued_tokens.find(connection, subject)
        found += made[:1]
        jti, subject = subject, None if row is None else issuance(row).token.subject_token
    return found


async def _sources(connection: AnyConnection, token: Issuance, rows: Rows) -> Sources:
    """Adds the rows that it reads to `rows`."""
    jti, authorized = token.jti, token.token.authorization
    bot, key = bot_stream(token.token.sub), await signing_keys.stream_of(connection, token.token.kid)
    own = await _streams(connection, (token.client, jti, bot, key, authorized), rows)
    authorization = own.get(authorized or jti, [])
    login = await _login(connection, own[token.client], authorization, rows)
    return Sources(
        token=token,
        client=own[token.client],
        bot=_of(own, bot),
        key=_of(own, key),
        revocation=_of(own, jti),
        authorization=authorization if authorized else (),
        **login,
    )


async def _login(connection: AnyConnection, client: Past, authorization: Past, rows: Rows) -> dict[str, Any]:
    granted = authorization[0].event if authorization else None
    if not isinstance(granted, AuthorizationGranted):
        return {}
    client_id = getattr(client[0].event, "client_id", None) or client_id_of(granted.client)
    resources = (granted.resource or "").split() or [None]
    consents = [consent_stream(granted.user, client_id, resource) for resource in resources]
    found = await _streams(connection, (granted.user, granted.session, *consents), rows)
    return {
        "user": _of(found, granted.user),
        "session": _of(found, granted.session),
        "consents": [_of(found, consent) for consent in consents],
    }


async def _streams(connection: AnyConnection, wanted: Iterable[UUID | None], rows: Rows) -> Streams:
    streams: Streams = {}
    for row in await rows_of(connection, [stream for stream in wanted if stream is not None]):
        past = recorded(row)
        rows[past.position] = row
        streams.setdefault(past.stream_id, []).append(past)
    return streams


def _of(streams: Streams, stream: UUID | None) -> Past:
    return () if stream is None else streams.get(stream, ())
