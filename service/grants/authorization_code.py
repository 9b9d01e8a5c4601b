"""grant_type=authorization_code (RFC 6749 section 4.1.3): exchange an authorization code, once, for tokens.

Authlib checks what does not change: the client, the redirect URI and the code verifier. Then `commands.authorization.decide`
checks what does change (redeemed, revoked, expired), in one place for all concurrent requests.
"""

from datetime import datetime, timedelta

from msgspec import UNSET, json

from projections.clients import Row
from service.clock import utc_now
from service.commands.authorization import NewRefreshToken, RedeemCode
from service.crypto import opaque_tokens
from service.crypto.credentials import Secret, hash_secret
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import Redemption
from service.grants.token_commit import commit, issued, record_of
from service.grants.token_response import access_token_claims, access_token_signer, token_response
from service.oauth.client_metadata import REFRESH
from service.values.scopes import OFFLINE_ACCESS

REFRESH_FOR = timedelta(days=30)
"""The lifetime of a refresh token, from the redemption of the code. Rotation does not extend it: the user then has to authorize again."""


async def redeem(request: OAuthRequest) -> bytes:
    """Return the JSON body of the token response (RFC 6749 section 5.1). Raises a Refusal."""
    return await issued(request, opaque_tokens.parsed(opaque_tokens.CODE, request.form.get("code")), issue_tokens)


async def issue_tokens(redemption: Redemption) -> bytes:
    """Redeem the code and return the token response. Raises a Refusal."""
    now, claims, refresh_token = utc_now(), access_token_claims(redemption), _refresh_token(redemption)
    signer = access_token_signer(redemption)
    command = RedeemCode(jti=claims.jti, refresh=_stored(refresh_token, redemption, now), at=now)
    await commit(redemption, command, record_of(redemption, claims, signer))
    return json.encode(token_response(redemption, claims, signer, refresh_token and refresh_token.reveal()))


def _refresh_token(redemption: Redemption) -> Secret | None:
    """Make a refresh token if the scope offline_access was granted (OpenID Connect Core 1.0 section 11).

    A client whose own metadata says that it uses refresh tokens gets one without that scope, too, as MCP clients expect. It ends with the
    session of the user, as every authorization without offline_access does.
    """
    if OFFLINE_ACCESS not in redemption.authorized.granted.scopes and not _says_that_it_refreshes(
        redemption.client.client
    ):
        return None
    return opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, redemption.token.authorization)


def _says_that_it_refreshes(client: Row) -> bool:
    source = client.self_registered
    return source is not None and REFRESH in source.about.grant_types


def _stored(refresh_token: Secret | None, redemption: Redemption, now: datetime) -> NewRefreshToken | None:
    """A public client's refresh token is bound to the key of its proof. Others are bound by client authentication (RFC 9449 section 5)."""
    if refresh_token is None:
        return None
    jkt = redemption.cnf.jkt if redemption.cnf and redemption.client.client.public else UNSET
    return NewRefreshToken(hash=hash_secret(refresh_token.reveal()), expires_at=now + REFRESH_FOR, jkt=jkt)
