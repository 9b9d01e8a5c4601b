"""The steps that the grants authorization_code and refresh_token share: the checks before, and the tokens issued after.

The access token is recorded before it is returned.
"""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any, NoReturn

from msgspec import UNSET, Struct, UnsetType

from events.authorization import Authorized
from events.codec import Event
from events.envelope import ByClient, Meta
from events.issuance import Confirmation, Issue, TokenIssued
from events.log import Receipt
from projections.standing import Past
from service.clock import utc_now
from service.commands.authorization import CODE_REPLAYED, AuthorizationCommand, RefuseRedemption
from service.commands.handle import AUTHORIZATION, Handled, handle
from service.crypto.credentials import new_id
from service.crypto.opaque_tokens import OpaqueToken
from service.grants import possession
from service.grants.client_authentication import (
    PresentedCredentials,
    authenticated,
    count_failure,
    credentials_or_none,
    look_up_certain,
)
from service.grants.oauth_request import OAuthRequest, TokenResponse
from service.grants.refusal_events import record_refusal
from service.lookup import Seen
from service.oauth.authlib_grants import DeviceCode
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import Gone, InvalidClient, InvalidTarget, MissingVerifier, OtherKey, Refusal, Refused
from service.oauth.signing import Signer
from service.oauth.targets import Target, aimed, named, names_one
from service.oauth.tokens import ID_TOKEN_SECONDS, Claims, at_hash, sign, sign_id_token
from service.refusals import Contradiction
from service.request_id import envelope
from service.tracing.spans import span
from service.values.claim_scopes import of_scopes as claims_of
from service.values.scopes import IDENTITY, OPENID, split

NOTHING = Past((), active=False)
"""What there is without a code or refresh token."""


class Redemption(Struct, frozen=True, kw_only=True):
    """A token request that passed the checks: its code or refresh token, the authorization, the client, and Authlib's decision."""

    request: OAuthRequest
    token: OpaqueToken
    authorized: Authorized
    past: Sequence[Event]
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
    authorized = _authorization_of(past, token, seen)
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
    if not past.active:
        raise Gone
    return Redemption(
        request=request,
        token=token,
        authorized=authorized,
        past=past.events,
        client=seen,
        presented=presented,
        grant=grant,
        cnf=cnf,
        target=target,
    )


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
        return await request.resources.authorizations.past(token.authorization)


def _authorization_of(past: Past, token: OpaqueToken | None, seen: Seen | None) -> Authorized | None:
    """Return the authorization from which the code or refresh token was issued, unless it was revoked. The hash must match.

    What was granted to the client before it was deleted and restored counts as revoked.
    """
    if token is None:
        return None
    authorization = AUTHORIZATION.state(past.events)
    if not isinstance(authorization, Authorized) or _is_of_former_life(authorization, seen):
        return None
    refresh = authorization.refresh
    known = (
        *((authorization.code.hash,) if authorization.code else ()),
        *((refresh.hash, *refresh.exchanged_ever()) if refresh else ()),
    )
    return authorization if any(compare_digest(each, token.hash) for each in known) else None


def _is_of_former_life(authorization: Authorized, seen: Seen | None) -> bool:
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


async def carry_out(redemption: Redemption, command: AuthorizationCommand, receipt: Receipt | None = None) -> Handled:
    """Handle the command on the authorization. Raises Gone if its stream is full: the user then has to authorize again."""
    ledger, stream = redemption.request.resources.ledger, redemption.token.authorization
    meta = meta_of(redemption.grant.client_id, redemption.grant.sub)
    try:
        return await handle(ledger, AUTHORIZATION, stream, command, meta, receipt=receipt, loaded=redemption.past)
    except Contradiction as fault:
        raise Gone from fault


async def refuse_as_used(redemption: Redemption, handled: Handled) -> NoReturn:
    """The code or refresh token was used before, was revoked or has expired. Tokens that this request revoked are inactive here before
    the response is sent. Raises Gone.
    """
    await redemption.request.resources.lookup.reach(handled.position or 0)
    raise Gone


