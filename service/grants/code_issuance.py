"""A person's yes becomes an authorization and its code: in the log first, then seen to be still meant, and only then sent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from events.authorization import AuthorizationGranted, CodeIssued
from events.consent import stream_of as consent_of
from events.database import read
from events.envelope import ByUser, Meta
from projections import consents, sessions
from projections.clients import Found
from service.commands.authorization import GrantAuthorization
from service.commands.handle import AUTHORIZATION, handle
from service.crypto.credentials import Secret, hash_secret, new_id
from service.oauth import opaque_tokens
from service.oauth.authorization_request import AuthorizationRequest
from service.people.sessions import SignedIn
from service.reactions import session_end
from service.request_id import this_request
from service.resources import Resources

CODE_SECONDS = 60
"""How long a code is good; a client redeems it in the same second."""


class Overtaken(Exception):
    """What the authorization rested on was over before the code left, so it was revoked."""


class SessionOver(Overtaken):
    pass


class ConsentWithdrawn(Overtaken):
    pass


async def code_of(resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn) -> Secret:
    """The code, once the authorization that it is of is in the log and stands. Raises Overtaken."""
    stream, now = new_id(), datetime.now(UTC)
    code = opaque_tokens.make(opaque_tokens.CODE, stream)
    issued = CodeIssued(
        hash=hash_secret(code.reveal()),
        redirect_uri=asked.redirect_uri,
        named=asked.named,
        code_challenge=asked.code_challenge,
        expires_at=now + timedelta(seconds=CODE_SECONDS),
        at=now,
    )
    command = GrantAuthorization(granted=_granted(asked, found, signed_in), code=issued)
    actor = ByUser(user_id=signed_in.user.stream_id, session=signed_in.session.stream_id)
    meta = Meta(actor=actor, request_id=str(this_request()))
    await handle(resources.ledger, AUTHORIZATION, stream, command, meta, fresh=True)
    # Whoever ends a session, or takes a consent back, does so first and then revokes what there is: so one of the two always sees the other.
    if not await _is_open(resources, signed_in.session.stream_id):
        await session_end.revoke(resources.ledger, [stream], "session_ended", meta)
        raise SessionOver
    if not await is_allowed(resources, asked, found, signed_in.user.stream_id):
        await session_end.revoke(resources.ledger, [stream], "consent_withdrawn", meta)
        raise ConsentWithdrawn
    return code


async def is_allowed(resources: Resources, asked: AuthorizationRequest, found: Found, user: UUID) -> bool:
    """Whether the person allowed this client all of it, or the client need not ask."""
    assert found.client.login is not None
    if found.client.login.first_party:
        return True
    stream = consent_of(user, asked.client_id, asked.resource)
    row = await read(resources.ledger.pool, lambda connection: consents.find(connection, stream))
    return row is not None and row.state == "given" and set(asked.to_allow) <= set(row.scopes)


async def _is_open(resources: Resources, session: UUID) -> bool:
    row = await read(resources.ledger.pool, lambda connection: sessions.find(connection, session))
    return row is not None and row.state == "open" and row.expires_at > datetime.now(UTC)


def _granted(asked: AuthorizationRequest, found: Found, signed_in: SignedIn) -> AuthorizationGranted:
    session = signed_in.session
    return AuthorizationGranted(
        client=found.client.stream_id,
        user=signed_in.user.stream_id,
        session=session.stream_id,
        scopes=asked.scopes,
        resource=asked.resource,
        nonce=asked.nonce,
        auth_time=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        id_token_claims=asked.id_token_claims,
        userinfo_claims=asked.userinfo_claims,
        bound_by=(*(("pkce",) if asked.code_challenge else ()), *(("nonce",) if asked.nonce else ())),
    )
