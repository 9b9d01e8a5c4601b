"""grant_type=authorization_code (RFC 6749 section 4.1.3): a code is redeemed, once, for tokens of a person's authorization.

Authlib decides from what does not change (which client, which redirect URI, which verifier), and then
`commands.authorization.decide` from what does (redeemed, revoked, expired), in one place for all requests that come at once.
"""

from datetime import datetime, timedelta

from msgspec import json

from events.authorization import CodeRedeemed
from service.clock import utc_now
from service.commands.authorization import NewRefreshToken, RedeemCode
from service.crypto.credentials import Secret, hash_secret
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import Redemption, admitted, carry_out, refuse_as_used
from service.grants.user_tokens import answered, claims_of, recorded
from service.oauth import opaque_tokens
from service.values.scopes import OFFLINE_ACCESS

REFRESH_FOR = timedelta(days=30)
"""How long a person's consent lasts for a client that refreshes; after that it asks them again. Rotation does not lengthen it."""


async def redeem(request: OAuthRequest) -> bytes:
    """The body of the token response. Raises a Refusal."""
    redemption = await admitted(request, opaque_tokens.parsed(opaque_tokens.CODE, request.form.get("code")))
    now, claims, refresh_token = utc_now(), claims_of(redemption), _refresh_token(redemption)
    handled = await carry_out(redemption, RedeemCode(jti=claims.jti, refresh=_stored(refresh_token, now), at=now))
    if not any(isinstance(event, CodeRedeemed) for event in handled.events):
        await refuse_as_used(redemption, handled)
    signer = await recorded(redemption, claims)
    return json.encode(await answered(redemption, claims, signer, refresh_token and refresh_token.reveal()))


def _refresh_token(redemption: Redemption) -> Secret | None:
    """OpenID Connect Core 1.0 section 11: with the scope offline_access."""
    if OFFLINE_ACCESS not in redemption.authorized.granted.scopes:
        return None
    return opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, redemption.ticket.authorization)


def _stored(refresh_token: Secret | None, now: datetime) -> NewRefreshToken | None:
    if refresh_token is None:
        return None
    return NewRefreshToken(hash=hash_secret(refresh_token.reveal()), expires_at=now + REFRESH_FOR)
