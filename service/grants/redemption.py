"""Who may redeem a code or exchange a refresh token: the client, the authorization, the person, and what Authlib says of them."""

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
from service.grants.client_authentication import certainly, count_failure, presented_or_none
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import remember_refusal
from service.lookup import Seen
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import Gone, InvalidClient, InvalidTarget, MissingVerifier, Refusal, Refused
from service.oauth.opaque_tokens import OpaqueToken
from service.problems import Clash
from service.request_id import this_request


class Redemption(Struct, frozen=True, kw_only=True):
    """A request whose authorization is known: it, what it names, who asks, and what Authlib said."""

    request: OAuthRequest
    ticket: OpaqueToken
    authorized: Authorized
    client: Seen
    grant: TokenGrant


async def admitted(request: OAuthRequest, ticket: OpaqueToken | None) -> Redemption:
    """Who asks, for what, and that Authlib has nothing against it. Raises a Refusal."""
    given = presented_or_none(request)
    seen = await certainly(request, given)
    authorized = await _named(request, ticket)
    facts = Facts(
        issuer=request.resources.settings.issuer, given=given, found=seen, now=utc_now(), authorized=authorized
    )
    try:
        grant = decide(facts, request.form)
    except InvalidClient:
        await count_failure(request, given, seen)
        raise
    except MissingVerifier:
        assert given is not None
        await remember_refusal(request.resources, given.client_id, "a code came without its code_verifier")
        raise
    except (Refused, Gone) as refused:
        await _remember(request, ticket if authorized else None, given.client_id if given else "", refused)
        raise
    assert ticket is not None
    assert authorized is not None
    assert seen is not None
    _is_for_the_same_resource(request, authorized)
    redemption = Redemption(request=request, ticket=ticket, authorized=authorized, client=seen, grant=grant)
    await person_is_there(redemption)
    return redemption


async def _named(request: OAuthRequest, ticket: OpaqueToken | None) -> Authorized | None:
    """The authorization that the code or refresh token is of, if it is one that was issued for it, and stands."""
    if ticket is None:
        return None
    authorization = await load(request, ticket.authorization)
    if not isinstance(authorization, Authorized):
        return None
    refresh = authorization.refresh
    known = (
        *((authorization.code.hash,) if authorization.code else ()),
        *((refresh.hash, *refresh.exchanged) if refresh else ()),
    )
    return authorization if any(compare_digest(each, ticket.hash) for each in known) else None


async def load(request: OAuthRequest, stream: UUID) -> Authorization:
    return await state_of(request.resources.ledger, AUTHORIZATION, stream)


async def _remember(request: OAuthRequest, ticket: OpaqueToken | None, client_id: str, refused: Refusal) -> None:
    """Whoever has the code and not what belongs to it is a thief, so it is spent, and the attempt is an event.

    One that is nothing here (of another server, made up, or long revoked) is an event too.
    """
    if refused.error not in ("invalid_grant", "invalid_request"):
        return
    if ticket is None:
        if refused.error == "invalid_grant":
            await remember_refusal(
                request.resources, client_id, "a code or refresh token that is good for nothing here"
            )
        return
    command = RefuseRedemption(client_id=client_id, why=refused.description, at=utc_now())
    meta = meta_of(client_id, "")
    handled = await handle(request.resources.ledger, AUTHORIZATION, ticket.authorization, command, meta)
    await request.resources.lookup.reach(handled.position or 0)


def _is_for_the_same_resource(request: OAuthRequest, authorized: Authorized) -> None:
    """RFC 8707 section 2.2."""
    if request.form.get("resource", authorized.granted.resource) != authorized.granted.resource:
        raise InvalidTarget("The resource is not that of the authorization request. Name the same one, or none.")


async def person_is_there(redemption: Redemption) -> None:
    """Raises InvalidGrant when the person was disabled or erased."""
    user = redemption.authorized.granted.user
    row = await read(redemption.request.resources.ledger.pool, lambda connection: users.find(connection, user))
    if row is None or row.state != "active":
        raise Gone


def meta_of(client_id: str, sub: str) -> Meta:
    """Without an address: that of a public client is the person's own."""
    return Meta(actor=ByClient(client_id=client_id, sub=sub), request_id=str(this_request()))


async def carry_out(redemption: Redemption, command: AuthorizationCommand, receipt: Receipt | None = None) -> Handled:
    """The command on the authorization. Raises Gone too when its stream is full, so that the person is asked again."""
    ledger, stream = redemption.request.resources.ledger, redemption.ticket.authorization
    meta = meta_of(redemption.grant.client_id, redemption.grant.sub)
    try:
        return await handle(ledger, AUTHORIZATION, stream, command, meta, receipt=receipt)
    except Clash as fault:
        raise Gone from fault


async def refuse_as_used(redemption: Redemption, handled: Handled) -> NoReturn:
    """The code or refresh token was used, revoked or had expired; what that revoked is reflected here before the answer leaves."""
    await redemption.request.resources.lookup.reach(handled.position or 0)
    raise Gone
