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
from events.replay import recorded, rows_of
from events.session import SessionStarted
from projections import signing_keys
from projections.catch_up import Issuance
from projections.engine.entries import issuance
from service.oauth.delegation import LONGEST_CHAIN
from service.provenance.explanation import Past, Sources

Rows = dict[int, asyncpg.Record]
Streams = dict[UUID, list[Recorded]]


class Stored(Struct, frozen=True, kw_only=True):
    """What explains a token, with the rows that it was read from, by their positions: those of events, and those of tokens."""

    sources: Sources
    tokens: Mapping[int, asyncpg.Record]
    events: Mapping[int, asyncpg.Record]


async def read(connection: AnyConnection, jti: UUID) -> Stored | None:
    """Return None if no such token was issued, or if its record was deleted after its time of retention."""
    rows: Rows = {}
    tokens: Rows = {}
    found = await _chain(connection, jti, rows, tokens)
    if not found:
        return None
    return Stored(sources=found[0], tokens=dict(sorted(tokens.items())), events=rows)


async def _chain(connection: AnyConnection, jti: UUID | None, rows: Rows, tokens: Rows) -> list[Sources]:
    """Return what explains the token and each one that it was exchanged from, latest first. Adds the rows that it reads."""
    row = None if jti is None or len(tokens) > LONGEST_CHAIN else await issued_tokens.find(connection, jti)
    if row is None:
        return []
    token = issuance(row)
    tokens[token.position] = row
    sources, subject = await _sources(connection, token, rows), token.token.subject_token
    before = await _chain(connection, subject, rows, tokens)
    if subject is None:
        return [sources]
    sources = sources.__replace__(
        exchange=await _exchange(connection, subject, token.jti, rows),
        before=before,
        exchanged_session=before[0].exchanged_session if before else await _session(connection, subject, rows),
    )
    return [sources, *before]


async def _exchange(connection: AnyConnection, subject: UUID, jti: UUID, rows: Rows) -> Recorded | None:
    for row in await rows_of(connection, [stream_of(subject)]):
        past = recorded(row)
        if isinstance(past.event, TokenExchanged) and past.event.jti == jti:
            rows[past.position] = row
            return past
    return None


async def _session(connection: AnyConnection, subject: UUID, rows: Rows) -> Past:
    """Return the session, if the subject was the ID token of one: then it has the id of the session."""
    found: Rows = {}
    past = (await _streams(connection, [subject], found)).get(subject, [])
    if not past or not isinstance(past[0].event, SessionStarted):
        return ()
    rows |= found
    return past


async def _sources(connection: AnyConnection, token: Issuance, rows: Rows) -> Sources:
    """Adds the rows that it reads to `rows`."""
    jti, authorized = token.jti, token.token.authorization
    bot, key = bot_stream(token.token.sub), await signing_keys.stream_of(connection, token.token.kid)
    own = await _streams(connection, (token.client, jti, bot, key, authorized), rows)
    authorization = own.get(authorized or jti, [])
    login = await _login(connection, token, own[token.client], authorization, rows)
    return Sources(
        token=token,
        client=own[token.client],
        bot=_of(own, bot),
        key=_of(own, key),
        revocation=_of(own, jti),
        authorization=authorization if authorized else (),
        **login,
    )


async def _login(
    connection: AnyConnection, token: Issuance, client: Past, authorization: Past, rows: Rows
) -> dict[str, Any]:
    granted = authorization[0].event if authorization else None
    if not isinstance(granted, AuthorizationGranted):
        return {}
    client_id = getattr(client[0].event, "client_id", None) or client_id_of(granted.client)
    resources = (granted.resource or "").split() or [None]
    consents = [consent_stream(granted.user, client_id, resource) for resource in resources]
    if token.token.subject_token or granted.assertion:
        consents = []
    issuer = granted.assertion.issuer_id if granted.assertion else None
    found = await _streams(connection, (granted.user, granted.session, issuer, *consents), rows)
    return {
        "user": _of(found, granted.user),
        "session": _of(found, granted.session),
        "issuer": _of(found, issuer),
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
