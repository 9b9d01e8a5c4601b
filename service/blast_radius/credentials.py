"""Whose a secret, a code or a token is that somebody found: by its hash, or by the record of a token that this server signed."""

from hmac import compare_digest
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events import issued_tokens
from events.authorization import AuthorizationGranted
from events.client import ClientRegistered
from events.codec import Recorded, encode
from events.database import AnyConnection
from events.device_authorization import DeviceAuthorizationApproved, DeviceAuthorizationRequested
from events.ids import client_id_of
from events.initial_access_token import InitialAccessTokenIssued
from events.issuance import NO_SECRET, decode
from events.replay import history
from events.secrets_given import secrets_given
from projections import secret_hashes
from service.crypto import opaque_tokens
from service.crypto.credentials import hash_secret


class RecognizedCredential(Struct, frozen=True, kw_only=True, rename="camel"):
    """A secret, code or token of this server: the client that got it, and what the blast radius begins with.

    `secretId` is null for what a client got without a secret, `jti` for what is no access token, and `authorization` without a user.
    An initial access token has its id and name instead of a client.
    """

    kind: Literal["secret", "accessToken", "code", "refreshToken", "registrationToken", "initialAccessToken"]
    client_id: str | UnsetType = UNSET
    secret_id: UUID | None = None
    secret_name: str | None = None
    jti: UUID | None = None
    authorization: UUID | None = None
    initial_access_token: UUID | UnsetType = UNSET
    initial_access_token_name: str | UnsetType = UNSET


def may_be_secret(text: str, jti: UUID | None) -> bool:
    """Returns whether secrets are searched for the text: it is no code and no token."""
    opaque = (
        opaque_tokens.CODE,
        opaque_tokens.DEVICE_CODE,
        opaque_tokens.REFRESH_TOKEN,
        opaque_tokens.INITIAL_ACCESS_TOKEN,
    )
    return jti is None and not text.startswith(opaque)


async def recognized(connection: AnyConnection, text: str, jti: UUID | None) -> RecognizedCredential | None:
    """Returns None for what is not of this server, and for a token whose record is older than issued tokens are kept.

    `jti` is that of an access token whose signature was verified: a forged one may name the `jti` of another.
    """
    if text.startswith(opaque_tokens.CODE):
        return await _opaque(connection, "code", opaque_tokens.parsed(opaque_tokens.CODE, text))
    if text.startswith(opaque_tokens.DEVICE_CODE):
        return await _device(connection, opaque_tokens.parsed(opaque_tokens.DEVICE_CODE, text))
    if text.startswith(opaque_tokens.REFRESH_TOKEN):
        return await _opaque(connection, "refreshToken", opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, text))
    if text.startswith(opaque_tokens.INITIAL_ACCESS_TOKEN):
        return await _initial(connection, opaque_tokens.parsed(opaque_tokens.INITIAL_ACCESS_TOKEN, text))
    return await _secret(connection, text) if jti is None else await _token(connection, jti)


async def _secret(connection: AnyConnection, text: str) -> RecognizedCredential | None:
    digest = hash_secret(text)
    stream = await secret_hashes.holder(connection, digest)
    past = [] if stream is None else await history(connection, stream)
    given = {each.secret_id: each for past_event in past for each in secrets_given(past_event.event)}
    held = [
        each
        for past_event in past
        for each in secret_hashes.hashes(past_event.event)
        if compare_digest(each[1], digest)
    ]
    if any(digest in secret_hashes.registration_hashes(each.event) for each in past):
        return RecognizedCredential(kind="registrationToken", client_id=_client_id(past))
    if not held or held[0][0] not in given:
        return None
    secret = given[held[0][0]]
    return RecognizedCredential(
        kind="secret", client_id=_client_id(past), secret_id=secret.secret_id, secret_name=secret.name
    )


async def _token(connection: AnyConnection, jti: UUID) -> RecognizedCredential | None:
    row = await issued_tokens.find(connection, jti)
    if row is None:
        return None
    secret = None if row["secret"] == NO_SECRET else row["secret"]
    return RecognizedCredential(
        kind="accessToken",
        client_id=_client_id(await history(connection, row["client"])),
        secret_id=secret,
        jti=jti,
        authorization=decode(row["data"]).authorization,
    )


async def _initial(connection: AnyConnection, found: opaque_tokens.OpaqueToken | None) -> RecognizedCredential | None:
    past = [] if found is None else await history(connection, found.authorization)
    issued = past[0].event if past else None
    if found is None or not isinstance(issued, InitialAccessTokenIssued) or not compare_digest(issued.hash, found.hash):
        return None
    return RecognizedCredential(
        kind="initialAccessToken", initial_access_token=found.authorization, initial_access_token_name=issued.name
    )


async def _device(connection: AnyConnection, found: opaque_tokens.OpaqueToken | None) -> RecognizedCredential | None:
    """A device code is a code of the authorization that a user approved it with, and of none before."""
    past = [] if found is None else await history(connection, found.authorization)
    asked = past[0].event if past else None
    if (
        found is None
        or not isinstance(asked, DeviceAuthorizationRequested)
        or not compare_digest(asked.hash, found.hash)
    ):
        return None
    approved = next((each.event for each in past if isinstance(each.event, DeviceAuthorizationApproved)), None)
    client = await history(connection, asked.client)
    authorization = None if approved is None else approved.authorization
    return RecognizedCredential(kind="code", client_id=_client_id(client), authorization=authorization)


async def _opaque(
    connection: AnyConnection, kind: Literal["code", "refreshToken"], found: opaque_tokens.OpaqueToken | None
) -> RecognizedCredential | None:
    past = [] if found is None else await history(connection, found.authorization)
    granted = past[0].event if past else None
    if found is None or not isinstance(granted, AuthorizationGranted):
        return None
    if not any(found.hash in encode(each.event).decode() for each in past):
        return None
    client = await history(connection, granted.client)
    return RecognizedCredential(kind=kind, client_id=_client_id(client), authorization=found.authorization)


def _client_id(past: list[Recorded]) -> str:
    first = past[0]
    named = first.event.client_id if isinstance(first.event, ClientRegistered) else None
    return named or client_id_of(first.stream_id)
