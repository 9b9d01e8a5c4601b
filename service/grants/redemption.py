"""The checks that the grants authorization_code and refresh_token share, before anything is issued."""

from hmac import compare_digest

from msgspec import UNSET, Struct, UnsetType

from events.authorization import Authorization, Authorized, refreshed
from events.envelope import ByClient, Meta
from events.issuance import Confirmation
from projections.keyed_users import KeyedUser
from projections.standing import NOTHING, Past
from service.clock import utc_now
from service.commands.authorization import RefuseRedemption
from service.commands.handle import AUTHORIZATION, Loaded, handle
from service.crypto.opaque_tokens import OpaqueToken
from service.grants import possession
from service.grants.client_authentication import (
    PresentedCredentials,
    authenticated,
    count_failure,
    credentials_or_none,
    look_up_certain,
)
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import record_refusal
from service.lookup import Seen
from service.oauth.authlib_grants import DeviceCode
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import Gone, InvalidClient, InvalidTarget, MissingVerifier, OtherKey, Refusal, Refused
from service.oauth.targets import Target, aimed, named, names_one
from service.request_id import envelope
from service.tracing.spans import span
from service.values.scopes import split


class Redemption(Struct, frozen=True, kw_only=True):
    """A token request that passed the checks: its code or refresh token, the authorization and its user, the client, and Authlib's decision."""

    request: OAuthRequest
    token: OpaqueToken
    authorized: Authorized
    past: Loaded[Authorization]
    user: KeyedUser
    client: Seen
    presented: PresentedCredentials
    grant: TokenGrant
    cnf: Confirmation | UnsetType
    target: Target


async def check_request(
    request: OAuthRequest, token: OpaqueToken | None, device: DeviceCode | None = None
) -> Redemption:
    """Authenticate the client, load the authorization, and let Authlib decide. Refusals are counted and recorded. Raises a Refusal."""
    presented = credentials_or_none(request)
    seen = await look_up_certain(request, presented)
    past = await _past_of(request, token)
    loaded = loaded_from(past)
    authorized = _authorization_of(loaded.state, token, seen)
    client = authenticated(presented, seen, utc_now())
    facts = Facts(issuer=request.resources.settings.issuer, client=client, authorized=authorized, device=device)
    try:
        with span("decide"):
            grant = decide(facts, request.form)
    except InvalidClient:
        await count_failure(request, presented, seen)
        raise
    except MissingVerifier:
        assert presented is not None
        why = "a code came without its code_verifier"
        await record_refusal(request.resources, presented.client_id, seen, why, request.address)
        raise
    except (Refused, Gone) as refused:
        await _record(request, token if authorized else None, presented.client_id if presented else "", seen, refused)
        raise
    assert token is not None
    assert authorized is not None
    assert seen is not None
    target = _target(request, authorized, seen)
    cnf = await _binding(request, token, authorized, seen, target)
    assert presented is not None
    return Redemption(
        request=request,
        token=token,
        authorized=authorized,
        past=loaded,
        user=active_user(past),
        client=seen,
        presented=presented,
        grant=grant,
        cnf=cnf,
        target=target,
    )


def loaded_from(past: Past) -> Loaded[Authorization]:
    return Loaded(past.events, refreshed(AUTHORIZATION.state(past.events), past.left_out), past.left_out)


def active_user(past: Past) -> KeyedUser:
    """Raises Gone unless the user of the authorization is active."""
    if past.user is None or past.user.state != "active":
        raise Gone
    return past.user


async def _binding(
    request: OAuthRequest, token: OpaqueToken, authorized: Authorized, seen: Seen, target: Target | None
) -> Confirmation | UnsetType:
    """Return what the tokens are bound to. A code or refresh token with a proof by another key than its own was stolen. Raises a Refusal."""
    bound = possession.bound_key(authorized, request.form["grant_type"])
    if bound is None and not possession.concerns(request, seen.client, target):
        return UNSET
    try:
        return await possession.proved(request, seen, bound, target)
    except OtherKey as refused:
        await _record(request, token, seen.client.client_id, seen, refused)
        raise


async def _past_of(request: OAuthRequest, token: OpaqueToken | None) -> Past:
    if token is None:
        return NOTHING
    with span("load"):
        return await request.resources.authorizations.past(token.authorization, token.hash)


def _authorization_of(authorization: Authorization, token: OpaqueToken | None, seen: Seen | None) -> Authorized | None:
    """Return the authorization from which the code or refresh token was issued, unless it was revoked. The hash must match.

    What was granted to the client before it was deleted and restored counts as revoked.
    """
    if token is None:
        return None
    if not isinstance(authorization, Authorized) or is_of_former_life(authorization, seen):
        return None
    refresh = authorization.refresh
    known = (
        *((authorization.code.hash,) if authorization.code else ()),
        *((refresh.hash, *refresh.exchanged_ever()) if refresh else ()),
    )
    return authorization if any(compare_digest(each, token.hash) for each in known) else None


def is_of_former_life(authorization: Authorized, seen: Seen | None) -> bool:
    """Return whether the client was deleted and restored since it was authorized."""
    granted = authorization.granted
    return seen is not None and seen.client.stream_id == granted.client and seen.client.restored != granted.life


async def _record(
    request: OAuthRequest, token: OpaqueToken | None, client_id: str, seen: Seen | None, refused: Refusal
) -> None:
    """A code or refresh token with a wrong client, redirect URI or verifier was stolen: this is recorded, and revokes the authorization.

    An unknown code or refresh token (of another server, forged, or revoked long ago) is recorded too.
    """
    if refused.error not in ("invalid_grant", "invalid_request"):
        return
    if token is None:
        if refused.error == "invalid_grant":
            why = "a code or refresh token that is good for nothing here"
            await record_refusal(request.resources, client_id, seen, why, request.address)
        return
    command = RefuseRedemption(client_id=client_id, why=refused.description, at=utc_now())
    meta = meta_of(client_id, "")
    handled = await handle(request.resources.ledger, AUTHORIZATION, token.authorization, command, meta)
    await request.resources.lookup.reach(handled.position or 0)


def _target(request: OAuthRequest, authorized: Authorized, seen: Seen) -> Target:
    """Return what the token is for: the resources of the authorization request, or those of them that this request names
    (RFC 8707 section 2.2). Raises InvalidTarget.
    """
    known = request.resources.known
    granted = tuple(map(known.as_registered, split(authorized.granted.resource)))
    asked = named(request.form, seen.client, known) if names_one(request.form) else ()
    if not set(asked) <= set(granted or (known.audience,)):
        raise InvalidTarget("The resource is not one of the authorization request. Name one of those, or none.")
    return aimed(asked or granted, seen.client, known, person=True)


def meta_of(client_id: str, sub: str) -> Meta:
    """The metadata of an event. It has no address, because the address of a public client is the user's own."""
    return envelope(ByClient(client_id=client_id, sub=sub))
