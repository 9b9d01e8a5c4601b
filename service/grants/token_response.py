"""The tokens of an exchange of a code or refresh token: what they say, and the response with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from service.clock import utc_now
from service.crypto.credentials import new_id
from service.grants.oauth_request import TokenResponse
from service.grants.redemption import Redemption
from service.oauth.errors import Gone
from service.oauth.signing import Signer
from service.oauth.tokens import ID_TOKEN_SECONDS, Claims, at_hash, sign, sign_id_token
from service.values.claim_scopes import of_scopes as claims_of
from service.values.scopes import IDENTITY, OPENID


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
        scope=" ".join([scope for scope in redemption.grant.scope.split() if scope in may_have]),
        iat=issued_at,
        exp=issued_at + target.lifetime(settings.token_lifetime),
        jti=new_id(),
        grant_id=redemption.token.authorization,
        cnf=redemption.cnf,
        restored=redemption.client.client.restored or UNSET,
    )


def access_token_signer(redemption: Redemption) -> Signer:
    """The key to sign the access token with. It is chosen once and recorded, because keys may rotate meanwhile. Raises ServerAway."""
    return redemption.request.resources.access_token_signer(redemption.client.client, redemption.target)


def token_response(redemption: Redemption, claims: Claims, signer: Signer, refresh_token: str | None) -> TokenResponse:
    access_token = sign(signer, claims, _claims_for_apis(redemption))
    return TokenResponse(
        access_token=access_token,
        token_type=claims.token_type,
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
        refresh_token=refresh_token or UNSET,
        id_token=_id_token(redemption, claims, access_token) if OPENID in claims.scope.split() else UNSET,
    )


def _claims_for_apis(redemption: Redemption) -> Mapping[str, Any]:
    """The claims about the user that these APIs still want, and that the user let them have. Raises Gone if the user was erased."""
    allowed = redemption.authorized.granted.access_token_claims or ()
    wanted = tuple(name for name in redemption.target.claims if name in allowed)
    return _about_user(redemption, wanted)


def _id_token(redemption: Redemption, claims: Claims, access_token: str) -> str:
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
        "sid": granted.session,
        "at_hash": at_hash(access_token),
        **_user_claims(redemption, tuple(claims.scope.split())),
    }
    if granted.nonce is not None and redemption.request.form["grant_type"] == "authorization_code":
        about["nonce"] = granted.nonce
    return sign_id_token(redemption.request.resources.signer(login.id_token_alg), about)


def _user_claims(redemption: Redemption, scopes: tuple[str, ...]) -> dict[str, Any]:
    """The user's claims: those of the scopes, unless the client has minimal ID tokens, and those of the `claims` parameter
    (section 5.5). Raises Gone if the user was erased.
    """
    login = redemption.client.client.login
    assert login is not None
    of_scopes = () if login.id_token_claims == "minimal" else claims_of(scopes)  # noqa: S105
    return _about_user(redemption, (*of_scopes, *redemption.authorized.granted.id_token_claims))


def _about_user(redemption: Redemption, wanted: Sequence[str]) -> dict[str, Any]:
    """Raises Gone if the user was erased."""
    if not wanted:
        return {}
    about = redemption.request.resources.people.claims_of(redemption.user, wanted)
    if about is None:
        raise Gone
    return about
