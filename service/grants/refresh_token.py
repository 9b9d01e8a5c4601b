"""grant_type=refresh_token (RFC 6749 section 6): a refresh token is exchanged, once, for an access token and the next one."""

from hmac import compare_digest
from typing import NoReturn

from msgspec import json

from events.authorization import RefreshTokenRotated
from service.clock import utc_now
from service.commands.authorization import RotateRefreshToken, may_have_been_lost
from service.commands.handle import CarriedOutBefore
from service.crypto.credentials import hash_secret, new_id
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import Redemption, admitted, carry_out, refuse_as_used
from service.grants.user_tokens import answered, claims_of, recorded
from service.idempotency import IdempotentRequest, StoredAnswer
from service.oauth import opaque_tokens
from service.oauth.errors import Gone
from service.problems import Clash


async def exchange(request: OAuthRequest) -> bytes:
    """The body of the token response. It is kept for a moment, sealed under the refresh token itself: a client that lost it on
    the way gets the same one again. Raises a Refusal.
    """
    text = request.form.get("refresh_token", "")
    redemption = await admitted(request, opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, text))
    if may_have_been_lost(redemption.ticket.hash, redemption.authorized, utc_now()):
        return await _repeated(request, text)
    if not _is_present(redemption):
        await _refuse_replay(redemption)
    following = opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, redemption.ticket.authorization)
    claims = claims_of(redemption)
    signer = await recorded(redemption, claims)
    answer = json.encode(await answered(redemption, claims, signer, following.reveal()))
    command = RotateRefreshToken(
        presented=redemption.ticket.hash, next=hash_secret(following.reveal()), jti=claims.jti, at=utc_now()
    )
    try:
        handled = await carry_out(
            redemption, command, _idempotent(request, text).receipt(StoredAnswer(status=200, location="", body=answer))
        )
    except CarriedOutBefore:
        return await _repeated(request, text)
    if not any(isinstance(event, RefreshTokenRotated) for event in handled.events):
        await refuse_as_used(redemption, handled)
    return answer


async def _refuse_replay(redemption: Redemption) -> NoReturn:
    """It was exchanged before, longer ago than an answer takes, so every token issued from the authorization is revoked."""
    command = RotateRefreshToken(presented=redemption.ticket.hash, next="", jti=new_id(), at=utc_now())
    await refuse_as_used(redemption, await carry_out(redemption, command))


async def _repeated(request: OAuthRequest, text: str) -> bytes:
    try:
        first = await request.resources.idempotency.first_answer(_idempotent(request, text))
    except Clash as fault:  # it was sealed under a master key that is no more
        raise Gone from fault
    if first is None:
        raise Gone
    return first[0].body


def _idempotent(request: OAuthRequest, text: str) -> IdempotentRequest:
    """The exchange of this refresh token as a command that is carried out once."""
    once = request.resources.idempotency.asked(text, caller="refresh", path="/openid/token", body=b"")
    assert once is not None
    return once


def _is_present(redemption: Redemption) -> bool:
    refresh = redemption.authorized.refresh
    return refresh is not None and compare_digest(refresh.hash, redemption.ticket.hash)
