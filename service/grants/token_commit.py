"""The commit of an exchange: the event that uses the code or refresh token up, and the record of the access token, are one transaction.

It takes place only if nothing happened meanwhile to what was decided from: the authorization, its client and bot, and its user.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn
from uuid import UUID

from events.append_with_tokens import Token
from events.authorization import token_named
from events.ids import bot_stream
from events.issuance import Issue, TokenIssued
from events.log import Receipt
from service.clock import utc_now
from service.commands.authorization import RedeemCode, RotateRefreshToken
from service.commands.handle import ATTEMPTS, AUTHORIZATION, CarriedOutBefore, Handled, Overtaken, handle
from service.crypto.opaque_tokens import OpaqueToken
from service.grants.client_authentication import authenticated, look_up_certain
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import Redemption, check_request, meta_of
from service.grants.redemption_view import active_user, is_of_former_life, known_after, loaded_from, whole
from service.oauth.errors import Gone, InvalidClient
from service.oauth.signing import Signer
from service.oauth.tokens import Claims
from service.refusals import Contradiction


class Outdated(Exception):
    """Something happened that this process had not heard of, so what the token says may be wrong: nothing was committed."""


async def issued(
    request: OAuthRequest, token: OpaqueToken | None, issue: Callable[[Redemption], Awaitable[bytes]]
) -> bytes:
    """Return what is issued from the checked request; checked again from what is certain, if the commit found that out of date."""
    redemption = await check_request(request, token)
    try:
        return await issue(redemption)
    except Outdated:
        return await issue(await check_request(request, token, outdated=redemption))


def record_of(redemption: Redemption, claims: Claims, signer: Signer) -> Issue:
    """The record of the access token."""
    grant = redemption.grant
    token = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        authorization=redemption.token.authorization,
        audience=redemption.request.recorded_audience(claims.aud),
        cnf=claims.cnf or None,
        client_key=grant.client_key,
    )
    return Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=token)


async def commit(
    redemption: Redemption, command: RedeemCode | RotateRefreshToken, issue: Issue, receipt: Receipt | None = None
) -> None:
    """Use the code or refresh token up, and record the token. If something overtook that meanwhile, it is read and decided again.

    Raises a Refusal if the client or the user was disabled, or the authorization revoked, in the meantime; Gone if the code or refresh
    token was used before, has expired, or if the stream is full; CarriedOutBefore; Outdated if it was not decided from what is certain.
    """
    for _ in range(ATTEMPTS):
        token = Token(issue=issue, streams=tuple(_decided_from(redemption)), since=redemption.since)
        try:
            handled = await _carry_out(redemption, command, token, receipt)
        except (Overtaken, CarriedOutBefore) as fault:
            if not redemption.is_certain:
                raise Outdated from fault
            if isinstance(fault, CarriedOutBefore):
                raise
            redemption = await _as_it_is_now(redemption)
            continue
        if not any(token_named(event) == issue.jti for event in handled.events):
            await _refuse_as_used(redemption, handled)
        _remember(redemption, handled)
        return
    raise Gone


def _remember(redemption: Redemption, handled: Handled) -> None:
    """The next exchange is decided from what is known now, unless the log lost history since that was read."""
    resources = redemption.request.resources
    if redemption.epoch != resources.lookup.epoch:
        return
    known = known_after(redemption.past, redemption.user, handled)
    resources.authorizations.known.keep(redemption.token.authorization, known)


async def refuse_replay(redemption: Redemption, command: RotateRefreshToken) -> NoReturn:
    """Carry out a command that issues nothing. Raises Gone."""
    await _refuse_as_used(redemption, await _carry_out(redemption, command, None, None))


async def _carry_out(
    redemption: Redemption, command: RedeemCode | RotateRefreshToken, token: Token | None, receipt: Receipt | None
) -> Handled:
    """Raises Gone if the stream of the authorization is full: the user then has to authorize again."""
    ledger, stream = redemption.request.resources.ledger, redemption.token.authorization
    meta, past = meta_of(redemption.grant.client_id, redemption.grant.sub), redemption.past
    try:
        return await handle(
            ledger, AUTHORIZATION, stream, command, meta, receipt=receipt, loaded=past, decided_from=token
        )
    except Contradiction as fault:
        raise Gone from fault


def _decided_from(redemption: Redemption) -> Iterator[UUID]:
    """The streams besides that of the authorization, whose version is expected anyway."""
    client = redemption.client.client
    yield client.stream_id
    yield redemption.user.stream_id
    bot = client.bot_user_id and bot_stream(client.bot_user_id)
    if bot:
        yield bot


async def _as_it_is_now(redemption: Redemption) -> Redemption:
    """Raises InvalidClient if the client was stopped, or what it authenticated with was taken from it; Gone if the user was stopped."""
    request = redemption.request
    seen = await look_up_certain(request, redemption.presented)
    client = authenticated(redemption.presented, seen, utc_now())
    if seen is None or not seen.may_act or client is None or is_of_former_life(redemption.authorized, seen):
        raise InvalidClient
    epoch = request.resources.lookup.epoch
    past = (await whole(request, redemption.token)).past
    return redemption.__replace__(
        past=loaded_from(past), user=active_user(past), client=seen, since=seen.position, epoch=epoch
    )


async def _refuse_as_used(redemption: Redemption, handled: Handled) -> NoReturn:
    """The code or refresh token was used before, was revoked or has expired. Tokens that this request revoked are inactive here before
    the response is sent. Raises Gone.
    """
    await redemption.request.resources.lookup.reach(handled.position or 0)
    raise Gone
