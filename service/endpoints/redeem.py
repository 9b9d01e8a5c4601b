"""POST /openid/token for what a person allowed: a code is redeemed, a refresh token exchanged. Each is good once.

What comes of it is decided by Authlib from what does not change (which client, which redirect URI, which verifier) and then, in
one place for all who come at once, by `commands.authorization.decide` from what does (redeemed, exchanged, revoked, expired).
"""

from datetime import timedelta
from hmac import compare_digest

from msgspec import json

from events.authorization import CodeRedeemed, RefreshTokenRotated
from events.log import Receipt
from service.commands.authorization import (
    AuthorizationCommand,
    NewRefreshToken,
    RedeemCode,
    RotateRefreshToken,
    may_have_been_lost,
)
from service.commands.handle import AUTHORIZATION, CarriedOutBefore, Handled, handle
from service.credentials import hash_secret, new_id
from service.endpoints.oauth import Asked
from service.endpoints.persons_token import answered, claims_of, recorded
from service.endpoints.redemption import Redemption, admitted, meta_of
from service.idempotency import Answer
from service.idempotency import Asked as Once
from service.oauth import tickets
from service.oauth.errors import Gone
from service.oauth.server import utc_now
from service.problems import Clash
from service.scopes import OFFLINE_ACCESS

REFRESH_FOR = timedelta(days=30)
"""How long a person's yes lasts for a client that refreshes; after that it asks them again. Rotation does not lengthen it."""


async def redeem_code(asked: Asked) -> bytes:
    """Raises a Refusal."""
    redemption = await admitted(asked, tickets.read(tickets.CODE, asked.form.get("code")))
    granted = redemption.authorized.granted
    refresh = (
        tickets.make(tickets.REFRESH_TOKEN, redemption.ticket.authorization)
        if OFFLINE_ACCESS in granted.scopes
        else None
    )
    now, claims = utc_now(), claims_of(redemption)
    following = refresh and NewRefreshToken(hash=hash_secret(refresh.reveal()), expires_at=now + REFRESH_FOR)
    handled = await _happened(redemption, RedeemCode(jti=claims.jti, refresh=following, at=now))
    if not any(isinstance(event, CodeRedeemed) for event in handled.events):
        await asked.resources.lookup.reach(handled.position or 0)
        raise Gone
    signer = await recorded(redemption, claims)
    return json.encode(await answered(redemption, claims, signer, refresh and refresh.reveal()))


async def exchange_refresh_token(asked: Asked) -> bytes:
    """The answer is kept for a moment, sealed under the refresh token itself: who lost it on the way gets the same one again.

    Raises a Refusal.
    """
    text = asked.form.get("refresh_token", "")
    redemption = await admitted(asked, tickets.read(tickets.REFRESH_TOKEN, text))
    if may_have_been_lost(redemption.ticket.hash, redemption.authorized, utc_now()):
        return await _told_again(asked, text)
    if not _is_present(redemption):
        return await _replayed(redemption)
    following = tickets.make(tickets.REFRESH_TOKEN, redemption.ticket.authorization)
    claims = claims_of(redemption)
    signer = await recorded(redemption, claims)
    answer = json.encode(await answered(redemption, claims, signer, following.reveal()))
    command = RotateRefreshToken(
        presented=redemption.ticket.hash, next=hash_secret(following.reveal()), jti=claims.jti, at=utc_now()
    )
    try:
        handled = await _happened(
            redemption, command, _once(asked, text).receipt(Answer(status=200, location="", body=answer))
        )
    except CarriedOutBefore:
        return await _told_again(asked, text)
    if not any(isinstance(event, RefreshTokenRotated) for event in handled.events):
        await asked.resources.lookup.reach(handled.position or 0)
        raise Gone
    return answer


async def _replayed(redemption: Redemption) -> bytes:
    """It was exchanged before, longer ago than an answer takes: all that came of the authorization is revoked."""
    present = redemption.ticket.hash
    command = RotateRefreshToken(presented=present, next="", jti=new_id(), at=utc_now())
    handled = await _happened(redemption, command)
    await redemption.asked.resources.lookup.reach(handled.position or 0)
    raise Gone


async def _told_again(asked: Asked, text: str) -> bytes:
    try:
        first = await asked.resources.idempotency.first_answer(_once(asked, text))
    except Clash as fault:  # it was sealed under a master key that is no more
        raise Gone from fault
    if first is None:
        raise Gone
    return first[0].body


def _once(asked: Asked, text: str) -> Once:
    """The exchange of this refresh token as a command that is carried out once."""
    once = asked.resources.idempotency.asked(text, caller="refresh", path="/openid/token", body=b"")
    assert once is not None
    return once


def _is_present(redemption: Redemption) -> bool:
    refresh = redemption.authorized.refresh
    return refresh is not None and compare_digest(refresh.hash, redemption.ticket.hash)


async def _happened(redemption: Redemption, command: AuthorizationCommand, receipt: Receipt | None = None) -> Handled:
    """Raises Gone too for an authorization to which more has happened than a stream may hold: the person is asked again."""
    ledger, stream = redemption.asked.resources.ledger, redemption.ticket.authorization
    meta = meta_of(redemption.grant.client_id, redemption.grant.sub)
    try:
        return await handle(ledger, AUTHORIZATION, stream, command, meta, receipt=receipt)
    except Clash as fault:
        raise Gone from fault