def access_token_claims(redemption: Redemption) -> Claims:
    """The claims of the access token (RFC 9068 section 2.2). Its scope is what the user allowed and the client may still have."""
    settings = redemption.request.resources.settings
    issued_at = int(utc_now().timestamp())
    may_have, target = (*IDENTITY, *redemption.target.scopes), redemption.target
    return Claims(
        iss=settings.issuer,
        sub=redemption.grant.sub,
        aud=target.audience,
        client_id=redemption.grant.client_id,
        scope=" ".join(scope for scope in redemption.grant.scope.split() if scope in may_have),
        iat=issued_at,
        exp=issued_at + target.lifetime(settings.token_lifetime),
        jti=new_id(),
        grant_id=redemption.token.authorization,
        cnf=redemption.cnf,
        restored=redemption.client.client.restored or UNSET,
    )


async def record_token(redemption: Redemption, claims: Claims) -> Signer:
    """Record the token and return the key to sign it with. The key is chosen once and recorded, because keys may rotate meanwhile.

    Raises a Refusal if the client or the user was disabled, or the authorization revoked, in the meantime.
    """
    request, grant = redemption.request, redemption.grant
    signer = request.resources.access_token_signer(redemption.client.client, redemption.target)
    token = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        authorization=redemption.token.authorization,
        audience=request.recorded_audience(claims.aud),
        cnf=claims.cnf or None,
        client_key=grant.client_key,
    )
    with span("append"):
        await request.resources.issuance.record(
            Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=token)
        )
    seen = await look_up_certain(request, redemption.presented)
    if seen is None or not seen.may_act or _is_of_former_life(redemption.authorized, seen):
        raise InvalidClient
    with span("load"):
        standing = await request.resources.authorizations.standing(redemption.token.authorization)
    # The first request succeeds even if a concurrent replay of the same code revoked the authorization. RFC 6749 section 4.1.2 then
    # revokes the tokens issued from the code, and this response contains such a token.
    if standing is None or not standing.active or (standing.state == "revoked" and standing.why != CODE_REPLAYED):
        raise Gone
    return signer


async def token_response(
    redemption: Redemption, claims: Claims, signer: Signer, refresh_token: str | None
) -> TokenResponse:
    access_token = await sign(signer, claims, await _claims_for_apis(redemption))
    return TokenResponse(
        access_token=access_token,
        token_type=claims.token_type,
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
        refresh_token=refresh_token or UNSET,
        id_token=await _id_token(redemption, claims, access_token) if OPENID in claims.scope.split() else UNSET,
    )


async def _claims_for_apis(redemption: Redemption) -> Mapping[str, Any]:
    """The claims about the user that these APIs still want, and that the user let them have. Raises Gone if the user was erased."""
    allowed = redemption.authorized.granted.access_token_claims or ()
    wanted = tuple(name for name in redemption.target.claims if name in allowed)
    return await _about_user(redemption, wanted)


async def _id_token(redemption: Redemption, claims: Claims, access_token: str) -> str:
    """Sign an ID token (OpenID Connect Core 1.0 section 2). After a refresh it is about the same login, without nonce (section 12.2)."""
    granted, login = redemption.authorized.granted, redemption.client.client.login
    assert login is not None
    about: dict[str, Any] = {
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": claims.client_id,
        "exp": claims.iat + ID_TOKEN_SECONDS,
        "iat": claims.iat,
        "auth_time": int(granted.auth_time.timestamp()),
        "acr": granted.acr,
        "amr": list(granted.amr),
        "sid": str(granted.session),
        "at_hash": at_hash(access_token),
        **await _user_claims(redemption, claims.scope.split()),
    }
    if granted.nonce is not None and redemption.request.form["grant_type"] == "authorization_code":
        about["nonce"] = granted.nonce
    return await sign_id_token(redemption.request.resources.signer(login.id_token_alg), about)


async def _user_claims(redemption: Redemption, scopes: list[str]) -> dict[str, Any]:
    """The user's claims: those of the scopes, unless the client has minimal ID tokens, and those of the `claims` parameter
    (section 5.5). Raises Gone if the user was erased.
    """
    login = redemption.client.client.login
    assert login is not None
    of_scopes = () if login.id_token_claims == "minimal" else claims_of(scopes)  # noqa: S105
    return await _about_user(redemption, (*of_scopes, *redemption.authorized.granted.id_token_claims))


async def _about_user(redemption: Redemption, wanted: Sequence[str]) -> dict[str, Any]:
    """Raises Gone if the user was erased."""
    if not wanted:
        return {}
    about = await redemption.request.resources.people.claims(redemption.authorized.granted.user, wanted)
    if about is None:
        raise Gone
    return about
