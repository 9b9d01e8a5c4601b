"""POST /openid/revoke (RFC 7009): a client gives a token back. It is an event on the token's own stream, its jti."""

from datetime import UTC, datetime

from events.envelope import ByClient, Meta
from service.commands.access_token import RevokeToken
from service.commands.handle import ACCESS_TOKEN, handle
from service.credentials import new_id
from service.endpoints.oauth import Asked, authenticated, required
from service.oauth.errors import InvalidGrant
from service.oauth.server import utc_now
from service.oauth.tokens import LEEWAY_SECONDS, BadToken


async def revoke(asked: Asked) -> bytes:
    """A token that is not alive is as good as revoked: 200 all the same (section 2.2). Raises a Refusal."""
    client = (await authenticated(asked)).client
    token = required(asked.form, "token")
    try:
        claims = asked.resources.tokens.verify(token, for_us=False)
    except BadToken:
        return b"{}"
    if claims.client_id != client.client_id:
        raise InvalidGrant("This token was issued to another client.")
    # Kept for as long as the token might be taken for good, which is a little longer than it says.
    expires_at = datetime.fromtimestamp(claims.exp + LEEWAY_SECONDS, UTC)
    command = RevokeToken(client_id=client.client_id, expires_at=expires_at, at=utc_now())
    actor = ByClient(client_id=client.client_id, sub=claims.sub)
    meta = Meta(actor=actor, request_id=str(new_id()), address=asked.address)
    handled = await handle(asked.resources.ledger, ACCESS_TOKEN, claims.jti, command, meta)
    if handled.position is not None:
        await asked.resources.lookup.reach(handled.position)
    return b"{}"
