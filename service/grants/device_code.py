"""grant_type=urn:ietf:params:oauth:grant-type:device_code (RFC 8628 section 3.4): a device asks whether its user has answered.

A request before the answer costs three short reads and one write of no event. After an approval, the device code is the code of an
ordinary authorization.
"""

from hmac import compare_digest

from events.device_authorization import Approved, Denied, NotRequested, Waiting
from service.clock import utc_now
from service.commands.handle import DEVICE_AUTHORIZATION, state_of
from service.crypto import opaque_tokens
from service.crypto.opaque_tokens import OpaqueToken
from service.grants.authorization_code import issue_tokens
from service.grants.device_approval import redeemable_until
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import check_request
from service.oauth.authlib_grants import DeviceCode
from service.tracing.spans import span


async def redeem(request: OAuthRequest) -> bytes:
    """Return the JSON body of the token response (RFC 6749 section 5.1). Raises a Refusal."""
    presented = opaque_tokens.parsed(opaque_tokens.DEVICE_CODE, request.form.get("device_code"))
    state = None if presented is None else await _state(request, presented)
    if presented is None or state is None:
        return await issue_tokens(await check_request(request, None))
    token = presented.__replace__(authorization=state.authorization) if isinstance(state, Approved) else None
    return await issue_tokens(await check_request(request, token, await _facts(request, presented, state)))


async def _state(request: OAuthRequest, presented: OpaqueToken) -> Waiting | Approved | Denied | None:
    """Return None if this server did not issue the device code."""
    state = await state_of(request.resources.ledger, DEVICE_AUTHORIZATION, presented.authorization)
    if isinstance(state, NotRequested) or not compare_digest(state.requested.hash, presented.hash):
        return None
    return state


async def _facts(request: OAuthRequest, presented: OpaqueToken, state: Waiting | Approved | Denied) -> DeviceCode:
    now, requested, early = utc_now(), state.requested, False
    if isinstance(state, Waiting) and now < requested.expires_at:
        with span("load"):
            early = await request.resources.waiting_devices.asks_too_early(presented.authorization)
    return DeviceCode(
        client=requested.client,
        expires_at=redeemable_until(requested) if isinstance(state, Approved) else requested.expires_at,
        now=now,
        approved=None if isinstance(state, Waiting) else isinstance(state, Approved),
        early=early,
    )
