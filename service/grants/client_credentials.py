"""grant_type=client_credentials (RFC 6749 section 4.4): load, let Authlib decide, record, and only then sign and answer."""

from datetime import datetime

from msgspec import Struct, json

from events.issuance import Issue, TokenIssued
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.grants.client_authentication import certainly, count_failure, look_up, presented_or_none
from service.grants.oauth_request import OAuthRequest
from service.lookup import Seen
from service.oauth.authentication import Presented
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import InvalidClient, InvalidTarget, Refusal
from service.oauth.parameters import NO_RESOURCE, is_resource
from service.oauth.signing import Signer
from service.oauth.tokens import Claims, sign


class TokenResponse(Struct, frozen=True, kw_only=True):
    """RFC 6749 section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int
    scope: str


async def issue(request: OAuthRequest) -> bytes:
    given = presented_or_none(request)
    seen = await look_up(request, given)
    while True:
        claims, signer, grant, seen = await _decided(request, given, seen)
        told = TokenIssued(sub=claims.sub, scope=claims.scope, kid=signer.kid, exp=claims.exp, address=request.address)
        issued = await request.resources.issuance.record(
            Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=told)
        )
        if issued.head <= seen.position:
            break
        # Something happened between the position this was decided from and its commit: it may have happened to this client.
        await request.resources.lookup.reach(issued.head)
        before, seen = seen, await look_up(request, given)
        if _same(before, seen):
            break
    return json.encode(
        TokenResponse(access_token=await sign(signer, claims), expires_in=claims.exp - claims.iat, scope=claims.scope)
    )


async def _decided(
    request: OAuthRequest, given: Presented | None, seen: Seen | None
) -> tuple[Claims, Signer, TokenGrant, Seen]:
    """What the token will say, the key that will sign it, why it may be issued, and what that was decided from."""
    settings = request.resources.settings
    grant, seen, now = await _granted(request, given, seen)
    signer = request.resources.access_token_signer(seen.client)
    issued_at = int(now.timestamp())
    claims = Claims(
        iss=settings.issuer,
        sub=grant.sub,
        aud=_audience(request),
        client_id=grant.client_id,
        scope=grant.scope,
        iat=issued_at,
        exp=issued_at + settings.token_lifetime,
        jti=new_id(),
    )
    return claims, signer, grant, seen


def _audience(request: OAuthRequest) -> str:
    """The resource that the token is for (RFC 8707 section 2.2), where the client names one. Raises Refused."""
    resource = request.form.get("resource")
    if resource is None:
        return request.resources.settings.audience
    if not is_resource(resource, request.resources.settings.insecure_http_hosts):
        raise InvalidTarget(NO_RESOURCE)
    return resource


async def _granted(
    request: OAuthRequest, given: Presented | None, seen: Seen | None
) -> tuple[TokenGrant, Seen, datetime]:
    """Authlib's decision. What it refuses from cached facts is decided once more from certain ones."""
    try:
        return _decide(request, given, seen)
    except Refusal:
        certain = await certainly(request, given)
        try:
            return _decide(request, given, certain)
        except InvalidClient:
            await count_failure(request, given, certain)
            raise


def _decide(request: OAuthRequest, given: Presented | None, seen: Seen | None) -> tuple[TokenGrant, Seen, datetime]:
    now = utc_now()
    grant = decide(Facts(issuer=request.resources.settings.issuer, given=given, found=seen, now=now), request.form)
    assert seen is not None
    return grant, seen, now


def _same(before: Seen | None, after: Seen | None) -> bool:
    return (
        before is not None
        and after is not None
        and (before.client, before.bot_state) == (after.client, after.bot_state)
    )
