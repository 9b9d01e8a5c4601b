"""Tokens issued from a user's authorization: the access token, recorded before it is returned, and the ID token."""

from typing import Any

from msgspec import Struct

from events.authorization import Authorized, Revoked
from events.issuance import Issue, TokenIssued
from service.clock import utc_now
from service.commands.authorization import CODE_REPLAYED as REPLAYED
from service.crypto.credentials import new_id
from service.grants.client_authentication import credentials_or_none, look_up_certain
from service.grants.redemption import Redemption, check_user_is_active, load
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


def access_token_claims(redemption: Redemption) -> Claims:
    """The claims of the access token (RFC 9068 section 2.2). Its scope is what the user allowed and the client may still have."""
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
        grant_id=redemption.token.authorization,
    )


async def record_token(redemption: Redemption, claims: Claims) -> Signer:
    """Record the token and return the key to sign it with. The key is chosen once and recorded, because keys may rotate meanwhile.

    Raises a Refusal if the client or the user was disabled, or the authorization revoked, in the meantime.
    """
    request, grant = redemption.request, redemption.grant
    signer = request.resources.access_token_signer(redemption.client.client)
    token = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        authorization=redemption.token.authorization,
    )
    await request.resources.issuance.record(
        Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=token)
    )
    seen = await look_up_certain(request, credentials_or_none(request))
    if seen is None or not seen.may_act:
        raise InvalidClient
    authorization = await load(request, redemption.token.authorization)
    # The first request succeeds even if a concurrent replay of the same code revoked the authorization. RFC 6749 section 4.1.2 then
    # revokes the tokens issued from the code, and this response contains such a token.
    if not (
        isinstance(authorization, Authorized) or (isinstance(authorization, Revoked) and authorization.why == REPLAYED)
    ):
        raise Gone
    await check_user_is_active(redemption)
    return signer


async def token_response(
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
    """Sign an ID token (OpenID Connect Core 1.0 section 2). After a refresh it is about the same login, without nonce (section 12.2)."""
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
        **await _user_claims(redemption, claims.scope.split()),
    }
    if granted.nonce is not None and redemption.request.form["grant_type"] == "authorization_code":
        about["nonce"] = granted.nonce
    return await id_tokens.sign(redemption.request.resources.signer(login.id_token_alg), about)


async def _user_claims(redemption: Redemption, scopes: list[str]) -> dict[str, Any]:
    """The user's claims: those of the scopes, unless the client has minimal ID tokens, and those of the `claims` parameter
    (section 5.5). Raises Gone if the user was erased.
    """
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
