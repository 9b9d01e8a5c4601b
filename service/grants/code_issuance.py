"""Issue an authorization code (RFC 6749 section 4.1.2): record the authorization, if nothing that it relies on has changed meanwhile."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import UNSET, UnsetType

from events.append_with_tokens import DecidedFrom
from events.authorization import AuthorizationGranted, Binding, CodeIssued
from events.database import read
from events.envelope import ByUser
from projections import self_registered
from projections.clients import Found, Row
from projections.consents import Row as Consent
from service.clock import utc_now
from service.commands.authorization import GrantAuthorization
from service.commands.handle import ATTEMPTS, AUTHORIZATION, Overtaken, handle
from service.crypto import opaque_tokens
from service.crypto.credentials import Secret, hash_secret, new_id
from service.lookup import Seen
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.consent_parts import parts_of
from service.oauth.interaction import Present, Step, asks_every_time, following
from service.people.sessions import SignedIn, signed_in_by
from service.request_id import envelope
from service.resources import Resources

CODE_SECONDS = 60
"""The lifetime of a code. A client normally redeems it within a second; RFC 6749 section 4.1.2 allows at most ten minutes."""


class SessionOver(Exception):
    """The session ended, or does not authenticate its user any more, before the authorization was recorded: nothing was."""


class ConsentWithdrawn(Exception):
    """A consent was withdrawn before the authorization was recorded: nothing was. `consents` are those that the user still gives the client."""

    def __init__(self, consents: Sequence[Consent]) -> None:
        super().__init__()
        self.consents = consents


def codes_of(signed_in: SignedIn) -> str:
    """Return the key under which the codes of the session are counted."""
    return f"codes of {signed_in.session.stream_id}"


async def next_step(
    resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn | None
) -> Step:
    """Return the next step of the request, with the user who is signed in. Raises Unavailable."""
    present = None
    consented = False
    if signed_in is not None:
        present = Present(
            user=signed_in.user.stream_id,
            session=signed_in.session.stream_id,
            authenticated_at=signed_in.session.authenticated_at,
            acr=signed_in.session.acr,
        )
        consented = await has_consent(resources, asked, found, signed_in.consents)
    now, every_time = utc_now().timestamp(), asks_every_time(asked, found)
    return following(asked, present, consented=consented, now=now, every_time=every_time)


async def issue_code(resources: Resources, request: AuthorizationRequest, found: Found, signed_in: SignedIn) -> Secret:
    """Record the authorization and return its code, if the session and the consent still stand. Raises SessionOver, ConsentWithdrawn."""
    stream, code, issued = _code_for(request)
    await record_authorization(resources, request, found, signed_in, stream=stream, issued=issued)
    return code


async def issue_code_from_memory(
    resources: Resources, request: AuthorizationRequest, seen: Seen, signed_in: SignedIn
) -> Secret:
    """The same, if nothing happened to client, session, user and consents since they were read. Raises Overtaken: nothing was recorded."""
    stream, code, issued = _code_for(request)
    streams, since = [seen.client.stream_id, *_streams_of(signed_in)], min(seen.position, signed_in.position)
    command = GrantAuthorization(granted=_granted(request, seen, signed_in), code=issued)
    await _append(resources, stream, command, DecidedFrom(streams=streams, since=since))
    return code


def _code_for(request: AuthorizationRequest) -> tuple[UUID, Secret, CodeIssued]:
    """Return the stream of a new authorization, its code, and what is recorded of that."""
    stream, now = new_id(), datetime.now(UTC)
    code = opaque_tokens.make(opaque_tokens.CODE, stream)
    issued = CodeIssued(
        hash=hash_secret(code.reveal()),
        redirect_uri=request.redirect_uri,
        named=request.named,
        code_challenge=request.code_challenge,
        expires_at=now + timedelta(seconds=CODE_SECONDS),
        at=now,
        dpop_jkt=request.dpop_jkt or UNSET,
    )
    return stream, code, issued


async def record_authorization(
    resources: Resources,
    request: AuthorizationRequest,
    found: Found,
    signed_in: SignedIn,
    *,
    stream: UUID,
    issued: CodeIssued,
) -> None:
    """Record what the user granted, with the code for it. Raises SessionOver, ConsentWithdrawn."""
    command = GrantAuthorization(granted=_granted(request, found, signed_in), code=issued)
    # Ending a session or withdrawing a consent commits that event first and then revokes the existing authorizations. An authorization
    # is committed only if there is no such event before it. So one of the two always sees the other.
    for _ in range(ATTEMPTS):
        decided_from = DecidedFrom(streams=_streams_of(signed_in), since=signed_in.position)
        try:
            await _append(resources, stream, command, decided_from)
        except Overtaken:
            signed_in = await _still_signed_in(resources, request, found, signed_in)
        else:
            return
    raise SessionOver


async def _append(resources: Resources, stream: UUID, command: GrantAuthorization, decided_from: DecidedFrom) -> None:
    """The exchange of the code is decided from what is known now. Raises Overtaken."""
    meta = envelope(ByUser(user_id=command.granted.user, session=command.granted.session))
    await handle(resources.ledger, AUTHORIZATION, stream, command, meta, fresh=True, decided_from=decided_from)
    resources.authorizations.known.began(stream, command.granted.user, [command.granted, command.code])


def _streams_of(signed_in: SignedIn) -> list[UUID]:
    consents = (consent.stream_id for consent in signed_in.consents)
    return [signed_in.session.stream_id, signed_in.user.stream_id, *consents]


async def _still_signed_in(
    resources: Resources, request: AuthorizationRequest, found: Found, before: SignedIn
) -> SignedIn:
    """Return the sign-in and its consents as they are now, if they are still enough. Raises SessionOver, ConsentWithdrawn."""
    sign_in = await resources.sessions.found(before.session.stream_id, request.client_id)
    now = None if sign_in is None else signed_in_by(sign_in)
    if now is None:
        raise SessionOver
    if not await has_consent(resources, request, found, now.consents):
        raise ConsentWithdrawn(now.consents)
    return now


async def has_consent(
    resources: Resources, request: AuthorizationRequest, found: Found, given: Sequence[Consent]
) -> bool:
    """Whether the consents that the user has given the client have every requested scope, or the client is first-party and needs none.

    If a client itself names other redirect URIs since (in its document or registration), what was allowed before does not count: somebody
    else may have its host now.
    """
    assert found.client.login is not None
    if found.client.login.first_party:
        return True
    since = await _redirect_uris_since(resources, found.client) if given else None
    allowed = {row.resource: frozenset(row.scopes) for row in given if since is None or row.given_at >= since}
    for resource, scopes in parts_of(request, resources.lookup.apis):
        if resource not in allowed or not allowed[resource].issuperset(scopes):
            return False
    return True


async def _redirect_uris_since(resources: Resources, client: Row) -> datetime | None:
    """Return since when the client, if it chooses them itself, has its redirect URIs. None: always."""
    if client.document is not None:
        return client.document.redirect_uris_at
    if client.registration is None:
        return None
    return await read(resources.ledger.pool, lambda c: self_registered.redirect_uris_changed_at(c, client.stream_id))


def _granted(request: AuthorizationRequest, found: Found, signed_in: SignedIn) -> AuthorizationGranted:
    session = signed_in.session
    return AuthorizationGranted(
        client=found.client.stream_id,
        user=signed_in.user.stream_id,
        session=session.stream_id,
        scopes=request.scopes,
        resource=request.resource,
        nonce=request.nonce,
        auth_time=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        id_token_claims=request.id_token_claims,
        userinfo_claims=request.userinfo_claims,
        access_token_claims=request.access_token_claims or UNSET,
        restored=found.client.restored or UNSET,
        bound_by=_bound_by(request),
    )


def _bound_by(request: AuthorizationRequest) -> tuple[Binding, ...] | UnsetType:
    """A device code was never in a browser that could be another one."""
    if request.device is not None:
        return UNSET
    return (*(("pkce",) if request.code_challenge else ()), *(("nonce",) if request.nonce else ()))
