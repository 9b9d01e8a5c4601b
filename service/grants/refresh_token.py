"""grant_type=refresh_token (RFC 6749 section 6): exchange a refresh token, once, for an access token and the next refresh token.

A confidential client whose tokens are all bound to a key keeps its refresh token: it is good for nobody else, and a lost response must
not end an authorization (FAPI 2.0 Security Profile section 5.3.2.1).
"""

from hmac import compare_digest
from typing import NoReturn

from msgspec import json

from service.clock import utc_now
from service.commands.authorization import MOST_REFRESHES, RotateRefreshToken, is_used_up, may_have_been_lost
from service.commands.handle import CarriedOutBefore
from service.crypto import opaque_tokens
from service.crypto.credentials import hash_secret, new_id
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import Redemption
from service.grants.token_commit import commit, issued, record_of, refuse_replay
from service.grants.token_response import access_token_claims, access_token_signer, token_response
from service.idempotency import IdempotentRequest, StoredAnswer
from service.oauth.errors import Gone, RefreshedTooOften
from service.problems import Clash


async def exchange(request: OAuthRequest) -> bytes:
    """Return the JSON body of the token response (RFC 6749 section 5.1). Raises a Refusal.

    The response is kept for a short time, sealed under the refresh token itself. A client that did not receive it can send the same
    refresh token again and gets the same response.
    """
    text = request.form.get("refresh_token", "")
    return await issued(request, opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, text), _exchanged)


async def _exchanged(redemption: Redemption) -> bytes:
    request, text = redemption.request, redemption.request.form["refresh_token"]
    if not _is_current(redemption):
        if may_have_been_lost(redemption.token.hash, redemption.authorized, utc_now()):
            return await _repeated(request, text)
        await _refuse_replay(redemption)
    if is_used_up(redemption.authorized):  # before a token is recorded
        raise RefreshedTooOften(MOST_REFRESHES)
    if _keeps_it(redemption):
        return await _keep(redemption, text)
    following = opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, redemption.token.authorization)
    claims, signer = access_token_claims(redemption), access_token_signer(redemption)
    answer = json.encode(token_response(redemption, claims, signer, following.reveal()))
    command = RotateRefreshToken(
        presented=redemption.token.hash, next=hash_secret(following.reveal()), jti=claims.jti, at=utc_now()
    )
    receipt = _idempotent(request, text).receipt(StoredAnswer(status=200, location="", body=answer))
    try:
        await commit(redemption, command, record_of(redemption, claims, signer), receipt)
    except CarriedOutBefore:
        return await _repeated(request, text)
    return answer


async def _keep(redemption: Redemption, text: str) -> bytes:
    claims, signer = access_token_claims(redemption), access_token_signer(redemption)
    presented = redemption.token.hash
    command = RotateRefreshToken(presented=presented, next=presented, jti=claims.jti, at=utc_now())
    await commit(redemption, command, record_of(redemption, claims, signer))
    return json.encode(token_response(redemption, claims, signer, text))


async def _refuse_replay(redemption: Redemption) -> NoReturn:
    """The refresh token was exchanged before, too long ago for a retry: every token issued from the authorization is revoked
    (RFC 9700 section 4.14.2).
    """
    command = RotateRefreshToken(presented=redemption.token.hash, next="", jti=new_id(), at=utc_now())
    await refuse_replay(redemption, command)


async def _repeated(request: OAuthRequest, text: str) -> bytes:
    try:
        first = await request.resources.idempotency.first_answer(_idempotent(request, text))
    except Clash as fault:  # the response was sealed under a master key that this server no longer has
        raise Gone from fault
    if first is None:
        raise Gone
    return first[0].body


def _idempotent(request: OAuthRequest, text: str) -> IdempotentRequest:
    """The idempotency key of this exchange: the refresh token itself."""
    return request.resources.idempotency.asked(text, caller="refresh", path="/openid/token", body=b"")


def _keeps_it(redemption: Redemption) -> bool:
    client = redemption.client.client
    return client.security.dpop_bound_access_tokens and not client.public


def _is_current(redemption: Redemption) -> bool:
    refresh = redemption.authorized.refresh
    return refresh is not None and compare_digest(refresh.hash, redemption.token.hash)
