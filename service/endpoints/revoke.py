"""POST /openid/revoke (RFC 7009): a client revokes its own token. The event goes to the token's own stream, named by its jti."""

from datetime import UTC, datetime
from hmac import compare_digest

from events.authorization import Authorized
from events.envelope import ByClient
from projections import clients
from service.clock import utc_now
from service.commands.access_token import RevokeToken
from service.commands.authorization import RevokeAuthorization
from service.commands.handle import ACCESS_TOKEN, AUTHORIZATION, handle, state_of
from service.configuration.settings import LEEWAY_SECONDS
from service.crypto import opaque_tokens
from service.crypto.opaque_tokens import OpaqueToken
from service.grants.client_authentication import authenticate_client
from service.grants.oauth_request import OAuthRequest, required
from service.oauth.errors import InvalidGrant
from service.oauth.tokens import BadToken
from service.request_id import envelope


async def revoke(request: OAuthRequest) -> bytes:
    """An invalid token gets a 200 too (section 2.2). Raises a Refusal."""
    client = (await authenticate_client(request, public=True)).client
    token = required(request.form, "token")
    if refresh_token := opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, token):
        return await _give_back(request, client, refresh_token)
    try:
        claims = request.resources.tokens.verify(token, for_us=False)
    except BadToken:
        return b"{}"
    if claims.client_id != client.client_id:
        raise InvalidGrant("This token was issued to another client.")
    # The revocation is kept while the token might still be accepted, which is a little longer than its exp.
    expires_at = datetime.fromtimestamp(claims.exp + LEEWAY_SECONDS, UTC)
    command = RevokeToken(client_id=client.client_id, expires_at=expires_at, at=utc_now())
    actor = ByClient(client_id=client.client_id, sub=claims.sub)
    address = request.address if claims.authorization is None else None  # otherwise it may be the user's own
    meta = envelope(actor, address=address)
    handled = await handle(request.resources.ledger, ACCESS_TOKEN, claims.jti, command, meta)
    if handled.position is not None:
        await request.resources.lookup.reach(handled.position)
    return b"{}"


async def _give_back(request: OAuthRequest, client: clients.Row, refresh_token: OpaqueToken) -> bytes:
    """Revoking a refresh token revokes every token issued from the same authorization (section 2.1)."""
    state = await state_of(request.resources.ledger, AUTHORIZATION, refresh_token.authorization)
    if not isinstance(state, Authorized) or state.refresh is None:
        return b"{}"
    if state.granted.client != client.stream_id:
        raise InvalidGrant("This token was issued to another client.")
    if (
        not compare_digest(state.refresh.hash, refresh_token.hash)
        and refresh_token.hash not in state.refresh.exchanged_ever()
    ):
        return b"{}"
    actor = ByClient(client_id=client.client_id, sub=str(state.granted.user))
    command = RevokeAuthorization(why="client", at=utc_now())
    meta = envelope(actor)
    handled = await handle(request.resources.ledger, AUTHORIZATION, refresh_token.authorization, command, meta)
    await request.resources.lookup.reach(handled.position or 0)
    return b"{}"
