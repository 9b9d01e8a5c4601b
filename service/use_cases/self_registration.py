"""A client registers itself, and replaces or deletes its registration (RFC 7591, RFC 7592)."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from msgspec import UNSET, Struct

from events.client import AuthorizationCode, ClientCredentials, ClientEvent
from events.client_key import StoredKey
from events.client_registration import Registration
from events.codec import Event
from events.envelope import Meta
from events.ids import client_id_of
from projections import clients
from projections.clients import Row
from service.clock import utc_now
from service.commands.client import ChangeClient, DeleteClient, RegisterClient, ReplaceMetadata
from service.commands.client_registration import Permission
from service.commands.handle import CLIENT, Ledger, handle
from service.commands.login_change import LoginChange
from service.commands.security_change import SecurityChange
from service.crypto.credentials import Secret, hash_secret, new_secret, stored, stored_key
from service.crypto.opaque_tokens import REGISTRATION_ACCESS_TOKEN
from service.oauth.client_metadata import ClientMetadata


class Registered(Struct, frozen=True, kw_only=True):
    """The new client, and what it is told once: its registration access token, and its secret, unless it is public."""

    row: Row
    token: Secret
    secret: Secret | None


async def register(
    ledger: Ledger, stream: UUID, metadata: ClientMetadata, permission: Permission, meta: Meta
) -> Registered:
    """Raises Unavailable, and what `decide` raises. `stream` is the id of the new client."""
    now = utc_now()
    token = Secret(REGISTRATION_ACCESS_TOKEN + secrets.token_urlsafe(32))
    secret = new_secret() if metadata.has_secret else None
    command = RegisterClient(
        owner=permission.owner,
        grant=ClientCredentials(bot_user_id=client_id_of(stream)) if metadata.is_machine else AuthorizationCode(),
        display_name=metadata.display_name,
        redirect_uris=metadata.redirect_uris,
        scopes=metadata.scopes,
        secret=secret and stored(secret, name="registration", at=now),
        at=now,
        login=metadata.login,
        security=metadata.security,
        apis=() if metadata.is_machine else UNSET,
        keys=_stored(metadata, now),
        registration=Registration(
            about=metadata.about,
            token_hash=hash_secret(token.reveal()),
            initial_access_token=permission.initial_access_token,
        ),
        by=permission.holder,
    )
    handled = await handle(ledger, CLIENT, stream, command, meta, fresh=True)
    return Registered(row=_row(None, stream, handled.events), token=token, secret=secret)


async def replace(ledger: Ledger, row: Row, metadata: ClientMetadata, permission: Permission, meta: Meta) -> Row:
    """Return the client with its new metadata. Raises Unavailable, and what `decide` raises."""
    change = ChangeClient(
        by=permission.holder,
        display_name=metadata.display_name,
        redirect_uris=metadata.redirect_uris,
        scopes=metadata.scopes,
        login=_login(metadata),
        security=_security(metadata),
    )
    keys = _stored(metadata, utc_now()) if metadata.keys or metadata.security.jwks_uri else UNSET
    command = ReplaceMetadata(change=change, about=metadata.about, keys=keys)
    handled = await handle(ledger, CLIENT, row.stream_id, command, meta)
    return _row(row, row.stream_id, handled.events)


async def delete(ledger: Ledger, row: Row, permission: Permission, meta: Meta) -> None:
    """Raises Unavailable, and what `decide` raises."""
    await handle(ledger, CLIENT, row.stream_id, DeleteClient(by=permission.holder), meta)


def is_its_token(row: Row, text: str) -> bool:
    """Whether this is the client's registration access token. The comparison takes constant time."""
    return row.registration is not None and compare_digest(row.registration.token_hash, hash_secret(text))


def _login(metadata: ClientMetadata) -> LoginChange:
    """Return the settings that the metadata has. Whether users are asked for their consent is not among them."""
    if metadata.is_machine:
        return LoginChange()
    return LoginChange(
        id_token_alg=metadata.login.id_token_alg,
        post_logout_redirect_uris=metadata.login.post_logout_redirect_uris,
        backchannel_logout_uri=metadata.login.backchannel_logout_uri,
    )


def _security(metadata: ClientMetadata) -> SecurityChange:
    """Return the settings that the metadata has. What an operator demands of the client besides stays, and so does its device grant."""
    security = metadata.security
    return SecurityChange(
        token_endpoint_auth_method=security.token_endpoint_auth_method or UNSET,
        jwks_uri=UNSET if security.jwks_uri is None and not metadata.keys else security.jwks_uri,
        dpop_bound_access_tokens=security.dpop_bound_access_tokens,
        require_pushed_authorization_requests=security.require_pushed_authorization_requests,
        require_signed_request_object=security.require_signed_request_object,
        request_object_signing_alg=security.request_object_signing_alg,
        authorization_signed_response_alg=security.authorization_signed_response_alg,
        userinfo_signed_response_alg=security.userinfo_signed_response_alg,
        request_uris=security.request_uris,
        default_max_age=security.default_max_age,
        require_auth_time=security.require_auth_time,
    )


def _stored(metadata: ClientMetadata, at: datetime) -> tuple[StoredKey, ...]:
    return tuple(stored_key(key, name=f"registration {number}", at=at) for number, key in enumerate(metadata.keys, 1))


def _row(row: Row | None, stream: UUID, events: Sequence[Event]) -> Row:
    for event in events:
        assert isinstance(event, ClientEvent)
        row = clients.project(row, stream, event)
    assert row is not None
    return row
