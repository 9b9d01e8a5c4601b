"""The checks that the grants authorization_code and refresh_token share, before anything is issued."""

from hmac import compare_digest

from msgspec import UNSET, Struct, UnsetType

from events.authorization import Authorization, Authorized
from events.envelope import ByClient, Meta
from events.issuance import Confirmation
from projections.keyed_users import KeyedUser
from service.clock import utc_now
from service.commands.authorization import RefuseRedemption, is_used_up
from service.commands.handle import AUTHORIZATION, Loaded, handle
from service.crypto.opaque_tokens import OpaqueToken
from service.grants import possession
from service.grants.client_authentication import (
    PresentedCredentials,
    count_failure,
    credentials_or_none,
    look_up,
    look_up_certain,
)
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption_view import View, active, active_user, known, latest, viewed, whole
from service.grants.refusal_events import record_refusal
from service.lookup import Seen
from service.oauth.authlib_grants import DeviceCode
from service.oauth.authlib_server import TokenGrant, decide, plainly
from service.oauth.errors import Gone, InvalidClient, InvalidTarget, MissingVerifier, OtherKey, Refusal, Refused
from service.oauth.targets import Target, aimed, named, names_one
from service.request_id import envelope
from service.tracing.spans import span
from service.values.scopes import split


class Redemption(Struct, frozen=True, kw_only=True):
    """A token request that passed the checks: its code or refresh token, the authorization and its user, the client, and Authlib's decision.

    All is as of the position `since`, or later, and of an `epoch` of the log.
    """

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
    since: int
    epoch: int
    is_certain: bool


async def check_request(
    request: OAuthRequest,
    token: OpaqueToken | None,
    device: DeviceCode | None = None,
    *,
    outdated: Redemption | None = None,
) -> Redemption:
    """Authenticate the client, load the authorization, and let Authlib decide. Refusals are counted and recorded. Raises a Refusal.

    With `outdated`, which is what an earlier check found, nothing is decided from what this process may not have heard yet. The credentials
    are those of the earlier check, for an assertion may be used once.
    """
    presented = credentials_or_none(request) if outdated is None else outdated.presented
    look, look_back = (look_up, known) if outdated is None else (look_up_certain, latest)
    view = await viewed(request, token, presented, look, look_back)
    with span("decide"):
        grant = _plain_grant(request, view)
    is_certain = outdated is not None or grant is None
    if grant is None:
        view = await viewed(request, token, presented, look_up_certain, whole)
        grant = await _granted(request, view, device)
    authorized, seen = view.authorized, view.seen
    assert token is not None
    assert authorized is not None
    assert seen is not None
    assert presented is not None
    target = _target(request, authorized, seen)
    cnf = await _binding(request, token, authorized, seen, target)
    return Redemption(
        request=request,
        token=token,
        authorized=authorized,
        past=view.loaded,
        user=active_user(view.past),
        client=seen,
        presented=presented,
        grant=grant,
        cnf=cnf,
        target=target,
        since=view.since,
        epoch=view.epoch,
        is_certain=is_certain,
    )


def _plain_grant(request: OAuthRequest, view: View) -> TokenGrant | None:
    """Return the grant of a plain request, as far as this process has heard of its client: the commit finds out if that was too little.

    None is anything else. A refusal is recorded and may revoke, and the APIs are read at no commit, so these need what is certain.
    """
    authorized, seen, form = view.authorized, view.seen, request.form
    if authorized is None or seen is None or view.token is None or not _may_be_used(view.token, authorized):
        return None
    if authorized.granted.resource is not None or names_one(form) or possession.concerns(request, seen.client):
        return None
    if possession.bound_key(authorized, form.get("grant_type", "")) or active(view.past) is None:
        return None
    return plainly(view.facts(request), form)


def _may_be_used(token: OpaqueToken, authorized: Authorized) -> bool:
    """Whether this is the code, which was not redeemed, or the latest refresh token, and has not expired."""
    now, code, refresh = utc_now(), authorized.code, authorized.refresh
    if refresh is not None and compare_digest(refresh.hash, token.hash):
        return now < refresh.expires_at and not is_used_up(authorized)
    return code is not None and not authorized.redeemed and now < code.expires_at


async def _granted(request: OAuthRequest, view: View, device: DeviceCode | None) -> TokenGrant:
    """Return Authlib's decision. Raises a Refusal."""
    token, presented, seen = view.token, view.presented, view.seen
    try:
        with span("decide"):
            return decide(view.facts(request, device), request.form)
    except InvalidClient:
        await count_failure(request, presented, seen)
        raise
    except MissingVerifier:
        assert presented is not None
        why = "a code came without its code_verifier"
        await record_refusal(request.resources, presented.client_id, seen, why, request.address)
        raise
    except (Refused, Gone) as refused:
        known = token if view.authorized else None
        await _record(request, known, presented.client_id if presented else "", seen, refused)
        raise


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
    if asked and not set(asked) <= set(granted or (known.audience,)):
        raise InvalidTarget("The resource is not one of the authorization request. Name one of those, or none.")
    return aimed(asked or granted, seen.client, known, person=True)


def meta_of(client_id: str, sub: str) -> Meta:
    """The metadata of an event. It has no address, because the address of a public client is the user's own."""
    return envelope(ByClient(client_id=client_id, sub=sub))
