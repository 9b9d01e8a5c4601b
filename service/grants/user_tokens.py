"""The tokens that a person's yes comes to: the access token, recorded before it leaves, and the ID token beside it."""

from typing import Any

from msgspec import Struct

from events.authorization import Authorized, Revoked
from events.issuance import Issue, TokenIssued
from service.clock import utc_now
from service.commands.authorization import CODE_REPLAYED as REPLAYED
from service.crypto.credentials import new_id
from service.grants.client_authentication import certainly, presented_or_none
from service.grants.redemption import Redemption, load, person_is_there
from service.oauth import id_tokens
from service.oauth.claims import of_scopes as claims_of_scopes
from service.oauth.errors import Gone, InvalidClient
from service.oauth.signing import Signer
from service.oauth.tokens import Claims, sign
from service.people.claims import claims_about
from service.values.scopes import IDENTITY, OPENID


class UserTokenResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str | None = None
    id_token: str | None = None


def claims_of(redemption: Redemption) -> Claims:
    """What the access token says. Of the scopes that the person allowed, those that the client may still have."""
    settings, granted = redemption.request.resources.settings, redemption.authorized.granted
    issued_at = int(utc_now().timestamp())
    may_have = (*IDENTITY, *redemption.client.client.scopes)
    return Claims(
        iss=settings.issuer,
        sub=redemption.grant.sub,
        aud=granted.resource or settings.audience,
        client_id=redemption.grant.client_id,
        scope=" ".join(scope for scope in redemption.grant.scope.split() if scope in may_have),
        iat=issued_at,
        exp=issued_at + settings.token_lifetime,
        jti=new_id(),
        grant_id=redemption.ticket.authorization,
    )


async def recorded(redemption: Redemption, claims: Claims) -> Signer:
    """The key that the token is to be signed with, once the issuance log has the token and that key: keys may rotate meanwhile.

    Raises a Refusal if the client, the person or the authorization was stopped meanwhile.
    """
    request, grant = redemption.request, redemption.grant
    signer = request.resources.access_token_signer(redemption.client.client)
    told = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        authorization=redemption.ticket.authorization,
    )
    await request.resources.issuance.record(Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=told))
    seen = await certainly(request, presented_or_none(request))
    if seen is None or not seen.may_act:
        raise InvalidClient
    authorization = await load(request, redemption.ticket.authorization)
    # The one who was first is answered, even if another came at the same moment with the same code and had all of it revoked.
    if not (
        isinstance(authorization, Authorized) or (isinstance(authorization, Revoked) and authorization.why == REPLAYED)
    ):
        raise Gone
    await person_is_there(redemption)
    return signer


async def answered(
    redemption: Redemption, claims: Claims, signer: Signer, refresh_token: str | None
) -> UserTokenResponse:
    access_token = await sign(signer, claims)
    return UserTokenResponse(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
        refresh_token=refresh_token,
        id_token=await _id_token(redemption, claims, access_token) if OPENID in claims.scope.split() else None,
    )


async def _id_token(redemption: Redemption, claims: Claims, access_token: str) -> str:
    """OpenID Connect Core 1.0 section 2; after a refresh it is about the same login, without the nonce (section 12.2)."""
    granted, login = redemption.authorized.granted, redemption.client.client.login
    assert login is not None
    about: dict[str, Any] = {
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": claims.client_id,
        "exp": claims.iat + id_tokens.LIFETIME_SECONDS,
        "iat": claims.iat,
        "auth_time": int(granted.auth_time.timestamp()),
        "acr": granted.acr,
        "amr": list(granted.amr),
        "sid": str(granted.session),
        "at_hash": id_tokens.at_hash(access_token),
        **await _about_the_person(redemption, claims.scope.split()),
    }
    if granted.nonce is not None and redemption.request.form["grant_type"] == "authorization_code":
        about["nonce"] = granted.nonce
    return await id_tokens.sign(redemption.request.resources.signer(login.id_token_alg), about)


async def _about_the_person(redemption: Redemption, scopes: list[str]) -> dict[str, Any]:
    """The claims of the scopes, unless the client wants its ID tokens minimal, and those that the `claims` parameter asked for."""
    login = redemption.client.client.login
    assert login is not None
    of_scopes = () if login.id_token_claims == "minimal" else claims_of_scopes(scopes)  # noqa: S105
    wanted = (*of_scopes, *redemption.authorized.granted.id_token_claims)
    if not wanted:
        return {}
    about = await claims_about(redemption.request.resources.people, redemption.authorized.granted.user, wanted)
    if about is None:
        raise Gone
    return about
