"""The checks that the grants authorization_code and refresh_token share: the client, the authorization, the user, and Authlib's rules."""

from hmac import compare_digest
from typing import NoReturn
from uuid import UUID

from msgspec import Struct

from events.authorization import Authorization, Authorized
from events.database import read
from events.envelope import ByClient, Meta
from events.log import Receipt
from projections import users
from service.clock import utc_now
from service.commands.authorization import AuthorizationCommand, RefuseRedemption
from service.commands.handle import AUTHORIZATION, Handled, handle, state_of
from service.grants.client_authentication import count_failure, credentials_or_none, look_up_certain
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import record_refusal
from service.lookup import Seen
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import Gone, InvalidClient, InvalidTarget, MissingVerifier, Refusal, Refused
from service.oauth.opaque_tokens import OpaqueToken
from service.refusals import Contradiction
from service.request_id import this_request


class Redemption(Struct, frozen=True, kw_only=True):
    """A token request that passed the checks: its code or refresh token, the authorization, the client, and Authlib's decision."""

    request: OAuthRequest
    token: OpaqueToken
    authorized: Authorized
    client: Seen
    grant: TokenGrant


async def check_request(request: OAuthRequest, token: OpaqueToken | None) -> Redemption:
    """Authenticate the client, load the authorization, and let Authlib decide. Refusals are counted and recorded. Raises a Refusal."""
    presented = credentials_or_none(request)
    seen = await look_up_certain(request, presented)
    authorized = await _authorization_of(request, token)
    facts = Facts(
        issuer=request.resources.settings.issuer, presented=presented, found=seen, now=utc_now(), authorized=authorized
    )
    try:
        grant = decide(facts, request.form)
    except InvalidClient:
        await count_failure(request, presented, seen)
        raise
    except MissingVerifier:
        assert presented is not None
        await record_refusal(request.resources, presented.client_id, "a code came without its code_verifier")
        raise
    except (Refused, Gone) as refused:
        await _record(request, token if authorized else None, presented.client_id if presented else "", refused)
        raise
    assert token is not None
    assert authorized is not None
    assert seen is not None
    _is_for_the_same_resource(request, authorized)
    redemption = Redemption(request=request, token=token, authorized=authorized, client=seen, grant=grant)
    await check_user_is_active(redemption)
    return redemption


async def _authorization_of(request: OAuthRequest, token: OpaqueToken | None) -> Authorized | None:
    """Return the authorization from which the code or refresh token was issued, unless it was revoked. The hash must match."""
    if token is None:
        return None
    authorization = await load(request, token.authorization)
    if not isinstance(authorization, Authorized):
        return None
    refresh = authorization.refresh
    known = (
        *((authorization.code.hash,) if authorization.code else ()),
        *((refresh.hash, *refresh.exchanged) if refresh else ()),
    )
    return authorization if any(compare_digest(each, token.hash) for each in known) else None


async def load(request: OAuthRequest, stream: UUID) -> Authorization:
    return await state_of(request.resources.ledger, AUTHORIZATION, stream)


async def _record(request: OAuthRequest, token: OpaqueToken | None, client_id: str, refused: Refusal) -> None:
    """A code or refresh token with a wrong client, redirect URI or verifier was stolen: this is recorded, and revokes the authorization.

    An unknown code or refresh token (of another server, forged, or revoked long ago) is recorded too.
    """
    if refused.error not in ("invalid_grant", "invalid_request"):
        return
    if token is None:
        if refused.error == "invalid_grant":
            await record_refusal(request.resources, client_id, "a code or refresh token that is good for nothing here")
        return
    command = RefuseRedemption(client_id=client_id, why=refused.description, at=utc_now())
    meta = meta_of(client_id, "")
    handled = await handle(request.resources.ledger, AUTHORIZATION, token.authorization, command, meta)
    await request.resources.lookup.reach(handled.position or 0)


def _is_for_the_same_resource(request: OAuthRequest, authorized: Authorized) -> None:
    """The resource must be that of the authorization request (RFC 8707 section 2.2). Raises InvalidTarget."""
    if request.form.get("resource", authorized.granted.resource) != authorized.granted.resource:
        raise InvalidTarget("The resource is not that of the authorization request. Name the same one, or none.")


async def check_user_is_active(redemption: Redemption) -> None:
    """Raises Gone if the user was disabled or erased."""
    user = redemption.authorized.granted.user
    row = await read(redemption.request.resources.ledger.pool, lambda connection: users.find(connection, user))
    if row is None or row.state != "active":
        raise Gone


def meta_of(client_id: str, sub: str) -> Meta:
    """The metadata of an event. It has no address, because the address of a public client is the user's own."""
    return Meta(actor=ByClient(client_id=client_id, sub=sub), request_id=str(this_request()))


async def carry_out(redemption: Redemption, command: AuthorizationCommand, receipt: Receipt | None = None) -> Handled:
    """Handle the command on the authorization. Raises Gone if its stream is full: the user then has to authorize again."""
    ledger, stream = redemption.request.resources.ledger, redemption.token.authorization
    meta = meta_of(redemption.grant.client_id, redemption.grant.sub)
    try:
        return await handle(ledger, AUTHORIZATION, stream, command, meta, receipt=receipt)
    except Contradiction as fault:
        raise Gone from fault


async def refuse_as_used(redemption: Redemption, handled: Handled) -> NoReturn:
    """The code or refresh token was used before, was revoked or has expired. Tokens that this request revoked are inactive here before
    the response is sent. Raises Gone.
    """
    await redemption.request.resources.lookup.reach(handled.position or 0)
    raise Gone
